/*
 * Jobs on processors. Each processor that has jobs runs one loop, which gives
 * its jobs their turns until all are done; the boot processor's loop, or its
 * wait for the others, also shows progress. Nothing below is done for each I/O.
 */
#include "kernel/console.h"
#include "kernel/idle.h"
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/fio/fio.h"
#include "kernel/x86/clock.h"
#include "lib/status.h"

#define SAMPLE (500 * NS_PER_MS)
#define NAP    (50 * NS_PER_MS)
#define GLANCE (50 * NS_PER_US) /* at one device, while jobs of one processor have several */

struct worker {
    struct fio_job *jobs;
    struct fio_run *run; /* of the boot processor's: it shows what goes on */
    struct cpu_task task;
};

/* ---- A job's life ------------------------------------------------------------------------------
 */

static void count_from_now(struct fio_job *job)
{
    job->start = job->phase_start = job->sample_start = job->now;
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++)
        job->paced[i] = job->sampled_bytes[i] = job->sampled_ios[i] = 0;
    job->deadline = UINT64_MAX;
    if (job->options->runtime)
        job->deadline = job->now + job->options->runtime;
    job->phase = FIO_RUNNING;
}

static void set_event(struct fio_job *job)
{
    job->event = MIN(job->sample_start + SAMPLE, job->deadline);
    if (job->phase == FIO_RAMP)
        job->event = job->start + job->options->ramp_time;
}

static void start(struct fio_job *job)
{
    fio_plan_start(job);
    job->now = clock_ns();
    count_from_now(job);
    if (job->options->ramp_time)
        job->phase = FIO_RAMP;
    set_event(job);
}

static void sample(struct fio_job *job)
{
    uint64_t took = job->now - job->sample_start;
    for (unsigned i = job->first; i <= job->last; i++) {
        struct fio_direction_stats *stats = &job->stats.of[i];
        uint64_t bytes = fio_bytes(job, i) - job->sampled_bytes[i];
        uint64_t ios = stats->ios - job->sampled_ios[i];
        if (ios) {
            fio_sum_add(&stats->bw, wide_scale(bytes, NS_PER_SEC, took) >> 10, 1);
            fio_sum_add(&stats->iops, wide_scale(ios, NS_PER_SEC, took), 1);
        }
        job->sampled_bytes[i] += bytes;
        job->sampled_ios[i] += ios;
    }
    job->sample_start = job->now;
}

void fio_job_event(struct fio_job *job)
{
    if (job->phase == FIO_RAMP) {
        if (job->now >= job->start + job->options->ramp_time) {
            fio_stats_clear(&job->stats);
            count_from_now(job);
        }
    } else {
        if (job->now >= job->sample_start + SAMPLE)
            sample(job);
        if (job->now >= job->deadline) { /* what is in flight is waited for */
            job->granted = job->left = job->bytes_left = job->ios_left = 0;
            job->deadline = UINT64_MAX;
        }
    }
    set_event(job);
}

/* The phase that ends has lasted for those directions that had I/O in it. */
static void add_runtime(struct fio_job *job)
{
    uint64_t took = job->now - job->phase_start;
    for (unsigned i = job->first; i <= job->last; i++)
        if (job->phase == FIO_VERIFYING ? i == FIO_READ : job->options->directions & BIT(i))
            job->stats.of[i].runtime += took;
    job->phase_start = job->now;
}

bool fio_verifies(const struct fio_job_options *options)
{
    return options->verify && options->do_verify && options->directions & BIT(FIO_WRITE);
}

/* What was written is verified: writes it again, if there are loops and time left. */
static bool another_pass(struct fio_job *job)
{
    const struct fio_job_options *options = job->options;
    bool late = options->runtime && job->deadline == UINT64_MAX;
    if (late || job->stopping || ++job->passes >= options->loops)
        return false;
    job->phase = FIO_RUNNING;
    job->first = (uint8_t)__builtin_ctzll(options->directions);
    job->ending = false;
    fio_plan_start(job);
    return true;
}

void fio_job_finish(struct fio_job *job)
{
    const struct fio_job_options *options = job->options;
    bool writes = options->directions & BIT(FIO_WRITE);
    if (options->end_fsync && writes && !job->ending && !job->stopping) {
        job->ending = job->flush_due = true;
        return;
    }
    bool verify = job->phase != FIO_VERIFYING && fio_verifies(options) && !job->stopping;
    add_runtime(job);
    job->stats.elapsed = job->stats.busy = job->now - job->start;
    job->stats.spun = options->hipri ? job->stats.waited : 0;
    if (job->phase == FIO_VERIFYING && another_pass(job))
        return;
    if (!verify) {
        job->phase = FIO_DONE;
        return;
    }
    job->phase = FIO_VERIFYING;
    job->first = FIO_READ;
    fio_plan_replay(job);
}

