/*
 * What happens when a command does not come back. One ladder, each step taken
 * only when the one before did not help:
 *
 *   1. look into the completion queues: interrupts do get lost;
 *   2. abort the command (Base 5.1), with a short deadline for the Abort and for
 *      the command to end by it;
 *   3. reset the controller, which ends everything in flight; what may be
 *      repeated is sent again (retry.c), the rest completes, the late request
 *      with NVME_ERR_TIMEOUT, others with NVME_ERR_RESET;
 *   4. declare the controller dead: it is cut off from memory, and every
 *      request, now and later, ends with NVME_ERR_DEAD at once.
 *
 * A fatal status, registers that read as all-ones and a controller that is not
 * ready any more begin at step 3. While the controller starts, resets or stops
 * there is nothing to go back to: a late command disables it, and whoever waited
 * for the command sees how to go on.
 *
 * A controller that says it pauses, to begin with another firmware, is left
 * alone for as long as it claims to need for that.
 *
 * A request is never completed while the device may still write into its
 * memory; that is why the controller is disabled first. For the same reason a
 * host that is impatient cannot simply have its requests back: their deadlines
 * are brought forward, and the ladder does the rest.
 */
#include "internal.h"

/* What is still in work and not late gets so long to end before a reset. */
#define DRAIN_NS (100 * NVME_NS_PER_MS)

/* How long an impatient host still waits. */
#define IMPATIENT_NS (1000 * NVME_NS_PER_MS)

/* A controller that does not come back the first time gets another chance. */
#define RESET_TRIES 2

/* For so long registers may be gone, where somebody resets the function: 100 ms and what the link
 * takes (PCI Express 6.6). */
#define AWAY_NS      (400 * NVME_NS_PER_MS)
#define AWAY_LOOK_NS (10 * NVME_NS_PER_MS)

/* Identify's MTFA counts these. */
#define MTFA_UNIT_NS (100 * NVME_NS_PER_MS)

/* ---- Deadlines ----------------------------------------------------------------------------- */

uint64_t nvme_admin_timeout(const struct nvme_controller *controller, uint8_t opcode)
{
    switch (opcode) {
    case NVME_ADMIN_NAMESPACE_MANAGEMENT:
    case NVME_ADMIN_FIRMWARE_COMMIT:
    case NVME_ADMIN_FORMAT:
    case NVME_ADMIN_SANITIZE:
        return controller->options.slow_timeout_ms * NVME_NS_PER_MS;
    default:
        return controller->admin.default_timeout_ns;
    }
}

static bool is_late(const struct nvme_slot *slot, uint64_t now)
{
    return slot->state < NVME_SLOT_WAITING && slot->request->deadline <= now;
}

/* When one slot needs looking at; UINT64_MAX: not for its own sake. */
static uint64_t slot_deadline(const struct nvme_queue *queue, const struct nvme_slot *slot)
{
    if (slot->state == NVME_SLOT_FREE)
        return UINT64_MAX;
    if (slot->state == NVME_SLOT_LATE && queue->controller->abort.queue)
        return UINT64_MAX; /* its turn comes when the Abort on its way is through */
    if (slot->state == NVME_SLOT_WAITING && queue->controller->state != NVME_LIVE)
        return UINT64_MAX; /* ... when the reset is over */
    return slot->request->deadline;
}

/* The earliest deadline of all that is in flight; UINT64_MAX if nothing is. */
static uint64_t earliest_deadline(struct nvme_controller *controller)
{
    uint64_t earliest = UINT64_MAX;
    struct nvme_queue *queue;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
        for (unsigned s = 0; nvme_queue_in_flight(queue) && s < queue->size; s++) {
            uint64_t deadline = slot_deadline(queue, &queue->slots[s]);
            if (deadline < earliest)
                earliest = deadline;
        }
    return earliest;
}

/* ---- Step 2: Abort ------------------------------------------------------------------------- */

/* A command that the device did not abort is no use waiting for. It may be ending this very moment,
 * on another processor. */
void nvme_abort_answered(struct nvme_queue *queue, uint16_t cid, bool aborted)
{
    struct nvme_slot *slot = &queue->slots[cid & queue->slot_mask];
    nvme_exclusive_begin(queue->controller);
    queue->controller->next_check = 0;
    if (!aborted && slot->cid == cid && slot->state == NVME_SLOT_ABORTED)
        slot->request->deadline = 0;
    nvme_exclusive_end(queue->controller);
}

static bool send_abort(struct nvme_queue *queue, struct nvme_slot *slot)
{
    if (nvme_abort(queue, (uint16_t)slot->cid))
        return false;
    slot->state = NVME_SLOT_ABORTED;
    slot->request->deadline = queue->controller->abort.request.deadline;
    return true;
}

