/*
 * The loop over a block device. A turn submits as many I/Os as have room,
 * polls once, and accounts for what came back.
 *
 * Nothing but what differs is done for each I/O. The clock is read once behind
 * the submission of a batch and once behind a poll, for all that was submitted
 * or seen in it; latencies are therefore the same for all completions of a
 * batch that were seen at once, and go into the statistics together.
 */
#include "kernel/shell/commands/fio/fio.h"

#include "kernel/x86/clock.h"
#include "lib/status.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

#define NAP (50 * NS_PER_MS) /* at most this long between two looks at Ctrl-C */

int fio_submit(struct block_device *device, struct block_request *request)
{
    int status;
    while ((status = block_submit(device, request)) == ERR_AGAIN)
        block_poll(device, clock_ns() + NS_PER_MS);
    return status;
}

/* ---- Completion --------------------------------------------------------------------------------
 */

/* So many of a batch have come back. */
static ALWAYS_INLINE void leave_batch(struct fio_job *job, struct fio_batch *batch, uint32_t count)
{
    batch->outstanding -= count;
    if (batch->outstanding == 0) {
        batch->next = job->free_batches;
        job->free_batches = batch;
    }
}

static ALWAYS_INLINE void account_times(struct fio_job *job, struct fio_direction_stats *stats,
                                        const struct fio_batch *batch, uint32_t count)
{
    uint64_t now = job->now, clat = now - batch->issued;
    fio_sum_add(&stats->clat, clat, count);
    fio_sum_add(&stats->lat, now - batch->started, count);
    stats->buckets[fio_bucket(clat)] += count;
    stats->ios += count;
}

static ALWAYS_INLINE void account_done(struct fio_job *job, uint32_t count)
{
    job->in_flight -= count;
    job->stats.completes[fio_batch_class(count)]++;
}

/* Of a plain job. */
static ALWAYS_INLINE void account_some(struct fio_job *job, struct fio_batch *batch, uint32_t count)
{
    account_times(job, job->own, batch, count);
    job->own->bytes += (uint64_t)count * job->block;
    leave_batch(job, batch, count);
}

/* One by one, from `request` on to before `behind`. */
static __attribute__((noinline, cold)) uint32_t account_failed(struct fio_job *job,
                                                               struct block_request *request,
                                                               const struct block_request *behind)
{
    struct fio_target *target = job->target;
    uint32_t count = 0;
    job->ended.failed = 0;
    for (; request != behind; request = request->next, count++) {
        struct fio_batch *batch = fio_slot_of(request)->batch;
        if (request->status == OK) {
            account_some(job, batch, 1);
            continue;
        }
        struct fio_io io = {.target = target,
                            .direction = (enum fio_direction)job->direction,
                            .offset = request->lba * target->device->block_size,
                            .length = job->block};
        fio_io_failed(job, &io, request->status);
        leave_batch(job, batch, 1);
    }
    return count;
}

/* The same; what follows one another and is of one batch goes together. */
static ALWAYS_INLINE uint32_t account_good(struct fio_job *job, struct block_request *request,
                                           const struct block_request *behind)
{
    uint32_t all = 0;
    do {
        struct fio_batch *batch = fio_slot_of(request)->batch;
        uint32_t count = 0;
        do {
            count++;
            request = request->next;
        } while (request != behind && fio_slot_of(request)->batch == batch);
        account_some(job, batch, count);
        all += count;
    } while (request != behind);
    return all;
}

/* Less has come back than was to be waited for. */
static bool too_few(const struct fio_job *job)
{
    uint32_t count = 0;
    for (struct block_request *const *at = &job->ended.first; at != job->ended.end;
         at = &(*at)->next)
        count++;
    return count < MIN(job->batch_complete, job->in_flight);
}

/* False: nothing, or not enough, has come back. */
static ALWAYS_INLINE bool account_plain(struct fio_job *job)
{
    struct block_request *behind = job->free;
    if (job->batch_complete > 1 && too_few(job))
        return false;
    struct block_request *first = job->free = block_ended_take(&job->ended, behind);
    if (first == behind)
        return false;
    account_done(job, job->ended.failed ? account_failed(job, first, behind)
                                        : account_good(job, first, behind));
    return true;
}

