/*
 * The report for people, line by line as fio 3 prints it.
 */
#include "kernel/shell/commands/fio/fio.h"
#include "kernel/x86/clock.h"
#include "lib/printf.h"
#include "lib/string.h"

#define KIB 1024u

static const char *const mode_names[2][8] = {{[1] = "read", "write", "rw", "trim"},
                                             {[1] = "randread", "randwrite", "randrw", "randtrim"}};

/* ---- Before the start --------------------------------------------------------------------------
 */

static void show_job(struct invocation *self, const struct fio_job *job)
{
    const struct fio_job_options *options = job->options;
    char text[2 * FIO_DIRECTIONS][FIO_TEXT];
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++) {
        fio_short(text[2 * i], options->least[i], 4, 1024, "B");
        fio_short(text[2 * i + 1], options->most[i], 4, 1024, "B");
    }
    out(self, "%s: (g=%u): rw=%s, bs=(R) %s-%s, (W) %s-%s, (T) %s-%s, ioengine=%s, iodepth=%llu\n",
        options->name, job->group, mode_names[options->random][options->directions], text[0],
        text[1], text[2], text[3], text[4], text[5], options->ioengine,
        (unsigned long long)options->depth);
}

void fio_report_normal_begin(struct fio_run *run)
{
    struct invocation *self = run->request->self;
    for (unsigned i = 0; i < run->job_count; i++) {
        const struct fio_job_options *options = run->jobs[i]->options;
        if (i == 0 || run->jobs[i - 1]->options != options)
            show_job(self, run->jobs[i]);
        else if (i == 1 || run->jobs[i - 2]->options != options)
            out(self, "...\n");
    }
    out(self, FIO_VERSION "\nStarting %u process%s\n", run->job_count,
        run->job_count == 1 ? "" : "es");
}

/* ---- One direction -----------------------------------------------------------------------------
 */

/* Times are in the largest unit in which they lose nothing of interest. */
static void show_latency(struct invocation *self, const char *name, const struct fio_sum *sum)
{
    static const char *const units[] = {"nsec", "usec", "msec"};
    char least_text[FIO_TEXT], most_text[FIO_TEXT], mean_text[FIO_TEXT], deviation_text[FIO_TEXT];
    uint64_t least = fio_least(sum), most = sum->max, mean = fio_mean(sum);
    uint64_t deviation = fio_deviation(sum);
    unsigned unit = 0;
    if (!sum->count)
        return;
    for (; unit < 2 && least > 2000 && most > 99999 && deviation > 1000ull * FIO_MILLION; unit++) {
        least /= 1000;
        most /= 1000;
        mean /= 1000;
        deviation /= 1000;
    }
    out(self, "    %s (%s): min=%s, max=%s, avg=%5s, stdev=%5s\n", name, units[unit],
        fio_short(least_text, least, 6, 1000, ""), fio_short(most_text, most, 6, 1000, ""),
        fio_decimal(mean_text, mean, 2), fio_decimal(deviation_text, deviation, 2));
}

static unsigned width_of(uint64_t number)
{
    char text[FIO_TEXT];
    return (unsigned)snprintf(text, sizeof text, "%llu", (unsigned long long)number);
}

static void show_percentiles(struct invocation *self, const struct fio_job_options *options,
                             const struct fio_direction_stats *stats)
{
    static const char *const units[] = {"nsec", "usec", "msec"};
    uint64_t values[FIO_PERCENTILES], count = options->percentile_count, scale = 1;
    char text[FIO_TEXT];
    if (!stats->clat.count || !count)
        return;
    for (uint64_t i = 0; i < count; i++)
        values[i] = fio_percentile(stats, options->percentiles[i]);
    unsigned unit = 0;
    for (; unit < 2 && values[0] / scale > 2000 && values[count - 1] / scale > 99999; unit++)
        scale *= 1000;
    unsigned width = MAX(width_of(values[count - 1] / scale), 5u);
    unsigned in_a_line = 73 / (12 + width);
    out(self, "    clat percentiles (%s):\n", units[unit]);
    for (uint64_t i = 0; i < count; i++) {
        bool last = i + 1 == count;
        out(self, "%s%6sth=[%*llu]%s", i % in_a_line ? "" : "     |",
            fio_decimal(text, options->percentiles[i], 2), (int)width,
            (unsigned long long)(values[i] / scale), last ? "\n" : ",");
        if (!last && (i + 1) % in_a_line == 0)
            out(self, "\n");
    }
}

