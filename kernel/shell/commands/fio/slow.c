/*
 * I/O to block devices that takes more than a block number: several files,
 * blocks of several sizes or larger than a request may be, rates and pauses,
 * flushes, and whatever has to be verified.
 */
#include "kernel/shell/commands/fio/fio.h"

#include "kernel/x86/clock.h"
#include "lib/status.h"

bool fio_exhausted(const struct fio_job *job)
{
    if (job->stopping)
        return true;
    if (job->flush_due)
        return false;
    if (job->replaying)
        return job->replayed >= job->replay_count;
    if (job->plain)
        return job->granted == 0;
    return job->ios_left == 0 || job->bytes_left < job->targets[0].unit;
}

/* ---- Rates and pauses --------------------------------------------------------------------------
 */

/* When what comes behind `paced` is due at `rate`. */
static uint64_t due(const struct fio_job *job, uint64_t paced, uint64_t rate)
{
    return job->phase_start + wide_scale(paced, NS_PER_SEC, rate);
}

/* How many I/Os of a direction are due now; if none, *next is when there will be one. */
static uint64_t due_now(const struct fio_job *job, unsigned direction, uint64_t *next)
{
    uint64_t rate = job->options->rate[direction], paced = job->paced[direction];
    uint64_t allowed = wide_scale(job->now - job->phase_start, rate, NS_PER_SEC);
    if (allowed >= paced)
        return (allowed - paced) / fio_rate_share(job, job->most) + 1;
    *next = MIN(*next, due(job, paced, rate));
    return 0;
}

/* By rate. In a mix of two rates each direction adds what it has due; where one alone has a rate,
 * the other keeps its share of the mix. */
static uint64_t pace_by_rate(struct fio_job *job, uint64_t room)
{
    uint64_t next = UINT64_MAX, sum = 0, least = UINT64_MAX;
    bool rated = false;
    for (unsigned i = job->first; i <= job->last; i++) {
        if (!job->options->rate[i])
            continue;
        uint64_t count = due_now(job, i, &next);
        rated = true;
        sum += count;
        least = MIN(least, count);
    }
    if (!rated)
        return room;
    uint64_t count = fio_rates_mix(job) ? sum : least;
    if (count == 0)
        job->resume = next;
    return MIN(room, count);
}

uint32_t fio_pace(struct fio_job *job, uint32_t room)
{
    if (job->resume > job->now)
        return 0;
    if (job->options->think_time)
        room = MIN(room, 1u);
    return job->replaying ? room : (uint32_t)pace_by_rate(job, room);
}

void fio_paced(struct fio_job *job, const struct fio_io *io, uint64_t now)
{
    const struct fio_job_options *options = job->options;
    job->paced[io->direction] += fio_rate_share(job, io->length);
    if (options->think_time)
        job->resume = now + options->think_time;
    if (options->fsync && io->direction == FIO_WRITE &&
        ++job->writes_since_flush >= options->fsync) {
        job->writes_since_flush = 0;
        job->flush_due = true;
    }
}

/* ---- Completion --------------------------------------------------------------------------------
 */

static void finish(struct fio_job *job, struct fio_slot *slot)
{
    const struct fio_io *io = &slot->io;
    struct fio_batch *batch = slot->batch;
    struct fio_failure failure;
    if (slot->status != OK) {
        fio_io_failed(job, io, slot->status);
        batch->others++;
        return;
    }
    if (slot->flush) {
        if (!job->ending)
            fio_sum_add(&job->stats.sync, clock_ns() - batch->started, 1);
        batch->others++;
        return;
    }
    batch->done[io->direction]++;
    batch->bytes[io->direction] += io->length;
    bool verify =
        io->direction == FIO_READ && job->options->verify && (job->replaying || !job->mixed);
    if (verify && !fio_verify_check(job, io, slot->buffer, &failure))
        fio_fail(job, &failure, FIO_ERROR_VERIFY);
}

/* The batch has something to account for. */
static void touch(struct fio_job *job, struct fio_batch *batch)
{
    if (batch->touched)
        return;
    batch->touched = true;
    batch->next = job->touched;
    job->touched = batch;
}