static uint32_t account_batch(struct fio_job *job, struct fio_batch *batch)
{
    uint32_t all = batch->others;
    for (unsigned direction = job->first; direction <= job->last; direction++) {
        uint32_t count = batch->done[direction];
        if (count) {
            account_times(job, &job->stats.of[direction], batch, count);
            job->stats.of[direction].bytes += batch->bytes[direction];
        }
        all += count;
        batch->done[direction] = 0;
        batch->bytes[direction] = 0;
    }
    batch->touched = false;
    batch->others = 0;
    leave_batch(job, batch, all);
    return all;
}

static bool too_few_touched(const struct fio_job *job)
{
    uint32_t count = 0;
    for (const struct fio_batch *batch = job->touched; batch; batch = batch->next)
        count +=
            batch->others + batch->done[FIO_READ] + batch->done[FIO_WRITE] + batch->done[FIO_TRIM];
    return count < MIN(job->batch_complete, job->in_flight);
}

static bool account_slow(struct fio_job *job)
{
    struct fio_batch *batch = job->touched;
    uint32_t count = 0;
    if (!batch || (job->batch_complete > 1 && too_few_touched(job)))
        return false;
    job->touched = NULL;
    for (struct fio_batch *next; batch; batch = next) {
        next = batch->next;
        count += account_batch(job, batch);
    }
    account_done(job, count);
    return true;
}

/* ---- Submission --------------------------------------------------------------------------------
 */

static inline uint64_t next_unit(struct fio_job *job, struct fio_target *target)
{
    switch (target->order) {
    case FIO_SEQUENTIAL:
        return target->position++;
    case FIO_EVEN:
        return fio_random_below(&job->random, target->count);
    case FIO_ZIPF:
        return fio_zipf_block(target->zipf, fio_zipf_rank(target->zipf, &job->random));
    default:
        return fio_map_next(&target->map);
    }
}

/* Says where a request goes; returns the next. */
static ALWAYS_INLINE struct block_request *place(struct fio_batch *batch,
                                                 struct block_request *request, uint64_t lba)
{
    request->lba = lba;
    fio_slot_of(request)->batch = batch;
    return request->next;
}

/* Takes the first `count` free slots, and says where they go. The map has a loop of its own, in
 * which its state stays in registers. */
static inline struct block_request *take_and_place(struct fio_job *job, struct fio_batch *batch,
                                                   uint32_t count)
{
    struct fio_target *target = job->target;
    struct block_request *all = job->free, *request = all, *last;
    uint64_t first = target->first, blocks = job->blocks;
    if (target->order == FIO_MAP) {
        struct fio_map map = target->map;
        do {
            last = request;
            request = place(batch, request, first + fio_map_next(&map) * blocks);
        } while (--count);
        target->map.state = map.state;
    } else {
        do {
            last = request;
            request = place(batch, request, first + next_unit(job, target) * blocks);
        } while (--count);
    }
    last->next = NULL;
    job->free = request;
    return all;
}

/* The queue is full, or something is wrong with the first. */
static __attribute__((noinline, cold)) void insist(struct block_device *device,
                                                   struct block_request **list, int status)
{
    struct block_request *first = *list;
    if (status == ERR_AGAIN) {
        block_poll(device, clock_ns() + NS_PER_MS);
        return;
    }
    *list = first->next;
    first->status = status;
    block_end(first);
}

static inline void issue_plain(struct fio_job *job, struct fio_batch *batch, uint32_t count)
{
    struct fio_target *target = job->target;
    struct block_device *device = target->device;
    struct block_request *list = take_and_place(job, batch, count);
    int status;
    job->left -= count;
    job->in_flight += count;
    batch->outstanding = count;
    target->pass_left -= count;
    if (target->pass_left == 0)
        fio_plan_rewind(job, target);
    while ((status = block_submit_list(device, &list)) != OK)
        insist(device, &list, status);
}

static void issue_slow(struct fio_job *job, struct fio_batch *batch, uint32_t count)
{
    batch->outstanding = 0;
    while (count--) {
        struct fio_slot *slot = fio_slot_take(job);
        /* Counted first: it may have failed by then. */
        batch->outstanding++;
        job->in_flight++;
        if (!fio_slow_issue(job, slot, batch)) {
            batch->outstanding--;
            job->in_flight--;
            fio_slot_free(job, slot);
            return;
        }
    }
}