/* The samples of half a second each. */
static void show_samples(struct invocation *self, const struct fio_direction_stats *stats)
{
    char share_text[FIO_TEXT], mean_text[FIO_TEXT], deviation_text[FIO_TEXT];
    const struct fio_sum *bw = &stats->bw, *iops = &stats->iops;
    uint64_t mean = fio_mean(bw), whole = fio_bandwidth(stats);
    if (!bw->count)
        return;
    uint64_t share = wide_scale(mean * KIB, 100, whole);
    unsigned scale = mean / FIO_MILLION > (uint64_t)KIB * KIB ? KIB : 1;
    out(self, "   bw (  %s/s): min=%5llu, max=%5llu, per=%s%%, avg=%5s, stdev=%5s, samples=%llu\n",
        scale == 1 ? "KiB" : "MiB", (unsigned long long)(fio_least(bw) / scale),
        (unsigned long long)(bw->max / scale),
        fio_decimal(share_text, MIN(share, 100ull * FIO_MILLION), 2),
        fio_decimal(mean_text, mean / scale, 2),
        fio_decimal(deviation_text, fio_deviation(bw) / scale, 2), (unsigned long long)bw->count);
    out(self, "   iops        : min=%5llu, max=%5llu, avg=%5s, stdev=%5s, samples=%llu\n",
        (unsigned long long)fio_least(iops), (unsigned long long)iops->max,
        fio_decimal(mean_text, fio_mean(iops), 2),
        fio_decimal(deviation_text, fio_deviation(iops), 2), (unsigned long long)iops->count);
}

static void show_direction(struct invocation *self, const struct fio_report *report,
                           unsigned direction)
{
    static const char *const names[] = {"read", "write", "trim"};
    const struct fio_direction_stats *stats = &report->stats.of[direction];
    char rate[FIO_TEXT], binary[FIO_TEXT], decimal[FIO_TEXT], bytes[FIO_TEXT];
    uint64_t bandwidth = fio_bandwidth(stats);
    if (!stats->ios)
        return;
    out(self, "  %s: IOPS=%s, BW=%s (%s)(%s/%llumsec)%s\n", names[direction],
        fio_short(rate, fio_rate(stats) / FIO_MILLION, 4, 1000, ""),
        fio_short(binary, bandwidth, 4, 1024, "B/s"), fio_short(decimal, bandwidth, 4, 1000, "B/s"),
        fio_short(bytes, stats->bytes, 4, 1024, "B"),
        (unsigned long long)fio_milliseconds(stats->runtime),
        direction == FIO_WRITE ? "; 0 zone resets" : "");
    show_latency(self, "slat", &stats->slat);
    show_latency(self, "clat", &stats->clat);
    show_latency(self, " lat", &stats->lat);
    show_percentiles(self, report->job->options, stats);
    show_samples(self, stats);
}

/* ---- The job -----------------------------------------------------------------------------------
 */

static void show_spans(struct invocation *self, const struct fio_stats *stats)
{
    uint64_t counts[FIO_SPANS], total = 0;
    const char *unit = "";
    unsigned in_line = 0;
    char text[FIO_TEXT];
    fio_count_spans(stats, counts);
    for (unsigned i = 0; i < FIO_SPANS; i++)
        total += counts[i];
    for (unsigned i = 0; i < FIO_SPANS; i++) {
        if (!counts[i])
            continue;
        if (in_line == 5 || strcmp(unit, fio_spans[i].unit) != 0) {
            out(self, "%s  lat (%s)   : ", *unit ? "\n" : "", fio_spans[i].unit);
            unit = fio_spans[i].unit;
            in_line = 0;
        }
        uint64_t share = MAX(fio_share(counts[i], total), FIO_MILLION / 100ull);
        out(self, "%s%s=%s%%", in_line++ ? ", " : "", fio_spans[i].name,
            fio_decimal(text, share, 2));
    }
    if (*unit)
        out(self, "\n");
}

/* Shares of classes; what is there at all is a tenth of a percent at least. */
static void show_classes(struct invocation *self, const char *title, const char *const names[],
                         const uint64_t classes[FIO_CLASSES])
{
    uint64_t total = 0;
    char text[FIO_TEXT];
    for (unsigned i = 0; i < FIO_CLASSES; i++)
        total += classes[i];
    out(self, "%s: ", title);
    for (unsigned i = 0; i < FIO_CLASSES; i++) {
        uint64_t share = fio_share(classes[i], total);
        if (classes[i])
            share = MAX(share, FIO_MILLION / 10ull);
        out(self, "%s%s=%s%%", i ? ", " : "", names[i], fio_decimal(text, share, 1));
    }
    out(self, "\n");
}