/* ---- Step 3: reset ------------------------------------------------------------------------- */

static bool any_completion(void *argument)
{
    struct nvme_queue *queue;
    for (unsigned i = 0; (queue = nvme_queue_at(argument, i)); i++)
        if (nvme_has_completion(queue))
            return true;
    return false;
}

/* Is there I/O with the device that can be expected to end by itself? */
static bool worth_waiting(struct nvme_controller *controller, uint64_t now)
{
    struct nvme_queue *queue;
    for (unsigned i = 1; (queue = nvme_queue_at(controller, i)); i++)
        for (unsigned s = 0; nvme_queue_in_flight(queue) && s < queue->size; s++) {
            const struct nvme_slot *slot = &queue->slots[s];
            if (slot->state == NVME_SLOT_SENT && slot->request->deadline > now)
                return true;
        }
    return false;
}

/*
 * Not only to lose less: clearing CC.EN with I/O in flight is a path that devices get wrong. QEMU
 * 7.2 can crash there.
 */
void nvme_drain(struct nvme_controller *controller)
{
    const struct nvme_host *host = controller->host;
    const uint64_t end = nvme_now(controller) + DRAIN_NS;
    uint32_t csts = nvme_read32(controller, NVME_REG_CSTS);
    bool works = csts != NVME_REGISTER_GONE && !(csts & NVME_CSTS_CFS) && (csts & NVME_CSTS_RDY);
    struct nvme_queue *queue;
    controller->quiescing = true;
    /* What was submitted and not told yet would be waited for in vain. */
    for (unsigned i = 0; works && (queue = nvme_queue_at(controller, i)); i++)
        nvme_ring(queue);
    for (;;) {
        for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
            nvme_reap(queue);
        uint64_t now = nvme_now(controller);
        if (!works || now >= end || !worth_waiting(controller, now))
            break;
        host->wait(host->context, any_completion, controller, now + NVME_POLL_INTERVAL_NS);
    }
    controller->quiescing = false;
}

/* What becomes of a request when its controller was disabled, or could not be. */
static void sort_out(struct nvme_queue *queue, struct nvme_slot *slot, uint64_t now, int result)
{
    bool waits = slot->state == NVME_SLOT_WAITING;
    if (result == NVME_ERR_RESET && queue->controller->state == NVME_RESETTING &&
        (waits || nvme_retry_reset(queue, slot)))
        return;
    /* What the device may still write to is not to be used again, and that is more than late. */
    bool late = is_late(slot, now) && !queue->controller->at_large;
    nvme_queue_finish(queue, slot, late ? NVME_ERR_TIMEOUT : result);
}

int nvme_halt(struct nvme_controller *controller)
{
    uint64_t now = nvme_now(controller);
    struct nvme_queue *queue;
    controller->quiescing = true;
    nvme_queues_open(controller, false);
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
    int result = controller->state == NVME_DEAD ? NVME_ERR_DEAD : NVME_ERR_RESET;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
        for (unsigned s = 0; nvme_queue_in_flight(queue) && s < queue->size; s++)
            if (queue->slots[s].state != NVME_SLOT_FREE)
                sort_out(queue, &queue->slots[s], now, result);
    controller->quiescing = false;
    return error ? NVME_ERR_DEAD : NVME_OK;
}

/* What the device says about them may be wrong; what counts is that it still answers, and did so
 * until now: who takes an answer may find that it was the last. */
static int look_at_namespaces(struct nvme_controller *controller)
{
    int error = nvme_rescan(controller);
    if (controller->admin.live)
        return NVME_OK;
    return error ? error : NVME_ERR_RESET;
}

/* Sends again what waited for the reset's end; what belongs to a queue that is no more, ends. */
static void resume(struct nvme_controller *controller)
{
    struct nvme_queue *queue;
    controller->state = NVME_LIVE;
    nvme_queues_open(controller, true);
    controller->next_check = 0;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
        for (unsigned s = 0; !queue->live && nvme_queue_in_flight(queue) && s < queue->size; s++)
            if (queue->slots[s].state != NVME_SLOT_FREE)
                nvme_queue_finish(queue, &queue->slots[s], NVME_ERR_RESET);
    nvme_queues_send_due(controller, nvme_now(controller));
}

static void revive(struct nvme_controller *controller)
{
    const struct nvme_host *host = controller->host;
    if (host->revive)
        host->revive(host->context);
}

