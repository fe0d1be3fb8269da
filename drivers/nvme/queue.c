/*
 * Queue pairs: rings in memory that driver and device share (Base 3.3). The
 * driver writes commands at the submission queue's tail and reads completions
 * at the completion queue's head; the device is told of both positions through
 * doorbells, which are the only expensive step.
 */
#include "internal.h"

#define NEVER (UINT64_MAX - 1)

#define POLLS_PER_CHECK 256

/* How many times in a round through the ring the device is told of what was taken from it. */
#define HEAD_LOTS 4

/* Memory for PRP lists that one queue may take, unless a single transfer needs more. */
#define LISTS_BUDGET (256u << 10)

static uint32_t doorbell(const struct nvme_queue *queue, unsigned is_cq)
{
    return NVME_DOORBELLS + ((2u * queue->id + is_cq) << queue->controller->doorbell_shift);
}

void nvme_queue_doorbell(struct nvme_queue *queue, unsigned is_cq, uint32_t value)
{
    if (is_cq)
        queue->counters.cq_doorbells++;
    else
        queue->counters.sq_doorbells++;
    nvme_write32(queue->controller, queue->doorbells[is_cq], value);
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* A list holds what the largest transfer needs beyond PRP1, rounded up to a power of two. */
static int allocate_lists(struct nvme_queue *queue, unsigned prp_entries)
{
    struct nvme_controller *controller = queue->controller;
    /* Two descriptors of an SGL fit at least: one of data, and one that leads to the next list. */
    uint32_t bytes = 2 * sizeof(struct nvme_sgl);
    while (bytes < controller->page_size && bytes / sizeof(uint64_t) < prp_entries - 1)
        bytes *= 2;
    unsigned most = nvme_prp_lists(prp_entries, bytes);
    unsigned count = LISTS_BUDGET / bytes < queue->size ? LISTS_BUDGET / bytes : queue->size;
    if (count < most)
        count = most;
    queue->list_bytes = bytes;
    queue->list_count = (uint16_t)count;
    queue->lists = nvme_alloc_raw(controller, (size_t)count * bytes, &queue->lists_bus);
    return queue->lists ? NVME_OK : NVME_ERR_NO_MEMORY;
}

static inline void put_slot(struct nvme_queue *queue, struct nvme_slot *slot)
{
    slot->state = NVME_SLOT_FREE;
    slot->next = queue->free;
    queue->free = slot;
    queue->free_count++;
}

int nvme_queue_allocate(struct nvme_controller *controller, struct nvme_queue *queue, uint16_t id,
                        unsigned entries, unsigned prp_entries)
{
    *queue = (struct nvme_queue){.controller = controller, .id = id};
    for (unsigned is_cq = 0; is_cq < 2; is_cq++)
        queue->doorbells[is_cq] = doorbell(queue, is_cq);
    queue->size = (uint16_t)(entries < NVME_MOST_ENTRIES ? entries : NVME_MOST_ENTRIES);

    const size_t page = controller->page_size;
    size_t sq_bytes = round_up(queue->size * sizeof(struct nvme_command), page);
    size_t cq_bytes = round_up(queue->size * sizeof(struct nvme_completion), page);
    queue->rings_bytes = sq_bytes + cq_bytes;
    queue->sq = nvme_alloc_raw(controller, queue->rings_bytes, &queue->sq_bus);
    if (!queue->sq || allocate_lists(queue, prp_entries))
        goto out;
    queue->cq = (struct nvme_completion *)((uint8_t *)queue->sq + sq_bytes);
    queue->sq_end = queue->sq + queue->size;
    queue->cq_end = queue->cq + queue->size;
    queue->cq_bus = queue->sq_bus + sq_bytes;

    while (queue->slot_mask + 1 < queue->size)
        queue->slot_mask = 2 * queue->slot_mask + 1;
    size_t slots_bytes = (queue->slot_mask + 1) * sizeof(struct nvme_slot);
    queue->bookkeeping_bytes = slots_bytes + queue->list_count * sizeof(uint16_t);
    uint64_t unused;
    queue->slots = nvme_alloc(controller, queue->bookkeeping_bytes, &unused);
    if (!queue->slots)
        goto out;
    queue->list_next = (uint16_t *)(void *)((uint8_t *)queue->slots + slots_bytes);

    for (unsigned i = 0; i <= queue->slot_mask; i++) {
        queue->slots[i].cid = i;
        queue->slots[i].state = NVME_SLOT_FREE;
    }
    /* One entry stays empty, or a full ring would look like an empty one (Base 3.3.1). */
    for (unsigned i = 0; i < queue->size - 1u; i++)
        put_slot(queue, &queue->slots[queue->size - 2u - i]);
    for (uint16_t i = 0; i < queue->list_count; i++)
        queue->list_next[i] = (uint16_t)(i + 1);
    queue->list_next[queue->list_count - 1] = NVME_NO_LIST;
    queue->lists_free = queue->list_count;
    queue->ended_end = &queue->ended;
    return NVME_OK;

out:
    nvme_queue_free(queue);
    return NVME_ERR_NO_MEMORY;
}

void nvme_queue_free(struct nvme_queue *queue)
{
    struct nvme_controller *controller = queue->controller;
    if (!controller)
        return;
    nvme_free(controller, queue->slots, queue->bookkeeping_bytes);
    nvme_free(controller, queue->lists, (size_t)queue->list_count * queue->list_bytes);
    nvme_free(controller, queue->sq, queue->rings_bytes);
    *queue = (struct nvme_queue){.controller = controller}; /* requests to it are refused */
}

void nvme_queue_clear(struct nvme_queue *queue)
{
    /* Phase tags start at 0 and the first round of completions has 1; the SQ is poisoned, so that
     * an entry which is fetched before it was written is no valid command. */
    __builtin_memset(queue->sq, 0xff, queue->size * sizeof *queue->sq);
    __builtin_memset((void *)queue->cq, 0, queue->size * sizeof *queue->cq);
    queue->tail = queue->rung = queue->head = queue->untold = 0;
    queue->phase = 1;
}

/* Commands of this queue are held back: it will live again, or be sent to again, after the reset.
 */
static bool is_held(const struct nvme_queue *queue)
{
    return queue->controller->quiescing || !queue->live;
}

void nvme_queues_open(struct nvme_controller *controller, bool open)
{
    struct nvme_queue *queue;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
        queue->open = open && queue->live && queue->id;
}

/* May a request be submitted to a queue that is not open? The queue's life follows the
 * controller's. The admin queue never is. */
static NVME_RARE int admission(const struct nvme_queue *queue)
{
    switch (queue->controller->state) {
    case NVME_LIVE:
        return queue->live ? NVME_OK : NVME_ERR_NO_QUEUE;
    case NVME_RESETTING:
        return queue->id == 0 && is_held(queue) ? NVME_ERR_RESET : NVME_OK;
    case NVME_STARTING:
    case NVME_STOPPING:
        return queue->id == 0 && queue->live ? NVME_OK : NVME_ERR_DEAD;
    default:
        return NVME_ERR_DEAD;
    }
}

/* "Never" is a deadline too: while there is one, CSTS is looked at. */
static NVME_RARE void set_own_deadline(struct nvme_queue *queue, struct nvme_request *request)
{
    uint64_t now = queue->batch_deadline - queue->default_timeout_ns;
    uint64_t timeout = nvme_timeout(queue, request);
    request->deadline = timeout < NEVER - now ? now + timeout : NEVER;
    nvme_check_by(queue->controller, request->deadline);
}

/* The time is taken once for commands that are rung together. */
static inline void begin_batch(struct nvme_queue *queue)
{
    if (queue->tail != queue->rung)
        return;
    queue->batch_deadline = nvme_now(queue->controller) + queue->default_timeout_ns;
    nvme_check_by(queue->controller, queue->batch_deadline);
}

/*
 * There always is room in the submission queue: it has an entry more than there are slots, and a
 * slot that is in use has at most one entry. A device that completes what it was not told of yet
 * breaks that; what it then does not see is found by its deadline.
 */
void nvme_queue_send(struct nvme_queue *queue, struct nvme_slot *slot)
{
    begin_batch(queue);
    slot->state = NVME_SLOT_SENT;
    slot->lists = slot->request->list_first != NVME_NO_LIST;
    slot->request->deadline = queue->batch_deadline;
    slot->request->command.cid = (uint16_t)slot->cid;
    queue->sq[queue->tail] = slot->request->command;
    queue->tail = queue->tail + 1 == queue->size ? 0 : queue->tail + 1;
    if (slot->request->timeout_ns || queue->id == 0)
        set_own_deadline(queue, slot->request);
}

void nvme_queue_hold(struct nvme_queue *queue, struct nvme_slot *slot, uint64_t when)
{
    slot->state = NVME_SLOT_WAITING;
    slot->cid = nvme_next_cid(slot->cid);
    slot->request->deadline = when;
    queue->waiting++;
    nvme_check_by(queue->controller, when);
}

void nvme_queues_send_due(struct nvme_controller *controller, uint64_t now)
{
    struct nvme_queue *queue;
    if (controller->state != NVME_LIVE)
        return;
    for (unsigned i = 0; (queue = nvme_queue_at(controller, i)); i++)
        for (unsigned s = 0; queue->waiting && s < queue->size; s++) {
            struct nvme_slot *slot = &queue->slots[s];
            if (slot->state != NVME_SLOT_WAITING || slot->request->deadline > now)
                continue;
            if (!nvme_request_is_current(slot->request)) {
                nvme_queue_finish(queue, slot, NVME_ERR_GONE);
                continue;
            }
            queue->waiting--;
            nvme_queue_send(queue, slot);
            nvme_ring(queue);
        }
}

/* Gives the request a slot, of which one is free. */
static inline struct nvme_slot *occupy(struct nvme_queue *queue, struct nvme_request *request)
{
    struct nvme_slot *slot = queue->free;
    queue->free = slot->next;
    queue->free_count--;
    queue->counters.submitted++;
    slot->request = request;
    request->result = NVME_ERR_PENDING;
    request->status = 0;
    request->value = 0;
    request->repeats = 0;
    request->hurried = false;
    return slot;
}

/* Of the admin queue, or while the controller is not at work. */
static NVME_RARE int submit_closed(struct nvme_queue *queue, struct nvme_request *request)
{
    int error = admission(queue);
    if (!error && queue->free_count == 0)
        error = NVME_ERR_BUSY;
    if (!error)
        error = nvme_data_build(queue, request);
    if (error)
        return error;
    struct nvme_slot *slot = occupy(queue, request);
    if (is_held(queue) && queue->id)
        nvme_queue_hold(queue, slot, 0);
    else
        nvme_queue_send(queue, slot);
    return NVME_OK;
}

int nvme_submit(struct nvme_queue *queue, struct nvme_request *request)
{
    if (!nvme_request_is_current(request))
        return NVME_ERR_GONE;
    if (!queue->open)
        return submit_closed(queue, request);
    if (queue->free_count == 0)
        return NVME_ERR_BUSY;
    int error = nvme_data_build(queue, request);
    if (!error)
        nvme_queue_send(queue, occupy(queue, request));
    return error;
}

static inline uint64_t lba_of(const struct nvme_request *request)
{
    return request->command.cdw10 | (uint64_t)request->command.cdw11 << 32;
}

/* Can it be sent again by write_plain()? */
static bool is_plain(const struct nvme_command *command)
{
    return !(command->cdw2 | command->cdw3 | command->mptr | command->cdw14 | command->cdw15);
}

static inline void write_plain(struct nvme_command *sqe, const struct nvme_command *command,
                               uint16_t cid)
{
    __builtin_memcpy(sqe, command, offsetof(struct nvme_command, cdw2));
    sqe->cid = cid;
    sqe->cdw2 = sqe->cdw3 = 0;
    sqe->mptr = 0;
    __builtin_memcpy(&sqe->prp1, &command->prp1,
                     offsetof(struct nvme_command, cdw14) - offsetof(struct nvme_command, prp1));
    sqe->cdw14 = sqe->cdw15 = 0;
}

/* Looks at everything, and whether that will be needed the next time: not if the command itself
 * says where all of the data is. */
static NVME_RARE int submit_again_checked(struct nvme_queue *queue, struct nvme_request *request)
{
    const struct nvme_namespace *ns = request->ns;
    const uint64_t lba = lba_of(request);
    uint64_t blocks = (request->command.cdw12 & NVME_RW_CDW12_NLB) + 1;
    if (!nvme_request_is_current(request))
        return NVME_ERR_GONE;
    if (lba >= ns->block_count || blocks > ns->block_count - lba)
        return NVME_ERR_INVALID;
    if (nvme_has_reference_tags(ns))
        request->command.cdw14 = (uint32_t)lba;
    int error = nvme_submit(queue, request);
    if (!error && request->list_first == NVME_NO_LIST && !request->timeout_ns &&
        is_plain(&request->command) && !nvme_has_reference_tags(ns))
        request->again_end = ns->block_count - blocks + 1;
    return error;
}

/* Sends those at the front of the chain of which nothing need be looked at, as far as there are
 * slots and the ring's end does not come between. Returns the rest. */
static inline struct nvme_request *send_plain(struct nvme_queue *queue,
                                              struct nvme_request *request)
{
    struct nvme_command *const first = &queue->sq[queue->tail],
                               *const full = first + queue->free_count,
                               *const end = full < queue->sq_end ? full : queue->sq_end,
                               *sqe = first;
    struct nvme_slot *free = queue->free;
    const uint32_t changes = request->ns->changes;
    const uint64_t deadline = queue->batch_deadline;
    while (sqe != end && request && lba_of(request) < request->again_end &&
           request->ns_changes == changes) {
        struct nvme_slot *slot = free;
        free = slot->next;
        slot->request = request;
        slot->state = NVME_SLOT_SENT;
        request->deadline = deadline;
        write_plain(sqe++, &request->command, slot->cid);
        request = request->next;
    }
    unsigned count = (unsigned)(sqe - first);
    queue->free = free;
    queue->free_count -= count;
    queue->counters.submitted += count;
    queue->tail = sqe == queue->sq_end ? 0 : queue->tail + count;
    return request;
}

/* The same for all of a chain; returns the first that was not taken. */
static NVME_RARE struct nvme_request *submit_all_checked(struct nvme_queue *queue,
                                                         struct nvme_request *chain)
{
    do {
        int error = submit_again_checked(queue, chain);
        if (error) {
            chain->result = error;
            break;
        }
        chain = chain->next;
    } while (chain);
    return chain;
}

struct nvme_request *nvme_submit_again(struct nvme_queue *queue, struct nvme_request *chain)
{
    if (!queue->open)
        return submit_all_checked(queue, chain);
    begin_batch(queue);
    struct nvme_request *rest = chain;
    /* Behind the ring's end it goes on; else there is something to be looked at. */
    do {
        chain = rest;
        rest = send_plain(queue, chain);
        if (!rest)
            return NULL;
    } while (rest != chain && queue->tail == 0);
    return submit_all_checked(queue, rest);
}

/* Kept apart, so that the other way is a single call, which is the last. */
static __attribute__((noinline)) void ring_shadow(struct nvme_queue *queue)
{
    unsigned before = queue->rung;
    queue->rung = queue->tail;
    if (nvme_shadow_tell(queue, 0, before, queue->tail))
        nvme_queue_doorbell(queue, 0, queue->tail);
}

void nvme_ring(struct nvme_queue *queue)
{
    if (queue->tail == queue->rung || !queue->live)
        return;
    /* The commands have to be in memory before the device hears of them. The processor's part of
     * that is write32's contract; this is the compiler's. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (queue->shadow) {
        ring_shadow(queue);
    } else {
        queue->rung = queue->tail;
        nvme_queue_doorbell(queue, 0, queue->tail);
    }
}

/* Hands requests that have ended to their submitters. What done() reaps, or ends by a reset, comes
 * behind them. */
static void deliver(struct nvme_queue *queue)
{
    struct nvme_request *request;
    while ((request = queue->ended)) {
        queue->ended = request->next;
        if (!queue->ended)
            queue->ended_end = &queue->ended;
        request->done(request);
    }
}

/* Takes the request out of its slot. */
static void end(struct nvme_queue *queue, struct nvme_slot *slot, int result)
{
    struct nvme_request *request = slot->request;
    slot->cid = nvme_next_cid(slot->cid);
    slot->lists = false;
    put_slot(queue, slot);
    nvme_data_release(queue, request);
    queue->counters.completed++;
    /* What waits for an event, for ever, has not failed when a reset ends it. */
    if (result && !(result == NVME_ERR_RESET && request->timeout_ns == UINT64_MAX))
        queue->counters.errors++;
    request->result = result;
    request->next = NULL;
    *queue->ended_end = request;
    queue->ended_end = &request->next;
}

void nvme_queue_finish(struct nvme_queue *queue, struct nvme_slot *slot, int result)
{
    queue->waiting -= slot->state == NVME_SLOT_WAITING;
    end(queue, slot, result);
    deliver(queue);
}

/* Not ours, or not any more. Whose it was will be seen by its deadline. */
static NVME_RARE void report_foreign(struct nvme_queue *queue, uint16_t sq_id, uint16_t cid)
{
    if (queue->counters.bad_completions++ == 0)
        nvme_log(queue->controller, NVME_LOG_ERROR,
                 "queue %u: completion for command %04x of queue %u, which is not in flight",
                 queue->id, cid, sq_id);
}

/* What our own Abort ended is what came too late. */
static int result_of(const struct nvme_slot *slot, uint16_t status)
{
    unsigned code = status & (NVME_STATUS_SC | NVME_STATUS_SCT);
    if (!code)
        return NVME_OK;
    return slot->state == NVME_SLOT_ABORTED && code == NVME_STATUS_ABORTED ? NVME_ERR_TIMEOUT
                                                                           : NVME_ERR_STATUS;
}

/* The entry at the head, of which nothing is believed that was not checked. */
static NVME_RARE void complete(struct nvme_queue *queue)
{
    /* The phase tag says that it is there: nothing of it may be read before. */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    const struct nvme_completion entry = queue->cq[queue->head];
    struct nvme_slot *slot = &queue->slots[entry.cid & queue->slot_mask];
    if (slot->cid != entry.cid || slot->state >= NVME_SLOT_WAITING || entry.sq_id != queue->id) {
        report_foreign(queue, entry.sq_id, entry.cid);
        return;
    }
    uint16_t status = entry.status >> 1;
    int result = result_of(slot, status);
    if (result && nvme_retry_status(queue, slot, status)) {
        nvme_ring(queue);
        return;
    }
    slot->request->status = status;
    slot->request->value = entry.dw0;
    if (status)
        slot->request->again_end = 0;
    end(queue, slot, result);
}

static inline void advance(struct nvme_queue *queue, unsigned count)
{
    queue->head += count;
    queue->untold += count;
    if (queue->head == queue->size) {
        queue->head = 0;
        queue->phase ^= 1;
    }
}

/* Entries are given back in lots: a device that has run out of them waits, and then there is at
 * least one lot to give back. */
static inline void tell_head(struct nvme_queue *queue)
{
    if (queue->untold * HEAD_LOTS < queue->size)
        return;
    unsigned before = nvme_queue_told(queue);
    queue->untold = 0;
    if (before == queue->head)
        return; /* once round by what no device may do: nothing has changed for it */
    if (queue->shadow && !nvme_shadow_tell(queue, 1, before, queue->head))
        return;
    nvme_queue_doorbell(queue, 1, queue->head);
}

/*
 * Takes the entries from the head to the ring's end, as long as each of them says that a command of
 * this queue has ended well, and there is nothing to give back but its slot, and counts them.
 * False: there are no more.
 *
 * That the entry is there (its phase tag), whose it is, and that all went well is in one dword, and
 * that this was in flight is in its slot: they are equal then.
 */
static inline bool gather(struct nvme_queue *queue, unsigned *taken)
{
    const struct nvme_completion *const first =
                                            (const struct nvme_completion *)&queue->cq[queue->head],
                                        *const end = (const struct nvme_completion *)queue->cq_end,
                                        *entry = first;
    struct nvme_slot *const slots = queue->slots, *free = queue->free;
    struct nvme_request **last = queue->ended_end;
    const uint64_t phase = (uint64_t)queue->phase << NVME_CQE_DW3_PHASE_SHIFT;
    uint64_t dw3;
    const uint32_t mask = queue->slot_mask;
    const uint16_t id = queue->id;
    do {
        dw3 = __atomic_load_n(&entry->dw3, __ATOMIC_ACQUIRE);
        struct nvme_slot *slot = &slots[dw3 & mask];
        struct nvme_request *request = slot->request;
        if ((slot->key | phase) != dw3 || entry->sq_id != id)
            break;
        request->outcome = entry->dw0;
        slot->cid = nvme_next_cid(slot->cid);
        slot->state = NVME_SLOT_FREE;
        slot->next = free;
        free = slot;
        *last = request;
        last = &request->next;
    } while (++entry != end);
    unsigned count = (unsigned)(entry - first);
    *last = NULL;
    queue->free = free;
    queue->ended_end = last;
    queue->free_count += count;
    queue->counters.completed += count;
    *taken += count;
    advance(queue, count);
    return entry == end || !((dw3 ^ phase) & 1u << NVME_CQE_DW3_PHASE_SHIFT);
}

/* Puts what has ended into the queue's chain; returns how many entries there were. An interrupt
 * whose look finds nothing is spurious, unless it may have been meant for another. */
static inline __attribute__((always_inline)) unsigned look(struct nvme_queue *queue)
{
    const uint64_t interrupts = queue->counters.interrupts;
    unsigned taken = 0;
    while (queue->live && gather(queue, &taken) && nvme_has_completion(queue)) {
        complete(queue);
        advance(queue, 1);
        /* A sweep longer than the ring must not keep the device waiting for room. */
        if (++taken >= queue->size)
            break;
    }
    if (taken)
        tell_head(queue);
    else if (!queue->shares_vector)
        queue->counters.spurious += interrupts - queue->interrupts_looked;
    queue->counters.polls++;
    queue->interrupts_looked = interrupts;
    return taken;
}

unsigned nvme_reap(struct nvme_queue *queue)
{
    unsigned taken = look(queue);
    deliver(queue);
    return taken;
}

struct nvme_request *nvme_take(struct nvme_queue *queue)
{
    look(queue);
    struct nvme_request *chain = queue->ended;
    queue->ended = NULL;
    queue->ended_end = &queue->ended;
    return chain;
}

static bool queue_ready(void *argument)
{
    return nvme_has_completion(argument);
}

void nvme_poll(struct nvme_queue *queue, uint64_t deadline)
{
    struct nvme_controller *controller = queue->controller;
    nvme_ring(queue);
    unsigned reaped = nvme_reap(queue);
    /* Deadlines have to be seen also where there always is something to reap. */
    if (reaped && ++queue->unchecked % POLLS_PER_CHECK)
        return;
    uint64_t until = nvme_check(controller), nudge = nvme_nudge(queue);
    if (reaped)
        return;
    if (until > nudge)
        until = nudge;
    if (until > deadline)
        until = deadline;
    if (!queue->has_vector) {
        uint64_t soon = nvme_now(controller) + NVME_POLL_INTERVAL_NS;
        if (until > soon)
            until = soon;
    }
    /* In done() while a reset runs nothing will come: what is in flight is held back. */
    if (nvme_queue_in_flight(queue) && !is_held(queue))
        controller->host->wait(controller->host->context, queue_ready, queue, until);
    nvme_reap(queue);
}

/* Whoever waits sees it by the result. */
static void executed(struct nvme_request *request)
{
    (void)request;
}

int nvme_execute(struct nvme_queue *queue, struct nvme_request *request)
{
    request->done = executed;
    int error;
    if (queue->controller->quiescing ||
        (queue->controller->state == NVME_RESETTING && is_held(queue)))
        return queue->controller->state == NVME_RESETTING ? NVME_ERR_RESET : NVME_ERR_DEAD;
    while ((error = nvme_submit(queue, request)) == NVME_ERR_BUSY && nvme_queue_in_flight(queue))
        nvme_poll(queue, UINT64_MAX);
    if (error)
        return error;
    while (request->result == NVME_ERR_PENDING)
        nvme_poll(queue, UINT64_MAX);
    return request->result;
}
