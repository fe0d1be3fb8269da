/*
 * The loop over a block device. A turn submits as many I/Os as have room,
 * polls once, and accounts for what came back.
 *
 * Nothing but what differs is done for each I/O. The clock is read once behind
 * the submission of a batch and once behind a poll, for all that was submitted
 * or seen in it; latencies are therefore the same for all completions of a
 * batch that were seen at once, and go into the statistics together.
 *
 * There are three kinds of turn: of a plain job that has a single slot, of one
 * that has several, and of a job that needs more care (slow.c).
 */
#include "kernel/shell/commands/fio/fio.h"

#include "kernel/x86/clock.h"
#include "lib/status.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define RARE          __attribute__((noinline, cold))

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

static ALWAYS_INLINE void account_done(struct fio_job *job, uint32_t count)
{
    job->room += count;
    job->stats.completes[fio_batch_class(count)]++;
}

static void issue_no_more(struct fio_job *job)
{
    job->granted = 0;
    job->left = 0;
}

static RARE void plain_failed(struct fio_job *job, const struct block_request *request)
{
    struct fio_target *target = job->target;
    struct fio_io io = {.target = target,
                        .direction = (enum fio_direction)job->direction,
                        .offset = request->lba * target->device->block_size,
                        .length = job->block};
    fio_io_failed(job, &io, request->status);
    job->ended.failed--;
    if (job->stopping)
        issue_no_more(job);
}

/* Of a plain job, now. */
static ALWAYS_INLINE void account_some(struct fio_job *job, struct fio_batch *batch, uint32_t count,
                                       uint64_t now)
{
    fio_times_add(job->own, batch->issued - batch->started, now - batch->issued, count);
    leave_batch(job, batch, count);
}

/* What has come back, up to the free slots that were there before, one by one. */
static RARE void account_failed(struct fio_job *job, const struct block_request *behind)
{
    for (const struct block_request *at = job->free; at != behind; at = at->next) {
        struct fio_batch *batch = fio_slot_of(at)->batch;
        if (at->status == OK) {
            account_some(job, batch, 1, job->now);
            continue;
        }
        plain_failed(job, at);
        leave_batch(job, batch, 1);
    }
}

/* How many follow one another and are of one batch; *at is then behind them. */
static inline uint32_t run_of(const struct fio_batch *batch, const struct block_request **at)
{
    uint32_t count = 0;
    do {
        count++;
        *at = (*at)->next;
    } while (fio_slot_of(*at)->batch == batch);
    return count;
}

/* The same, where all is well. Nothing has to be looked for while there is but one batch. */
static ALWAYS_INLINE void account_good(struct fio_job *job, uint32_t count, uint64_t now)
{
    const struct block_request *at = job->free;
    for (uint32_t some; count; count -= some) {
        struct fio_batch *batch = fio_slot_of(at)->batch;
        some = batch->outstanding == fio_in_flight(job) ? count : run_of(batch, &at);
        account_some(job, batch, some, now);
    }
}

/* False: nothing, or not enough, has come back. */
static ALWAYS_INLINE bool account_plain(struct fio_job *job, uint64_t now)
{
    struct block_request *behind = job->free;
    uint32_t count = job->ended.count;
    if (count == 0 || (count < job->batch_complete && count < fio_in_flight(job)))
        return false;
    fio_slot_of(behind)->batch = NULL; /* where what has come back ends */
    job->free = block_ended_take(&job->ended, behind);
    if (job->ended.failed) {
        job->now = now;
        account_failed(job, behind);
    } else {
        account_good(job, count, now);
    }
    account_done(job, count);
    return true;
}

