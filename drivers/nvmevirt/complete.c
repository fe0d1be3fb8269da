/*
 * Posting completions: the entry, the order in which its parts become visible,
 * the phase tag, and all the ways in which a script makes it go wrong. Base 3.3.3.2.
 */
#include "internal.h"

static bool is_full(const struct nvmevirt_cq *queue)
{
    uint32_t next = queue->tail + 1 == queue->size ? 0 : queue->tail + 1;
    return next == queue->head;
}

static void advance(struct nvmevirt_cq *queue)
{
    if (++queue->tail == queue->size) {
        queue->tail = 0;
        queue->phase ^= 1;
    }
}

static void build(const struct nvmevirt *controller, const struct nvmevirt_command *command,
                  uint32_t entry[4])
{
    const struct nvmevirt_sq *sq = &controller->sqs[command->sqid];
    uint16_t sqid =
        nvmevirt_has_fault(command, NVMEVIRT_WRONG_SQID) ? command->fault_sqid : command->sqid;
    uint16_t cid =
        nvmevirt_has_fault(command, NVMEVIRT_WRONG_CID) ? command->fault_cid : command->cid;
    entry[0] =
        nvmevirt_has_fault(command, NVMEVIRT_RESULT) ? command->fault_result : command->result;
    entry[1] = command->result_high;
    entry[2] = sq->head | (uint32_t)sqid << 16;
    entry[3] =
        cid | (uint32_t)controller->cqs[sq->cqid].phase << 16 | (uint32_t)command->status << 17;
}

/* Only the phase tag: what else the entry holds is what it held before. */
static void tear(struct nvmevirt *controller, struct nvmevirt_command *command, uint64_t bus,
                 uint32_t *slot)
{
    build(controller, command, command->torn_entry);
    __atomic_store_n(&slot[3], (slot[3] & ~(1u << 16)) | (command->torn_entry[3] & (1u << 16)),
                     __ATOMIC_RELEASE);
    command->torn_bus = bus;
    command->due = nvmevirt_now(controller) + command->fault_torn;
    command->state = COMMAND_TORN;
}

void nvmevirt_post_rest(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    uint32_t *slot =
        nvmevirt_dma(controller, command->torn_bus, sizeof command->torn_entry, true, "CQE");
    command->state = COMMAND_FREE;
    if (slot)
        __builtin_memcpy(slot, command->torn_entry, sizeof command->torn_entry);
}

/* The dword with the phase tag comes last: what a host sees after it is complete. */
static void write_entry(const struct nvmevirt *controller, const struct nvmevirt_command *command,
                        uint32_t *slot)
{
    uint32_t entry[4];
    build(controller, command, entry);
    for (unsigned i = 0; i < 3; i++)
        __atomic_store_n(&slot[i], entry[i], __ATOMIC_RELAXED);
    __atomic_store_n(&slot[3], entry[3], __ATOMIC_RELEASE);
}

/* The command is over, and its identifier free, from the first completion on. */
static void release_identifier(struct nvmevirt_sq *queue, struct nvmevirt_command *command)
{
    if (!command->conflict)
        queue->busy[command->cid / 32] &= ~(1u << command->cid % 32);
    command->conflict = true; /* it may be another command's by the time of a duplicate */
}

bool nvmevirt_post(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    struct nvmevirt_sq *sq = &controller->sqs[command->sqid];
    struct nvmevirt_cq *cq = &controller->cqs[sq->cqid];
    uint64_t bus;

    if (nvmevirt_has_fault(command, NVMEVIRT_DROP)) {
        command->state = COMMAND_FREE; /* its identifier stays in use */
        return true;
    }
    if (is_full(cq))
        nvmevirt_shadow_room(controller, sq->cqid);
    if (is_full(cq))
        return false;
    uint32_t *slot = NULL;
    if (nvmevirt_cq_entry(controller, cq, cq->tail, &bus))
        slot = nvmevirt_dma(controller, bus, 1u << SPEC_CQE_SHIFT, true, "CQE");
    if (!slot) {
        controller->fatal = true;
        return false;
    }

    if (nvmevirt_has_fault(command, NVMEVIRT_TORN)) {
        tear(controller, command, bus, slot);
    } else {
        write_entry(controller, command, slot);
        command->state = COMMAND_FREE;
    }
    advance(cq);
    controller->counters.posted++;
    sq->reported = sq->head;
    cq->announce |= !nvmevirt_has_fault(command, NVMEVIRT_NO_INTERRUPT);
    if (command->status && !command->conflict)
        nvmevirt_log_error(controller, command);
    release_identifier(sq, command);

    if (nvmevirt_has_fault(command, NVMEVIRT_DUPLICATE) && command->state == COMMAND_FREE) {
        command->faults &= ~(1u << NVMEVIRT_DUPLICATE);
        command->state = COMMAND_DONE;
        return nvmevirt_post(controller, command);
    }
    return true;
}
