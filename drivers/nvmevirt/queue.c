/*
 * Submission and completion queues: where their entries lie, and the commands
 * that create and delete them. Base 3.3, 5.4 to 5.7.
 */
#include "internal.h"

#define QUEUE_PC  0x1u /* physically contiguous: dword 11 of both Create commands */
#define QUEUE_IEN 0x2u

void *nvmevirt_dma(struct nvmevirt *controller, uint64_t bus, size_t length, bool write,
                   const char *what)
{
    void *memory = controller->environment.dma(controller->environment.context, bus, length, write);
    if (!memory)
        nvmevirt_violation(controller, "%s: %s of %u bytes at %llx was not granted", what,
                           write ? "write" : "read", (unsigned)length, (unsigned long long)bus);
    return memory;
}

void nvmevirt_sq_open(struct nvmevirt *controller, uint16_t qid, struct nvmevirt_sq queue)
{
    queue.exists = true;
    queue.busy = controller->sqs[qid].busy;
    __builtin_memset(queue.busy, 0, 65536 / 8);
    controller->sqs[qid] = queue;
}

void nvmevirt_cq_open(struct nvmevirt *controller, uint16_t qid, struct nvmevirt_cq queue)
{
    queue.exists = true;
    queue.phase = 1;
    controller->cqs[qid] = queue;
}

void nvmevirt_queues_close(struct nvmevirt *controller)
{
    for (unsigned q = 0; q <= controller->config.queue_pairs; q++) {
        controller->sqs[q].exists = false;
        controller->cqs[q].exists = false;
    }
}

static bool entry_address(struct nvmevirt *controller, uint64_t base, bool contiguous,
                          uint32_t size, uint32_t index, unsigned shift, uint64_t *bus)
{
    uint32_t page = nvmevirt_page_size(controller);
    uint64_t offset = (uint64_t)index << shift;
    uint32_t pages = (uint32_t)((((uint64_t)size << shift) + page - 1) / page);
    if (contiguous) {
        *bus = base + offset;
        return true;
    }
    if (!nvmevirt_list_lookup(controller, base, (uint32_t)(offset / page), pages, bus))
        return false;
    *bus += offset % page;
    return true;
}

bool nvmevirt_sq_entry(struct nvmevirt *controller, const struct nvmevirt_sq *queue, uint32_t index,
                       uint64_t *bus)
{
    return entry_address(controller, queue->base, queue->contiguous, queue->size, index,
                         SPEC_SQE_SHIFT, bus);
}

bool nvmevirt_cq_entry(struct nvmevirt *controller, const struct nvmevirt_cq *queue, uint32_t index,
                       uint64_t *bus)
{
    return entry_address(controller, queue->base, queue->contiguous, queue->size, index,
                         SPEC_CQE_SHIFT, bus);
}

/* What both Create commands have in common, but for the queue's existence. */
static uint16_t check_create(struct nvmevirt *controller, const struct nvmevirt_command *command,
                             unsigned shift, bool write)
{
    uint32_t size = (command->dword[10] >> 16) + 1;
    uint64_t base = nvmevirt_dwords(command, SPEC_DW_PRP1);
    bool contiguous = command->dword[11] & QUEUE_PC;
    const char *name = write ? "completion queue" : "submission queue";

    if (size < 2 || size - 1 > SPEC_GET(SPEC_CAP_MQES, controller->cap))
        return SPEC_INVALID_QUEUE_SIZE;
    if (!contiguous && (controller->cap & SPEC_CAP_CQR))
        return SPEC_INVALID_FIELD;
    if (base & (nvmevirt_page_size(controller) - 1)) {
        nvmevirt_violation(controller, "%s at %llx is not aligned to CC.MPS", name,
                           (unsigned long long)base);
        return SPEC_PRP_OFFSET_INVALID;
    }
    if (!base) {
        nvmevirt_violation(controller, "%s at address 0", name);
        return SPEC_INVALID_FIELD;
    }
    if (contiguous && !nvmevirt_dma(controller, base, (size_t)size << shift, write, name))
        return SPEC_DATA_TRANSFER_ERROR;
    return SPEC_SUCCESS;
}

uint16_t nvmevirt_cq_create(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint32_t qid = command->dword[10] & 0xFFFF;
    uint32_t vector = command->dword[11] >> 16;
    bool interrupts = command->dword[11] & QUEUE_IEN;
    uint32_t vectors = controller->config.vectors ? controller->config.vectors : 1;

    if (!qid || qid > controller->config.queue_pairs || controller->cqs[qid].exists)
        return SPEC_INVALID_QUEUE_ID;
    uint16_t status = check_create(controller, command, SPEC_CQE_SHIFT, true);
    if (status)
        return status;
    if (interrupts && vector >= vectors)
        return SPEC_INVALID_VECTOR;
    nvmevirt_cq_open(controller, (uint16_t)qid,
                     (struct nvmevirt_cq){
                         .contiguous = command->dword[11] & QUEUE_PC,
                         .interrupts = interrupts,
                         .vector = (uint16_t)vector,
                         .size = (command->dword[10] >> 16) + 1,
                         .base = nvmevirt_dwords(command, SPEC_DW_PRP1),
                     });
    nvmevirt_shadow_begin(controller, (uint16_t)qid, true);
    return SPEC_SUCCESS;
}

uint16_t nvmevirt_sq_create(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint32_t qid = command->dword[10] & 0xFFFF;
    uint32_t cqid = command->dword[11] >> 16;

    if (!qid || qid > controller->config.queue_pairs || controller->sqs[qid].exists)
        return SPEC_INVALID_QUEUE_ID;
    if (!cqid || cqid > controller->config.queue_pairs)
        return SPEC_INVALID_QUEUE_ID;
    if (!controller->cqs[cqid].exists)
        return SPEC_CQ_INVALID;
    uint16_t status = check_create(controller, command, SPEC_SQE_SHIFT, false);
    if (status)
        return status;
    nvmevirt_sq_open(controller, (uint16_t)qid,
                     (struct nvmevirt_sq){
                         .contiguous = command->dword[11] & QUEUE_PC,
                         .cqid = (uint16_t)cqid,
                         .size = (command->dword[10] >> 16) + 1,
                         .base = nvmevirt_dwords(command, SPEC_DW_PRP1),
                     });
    nvmevirt_shadow_begin(controller, (uint16_t)qid, false);
    return SPEC_SUCCESS;
}

/* Commands that are still in work end here, without completions of their own (5.7). */
uint16_t nvmevirt_sq_delete(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint32_t qid = command->dword[10] & 0xFFFF;
    if (!qid || qid > controller->config.queue_pairs || !controller->sqs[qid].exists)
        return SPEC_INVALID_QUEUE_ID;
    for (uint32_t i = 0; i < controller->command_count; i++) {
        if (controller->commands[i].sqid == qid)
            controller->commands[i].state = COMMAND_FREE;
    }
    controller->sqs[qid].exists = false;
    return SPEC_SUCCESS;
}

uint16_t nvmevirt_cq_delete(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint32_t qid = command->dword[10] & 0xFFFF;
    if (!qid || qid > controller->config.queue_pairs || !controller->cqs[qid].exists)
        return SPEC_INVALID_QUEUE_ID;
    for (unsigned q = 1; q <= controller->config.queue_pairs; q++) {
        if (controller->sqs[q].exists && controller->sqs[q].cqid == qid)
            return SPEC_INVALID_QUEUE_DELETION;
    }
    controller->cqs[qid].exists = false;
    return SPEC_SUCCESS;
}
