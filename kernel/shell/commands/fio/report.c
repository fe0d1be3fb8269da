/*
 * The report: which jobs go together, and the figures that every format needs.
 */
#include "kernel/shell/commands/fio/fio.h"
#include "kernel/x86/clock.h"

#define SPANS(unit, name)                                                                      \
    {2 * (unit), name, "2"}, {4 * (unit), name, "4"}, {10 * (unit), name, "10"},               \
        {20 * (unit), name, "20"}, {50 * (unit), name, "50"}, {100 * (unit), name, "100"},     \
        {250 * (unit), name, "250"}, {500 * (unit), name, "500"}, {750 * (unit), name, "750"}, \
    {                                                                                          \
        1000 * (unit), name, "1000"                                                            \
    }

const struct fio_span fio_spans[FIO_SPANS] = {SPANS(1, "nsec"),
                                              SPANS(NS_PER_US, "usec"),
                                              SPANS(NS_PER_MS, "msec"),
                                              {2 * NS_PER_SEC, "msec", "2000"},
                                              {UINT64_MAX, "msec", ">=2000"}};

void fio_count_spans(const struct fio_stats *stats, uint64_t counts[FIO_SPANS])
{
    uint64_t from = 0;
    for (unsigned i = 0; i < FIO_SPANS; i++) {
        counts[i] = fio_count_between(stats, from, fio_spans[i].to);
        from = fio_spans[i].to;
    }
}

uint64_t fio_milliseconds(uint64_t nanoseconds)
{
    return nanoseconds ? MAX(nanoseconds / NS_PER_MS, 1ull) : 0;
}

uint64_t fio_bandwidth(const struct fio_direction_stats *stats)
{
    uint64_t runtime = fio_milliseconds(stats->runtime);
    return runtime ? (uint64_t)wide_divide((wide)stats->bytes * 1000, runtime) : 0;
}

uint64_t fio_rate(const struct fio_direction_stats *stats)
{
    return wide_scale(stats->ios, 1000ull * FIO_MILLION, fio_milliseconds(stats->runtime));
}

uint64_t fio_user_share(const struct fio_stats *stats)
{
    return stats->busy > stats->waited ? fio_share(stats->busy - stats->waited, stats->busy) : 0;
}

uint64_t fio_system_share(const struct fio_stats *stats)
{
    return fio_share(stats->spun, stats->busy);
}

/* ---- Jobs --------------------------------------------------------------------------------------
 */

static bool together(const struct fio_job *a, const struct fio_job *b)
{
    return a->group == b->group && a->options->group_reporting && b->options->group_reporting;
}

uint64_t fio_runtime(const struct fio_job *job, unsigned direction, uint64_t now)
{
    const struct fio_direction_stats *stats = &job->stats.of[direction];
    if (job->phase == FIO_DONE || !stats->ios)
        return stats->runtime;
    return MAX(stats->runtime, now - job->start);
}

static void add(struct fio_report *report, const struct fio_job *job, uint64_t now)
{
    struct fio_stats *stats = &report->stats;
    fio_stats_merge(stats, &job->stats);
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++)
        stats->of[i].bytes += fio_bytes(job, i) - job->stats.of[i].bytes;
    report->jobs++;
    if (!report->error)
        report->error = job->error;
    if (job->phase == FIO_DONE)
        return;
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++)
        stats->of[i].runtime = MAX(stats->of[i].runtime, fio_runtime(job, i, now));
    stats->elapsed = MAX(stats->elapsed, now - job->start);
    stats->busy += now - job->start;
}

/* The report that begins with the job at `first`; returns the index of the next. */
static unsigned gather(struct fio_run *run, unsigned first, struct fio_report *report)
{
    uint64_t now = clock_ns();
    unsigned next = first;
    fio_stats_clear(&report->stats);
    report->job = run->jobs[first];
    report->jobs = 0;
    report->error = 0;
    report->elapsed = (now - run->start + NS_PER_SEC - 1) / NS_PER_SEC;
    do
        add(report, run->jobs[next++], now);
    while (next < run->started && together(run->jobs[first], run->jobs[next]));
    return next;
}

void fio_report_begin(struct fio_run *run)
{
    if (run->request->format == FIO_NORMAL)
        fio_report_normal_begin(run);
}

void fio_report_all(struct fio_run *run)
{
    enum fio_format format = run->request->format;
    struct fio_report *report = run->report;
    if (format == FIO_JSON)
        fio_report_json_begin(run);
    for (unsigned i = 0; i < run->started;) {
        i = gather(run, i, report);
        if (format == FIO_JSON)
            fio_report_json(run, report, i == run->started);
        else if (format == FIO_TERSE)
            fio_report_terse(run, report);
        else
            fio_report_normal(run, report);
    }
    if (format == FIO_JSON)
        fio_report_json_end(run);
    else if (format == FIO_NORMAL)
        fio_report_groups(run);
}