static void show_job_stats(struct invocation *self, const struct fio_report *report)
{
    static const char *const depths[] = {"1", "2", "4", "8", "16", "32", ">=64"};
    static const char *const batches[] = {"0", "4", "8", "16", "32", "64", ">=64"};
    const struct fio_stats *stats = &report->stats;
    char user[FIO_TEXT], system[FIO_TEXT];
    show_spans(self, stats);
    out(self, "  cpu          : usr=%s%%, sys=%s%%, ctx=0, majf=0, minf=0\n",
        fio_decimal(user, fio_user_share(stats), 2),
        fio_decimal(system, fio_system_share(stats), 2));
    show_classes(self, "  IO depths    ", depths, stats->depths);
    show_classes(self, "     submit    ", batches, stats->submits);
    show_classes(self, "     complete  ", batches, stats->completes);
    out(self, "     issued rwts: total=%llu,%llu,%llu,%llu short=0,0,0,0 dropped=0,0,0,0\n",
        (unsigned long long)stats->of[FIO_READ].ios, (unsigned long long)stats->of[FIO_WRITE].ios,
        (unsigned long long)stats->of[FIO_TRIM].ios, (unsigned long long)stats->sync.count);
    out(self, "     latency   : target=0, window=0, percentile=100.00%%, depth=%llu\n",
        (unsigned long long)report->job->options->depth);
}

void fio_report_normal(struct fio_run *run, const struct fio_report *report)
{
    struct invocation *self = run->request->self;
    const struct fio_job *job = report->job;
    out(self, "\n%s: (groupid=%u, jobs=%u): err=", job->options->name, job->group, report->jobs);
    if (report->error)
        out(self, "%2d (error=%s)", report->error, fio_error_text(report->error));
    else
        out(self, " 0");
    out(self, ": pid=%u: %llu s after the start\n", job->number + 1,
        (unsigned long long)report->elapsed);
    if (job->options->description)
        out(self, "  Description  : [%s]\n", job->options->description);
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++)
        show_direction(self, report, i);
    if (report->stats.sync.count) {
        out(self, "  fsync/fdatasync/sync_file_range:\n");
        show_latency(self, "sync", &report->stats.sync);
    }
    show_job_stats(self, report);
}

/* ---- Groups ------------------------------------------------------------------------------------
 */

struct group {
    uint64_t bytes, slowest, fastest, shortest, longest;
};

static struct group sum_group(const struct fio_run *run, unsigned number, unsigned direction)
{
    struct group group = {.slowest = UINT64_MAX, .shortest = UINT64_MAX};
    uint64_t now = clock_ns();
    for (unsigned i = 0; i < run->started; i++) {
        const struct fio_job *job = run->jobs[i];
        if (job->group != number || !job->stats.of[direction].ios)
            continue;
        uint64_t runtime = fio_milliseconds(fio_runtime(job, direction, now));
        uint64_t bytes = fio_bytes(job, direction);
        uint64_t bandwidth = wide_scale(bytes, 1000, runtime);
        group.bytes += bytes;
        group.slowest = MIN(group.slowest, bandwidth);
        group.fastest = MAX(group.fastest, bandwidth);
        group.shortest = MIN(group.shortest, runtime);
        group.longest = MAX(group.longest, runtime);
    }
    return group;
}

static void show_group(struct invocation *self, const char *name, const struct group *group)
{
    char text[8][FIO_TEXT];
    uint64_t all = wide_scale(group->bytes, 1000, MAX(group->longest, 1ull));
    const uint64_t rates[] = {all, group->slowest, group->fastest};
    for (unsigned i = 0; i < 3; i++) {
        fio_short(text[2 * i], rates[i], 4, 1024, "B/s");
        fio_short(text[2 * i + 1], rates[i], 4, 1000, "B/s");
    }
    out(self, "%7s: bw=%s (%s), %s-%s (%s-%s), io=%s (%s), run=%llu-%llumsec\n", name, text[0],
        text[1], text[2], text[4], text[3], text[5], fio_short(text[6], group->bytes, 4, 1024, "B"),
        fio_short(text[7], group->bytes, 4, 1000, "B"), (unsigned long long)group->shortest,
        (unsigned long long)group->longest);
}

void fio_report_groups(struct fio_run *run)
{
    static const char *const names[] = {"READ", "WRITE", "TRIM"};
    struct invocation *self = run->request->self;
    unsigned last = run->started ? run->jobs[run->started - 1]->group : 0;
    for (unsigned number = 0; number <= last; number++) {
        out(self, "\nRun status group %u (all jobs):\n", number);
        for (unsigned i = 0; i < FIO_DIRECTIONS; i++) {
            struct group group = sum_group(run, number, i);
            if (group.bytes)
                show_group(self, names[i], &group);
        }
    }
}