static uint32_t account_batch(struct fio_job *job, struct fio_batch *batch)
{
    uint64_t slat = batch->issued - batch->started, clat = job->now - batch->issued;
    uint32_t all = batch->others;
    for (unsigned direction = job->first; direction <= job->last; direction++) {
        struct fio_direction_stats *stats = &job->stats.of[direction];
        uint32_t count = batch->done[direction];
        if (count)
            fio_times_add(stats, slat, clat, count);
        stats->bytes += batch->bytes[direction];
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
    return count < MIN(job->batch_complete, fio_in_flight(job));
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

/* Says where a request goes; returns what leads to the next. */
static ALWAYS_INLINE struct block_request **place(struct block_request *request,
                                                  struct fio_batch *batch, uint64_t lba)
{
    request->lba = lba;
    fio_slot_of(request)->batch = batch;
    return &request->next;
}

/* The first `count` free slots; returns what leads to the rest. The map has a loop of its own, in
 * which its state stays in registers. */
static ALWAYS_INLINE struct block_request **place_by_map(struct fio_job *job,
                                                         struct fio_target *target,
                                                         struct fio_batch *batch, uint32_t count)
{
    uint64_t first = target->first, blocks = job->blocks;
    struct block_request **link = &job->free;
    struct fio_map map = target->map;
    if (fio_map_is_whole(&map))
        do
            link = place(*link, batch, first + fio_map_next_whole(&map) * blocks);
        while (--count);
    else
        do
            link = place(*link, batch, first + fio_map_next(&map) * blocks);
        while (--count);
    target->map.state = map.state;
    return link;
}

static __attribute__((noinline)) struct block_request **place_otherwise(struct fio_job *job,
                                                                        struct fio_target *target,
                                                                        struct fio_batch *batch,
                                                                        uint32_t count)
{
    struct block_request **link = &job->free;
    do
        link = place(*link, batch, target->first + next_unit(job, target) * job->blocks);
    while (--count);
    return link;
}

/* The queue is full, or something is wrong with the first. */
static RARE void insist(struct fio_job *job, struct block_request **list, int status)
{
    struct block_device *device = job->target->device;
    do {
        struct block_request *first = *list;
        if (status == ERR_AGAIN) {
            block_poll(device, clock_ns() + NS_PER_MS);
        } else {
            *list = first->next;
            first->status = status;
            block_end(first);
        }
        status = *list ? block_submit_list(device, list) : OK;
    } while (status != OK);
}

static ALWAYS_INLINE void count_submitted(struct fio_job *job, uint32_t count)
{
    job->stats.submits[fio_batch_class(count)]++;
    job->stats.depths[fio_depth_class(fio_in_flight(job))] += count;
}

/* Submits a batch; returns what the time is then. */
static ALWAYS_INLINE uint64_t submit_plain(struct fio_job *job, uint32_t count, uint64_t now)
{
    struct fio_batch *batch = job->free_batches;
    struct fio_target *target = job->target;
    struct block_request *list = job->free, **link;
    batch->started = now;
    batch->outstanding = count;
    job->free_batches = batch->next;
    if (target->order == FIO_MAP)
        link = place_by_map(job, target, batch, count);
    else
        link = place_otherwise(job, target, batch, count);
    job->free = *link;
    *link = NULL;
    job->room -= count;
    job->granted -= count;
    if (job->granted == 0)
        fio_plan_grant(job);
    int status = block_submit_list(target->device, &list);
    if (status != OK)
        insist(job, &list, status);
    count_submitted(job, count);
    now = clock_ns();
    batch->issued = now;
    return now;
}

static void issue_slow(struct fio_job *job, struct fio_batch *batch, uint32_t count)
{
    batch->outstanding = 0;
    while (count--) {
        struct fio_slot *slot = fio_slot_take(job);
        /* Counted first: it may have failed by then. */
        batch->outstanding++;
        job->room--;
        if (!fio_slow_issue(job, slot, batch)) {
            batch->outstanding--;
            job->room++;
            fio_slot_free(job, slot);
            return;
        }
    }
}

/* The same; returns how many it has. */
static uint32_t submit_slow(struct fio_job *job, uint32_t count)
{
    struct fio_batch *batch = job->free_batches;
    uint32_t before = job->room;
    batch->started = job->now;
    job->free_batches = batch->next;
    issue_slow(job, batch, count);
    count = before - job->room;
    if (count == 0) {
        batch->next = job->free_batches;
        job->free_batches = batch;
        return 0;
    }
    job->now = batch->issued = clock_ns();
    count_submitted(job, count);
    return count;
}

/* ---- Turns -------------------------------------------------------------------------------------
 */

/* Nothing is in flight, nothing could be issued. */
static bool stalled(struct fio_job *job)
{
    job->now = clock_ns();
    bool exhausted = fio_exhausted(job);
    if (exhausted)
        fio_job_finish(job);
    return exhausted;
}

/* At the end of a turn that has done something, or not. */
static bool end_turn(struct fio_job *job, bool busy)
{
    if (job->now >= job->event)
        fio_job_event(job);
    return busy || (job->alone && fio_in_flight(job));
}

/* How many I/Os there are room, occasion and leave for. */
static ALWAYS_INLINE uint32_t room_plain(const struct fio_job *job)
{
    uint32_t count = MIN(job->room, job->batch_submit);
    return MIN(count, job->granted);
}

/* A job that is alone stays until something is due, and sleeps in the polls; this is until when. */
static uint64_t begin_turn(struct fio_job *job, uint64_t now)
{
    if (job->stopping)
        issue_no_more(job);
    return job->alone && job->batch_complete ? MIN(job->event, now + NAP) : 0;
}

static bool end_plain_turn(struct fio_job *job, uint64_t now, bool busy)
{
    job->now = now;
    job->stats.waited += job->polling;
    job->polling = 0;
    if (fio_in_flight(job) == 0 && job->granted == 0)
        busy = stalled(job);
    return end_turn(job, busy);
}

static __attribute__((noinline)) bool plain_turn(struct fio_job *job)
{
    struct block_device *device = job->target->device;
    uint64_t now = clock_ns(), stay = begin_turn(job, now);
    bool busy = false;
    do {
        uint32_t count = room_plain(job);
        if (count)
            now = submit_plain(job, count, now);
        else if (fio_in_flight(job) == 0)
            break;
        bool more = job->room && count == job->batch_submit;
        job->polling -= now;
        block_poll(device, more ? 0 : stay);
        now = clock_ns();
        job->polling += now;
        busy = account_plain(job, now) || count;
    } while (now < stay);
    return end_plain_turn(job, now, busy);
}

static __attribute__((noinline)) uint64_t unit_otherwise(struct fio_job *job)
{
    return next_unit(job, job->target);
}

/* Submits the only slot there is; returns what the time is then. */
static ALWAYS_INLINE uint64_t submit_single(struct fio_job *job)
{
    struct fio_target *target = job->target;
    struct block_request *request = &job->slots->whole.request, *list = request;
    uint64_t unit = __builtin_expect(target->order == FIO_MAP, true) ? fio_map_next(&target->map)
                                                                     : unit_otherwise(job);
    request->lba = target->first + unit * job->blocks;
    request->next = NULL;
    job->granted--;
    int status = block_submit_list(target->device, &list);
    if (status != OK)
        insist(job, &list, status);
    return clock_ns();
}

/* Polls until it has come back or `stay`, once at least; returns what the time is then. */
static ALWAYS_INLINE uint64_t poll_single(struct fio_job *job, struct block_device *device,
                                          uint64_t stay)
{
    uint64_t now;
    do {
        block_poll(device, stay);
        now = clock_ns();
    } while (job->ended.count == 0 && now < stay);
    return now;
}

/* What has come back in a turn, and whether one more or fewer is in flight than before. */
static void count_single(struct fio_stats *stats, uint64_t count, uint64_t more)
{
    stats->completes[fio_batch_class(1)] += count;
    stats->submits[fio_batch_class(1)] += count + more;
    stats->depths[fio_depth_class(1)] += count + more;
}

/* False: it has not come back. */
static ALWAYS_INLINE bool account_single(struct fio_job *job, uint64_t started, uint64_t issued,
                                         uint64_t now)
{
    if (job->ended.count == 0) {
        job->batches->started = started;
        job->batches->issued = issued;
        job->polling += now - issued;
        return false;
    }
    block_ended_clear(&job->ended);
    if (job->ended.failed) {
        job->polling += now - issued;
        count_single(&job->stats, 1, 0);
        plain_failed(job, &job->slots->whole.request);
    } else {
        fio_times_add(job->own, issued - started, now - issued, 1);
    }
    return true;
}

/* What is in flight from the turn before. */
static __attribute__((noinline)) bool resume_single(struct fio_job *job, uint64_t stay)
{
    const struct fio_batch *batch = job->batches;
    job->polling -= job->now - batch->issued;
    job->now = poll_single(job, job->target->device, stay);
    return account_single(job, batch->started, batch->issued, job->now);
}

/* With a depth of one there is nothing to be shared out or looked for, and all of the latency of
 * what comes back is spent in polls. */
static __attribute__((noinline)) bool single_turn(struct fio_job *job)
{
    struct block_device *device = job->target->device;
    uint64_t now = clock_ns(), stay = begin_turn(job, now);
    const uint64_t before = fio_in_flight(job), ios = job->own->ios, clat = job->own->clat.sum;
    job->now = now;
    bool back = !before || resume_single(job, stay);
    now = job->now;
    if (back && (job->granted || fio_plan_grant(job))) {
        do {
            uint64_t started = now, issued = submit_single(job);
            now = poll_single(job, device, stay);
            back = account_single(job, started, issued, now);
        } while (back && (job->granted || fio_plan_grant(job)) && now < stay);
    }
    job->room = back;
    job->polling += job->own->clat.sum - clat;
    count_single(&job->stats, job->own->ios - ios, fio_in_flight(job) - before);
    return end_plain_turn(job, now, back);
}

/* The last of several devices may sleep, but only shortly. */
static void poll_several(struct fio_job *job, uint64_t deadline)
{
    for (unsigned i = 1; i < job->target_count; i++)
        block_poll(job->targets[i].device, 0);
    block_poll(job->target->device, MIN(deadline, job->now + 50 * NS_PER_US));
}

static void poll_slow(struct fio_job *job, uint64_t deadline)
{
    uint64_t before = job->now;
    if (job->target_count == 1)
        block_poll(job->target->device, deadline);
    else
        poll_several(job, deadline);
    fio_slow_take_back(job);
    job->now = clock_ns();
    job->stats.waited += job->now - before;
}

static uint32_t room_slow(struct fio_job *job)
{
    uint32_t count = MIN(job->room, job->batch_submit);
    return job->touched || job->stopping ? 0 : fio_pace(job, count);
}

static __attribute__((noinline)) bool slow_turn(struct fio_job *job)
{
    bool busy;
    job->now = clock_ns();
    uint64_t until = MIN(job->event, job->now + NAP);
    do {
        uint32_t count = room_slow(job), issued = count ? submit_slow(job, count) : 0;
        if (fio_in_flight(job) == 0) {
            busy = stalled(job);
            break;
        }
        if (!issued && job->resume > job->now)
            until = MIN(until, job->resume);
        bool more = job->batch_complete == 0 || (issued == job->batch_submit && job->room);
        poll_slow(job, more || !job->alone ? 0 : until);
        busy = account_slow(job) || issued;
    } while (job->alone && job->now < until);
    return end_turn(job, busy);
}

bool fio_block_turn(struct fio_job *job)
{
    return !job->plain ? slow_turn(job) : job->depth == 1 ? single_turn(job) : plain_turn(job);
}
