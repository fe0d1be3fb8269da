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
    nvme_write32(queue->controller, doorbell(queue, is_cq), value);
    if (is_cq)
        queue->counters.cq_doorbells++;
    else
        queue->counters.sq_doorbells++;
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

int nvme_queue_allocate(struct nvme_controller *controller, struct nvme_queue *queue, uint16_t id,
                        unsigned entries, unsigned prp_entries)
{
    *queue = (struct nvme_queue){.controller = controller, .id = id};
    queue->size = (uint16_t)(entries < NVME_MOST_ENTRIES ? entries : NVME_MOST_ENTRIES);

    const size_t page = controller->page_size;
    size_t sq_bytes = round_up(queue->size * sizeof(struct nvme_command), page);
    size_t cq_bytes = round_up(queue->size * sizeof(struct nvme_completion), page);
    queue->rings_bytes = sq_bytes + cq_bytes;
    queue->sq = nvme_alloc_raw(controller, queue->rings_bytes, &queue->sq_bus);
    if (!queue->sq || allocate_lists(queue, prp_entries))
        goto out;
    queue->cq = (struct nvme_completion *)((uint8_t *)queue->sq + sq_bytes);
    queue->cq_bus = queue->sq_bus + sq_bytes;

    size_t slots_bytes = queue->size * sizeof(struct nvme_slot);
    queue->bookkeeping_bytes =
        slots_bytes + (queue->size + (size_t)queue->list_count) * sizeof(uint16_t);
    uint64_t unused;
    queue->slots = nvme_alloc(controller, queue->bookkeeping_bytes, &unused);
    if (!queue->slots)
        goto out;
    queue->free_slots = (uint16_t *)(void *)((uint8_t *)queue->slots + slots_bytes);
    queue->list_next = queue->free_slots + queue->size;

    for (uint16_t i = 0; i < queue->size; i++)
        queue->slots[i].cid = NVME_SLOT_IDLE | i;
    /* One entry stays empty, or a full ring would look like an empty one (Base 3.3.1). */
    for (uint16_t i = 0; i < queue->size - 1; i++)
        queue->free_slots[queue->free_count++] = (uint16_t)(queue->size - 2 - i);
    for (uint16_t i = 0; i < queue->list_count; i++)
        queue->list_next[i] = (uint16_t)(i + 1);
    queue->list_next[queue->list_count - 1] = NVME_NO_LIST;
    queue->lists_free = queue->list_count;
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
    queue->tail = queue->rung = queue->head = queue->told = 0;
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

/*
 * There always is room in the submission queue: it has an entry more than there are slots, and a
 * slot that is in use has at most one entry.
 */
static inline void send(struct nvme_queue *queue, struct nvme_slot *slot,
                        struct nvme_request *request)
{
    unsigned tail = queue->tail;
    uint32_t cid = (slot->cid + NVME_MOST_ENTRIES) & NVME_CID_MASK;
    slot->state = NVME_SLOT_SENT;
    slot->cid = cid;
    request->command.cid = (uint16_t)cid;
    request->deadline = queue->batch_deadline;
    queue->sq[tail] = request->command;
    queue->tail = tail + 1 == queue->size ? 0 : tail + 1;
}

/* The time is taken once for commands that are rung together. */
void nvme_queue_send(struct nvme_queue *queue, struct nvme_slot *slot)
{
    if (queue->tail == queue->rung) {
        queue->batch_deadline = nvme_now(queue->controller) + queue->default_timeout_ns;
        nvme_check_by(queue->controller, queue->batch_deadline);
    }
    send(queue, slot, slot->request);
    if (slot->request->timeout_ns || queue->id == 0)
        set_own_deadline(queue, slot->request);
}

void nvme_queue_hold(struct nvme_queue *queue, struct nvme_slot *slot, uint64_t when)
{
    slot->state = NVME_SLOT_WAITING;
    slot->cid |= NVME_SLOT_IDLE;
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
            if (!slot->request || slot->state != NVME_SLOT_WAITING || slot->request->deadline > now)
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
    unsigned free = queue->free_count - 1;
    struct nvme_slot *slot = &queue->slots[queue->free_slots[free]];
    queue->free_count = free;
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

static inline void set_lba(struct nvme_request *request, uint64_t lba)
{
    request->command.cdw10 = (uint32_t)lba;
    request->command.cdw11 = (uint32_t)(lba >> 32);
}

/* Looks at everything, and whether that will be needed the next time: not if the command itself
 * says where all of the data is. */
static NVME_RARE int submit_again_checked(struct nvme_queue *queue, struct nvme_request *request,
                                          uint64_t lba)
{
    const struct nvme_namespace *ns = request->ns;
    uint64_t blocks = (request->command.cdw12 & NVME_RW_CDW12_NLB) + 1;
    if (!nvme_request_is_current(request))
        return NVME_ERR_GONE;
    if (lba >= ns->block_count || blocks > ns->block_count - lba)
        return NVME_ERR_INVALID;
    set_lba(request, lba);
    if (nvme_has_reference_tags(ns))
        request->command.cdw14 = (uint32_t)lba;
    int error = nvme_submit(queue, request);
    if (!error && request->list_first == NVME_NO_LIST && !request->timeout_ns &&
        !nvme_has_reference_tags(ns))
        request->again_end = ns->block_count - blocks + 1;
    return error;
}

/* The first of a batch. */
static __attribute__((noinline)) void send_first(struct nvme_queue *queue,
                                                 struct nvme_request *request)
{
    nvme_queue_send(queue, occupy(queue, request));
}

int nvme_submit_again(struct nvme_queue *queue, struct nvme_request *request, uint64_t lba)
{
    if (lba >= request->again_end || request->ns->changes != request->ns_changes || !queue->open ||
        queue->free_count == 0)
        return submit_again_checked(queue, request, lba);
    set_lba(request, lba);
    if (queue->tail == queue->rung)
        send_first(queue, request);
    else
        send(queue, occupy(queue, request), request);
    return NVME_OK;
}

void nvme_ring(struct nvme_queue *queue)
{
    if (queue->tail == queue->rung || !queue->live)
        return;
    /* The commands have to be in memory before the device hears of them. The processor's part of
     * that is write32's contract; this is the compiler's. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    unsigned before = queue->rung;
    queue->rung = queue->tail;
    if (queue->shadow && !nvme_shadow_tell(queue, 0, before, queue->tail))
        return;
    nvme_queue_doorbell(queue, 0, queue->tail);
}

/* Takes the request out of its slot, which has that identifier, and tells its submitter. */
static inline void finish(struct nvme_queue *queue, struct nvme_slot *slot, uint32_t cid,
                          struct nvme_request *request, int result)
{
    slot->request = NULL;
    slot->cid = cid | NVME_SLOT_IDLE;
    queue->free_slots[queue->free_count++] = cid & NVME_SLOT_MASK;
    if (request->list_first != NVME_NO_LIST)
        nvme_data_release(queue, request);
    queue->counters.completed++;
    request->result = result;
    request->done(request);
}

void nvme_queue_finish(struct nvme_queue *queue, struct nvme_slot *slot, int result)
{
    queue->waiting -= slot->state == NVME_SLOT_WAITING;
    /* What waits for an event, for ever, has not failed when a reset ends it. */
    if (result && !(result == NVME_ERR_RESET && slot->request->timeout_ns == UINT64_MAX))
        queue->counters.errors++;
    finish(queue, slot, slot->cid, slot->request, result);
}

/* Not ours, or not any more. Whose it was will be seen by its deadline. */
static NVME_RARE void report_foreign(struct nvme_queue *queue, uint16_t sq_id, uint16_t cid)
{
    if (queue->counters.bad_completions++ == 0)
        nvme_log(queue->controller, NVME_LOG_ERROR,
                 "queue %u: completion for command %04x of queue %u, which is not in flight",
                 queue->id, cid, sq_id);
}

static NVME_RARE void complete_error(struct nvme_queue *queue, struct nvme_slot *slot,
                                     uint16_t status)
{
    /* What our own Abort ended is what came too late. */
    bool aborted = slot->state == NVME_SLOT_ABORTED &&
                   (status & (NVME_STATUS_SC | NVME_STATUS_SCT)) == NVME_STATUS_ABORTED;
    if (!nvme_retry_status(queue, slot, status))
        nvme_queue_finish(queue, slot, aborted ? NVME_ERR_TIMEOUT : NVME_ERR_STATUS);
}

/* One entry, of which nothing is believed that was not checked. */
static inline void complete(struct nvme_queue *queue, uint32_t value, uint16_t sq_id, uint16_t cid,
                            uint16_t status)
{
    unsigned index = cid & NVME_SLOT_MASK;
    struct nvme_slot *slot = &queue->slots[index];
    if (index >= queue->size || slot->cid != cid || sq_id != queue->id) {
        report_foreign(queue, sq_id, cid);
        return;
    }
    struct nvme_request *request = slot->request;
    status >>= 1;
    request->status = status;
    request->value = value;
    if (status & (NVME_STATUS_SC | NVME_STATUS_SCT))
        complete_error(queue, slot, status);
    else
        finish(queue, slot, cid, request, NVME_OK);
}

/* An interrupt whose look finds nothing is spurious, unless it may have been meant for another. */
static void count_look(struct nvme_queue *queue, uint64_t interrupts, unsigned found)
{
    queue->counters.polls++;
    if (interrupts <= queue->interrupts_looked)
        return; /* done() has looked in between */
    if (!found && !queue->shares_vector)
        queue->counters.spurious += interrupts - queue->interrupts_looked;
    queue->interrupts_looked = interrupts;
}

/*
 * Entries are given back in lots: a device that has run out of them waits, and then there is at
 * least one lot to give back. Whether done() has reaped as well, or reset the controller, is all
 * the same.
 */
static void tell_head(struct nvme_queue *queue)
{
    if (!queue->live)
        return;
    unsigned taken = queue->head - queue->told + (queue->head < queue->told ? queue->size : 0);
    if (taken * HEAD_LOTS < queue->size)
        return;
    unsigned before = queue->told;
    queue->told = queue->head;
    if (queue->shadow && !nvme_shadow_tell(queue, 1, before, queue->head))
        return;
    nvme_queue_doorbell(queue, 1, queue->head);
}

unsigned nvme_reap(struct nvme_queue *queue)
{
    unsigned reaped = 0;
    uint64_t interrupts = queue->counters.interrupts, retries = queue->counters.retries;
    /* A sweep longer than the ring must not keep the device waiting for room. */
    while (reaped < queue->size && queue->live) {
        volatile struct nvme_completion *entry = &queue->cq[queue->head];
        uint16_t status = entry->status;
        if ((status & NVME_CQE_PHASE) != queue->phase)
            break;
        /* The phase tag says that the entry is there: nothing of it may be read before. */
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        uint32_t value = entry->dw0;
        uint16_t sq_id = entry->sq_id, cid = entry->cid;
        if (++queue->head == queue->size) {
            queue->head = 0;
            queue->phase ^= 1;
        }
        reaped++;
        complete(queue, value, sq_id, cid, status);
    }
    count_look(queue, interrupts, reaped);
    if (queue->counters.retries != retries)
        nvme_ring(queue);
    tell_head(queue);
    return reaped;
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
