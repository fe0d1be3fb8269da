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

static __attribute__((noinline, cold)) void plain_failed(struct fio_job *job, struct fio_slot *slot,
                                                         int status)
{
    struct fio_target *target = job->target;
    struct fio_io io = {.target = target,
                        .direction = (enum fio_direction)slot->direction,
                        .offset = slot->whole.request.lba * target->device->block_size,
                        .length = job->block};
    fio_io_failed(job, &io, status);
    slot->batch->others++;
}

void fio_plain_done(struct block_request *request)
{
    struct fio_slot *slot = CONTAINER_OF(request, struct fio_slot, whole.request);
    struct fio_job *job = request->context;
    struct fio_batch *batch = slot->batch;
    if (request->status == OK)
        batch->done[slot->direction]++;
    else
        plain_failed(job, slot, request->status);
    fio_touch(job, batch);
    slot->next = job->free;
    job->free = slot;
    job->reaped++;
}

/* All of a direction that came back of a batch. */
static uint32_t account_direction(struct fio_job *job, struct fio_batch *batch, unsigned direction)
{
    struct fio_direction_stats *stats = &job->stats.of[direction];
    uint32_t count = batch->done[direction];
    if (count == 0)
        return 0;
    uint64_t clat = job->now - batch->issued;
    batch->done[direction] = 0;
    fio_sum_add(&stats->clat, clat, count);
    fio_sum_add(&stats->lat, job->now - batch->started, count);
    stats->buckets[fio_bucket(clat)] += count;
    stats->ios += count;
    if (job->plain) {
        stats->bytes += (uint64_t)count * job->block;
    } else {
        stats->bytes += batch->bytes[direction];
        batch->bytes[direction] = 0;
    }
    return count;
}

static void account(struct fio_job *job)
{
    job->stats.completes[fio_batch_class(job->reaped)]++;
    job->in_flight -= job->reaped;
    job->reaped = 0;
    for (struct fio_batch *batch = job->touched, *next; batch; batch = next) {
        next = batch->next;
        batch->touched = false;
        uint32_t count = batch->others;
        batch->others = 0;
        for (unsigned direction = job->first; direction <= job->last; direction++)
            count += account_direction(job, batch, direction);
        batch->outstanding -= count;
        if (batch->outstanding == 0) {
            batch->next = job->free_batches;
            job->free_batches = batch;
        }
    }
    job->touched = NULL;
}

/* ---- Submission --------------------------------------------------------------------------------
 */

static inline uint64_t next_unit(struct fio_job *job, struct fio_target *target)
{
    switch (target->order) {
    case FIO_SEQUENTIAL:
        return target->position++;
    case FIO_MAP:
        return fio_map_next(&target->map);
    case FIO_EVEN:
        return fio_random_below(&job->random, target->count);
    default:
        return fio_zipf_block(target->zipf, fio_zipf_rank(target->zipf, &job->random));
    }
}

static inline void draw_direction(struct fio_job *job, struct fio_slot *slot,
                                  struct fio_batch *batch)
{
    bool read = fio_random(&job->random) >> 32 < job->read_threshold;
    slot->direction = read ? FIO_READ : FIO_WRITE;
    slot->whole.request.operation = read ? BLOCK_READ : BLOCK_WRITE;
    batch->submitted[slot->direction]++;
}

static __attribute__((noinline, cold)) void refused(struct fio_slot *slot, int status)
{
    slot->whole.request.status = status;
    fio_plain_done(&slot->whole.request);
}

static void issue_plain(struct fio_job *job, struct fio_batch *batch, uint32_t count)
{
    struct fio_target *target = job->target;
    struct block_device *device = target->device;
    for (uint32_t i = count; i; i--) {
        struct fio_slot *slot = job->free;
        job->free = slot->next;
        slot->batch = batch;
        if (job->mixed)
            draw_direction(job, slot, batch);
        slot->whole.request.lba = target->first + next_unit(job, target) * job->blocks;
        int status = fio_submit(device, &slot->whole.request);
        if (status != OK)
            refused(slot, status);
    }
    target->pass_left -= count;
    if (target->pass_left == 0)
        fio_plan_rewind(job, target);
    job->left -= count;
    job->in_flight += count;
    batch->outstanding = count;
}

static void issue_slow(struct fio_job *job, struct fio_batch *batch, uint32_t count)
{
    batch->outstanding = 0;
    while (count--) {
        struct fio_slot *slot = job->free;
        job->free = slot->next;
        /* Counted first: submission may poll, and find it done. */
        batch->outstanding++;
        job->in_flight++;
        if (!fio_slow_issue(job, slot, batch)) {
            batch->outstanding--;
            job->in_flight--;
            slot->next = job->free;
            job->free = slot;
            return;
        }
    }
}

/* How many I/Os there are room, occasion and leave for. */
static uint32_t room(struct fio_job *job)
{
    uint32_t count = MIN(job->depth - job->in_flight, job->batch_submit);
    if (job->reaped || job->stopping)
        return 0;
    if (!job->plain)
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
static uint32_t submit(struct fio_job *job, uint32_t count)
{
    struct fio_batch *batch = job->free_batches;
    uint32_t before = job->in_flight;
    batch->started = job->now;
    batch->issued = job->now; /* for what comes back meanwhile, when the queue is full */
    job->free_batches = batch->next;
    if (job->plain)
        issue_plain(job, batch, count);
    else
        issue_slow(job, batch, count);
    count = job->in_flight - before;
    if (count == 0) {
        batch->next = job->free_batches;
        job->free_batches = batch;
        return 0;
    }
    job->now = clock_ns();
    batch->issued = job->now;
    job->stats.submits[fio_batch_class(count)]++;
    job->stats.depths[fio_depth_class(job->in_flight)] += count;
    if (job->plain && !job->mixed)
        fio_sum_add(&job->stats.of[job->first].slat, batch->issued - batch->started, count);
    else
        account_submitted(job, batch);
    return count;
}

/* Until when a poll may sleep: not at all while there is something to submit, or another job. */
static uint64_t nap(const struct fio_job *job, bool more)
{
    if (more || !job->alone || job->batch_complete == 0)
        return 0;
    uint64_t until = MIN(job->event, job->now + NAP);
    return job->resume > job->now ? MIN(until, job->resume) : until;
}

/* The last of several devices may sleep, but only shortly. */
static void poll(struct fio_job *job, uint64_t deadline)
{
    uint64_t before = job->now;
    for (unsigned i = 1; i < job->target_count; i++) {
        block_poll(job->targets[i].device, 0);
        deadline = MIN(deadline, before + 50 * NS_PER_US);
    }
    block_poll(job->target->device, deadline);
    job->now = clock_ns();
    job->stats.waited += job->now - before;
}

bool fio_block_turn(struct fio_job *job)
{
    if (!job->alone)
        job->now = clock_ns();
    uint32_t count = room(job), issued = count ? submit(job, count) : 0;
    bool busy = issued || job->alone;
    if (job->in_flight) {
        poll(job, nap(job, issued == job->batch_submit && job->in_flight < job->depth));
        if (job->reaped && job->reaped >= MIN(job->batch_complete, job->in_flight)) {
            account(job);
            busy = true;
        }
    } else if (!issued) {
        job->now = clock_ns();
        busy = fio_exhausted(job);
        if (busy)
            fio_job_finish(job);
    }
    if (job->now >= job->event)
        fio_job_event(job);
    return busy;
}