/* How many I/Os there are room, occasion and leave for. */
static ALWAYS_INLINE uint32_t room(struct fio_job *job, bool plain)
{
    uint32_t count = MIN(job->depth - job->in_flight, job->batch_submit);
    bool waits =
        plain ? job->batch_complete > 1 && block_ended_any(&job->ended) : job->touched != NULL;
    if (waits || job->stopping)
        return 0;
    if (!plain)
        return fio_pace(job, count);
    uint64_t left = MIN(job->left, job->target->pass_left);
    return left < count ? (uint32_t)left : count;
}

static void account_submitted(struct fio_job *job, struct fio_batch *batch)
{
    for (unsigned i = job->first; i <= job->last; i++)
        if (batch->submitted[i]) {
            fio_sum_add(&job->stats.of[i].slat, batch->issued - batch->started,
                        batch->submitted[i]);
            batch->submitted[i] = 0;
        }
}

/* Submits a batch; returns how many it has. */
static ALWAYS_INLINE uint32_t submit(struct fio_job *job, uint32_t count, bool plain)
{
    struct fio_batch *batch = job->free_batches;
    uint32_t before = job->in_flight;
    batch->started = job->now;
    job->free_batches = batch->next;
    if (plain)
        issue_plain(job, batch, count);
    else
        issue_slow(job, batch, count);
    if (!plain)
        count = job->in_flight - before;
    if (count == 0) {
        batch->next = job->free_batches;
        job->free_batches = batch;
        return 0;
    }
    uint64_t now = clock_ns();
    job->now = now;
    batch->issued = now;
    job->stats.submits[fio_batch_class(count)]++;
    job->stats.depths[fio_depth_class(job->in_flight)] += count;
    if (plain)
        fio_sum_add(&job->own->slat, now - batch->started, count);
    else
        account_submitted(job, batch);
    return count;
}

/* The last of several devices may sleep, but only shortly. */
static void poll_several(struct fio_job *job, uint64_t deadline)
{
    for (unsigned i = 1; i < job->target_count; i++)
        block_poll(job->targets[i].device, 0);
    block_poll(job->target->device, MIN(deadline, job->now + 50 * NS_PER_US));
}

/* `more`: there is something to submit, so there is no time to sleep. */
static ALWAYS_INLINE void poll(struct fio_job *job, bool plain, bool more)
{
    uint64_t before = job->now, deadline = more || !job->alone ? 0 : job->until;
    if (plain || job->target_count == 1)
        block_poll(job->target->device, deadline);
    else
        poll_several(job, deadline);
    if (!plain)
        fio_slow_take_back(job);
    job->now = clock_ns();
    job->stats.waited += job->now - before;
}

/* Nothing is in flight, nothing could be issued. */
static bool stalled(struct fio_job *job)
{
    job->now = clock_ns();
    bool exhausted = fio_exhausted(job);
    if (exhausted)
        fio_job_finish(job);
    return exhausted;
}

/* A job that is alone stays until something is due, and sleeps in the polls. */
static ALWAYS_INLINE bool turn(struct fio_job *job, bool plain)
{
    bool busy;
    job->now = clock_ns();
    job->until = MIN(job->event, job->now + NAP);
    do {
        uint32_t count = room(job, plain), issued = count ? submit(job, count, plain) : 0;
        if (job->in_flight == 0) {
            busy = stalled(job);
            break;
        }
        if (!plain && !issued && job->resume > job->now)
            job->until = MIN(job->until, job->resume);
        poll(job, plain,
             job->batch_complete == 0 ||
                 (issued == job->batch_submit && job->in_flight < job->depth));
        busy = (plain ? account_plain(job) : account_slow(job)) || issued;
    } while (job->alone && job->now < job->until);
    if (job->now >= job->event)
        fio_job_event(job);
    return busy || (job->alone && job->in_flight);
}

/* The short way and the other are one function, compiled twice. */
static __attribute__((noinline)) bool plain_turn(struct fio_job *job)
{
    return turn(job, true);
}

static __attribute__((noinline)) bool slow_turn(struct fio_job *job)
{
    return turn(job, false);
}

bool fio_block_turn(struct fio_job *job)
{
    return job->plain ? plain_turn(job) : slow_turn(job);
}