/* One of the requests of a slot, or what stands for one. */
static void part_ended(struct fio_job *job, struct fio_slot *slot, int status)
{
    if (status != OK)
        slot->status = status;
    if (--slot->parts_left)
        return;
    finish(job, slot);
    touch(job, slot->batch);
    fio_slot_free(job, slot);
}

void fio_slow_take_back(struct fio_job *job)
{
    struct block_request *request = block_ended_take(&job->ended, NULL), *next;
    for (; request; request = next) {
        next = request->next;
        part_ended(job, CONTAINER_OF(request, struct fio_part, request)->slot, request->status);
    }
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

static void start_flush(struct fio_job *job, struct fio_slot *slot)
{
    struct block_request *request = &slot->whole.request;
    job->flush_due = false;
    slot->flush = true;
    slot->io = (struct fio_io){.target = job->target, .direction = FIO_WRITE};
    request->operation = BLOCK_FLUSH;
    request->lba = 0;
    request->blocks = 0;
    request->segment_count = 0;
    slot->parts_left = 1;
    int status = fio_submit(job->target->device, request);
    if (status != OK)
        part_ended(job, slot, status);
}

static const enum block_operation operations[] = {
    [FIO_READ] = BLOCK_READ, [FIO_WRITE] = BLOCK_WRITE, [FIO_TRIM] = BLOCK_DISCARD};

/* The part of an I/O that begins `done` bytes into it. */
static uint32_t set_part(struct fio_slot *slot, struct fio_part *part, uint32_t done)
{
    const struct fio_io *io = &slot->io;
    const struct block_device *device = io->target->device;
    uint64_t most = fio_request_bytes(device, io->direction);
    uint32_t length = (uint32_t)MIN((uint64_t)(io->length - done), most);
    part->segment = (struct block_segment){slot->buffer + done, length};
    part->request.operation = operations[io->direction];
    part->request.lba = (io->offset + done) / device->block_size;
    part->request.blocks = length / device->block_size;
    part->request.segment_count = io->direction != FIO_TRIM;
    return length;
}

static void submit_parts(struct fio_job *job, struct fio_slot *slot)
{
    const struct fio_io *io = &slot->io;
    struct block_device *device = io->target->device;
    slot->parts_left = 1; /* ours, until all are submitted */
    struct fio_part *part = &slot->whole;
    for (uint32_t done = 0; done < io->length;
         part = part == &slot->whole ? slot->parts : part + 1) {
        done += set_part(slot, part, done);
        slot->parts_left++;
        int status = fio_submit(device, &part->request);
        if (status != OK)
            part_ended(job, slot, status);
    }
    part_ended(job, slot, OK);
}

bool fio_slow_issue(struct fio_job *job, struct fio_slot *slot, struct fio_batch *batch)
{
    struct fio_io *io = &slot->io;
    slot->batch = batch;
    slot->status = OK;
    slot->flush = false;
    if (job->flush_due) { /* covers what is written already: it goes alone */
        if (fio_in_flight(job) > 1)
            return false;
        start_flush(job, slot);
        return true;
    }
    if (!fio_plan_next(job, io))
        return false;
    const struct block_device *device = io->target->device;
    fio_paced(job, io, job->now);
    if (io->direction == FIO_WRITE)
        fio_prepare_write(job, io, slot->buffer);
    if (IS_ALIGNED(io->offset | io->length, device->block_size)) {
        submit_parts(job, slot);
    } else {
        slot->parts_left = 1;
        part_ended(job, slot, ERR_INVALID);
    }
    return true;
}

/* ---- Failures ----------------------------------------------------------------------------------
 */

/* Kept for the boot processor to print: it alone has a console. */
void fio_fail(struct fio_job *job, const struct fio_failure *failure, int error)
{
    if (job->failure_count < FIO_FAILURES_KEPT)
        job->failures[job->failure_count] = *failure;
    __atomic_store_n(&job->failure_count, job->failure_count + 1, __ATOMIC_RELEASE);
    if (!job->error)
        job->error = error;
    if (error != FIO_ERROR_VERIFY || job->options->verify_fatal)
        job->stopping = true;
}

void fio_io_failed(struct fio_job *job, const struct fio_io *io, int status)
{
    struct fio_failure failure = {.kind = FIO_FAILED_IO, .status = status, .io = *io};
    fio_fail(job, &failure, fio_errno(status));
}
