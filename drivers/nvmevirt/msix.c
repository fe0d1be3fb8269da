/*
 * Interrupts: the MSI-X mask and pending bits, or the one pin with its mask
 * register. All that a poll has posted to a queue makes one message.
 */
#include "internal.h"

static void deliver(struct nvmevirt *controller, unsigned vector)
{
    controller->counters.interrupts++;
    controller->environment.interrupt(controller->environment.context, vector);
}

static void message(struct nvmevirt *controller, unsigned vector)
{
    if (controller->vectors[vector] & VECTOR_MASKED)
        controller->vectors[vector] |= VECTOR_PENDING;
    else
        deliver(controller, vector);
}

/* The pin is a level: it stays as long as any entry waits to be consumed. */
static void pin(struct nvmevirt *controller)
{
    bool asserted = false;
    nvmevirt_shadow_heads(controller);
    for (unsigned q = 0; q <= controller->config.queue_pairs; q++) {
        const struct nvmevirt_cq *queue = &controller->cqs[q];
        asserted |= queue->exists && queue->interrupts && queue->head != queue->tail;
    }
    if (asserted && !(controller->intms & 1))
        deliver(controller, 0);
}

void nvmevirt_interrupts(struct nvmevirt *controller)
{
    if (controller->mute)
        return;
    if (!controller->config.vectors) {
        pin(controller);
        return;
    }
    for (unsigned q = 0; q <= controller->config.queue_pairs; q++) {
        struct nvmevirt_cq *queue = &controller->cqs[q];
        if (queue->exists && queue->interrupts && queue->announce)
            message(controller, queue->vector);
        queue->announce = false;
    }
}

void nvmevirt_msix_reset(struct nvmevirt *controller)
{
    for (unsigned v = 0; v < controller->config.vectors; v++)
        controller->vectors[v] &= (uint8_t)~VECTOR_PENDING;
}

void nvmevirt_msix_mask(struct nvmevirt *controller, unsigned vector, bool masked)
{
    if (vector >= controller->config.vectors) {
        nvmevirt_violation(controller, "MSI-X vector %u does not exist", vector);
        return;
    }
    bool pending = nvmevirt_msix_pending(controller, vector);
    if (masked) {
        controller->vectors[vector] |= VECTOR_MASKED;
        return;
    }
    controller->vectors[vector] &= (uint8_t) ~(VECTOR_MASKED | VECTOR_PENDING);
    if (pending && !controller->mute && !controller->removed)
        deliver(controller, vector);
}

bool nvmevirt_msix_pending(const struct nvmevirt *controller, unsigned vector)
{
    return vector < controller->config.vectors && (controller->vectors[vector] & VECTOR_PENDING);
}