/* What was torn out does not come back, what is being reset does. */
static void await_registers(struct nvme_controller *controller)
{
    const struct nvme_host *host = controller->host;
    const uint64_t end = nvme_now(controller) + AWAY_NS;
    for (;;) {
        revive(controller);
        uint64_t now = nvme_now(controller);
        if (nvme_read32(controller, NVME_REG_CSTS) != NVME_REGISTER_GONE || now >= end)
            return;
        host->wait(host->context, nvme_never, NULL, now + AWAY_LOOK_NS);
    }
}

static int reset_alone(struct nvme_controller *controller)
{
    struct nvme_queue *queue;
    await_registers(controller);
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
        queue->counters.resets++;
    nvme_drain(controller);

    int error = NVME_ERR_DEAD;
    for (unsigned tries = 0; error && tries < RESET_TRIES; tries++) {
        error = nvme_halt(controller);
        if (error)
            break;
        error = nvme_bring_up(controller);
        if (!error)
            error = nvme_events_start(controller);
        if (!error)
            error = look_at_namespaces(controller);
        if (error)
            nvme_log(controller, NVME_LOG_ERROR, "reset failed: %s", nvme_error_text(error));
        if (controller->state == NVME_DEAD)
            break;
        if (error)
            revive(controller); /* whoever meddles does not wait until a reset is over */
    }
    if (!error) {
        nvme_log(controller, NVME_LOG_WARNING, "the controller was reset");
        resume(controller);
        return NVME_OK;
    }
    /* Dead first, so that nothing comes in any more while what is there completes. */
    if (controller->state != NVME_DEAD) {
        controller->state = NVME_DEAD;
        nvme_halt(controller);
    }
    nvme_log(controller, NVME_LOG_ERROR, "the controller is dead");
    return NVME_ERR_DEAD;
}

int nvme_reset(struct nvme_controller *controller)
{
    if (controller->state == NVME_RESETTING)
        return NVME_ERR_PENDING;
    if (controller->state != NVME_LIVE)
        return NVME_ERR_DEAD;
    nvme_exclusive_begin(controller);
    controller->state = NVME_RESETTING;
    nvme_queues_open(controller, false);
    controller->resets++;
    int error = reset_alone(controller);
    nvme_exclusive_end(controller);
    return error;
}

/* ---- The ladder ---------------------------------------------------------------------------- */

static void climb(struct nvme_controller *controller)
{
    if (controller->state == NVME_LIVE)
        nvme_reset(controller);
    else
        nvme_halt(controller);
}

static unsigned count_late(const struct nvme_queue *queue, uint64_t now)
{
    unsigned late = 0;
    for (unsigned s = 0; nvme_queue_in_flight(queue) && s < queue->size; s++)
        late += is_late(&queue->slots[s], now);
    return late;
}

/* Step 1: was it only the interrupt that got lost? */
static void look_again(struct nvme_controller *controller, uint64_t now)
{
    struct nvme_queue *queue;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++) {
        unsigned before = count_late(queue, now);
        nvme_reap(queue);
        unsigned after = count_late(queue, now);
        if (after < before)
            queue->counters.missed += before - after;
    }
}

static void report_late(struct nvme_queue *queue, struct nvme_slot *slot, uint64_t now)
{
    const struct nvme_command *command = &slot->request->command;
    slot->state = NVME_SLOT_LATE;
    slot->request->deadline = now; /* for the next step, it counts from when it was seen */
    queue->counters.timeouts++;
    nvme_log(queue->controller, NVME_LOG_ERROR,
             "queue %u: no answer to command %04x, opcode %02xh, namespace %u, LBA %llu, before "
             "its deadline",
             queue->id, slot->cid, command->opcode, command->nsid,
             command->cdw10 | (unsigned long long)command->cdw11 << 32);
}

struct late {
    struct nvme_queue *queue; /* of the first that was not aborted yet; NULL: there is none */
    struct nvme_slot *slot;
    bool hopeless; /* an Abort did not help, was not answered itself, or is waited for too long */
};

/* Aborts go one by one. Those behind the first wait no longer for their turn than one may take. */
static bool waits_in_vain(const struct nvme_controller *controller, const struct nvme_slot *slot,
                          uint64_t now)
{
    return slot->state == NVME_SLOT_LATE &&
           now - slot->request->deadline > controller->options.abort_timeout_ms * NVME_NS_PER_MS;
}

static struct late find_late(struct nvme_controller *controller, uint64_t now)
{
    struct late late = {0};
    struct nvme_queue *queue;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
        for (unsigned s = 0; nvme_queue_in_flight(queue) && s < queue->size; s++) {
            struct nvme_slot *slot = &queue->slots[s];
            if (!is_late(slot, now))
                continue;
            if (slot->state == NVME_SLOT_SENT)
                report_late(queue, slot, now);
            if (slot->state == NVME_SLOT_ABORTED || waits_in_vain(controller, slot, now) ||
                (queue->id == 0 && slot->request->command.opcode == NVME_ADMIN_ABORT))
                late.hopeless = true;
            else if (!late.queue)
                late = (struct late){queue, slot, late.hopeless};
        }
    return late;
}

