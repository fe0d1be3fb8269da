/*
 * The controller at work: it fetches what the doorbells announce, executes what
 * is due in the order that it likes, posts what there is room for, and then
 * interrupts.
 */
#include "internal.h"

static bool claim_identifier(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    uint32_t *word = &controller->sqs[command->sqid].busy[command->cid / 32];
    uint32_t bit = 1u << command->cid % 32;
    if (command->cid == 0xFFFF)
        nvmevirt_violation(controller, "command identifier ffff is for the error log");
    if (*word & bit) {
        nvmevirt_violation(controller, "queue %u: command identifier %x is in use",
                           (unsigned)command->sqid, (unsigned)command->cid);
        return false;
    }
    *word |= bit;
    return true;
}

static enum nvmevirt_class class_of(const struct nvmevirt_command *command)
{
    if (!command->sqid)
        return NVMEVIRT_CLASS_ADMIN;
    switch (command->opcode) {
    case SPEC_FLUSH:
        return NVMEVIRT_CLASS_FLUSH;
    case SPEC_READ:
    case SPEC_COMPARE:
    case SPEC_VERIFY:
    case SPEC_ZONE_RECEIVE:
        return NVMEVIRT_CLASS_READ;
    case SPEC_DATASET:
        return NVMEVIRT_CLASS_DATASET;
    default:
        return NVMEVIRT_CLASS_WRITE;
    }
}

/* Being held is not work, and so takes no time. */
static uint64_t latency(const struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    if (!command->sqid && command->opcode == SPEC_EVENT_REQUEST)
        return 0;
    return controller->config.latency_ns[class_of(command)];
}

static void fetch(struct nvmevirt *controller, uint16_t qid)
{
    struct nvmevirt_sq *queue = &controller->sqs[qid];
    uint64_t bus;
    const void *entry = NULL;
    if (nvmevirt_sq_entry(controller, queue, queue->head, &bus))
        entry = nvmevirt_dma(controller, bus, 1u << SPEC_SQE_SHIFT, false, "SQE");
    if (!entry) {
        controller->fatal = true;
        return;
    }
    struct nvmevirt_command *command = &controller->commands[controller->command_count++];
    __builtin_memset(command, 0, sizeof *command);
    __builtin_memcpy(command->dword, entry, sizeof command->dword);
    queue->head = queue->head + 1 == queue->size ? 0 : queue->head + 1;
    controller->counters.fetched++;
    command->sqid = qid;
    command->cid = (uint16_t)SPEC_GET(SPEC_CDW0_CID, command->dword[0]);
    command->opcode = (uint8_t)SPEC_GET(SPEC_CDW0_OPCODE, command->dword[0]);
    command->due = nvmevirt_later(controller, latency(controller, command));
    command->state = COMMAND_WAITING;
    command->conflict = !claim_identifier(controller, command);
    nvmevirt_apply_faults(controller, command);
}

/* Round robin, one command a turn (Base 3.4.4.1); the admin queue always has room. */
static bool fetch_all(struct nvmevirt *controller)
{
    uint32_t io_limit = controller->command_capacity - ADMIN_COMMANDS;
    bool any = false, more = true;
    while (more) {
        more = false;
        for (unsigned q = 0; q <= controller->config.queue_pairs; q++) {
            const struct nvmevirt_sq *queue = &controller->sqs[q];
            uint32_t limit = q ? io_limit : controller->command_capacity;
            if (!queue->exists || queue->head == queue->tail || controller->command_count >= limit)
                continue;
            fetch(controller, (uint16_t)q);
            if (!nvmevirt_running(controller))
                return false;
            any = more = true;
        }
    }
    return any;
}

