/*
 * What happens when a command does not come back. One ladder, each step taken
 * only when the one before did not help:
 *
 *   1. look into the completion queues: interrupts do get lost;
 *   2. reset the controller, which ends everything in flight: the late request
 *      with NVME_ERR_TIMEOUT, the others with NVME_ERR_RESET;
 *   3. declare the controller dead: it is cut off from memory, and every
 *      request, now and later, ends with NVME_ERR_DEAD at once.
 *
 * A request is never completed while the device may still write into its
 * memory; that is why the controller is disabled first.
 */
#include "internal.h"

static bool is_late(const struct nvme_slot *slot, uint64_t now)
{
    return slot->request && slot->request->deadline <= now;
}

/* The earliest deadline of all that is in flight; UINT64_MAX if nothing is. */
static uint64_t earliest_deadline(struct nvme_controller *controller)
{
    uint64_t earliest = UINT64_MAX;
    struct nvme_queue *queue;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
        for (unsigned s = 0; nvme_queue_in_flight(queue) && s < queue->size; s++)
            if (queue->slots[s].request && queue->slots[s].request->deadline < earliest)
                earliest = queue->slots[s].request->deadline;
    return earliest;
}

/* Says which commands are late. */
static void report_late(struct nvme_controller *controller, uint64_t now)
{
    struct nvme_queue *queue;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
        for (unsigned s = 0; s < queue->size; s++) {
            if (!is_late(&queue->slots[s], now))
                continue;
            const struct nvme_command *command = &queue->slots[s].request->command;
            queue->counters.timeouts++;
            nvme_log(controller, NVME_LOG_ERROR,
                     "queue %u: no answer to command %04x, opcode %02xh, namespace %u, "
                     "LBA %llu, before its deadline",
                     queue->id, command->cid, command->opcode, command->nsid,
                     command->cdw10 | (unsigned long long)command->cdw11 << 32);
        }
}

static void finish_all(struct nvme_controller *controller, uint64_t now, int result)
{
    struct nvme_queue *queue;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++) {
        if (!queue->slots)
            continue;
        for (unsigned s = 0; s < queue->size; s++)
            if (queue->slots[s].request)
                nvme_queue_finish(queue, &queue->slots[s],
                                  is_late(&queue->slots[s], now) ? NVME_ERR_TIMEOUT : result);
    }
}

int nvme_halt(struct nvme_controller *controller)
{
    uint64_t now = nvme_now(controller);
    struct nvme_queue *queue;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
        queue->live = false;
    int error = nvme_disable(controller);
    if (error) {
        controller->state = NVME_DEAD;
        nvme_log(controller, NVME_LOG_ERROR, "the controller does not stop: it is given up");
        controller->at_large = !controller->host->isolate;
        if (controller->host->isolate)
            controller->host->isolate(controller->host->context);
    }
    finish_all(controller, now, error ? NVME_ERR_DEAD : NVME_ERR_RESET);
    return error ? NVME_ERR_DEAD : NVME_OK;
}

int nvme_reset(struct nvme_controller *controller)
{
    if (controller->state != NVME_LIVE)
        return NVME_ERR_DEAD;
    controller->state = NVME_RESETTING;
    controller->resets++;
    int error = nvme_halt(controller);
    if (!error)
        error = nvme_bring_up(controller);
    if (error) {
        if (controller->state != NVME_DEAD)
            nvme_halt(controller);
        controller->state = NVME_DEAD;
        nvme_log(controller, NVME_LOG_ERROR, "reset failed (%s): the controller is dead",
                 nvme_error_text(error));
        return NVME_ERR_DEAD;
    }
    controller->state = NVME_LIVE;
    nvme_log(controller, NVME_LOG_WARNING, "the controller was reset");
    return NVME_OK;
}

/* Steps 2 and 3. While the controller starts, resets or stops there is nothing to go back to. */
static void climb(struct nvme_controller *controller)
{
    if (controller->state == NVME_LIVE) {
        nvme_reset(controller);
    } else if (controller->state != NVME_DEAD) {
        nvme_halt(controller);
        controller->state = NVME_DEAD;
    }
}

/* Step 1: was it only the interrupt that got lost? */
static void look_again(struct nvme_controller *controller)
{
    struct nvme_queue *queue;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
        queue->counters.missed += nvme_reap(queue);
}

uint64_t nvme_check(struct nvme_controller *controller)
{
    uint64_t now = nvme_now(controller);
    if (now < controller->next_check || controller->state == NVME_DEAD)
        return controller->next_check;

    uint64_t earliest = earliest_deadline(controller);
    if (earliest != UINT64_MAX) {
        uint32_t csts = nvme_read32(controller, NVME_REG_CSTS);
        if (csts == NVME_REGISTER_GONE || (csts & NVME_CSTS_CFS)) {
            nvme_log(controller, NVME_LOG_ERROR,
                     csts == NVME_REGISTER_GONE ? "the controller is gone"
                                                : "the controller reports a fatal status");
            climb(controller);
        } else if (earliest <= now) {
            look_again(controller);
            if (earliest_deadline(controller) <= now) {
                report_late(controller, now);
                climb(controller);
            }
        }
        earliest = earliest_deadline(controller);
    }
    now = nvme_now(controller);
    controller->next_check = now + NVME_CHECK_INTERVAL_NS;
    if (earliest < controller->next_check)
        controller->next_check = earliest;
    return controller->next_check;
}
