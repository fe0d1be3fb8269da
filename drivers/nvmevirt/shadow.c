/*
 * Shadow doorbells: the host leaves its values in memory and writes the real
 * doorbell only when EventIdx asks for it. A queue is looked at from the real
 * doorbell on until it is empty, and not a moment longer, so that a host that
 * saves one write too many is caught. The admin queue keeps its real doorbells.
 * Base 5.8, B.5.
 */
#include "internal.h"

static bool has_shadow(const struct nvmevirt *controller, uint16_t qid, bool completion,
                       uint32_t *offset)
{
    uint64_t stride = 4u << SPEC_GET(SPEC_CAP_DSTRD, controller->cap);
    uint64_t position = (2u * qid + completion) * stride;
    *offset = nvmevirt_low(position);
    return controller->shadow && qid && position < nvmevirt_page_size(controller);
}

static bool look(struct nvmevirt *controller, uint32_t offset, uint32_t *value)
{
    const void *memory =
        nvmevirt_dma(controller, controller->shadow + offset, 4, false, "shadow doorbell");
    if (!memory)
        return false;
    *value = __atomic_load_n((const uint32_t *)memory, __ATOMIC_ACQUIRE);
    return true;
}

static void ask_beyond(struct nvmevirt *controller, uint32_t offset, uint32_t value)
{
    void *memory = nvmevirt_dma(controller, controller->event_index + offset, 4, true, "EventIdx");
    if (memory)
        __atomic_store_n((uint32_t *)memory, value, __ATOMIC_SEQ_CST);
}

/* What the host has left since, if anything. */
static bool take(struct nvmevirt *controller, uint16_t qid, bool completion, uint32_t offset)
{
    uint32_t value;
    uint32_t known = completion ? controller->cqs[qid].head : controller->sqs[qid].tail;
    if (!look(controller, offset, &value) || value == known)
        return false;
    controller->counters.shadow++;
    if (completion)
        nvmevirt_ring_cq(controller, qid, value);
    else
        nvmevirt_ring_sq(controller, qid, value);
    return known != (completion ? controller->cqs[qid].head : controller->sqs[qid].tail);
}

void nvmevirt_shadow_begin(struct nvmevirt *controller, uint16_t qid, bool completion)
{
    uint32_t offset, value;
    uint32_t known = completion ? controller->cqs[qid].head : controller->sqs[qid].tail;
    if (!has_shadow(controller, qid, completion, &offset))
        return;
    if (look(controller, offset, &value) && value != known)
        nvmevirt_violation(controller, "queue %u begins at %u, its shadow at %u", (unsigned)qid,
                           known, value);
    ask_beyond(controller, offset, known);
}

bool nvmevirt_shadow_wake(struct nvmevirt *controller, uint16_t qid, bool completion,
                          uint32_t value)
{
    uint32_t offset, shadow;
    if (!has_shadow(controller, qid, completion, &offset))
        return false;
    if (look(controller, offset, &shadow) && shadow != value)
        nvmevirt_violation(controller, "doorbell of queue %u: %u written, its shadow is %u",
                           (unsigned)qid, value, shadow);
    if (completion) {
        controller->counters.cq_doorbells++;
        controller->cqs[qid].asked = false;
        take(controller, qid, true, offset);
    } else {
        controller->counters.sq_doorbells++;
        controller->sqs[qid].awake = true;
    }
    return true;
}

/* The value may have moved between the last look and asking for a doorbell: so look again. */
static bool look_at_queue(struct nvmevirt *controller, uint16_t qid)
{
    struct nvmevirt_sq *queue = &controller->sqs[qid];
    uint32_t offset;
    if (!queue->exists || !queue->awake || !has_shadow(controller, qid, false, &offset))
        return false;
    if (take(controller, qid, false, offset))
        return true;
    if (queue->head != queue->tail)
        return false;
    ask_beyond(controller, offset, queue->tail);
    if (take(controller, qid, false, offset))
        return true;
    queue->awake = false;
    return false;
}

bool nvmevirt_shadow_look(struct nvmevirt *controller)
{
    bool any = false;
    for (unsigned q = 1; controller->shadow && q <= controller->config.queue_pairs; q++)
        any |= look_at_queue(controller, (uint16_t)q);
    return any;
}

void nvmevirt_shadow_heads(struct nvmevirt *controller)
{
    uint32_t offset;
    for (unsigned q = 1; controller->shadow && q <= controller->config.queue_pairs; q++) {
        if (controller->cqs[q].exists && has_shadow(controller, (uint16_t)q, true, &offset))
            take(controller, (uint16_t)q, true, offset);
    }
}

/* The completion queue is full: whatever the host has consumed meanwhile, or a doorbell for it. */
void nvmevirt_shadow_room(struct nvmevirt *controller, uint16_t cqid)
{
    struct nvmevirt_cq *queue = &controller->cqs[cqid];
    uint32_t offset;
    if (queue->asked || !has_shadow(controller, cqid, true, &offset) ||
        take(controller, cqid, true, offset))
        return;
    ask_beyond(controller, offset, queue->head);
    queue->asked = !take(controller, cqid, true, offset);
}

uint16_t nvmevirt_shadow_config(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint64_t shadow = nvmevirt_dwords(command, SPEC_DW_PRP1);
    uint64_t event_index = nvmevirt_dwords(command, SPEC_DW_PRP2);
    uint32_t page = nvmevirt_page_size(controller);
    if (!shadow || !event_index || shadow == event_index) {
        nvmevirt_violation(controller, "Doorbell Buffer Config: not two buffers");
        return SPEC_INVALID_FIELD;
    }
    if ((shadow | event_index) & (page - 1)) {
        nvmevirt_violation(controller, "Doorbell Buffer Config: a buffer is not aligned to CC.MPS");
        return SPEC_INVALID_FIELD;
    }
    if (!nvmevirt_dma(controller, shadow, page, false, "shadow doorbells") ||
        !nvmevirt_dma(controller, event_index, page, true, "EventIdx"))
        return SPEC_DATA_TRANSFER_ERROR;
    controller->shadow = shadow;
    controller->event_index = event_index;
    for (unsigned q = 1; q <= controller->config.queue_pairs; q++) {
        if (controller->sqs[q].exists)
            nvmevirt_shadow_begin(controller, (uint16_t)q, false);
        if (controller->cqs[q].exists)
            nvmevirt_shadow_begin(controller, (uint16_t)q, true);
    }
    return SPEC_SUCCESS;
}