/* ---- The loop of a processor -------------------------------------------------------------------
 */

/* Ctrl-C, progress, reports between; seldom. The deadlines of all processors' I/O are this one's
 * business, however busy it is, and with whatever device. */
static void tick(struct fio_run *run, uint64_t now)
{
    run->tick = now + NAP;
    idle_run();
    if (console_interrupted() && !run->interrupted) {
        run->interrupted = true;
        fio_progress_end(run);
        note(run->request->self, "\nfio: terminating on signal 2\n");
    }
    fio_show_failures(run);
    fio_progress(run);
    if (now >= run->interval_next && !run->interrupted) {
        run->interval_next = now + run->request->status_interval;
        fio_progress_end(run);
        fio_report_all(run);
    }
}

/* When nothing can be done: in the poll of a device that owes something, or until the next job may
 * go on. */
static void rest(const struct worker *worker)
{
    uint64_t now = clock_ns(), until = now + NAP;
    for (const struct fio_job *job = worker->jobs; job; job = job->next) {
        if (fio_in_flight(job)) {
            block_poll(job->target->device, now + GLANCE);
            return;
        }
        until = MIN(until, job->event);
        until = MIN(until, job->resume);
    }
    if (worker->run)
        idle_sleep(until);
    else
        clock_wait(idle_is_interrupted, NULL, until);
}

static bool turn(struct fio_job *job)
{
    return job->block_engine ? fio_block_turn(job) : fio_sync_turn(job);
}

static void work(void *argument)
{
    struct worker *worker = argument;
    while (worker->jobs) {
        bool busy = false, stop = console_interrupted();
        worker->jobs->alone = !worker->jobs->next;
        for (struct fio_job **link = &worker->jobs, *job; (job = *link);) {
            job->stopping |= stop;
            busy |= turn(job);
            if (worker->run && job->now >= worker->run->tick)
                tick(worker->run, job->now);
            if (job->phase == FIO_DONE)
                *link = job->next;
            else
                link = &job->next;
        }
        if (!busy)
            rest(worker);
    }
}

/* ---- All of them -------------------------------------------------------------------------------
 */

static bool all_done(void *context)
{
    const struct worker *workers = context;
    for (unsigned i = 1; i < cpus_count(); i++)
        if (workers[i].task.run && !cpu_task_done(&workers[i].task))
            return false;
    return true;
}

/* The k-th job goes to the k-th processor, but a job on files stays here. */
static void hand_out(struct fio_run *run, struct worker *workers, unsigned first)
{
    for (unsigned i = run->started; i-- > first;) {
        struct fio_job *job = run->jobs[i];
        struct worker *worker = &workers[job->block_engine ? (i - first) % cpus_count() : 0];
        job->next = worker->jobs;
        worker->jobs = job;
        start(job);
    }
}

static void run_together(struct fio_run *run, struct worker *workers, unsigned first)
{
    hand_out(run, workers, first);
    workers[0].run = run;
    for (unsigned i = 1; i < cpus_count(); i++) {
        struct worker *worker = &workers[i];
        worker->task = (struct cpu_task){.argument = worker};
        if (!worker->jobs)
            continue;
        worker->task.run = work;
        if (cpu_run(i, &worker->task) == OK)
            continue;
        worker->task.run = NULL; /* it is busy: so its jobs are ours */
        struct fio_job **end = &workers[0].jobs;
        while (*end)
            end = &(*end)->next;
        *end = worker->jobs;
    }
    work(&workers[0]);
    while (!idle_wait(all_done, workers, run->tick))
        tick(run, clock_ns());
}

bool fio_run(struct fio_run *run)
{
    struct worker *workers = kcalloc(cpus_count(), sizeof *workers);
    if (!workers) {
        complain(run->request->self, "%s", status_text(ERR_NO_MEMORY));
        return false;
    }
    run->start = run->shown_at = clock_ns();
    run->interval_next = CLOCK_NEVER;
    if (run->request->status_interval)
        run->interval_next = run->start + run->request->status_interval;
    while (run->started < run->job_count && !run->interrupted) {
        unsigned first = run->started;
        while (run->started < run->job_count &&
               run->jobs[run->started]->group == run->jobs[first]->group)
            run->started++;
        run_together(run, workers, first);
        tick(run, clock_ns());
    }
    fio_progress_end(run);
    kfree(workers);
    return true;
}
