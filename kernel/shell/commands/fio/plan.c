/*
 * Where each I/O goes: which file, read or write, how long, which offset. All
 * of it follows from the seed, so that what was written can be gone through a
 * second time to verify it, without a list.
 */
#include "kernel/shell/commands/fio/fio.h"

#include "lib/string.h"

static uint64_t total_length(const struct fio_job *job)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < job->target_count; i++)
        sum += job->targets[i].length;
    return sum;
}

/* How much the options say is to be transferred. */
static uint64_t budget(const struct fio_job *job)
{
    const struct fio_job_options *options = job->options;
    uint64_t total = total_length(job);
    if (options->time_based)
        return UINT64_MAX;
    if (options->io_size.bytes)
        total = options->io_size.bytes;
    if (options->io_size.percent)
        total = wide_scale(total, options->io_size.percent, 100);
    uint64_t passes = fio_verifies(options) ? 1 : options->loops; /* else each is verified */
    return __builtin_mul_overflow(total, passes, &total) ? UINT64_MAX : total;
}

/* A new pass over all blocks. */
static void rewind(struct fio_job *job, struct fio_target *target)
{
    target->position = 0;
    target->pass_left = target->count;
    if (target->order == FIO_MAP)
        fio_map_start(&target->map, target->count, &job->random);
    else if (target->order != FIO_SEQUENTIAL)
        target->pass_left = UINT64_MAX;
}

bool fio_plan_grant(struct fio_job *job)
{
    struct fio_target *target = job->target;
    if (target->pass_left == 0)
        rewind(job, target);
    uint64_t most = MIN(job->left, target->pass_left);
    job->granted = (uint32_t)MIN(most, (uint64_t)UINT32_MAX);
    job->left -= job->granted;
    target->pass_left -= job->granted;
    return job->granted;
}

/* The first of all draws. */
static void restart(struct fio_job *job)
{
    fio_random_seed(&job->random, job->options->seed * 0x10001 + job->thread);
    for (unsigned i = 0; i < job->target_count; i++)
        rewind(job, &job->targets[i]);
    job->next_target = 0;
    job->drawn[FIO_READ] = job->drawn[FIO_WRITE] = 0;
}

/* The last block is a whole one, unless it would be alone in another pass over all blocks. */
static uint64_t whole_blocks(const struct fio_job *job, uint64_t bytes)
{
    uint64_t unit = job->targets[0].unit, count = bytes / unit, pass = 0;
    if (bytes % unit == 0)
        return bytes;
    for (unsigned i = 0; i < job->target_count; i++)
        pass += job->targets[i].pass_left;
    bool complete = job->targets[0].pass_left != UINT64_MAX && count && pass && count % pass == 0;
    return (count + !complete) * unit;
}

void fio_plan_start(struct fio_job *job)
{
    uint64_t number = job->options->number_ios;
    restart(job);
    job->bytes_left = budget(job);
    if (job->bytes_left != UINT64_MAX)
        job->bytes_left = whole_blocks(job, job->bytes_left);
    job->ios_left = number ? number : UINT64_MAX;
    job->left = job->ios_left;
    if (job->bytes_left != UINT64_MAX && job->block)
        job->left = MIN(job->left, job->bytes_left / job->block);
    job->replaying = false;
    job->issued = 0;
    if (job->plain)
        fio_plan_grant(job);
}

/* One pass is enough where a pass writes every block. */
void fio_plan_replay(struct fio_job *job)
{
    uint64_t pass = 0;
    bool repeats = !job->mixed;
    for (unsigned i = 0; i < job->target_count; i++) {
        const struct fio_target *target = &job->targets[i];
        pass += target->count;
        repeats &= target->order == FIO_MAP || (target->order == FIO_SEQUENTIAL && job->block);
    }
    job->replay_count = repeats ? MIN(job->issued, pass) : job->issued;
    job->sequence_known = job->replay_count == job->issued && job->options->jobs == 1 &&
                          (job->issued <= pass && !job->options->no_map && !job->options->zipf);
    job->replayed = 0;
    job->replaying = true;
    restart(job);
}

/* ---- One I/O -----------------------------------------------------------------------------------
 */

