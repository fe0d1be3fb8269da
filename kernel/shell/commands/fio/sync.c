/*
 * I/O to files that are not block devices: one after the other, each done when
 * the call returns.
 */
#include "kernel/shell/commands/fio/fio.h"

#include "kernel/x86/clock.h"
#include "lib/status.h"

#define IN_A_TURN 64

static int transfer(const struct fio_io *io, uint8_t *buffer)
{
    struct file *file = io->target->file;
    if (io->direction == FIO_TRIM)
        return ERR_NOT_SUPPORTED;
    int status = file_seek(file, io->offset);
    for (size_t done = 0; status == OK && done < io->length;) {
        int64_t count = io->direction == FIO_READ
                            ? file_read(file, buffer + done, io->length - done)
                            : file_write(file, buffer + done, io->length - done);
        if (count <= 0)
            status = count ? (int)count : ERR_IO;
        else
            done += (size_t)count;
    }
    return status;
}

static void flush(struct fio_job *job)
{
    uint64_t start = clock_ns();
    job->flush_due = false;
    for (unsigned i = 0; i < job->target_count; i++)
        file_sync(job->targets[i].file);
    job->now = clock_ns();
    if (!job->ending)
        fio_sum_add(&job->stats.sync, job->now - start, 1);
}

static void account(struct fio_job *job, const struct fio_io *io, uint64_t started)
{
    struct fio_direction_stats *stats = &job->stats.of[io->direction];
    uint64_t took = job->now - started;
    fio_sum_add(&stats->clat, took, 1);
    fio_sum_add(&stats->lat, took, 1);
    stats->buckets[fio_bucket(took)]++;
    stats->ios++;
    stats->bytes += io->length;
    job->stats.depths[fio_depth_class(1)]++;
    job->stats.submits[fio_batch_class(1)]++;
    job->stats.completes[fio_batch_class(1)]++;
}

static void one(struct fio_job *job)
{
    struct fio_io io;
    struct fio_failure failure;
    uint8_t *buffer = job->slots[0].buffer;
    if (job->flush_due)
        flush(job);
    if (!fio_plan_next(job, &io))
        return;
    if (io.direction == FIO_WRITE)
        fio_prepare_write(job, &io, buffer);
    uint64_t started = clock_ns();
    fio_paced(job, &io, started);
    int status = transfer(&io, buffer);
    job->now = clock_ns();
    if (status != OK) {
        fio_io_failed(job, &io, status);
        return;
    }
    account(job, &io, started);
    bool verify =
        io.direction == FIO_READ && job->options->verify && (job->replaying || !job->mixed);
    if (verify && !fio_verify_check(job, &io, buffer, &failure))
        fio_fail(job, &failure, FIO_ERROR_VERIFY);
}

bool fio_sync_turn(struct fio_job *job)
{
    job->now = clock_ns();
    unsigned count = 0;
    for (; count < IN_A_TURN && !fio_exhausted(job) && job->now < job->event; count++) {
        if (fio_pace(job, 1) == 0)
            break;
        one(job);
    }
    if (fio_exhausted(job))
        fio_job_finish(job);
    if (job->now >= job->event)
        fio_job_event(job);
    return count > 0;
}