static void look_at_deadlines(struct nvme_controller *controller, uint64_t now)
{
    look_again(controller, now);
    struct late late = find_late(controller, now);
    if (!late.queue && !late.hopeless)
        return;
    if (controller->state == NVME_LIVE && !late.hopeless &&
        (controller->abort.queue || send_abort(late.queue, late.slot)))
        return;
    climb(controller);
}

/* What waits to be sent again is sent soon, for the last time. */
static void hurry(struct nvme_controller *controller, uint64_t end)
{
    struct nvme_queue *queue;
    for (unsigned i = 1; (queue = nvme_queue_at(controller, i)); i++)
        for (unsigned s = 0; nvme_queue_in_flight(queue) && s < queue->size; s++) {
            struct nvme_request *request = queue->slots[s].request;
            if (queue->slots[s].state == NVME_SLOT_FREE)
                continue;
            request->hurried = true;
            request->again_end = 0;
            if (request->deadline > end)
                request->deadline = end;
        }
}

/* What CSTS says that calls for a reset at once; NULL: nothing. */
static const char *find_problem(const struct nvme_controller *controller, uint32_t csts)
{
    if (csts == NVME_REGISTER_GONE)
        return "is gone";
    if (csts & NVME_CSTS_CFS)
        return "reports a fatal status";
    if (controller->state == NVME_LIVE && !(csts & NVME_CSTS_RDY))
        return "is not ready any more: somebody has reset it";
    return NULL;
}

/* By CSTS.PP (Base 3.1.3.6), for at most the Maximum Time for Firmware Activation (5.17.2.1). */
static bool is_pausing(struct nvme_controller *controller, uint32_t csts, uint64_t now)
{
    if (!(csts & NVME_CSTS_PP) || !controller->identify) {
        controller->pause_end = 0;
        return false;
    }
    if (!controller->pause_end) {
        uint64_t most = controller->identify->mtfa * MTFA_UNIT_NS;
        controller->pause_end = now + (most ? most : controller->admin.default_timeout_ns);
        nvme_log(controller, NVME_LOG_WARNING, "the controller pauses");
    }
    return now < controller->pause_end;
}

static void postpone(struct nvme_controller *controller, uint64_t now, uint64_t until)
{
    struct nvme_queue *queue;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
        for (unsigned s = 0; nvme_queue_in_flight(queue) && s < queue->size; s++)
            if (is_late(&queue->slots[s], now))
                queue->slots[s].request->deadline = until;
}

static void check_alone(struct nvme_controller *controller, uint64_t now)
{
    const struct nvme_host *host = controller->host;
    struct nvme_queue *queue;
    bool impatient =
        controller->state == NVME_LIVE && host->impatient && host->impatient(host->context);
    if (impatient)
        hurry(controller, now + IMPATIENT_NS);
    nvme_queues_send_due(controller, now);
    for (unsigned i = 1; (queue = nvme_queue_at(controller, i)); i++)
        nvme_nudge(queue); /* of those that nobody waits for */
    uint64_t earliest = earliest_deadline(controller);
    if (earliest != UINT64_MAX) {
        uint32_t csts = nvme_read32(controller, NVME_REG_CSTS);
        const char *problem = find_problem(controller, csts);
        if (problem) {
            nvme_log(controller, NVME_LOG_ERROR, "the controller %s", problem);
            climb(controller);
        } else if (is_pausing(controller, csts, now) && !impatient) {
            postpone(controller, now, now + NVME_CHECK_INTERVAL_NS);
        } else if (earliest <= now) {
            look_at_deadlines(controller, now);
        }
        earliest = earliest_deadline(controller);
    }
    controller->next_check = nvme_now(controller) + NVME_CHECK_INTERVAL_NS;
    nvme_check_by(controller, earliest);
}

uint64_t nvme_check(struct nvme_controller *controller)
{
    if (controller->quiescing || controller->state == NVME_DEAD)
        return nvme_now(controller) + NVME_CHECK_INTERVAL_NS;
    /* An event or the answer to an Abort may be there, for which nobody else waits. */
    if (nvme_has_completion(&controller->admin))
        nvme_reap(&controller->admin);
    nvme_events_handle(controller);
    uint64_t now = nvme_now(controller);
    if (now >= __atomic_load_n(&controller->next_check, __ATOMIC_RELAXED)) {
        nvme_exclusive_begin(controller);
        check_alone(controller, now);
        nvme_exclusive_end(controller);
    }
    return controller->next_check;
}