static void execute(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    command->state = COMMAND_DONE;
    if (nvmevirt_has_fault(command, NVMEVIRT_STATUS)) {
        command->status = command->fault_status;
        if (nvmevirt_has_retry_delays(controller) && !controller->acre)
            command->status &= (uint16_t)~SPEC_CRD;
        return;
    }
    if (command->conflict)
        command->status = SPEC_CID_CONFLICT;
    else if (!command->begun)
        command->status = nvmevirt_check_command(controller, command);
    if (command->status)
        return;
    command->status =
        command->sqid ? nvmevirt_io(controller, command) : nvmevirt_admin(controller, command);
}

static bool is_due(const struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    return command->due != NVMEVIRT_NEVER && nvmevirt_now(controller) >= command->due;
}

/* True if something moved. */
static bool work_on(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    bool waits = command->state == COMMAND_WAITING || command->state == COMMAND_WORKING;
    if (waits && is_due(controller, command)) {
        execute(controller, command);
        if (command->state == COMMAND_DONE)
            nvmevirt_post(controller, command);
        return true;
    }
    if (command->state == COMMAND_DONE)
        return nvmevirt_post(controller, command);
    return false;
}

static uint32_t random_below(struct nvmevirt *controller, uint32_t limit)
{
    controller->random = controller->random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((controller->random >> 33) % limit);
}

/* The commands stay sorted by fetching; only the order of working on them differs. */
static bool work_on_all(struct nvmevirt *controller)
{
    uint32_t count = controller->command_count;
    enum nvmevirt_order order = controller->config.order;
    uint32_t start = order == NVMEVIRT_SHUFFLED && count ? random_below(controller, count) : 0;
    uint32_t step = 1;
    if (order == NVMEVIRT_SHUFFLED && count % 7)
        step = 7; /* coprime to count: meets every command once */
    bool moved = false;
    for (uint32_t i = 0; i < count && nvmevirt_running(controller); i++) {
        uint32_t which = (start + i * step) % count;
        if (order == NVMEVIRT_REVERSED)
            which = count - 1 - i;
        moved |= work_on(controller, &controller->commands[which]);
    }
    return moved;
}

static void drop_finished(struct nvmevirt *controller)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < controller->command_count; i++) {
        if (controller->commands[i].state == COMMAND_FREE)
            continue;
        if (kept != i)
            controller->commands[kept] = controller->commands[i];
        kept++;
    }
    controller->command_count = kept;
}

static void finish_torn(struct nvmevirt *controller)
{
    for (uint32_t i = 0; i < controller->command_count; i++) {
        struct nvmevirt_command *command = &controller->commands[i];
        if (command->state == COMMAND_TORN && is_due(controller, command))
            nvmevirt_post_rest(controller, command);
    }
    drop_finished(controller);
}

void nvmevirt_poll(struct nvmevirt *controller)
{
    bool moved = true;
    nvmevirt_tick(controller);
    if (!nvmevirt_running(controller) || controller->paused_until)
        return;
    finish_torn(controller);
    while (moved && nvmevirt_running(controller) && !controller->paused_until) {
        moved = nvmevirt_shadow_look(controller);
        moved |= fetch_all(controller);
        moved |= work_on_all(controller);
        drop_finished(controller);
        nvmevirt_events_deliver(controller);
    }
    if (!controller->removed)
        nvmevirt_interrupts(controller);
}

uint64_t nvmevirt_next_event(const struct nvmevirt *controller)
{
    uint64_t next = NVMEVIRT_NEVER;
    if (controller->ready != controller->ready_target)
        next = controller->ready_at;
    if (controller->shst == SPEC_SHST_OCCURRING && controller->shutdown_at < next)
        next = controller->shutdown_at;
    if (controller->paused_until && controller->paused_until < next)
        next = controller->paused_until;
    for (uint32_t i = 0; i < controller->command_count; i++) {
        const struct nvmevirt_command *command = &controller->commands[i];
        bool waits = command->state == COMMAND_WAITING || command->state == COMMAND_WORKING ||
                     command->state == COMMAND_TORN;
        if (waits && command->due < next)
            next = command->due;
    }
    return next;
}
