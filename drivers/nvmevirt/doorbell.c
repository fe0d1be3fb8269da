/*
 * The doorbells: which queue, whether it is there, and whether the value says
 * something that the host can have done. PCIe Transport 3.1.2, Base 3.3.1.
 */
#include "internal.h"

static void reject(struct nvmevirt *controller, uint8_t information)
{
    nvmevirt_event(controller, SPEC_EVENT_ERROR, information, SPEC_LOG_ERROR);
}

/* Entries from `from` up to but not including `to`. */
static uint32_t distance(uint32_t from, uint32_t to, uint32_t size)
{
    return to >= from ? to - from : to + size - from;
}

void nvmevirt_ring_sq(struct nvmevirt *controller, uint16_t qid, uint32_t tail)
{
    struct nvmevirt_sq *queue = &controller->sqs[qid];
    if (SPEC_GET(SPEC_CC_SHN, controller->cc))
        nvmevirt_violation(controller, "commands submitted to queue %u after shutdown",
                           (unsigned)qid);
    if (tail >= queue->size) {
        nvmevirt_violation(controller, "submission queue %u: tail %u, size %u", (unsigned)qid, tail,
                           queue->size);
    } else if (tail == queue->tail) {
        nvmevirt_violation(controller, "submission queue %u: tail %u written again", (unsigned)qid,
                           tail);
    } else if (distance(queue->reported, queue->tail, queue->size) +
                   distance(queue->tail, tail, queue->size) >=
               queue->size) {
        nvmevirt_violation(controller, "submission queue %u: tail %u overruns head %u",
                           (unsigned)qid, tail, queue->reported);
    } else {
        queue->tail = tail;
        return;
    }
    reject(controller, SPEC_EVENT_INVALID_DOORBELL_VALUE);
}

void nvmevirt_ring_cq(struct nvmevirt *controller, uint16_t qid, uint32_t head)
{
    struct nvmevirt_cq *queue = &controller->cqs[qid];
    if (head >= queue->size) {
        nvmevirt_violation(controller, "completion queue %u: head %u, size %u", (unsigned)qid, head,
                           queue->size);
    } else if (head == queue->head) {
        nvmevirt_violation(controller, "completion queue %u: head %u written again", (unsigned)qid,
                           head);
    } else if (distance(queue->head, head, queue->size) >
               distance(queue->head, queue->tail, queue->size)) {
        nvmevirt_violation(controller, "completion queue %u: head %u beyond tail %u", (unsigned)qid,
                           head, queue->tail);
    } else {
        queue->head = head;
        return;
    }
    reject(controller, SPEC_EVENT_INVALID_DOORBELL_VALUE);
}

void nvmevirt_doorbell(struct nvmevirt *controller, uint32_t offset, uint32_t value)
{
    uint32_t stride = 4u << SPEC_GET(SPEC_CAP_DSTRD, controller->cap);
    uint32_t index = (offset - SPEC_DOORBELLS) / stride;
    uint32_t qid = index / 2;
    bool completion = index & 1;

    if (controller->fatal)
        return; /* the host cannot know yet */
    if (!(controller->cc & SPEC_CC_EN) || !controller->ready) {
        nvmevirt_violation(controller, "doorbell %x written while not ready", offset);
        return;
    }
    if ((offset - SPEC_DOORBELLS) % stride || qid > controller->config.queue_pairs ||
        !(completion ? controller->cqs[qid].exists : controller->sqs[qid].exists)) {
        nvmevirt_violation(controller, "doorbell %x belongs to no queue", offset);
        reject(controller, SPEC_EVENT_INVALID_DOORBELL);
        return;
    }
    if (nvmevirt_shadow_wake(controller, (uint16_t)qid, completion, value))
        return;
    if (completion) {
        controller->counters.cq_doorbells++;
        nvmevirt_ring_cq(controller, (uint16_t)qid, value);
    } else {
        controller->counters.sq_doorbells++;
        nvmevirt_ring_sq(controller, (uint16_t)qid, value);
    }
}
