/*
 * The report as one line of fields for each job: version 3 of fio's terse
 * output. Times are in microseconds.
 */
#include "kernel/shell/commands/fio/fio.h"

static void put_sum(struct invocation *self, const struct fio_sum *sum)
{
    char mean[FIO_TEXT], deviation[FIO_TEXT];
    out(self, ";%llu;%llu;%s;%s", (unsigned long long)(fio_least(sum) / 1000),
        (unsigned long long)(sum->max / 1000), fio_decimal(mean, fio_mean(sum) / 1000, 6),
        fio_decimal(deviation, fio_deviation(sum) / 1000, 6));
}

static void put_direction(struct invocation *self, const struct fio_job_options *options,
                          const struct fio_direction_stats *stats)
{
    char share[FIO_TEXT], mean[FIO_TEXT], deviation[FIO_TEXT];
    uint64_t bandwidth = fio_bandwidth(stats);
    out(self, ";%llu;%llu;%llu;%llu", (unsigned long long)(stats->bytes >> 10),
        (unsigned long long)(bandwidth >> 10), (unsigned long long)(fio_rate(stats) / FIO_MILLION),
        (unsigned long long)fio_milliseconds(stats->runtime));
    put_sum(self, &stats->slat);
    put_sum(self, &stats->clat);
    for (unsigned i = 0; i < FIO_PERCENTILES; i++) {
        if (i < options->percentile_count)
            out(self, ";%s%%=%llu", fio_decimal(share, options->percentiles[i], 6),
                (unsigned long long)(fio_percentile(stats, options->percentiles[i]) / 1000));
        else
            out(self, ";0%%=0");
    }
    put_sum(self, &stats->lat);
    uint64_t part = wide_scale(fio_mean(&stats->bw) * 1024, 100, bandwidth);
    out(self, ";%llu;%llu;%s%%;%s;%s", (unsigned long long)fio_least(&stats->bw),
        (unsigned long long)stats->bw.max, fio_decimal(share, MIN(part, 100ull * FIO_MILLION), 6),
        fio_decimal(mean, fio_mean(&stats->bw), 6),
        fio_decimal(deviation, fio_deviation(&stats->bw), 6));
}

void fio_report_terse(struct fio_run *run, const struct fio_report *report)
{
    struct invocation *self = run->request->self;
    const struct fio_stats *stats = &report->stats;
    char user[FIO_TEXT], system[FIO_TEXT];
    out(self, "3;" FIO_VERSION ";%s;%u;%d", report->job->options->name, report->job->group,
        report->error);
    put_direction(self, report->job->options, &stats->of[FIO_READ]);
    put_direction(self, report->job->options, &stats->of[FIO_WRITE]);
    out(self, ";%s%%;%s%%;0;0;0", fio_decimal(user, fio_user_share(stats), 6),
        fio_decimal(system, fio_system_share(stats), 6));

    uint64_t depths = 0, total = 0, counts[FIO_SPANS];
    for (unsigned i = 0; i < FIO_CLASSES; i++)
        depths += stats->depths[i];
    for (unsigned i = 0; i < FIO_CLASSES; i++)
        out(self, ";%s%%", fio_decimal(user, fio_share(stats->depths[i], depths), 1));

    /* There are no nanoseconds here: they belong to the first of the microseconds. */
    fio_count_spans(stats, counts);
    for (unsigned i = 0; i < FIO_SPANS; i++)
        total += counts[i];
    for (unsigned i = 0; i < 10; i++)
        counts[10] += counts[i];
    for (unsigned i = 10; i < FIO_SPANS; i++)
        out(self, ";%s%%", fio_decimal(user, fio_share(counts[i], total), 2));
    out(self, "\n");
}