static uint32_t draw_length(struct fio_job *job, enum fio_direction direction)
{
    const struct fio_job_options *options = job->options;
    const struct fio_split *split = &options->split[direction];
    uint64_t least = options->least[direction], most = options->most[direction];
    if (split->count) {
        uint64_t percent = fio_random_below(&job->random, 100);
        for (unsigned i = 0; i + 1 < split->count; i++) {
            if (percent < split->of[i].percent)
                return (uint32_t)split->of[i].bytes;
            percent -= split->of[i].percent;
        }
        return (uint32_t)split->of[split->count - 1].bytes;
    }
    if (least == most)
        return (uint32_t)least;
    return (uint32_t)(least * (1 + fio_random_below(&job->random, most / least)));
}

/* Where a random I/O begins, in units. */
static uint64_t draw_unit(struct fio_job *job, struct fio_target *target)
{
    if (target->order == FIO_EVEN)
        return fio_random_below(&job->random, target->count);
    if (target->order == FIO_ZIPF)
        return fio_zipf_block(target->zipf, fio_zipf_rank(target->zipf, &job->random));
    if (target->pass_left == 0)
        rewind(job, target);
    target->pass_left--;
    return fio_map_next(&target->map);
}

/* Where both have a rate it is the turn of what is due first, and not a matter of the clock: the
 * same directions come again when blocks are verified. */
static enum fio_direction draw_direction(struct fio_job *job)
{
    const uint64_t *rate = job->options->rate;
    if (!job->mixed)
        return job->direction;
    if (!fio_rates_mix(job))
        return fio_random(&job->random) >> 32 < job->read_threshold ? FIO_READ : FIO_WRITE;
    wide read = (wide)job->drawn[FIO_READ] * rate[FIO_WRITE];
    wide write = (wide)job->drawn[FIO_WRITE] * rate[FIO_READ];
    return read <= write ? FIO_READ : FIO_WRITE;
}

static void draw_place(struct fio_job *job, struct fio_io *io)
{
    struct fio_target *target = &job->targets[job->next_target];
    if (++job->next_target == job->target_count)
        job->next_target = 0;
    io->target = target;
    io->length = draw_length(job, io->direction);
    if (target->order != FIO_SEQUENTIAL) {
        io->offset = target->begin + draw_unit(job, target) * target->unit;
        return;
    }
    /* At the end of the region a shorter one, when one fits; then from the beginning. */
    uint64_t rest = target->length - target->position;
    if (rest < io->length)
        io->length = (uint32_t)(rest - rest % target->unit);
    if (io->length == 0) {
        target->position = 0;
        io->length = draw_length(job, io->direction);
    }
    io->offset = target->begin + target->position;
    target->position += io->length;
}

static void draw(struct fio_job *job, struct fio_io *io)
{
    io->direction = draw_direction(job);
    draw_place(job, io);
    job->drawn[io->direction] += fio_rate_share(job, io->length);
}

/* Blocks of several sizes may overlap: which I/O was the last to write each unit is kept then. */
static void mark_newest(const struct fio_io *io)
{
    uint64_t begin = io->offset - io->target->begin, unit = io->target->unit;
    for (uint64_t at = begin / unit; at * unit < begin + io->length; at++)
        io->target->newest[at] = (uint32_t)io->sequence;
}

/* Is all of it as this I/O left it? */
static bool is_newest(const struct fio_io *io)
{
    uint64_t begin = io->offset - io->target->begin, unit = io->target->unit;
    for (uint64_t at = begin / unit; at * unit < begin + io->length; at++)
        if (io->target->newest[at] != (uint32_t)io->sequence)
            return false;
    return true;
}

static bool replay(struct fio_job *job, struct fio_io *io)
{
    while (job->replayed < job->replay_count) {
        draw(job, io);
        io->sequence = job->replayed++;
        if (io->direction == FIO_WRITE && (!io->target->newest || is_newest(io))) {
            io->direction = FIO_READ;
            return true;
        }
    }
    return false;
}

bool fio_plan_next(struct fio_job *job, struct fio_io *io)
{
    if (job->replaying)
        return replay(job, io);
    if (job->ios_left == 0 || job->bytes_left < job->targets[0].unit)
        return false;
    draw(job, io);
    if (io->length > job->bytes_left)
        io->length = (uint32_t)(job->bytes_left - job->bytes_left % io->target->unit);
    io->sequence = job->issued++;
    job->ios_left -= job->ios_left != UINT64_MAX;
    job->bytes_left -= job->bytes_left != UINT64_MAX ? io->length : 0;
    if (io->target->newest && io->direction == FIO_WRITE)
        mark_newest(io);
    return true;
}
