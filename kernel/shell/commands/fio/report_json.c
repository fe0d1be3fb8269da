/*
 * The report as fio's JSON.
 */
#include "kernel/shell/commands/fio/fio.h"
#include "kernel/x86/clock.h"

static void put_text(struct invocation *self, const char *text)
{
    out(self, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            out(self, "\\%c", c);
        else if (c < ' ')
            out(self, "\\u%04x", c);
        else
            out(self, "%c", c);
    }
    out(self, "\"");
}

static void put_sum(struct invocation *self, const char *name, const struct fio_sum *sum)
{
    char mean[FIO_TEXT], deviation[FIO_TEXT];
    out(self,
        "        \"%s\" : {\n"
        "          \"min\" : %llu,\n"
        "          \"max\" : %llu,\n"
        "          \"mean\" : %s,\n"
        "          \"stddev\" : %s,\n"
        "          \"N\" : %llu",
        name, (unsigned long long)fio_least(sum), (unsigned long long)sum->max,
        fio_decimal(mean, fio_mean(sum), 6), fio_decimal(deviation, fio_deviation(sum), 6),
        (unsigned long long)sum->count);
}

static void put_percentiles(struct invocation *self, const struct fio_job_options *options,
                            const struct fio_direction_stats *stats)
{
    char text[FIO_TEXT];
    if (!stats->clat.count || !options->percentile_count)
        return;
    out(self, ",\n          \"percentile\" : {");
    for (unsigned i = 0; i < options->percentile_count; i++)
        out(self, "%s\n            \"%s\" : %llu", i ? "," : "",
            fio_decimal(text, options->percentiles[i], 6),
            (unsigned long long)fio_percentile(stats, options->percentiles[i]));
    out(self, "\n          }");
}

static void put_samples(struct invocation *self, const struct fio_direction_stats *stats)
{
    char text[5][FIO_TEXT];
    const struct fio_sum *bw = &stats->bw, *iops = &stats->iops;
    uint64_t part = wide_scale(fio_mean(bw) * 1024, 100, fio_bandwidth(stats));
    out(self,
        "        \"bw_min\" : %llu,\n"
        "        \"bw_max\" : %llu,\n"
        "        \"bw_agg\" : %s,\n"
        "        \"bw_mean\" : %s,\n"
        "        \"bw_dev\" : %s,\n"
        "        \"bw_samples\" : %llu,\n",
        (unsigned long long)fio_least(bw), (unsigned long long)bw->max,
        fio_decimal(text[0], MIN(part, 100ull * FIO_MILLION), 6),
        fio_decimal(text[1], fio_mean(bw), 6), fio_decimal(text[2], fio_deviation(bw), 6),
        (unsigned long long)bw->count);
    out(self,
        "        \"iops_min\" : %llu,\n"
        "        \"iops_max\" : %llu,\n"
        "        \"iops_mean\" : %s,\n"
        "        \"iops_stddev\" : %s,\n"
        "        \"iops_samples\" : %llu\n",
        (unsigned long long)fio_least(iops), (unsigned long long)iops->max,
        fio_decimal(text[3], fio_mean(iops), 6), fio_decimal(text[4], fio_deviation(iops), 6),
        (unsigned long long)iops->count);
}

static void put_direction(struct invocation *self, const char *name,
                          const struct fio_job_options *options,
                          const struct fio_direction_stats *stats)
{
    char rate[FIO_TEXT];
    uint64_t bandwidth = fio_bandwidth(stats);
    out(self,
        "      \"%s\" : {\n"
        "        \"io_bytes\" : %llu,\n"
        "        \"io_kbytes\" : %llu,\n"
        "        \"bw_bytes\" : %llu,\n"
        "        \"bw\" : %llu,\n"
        "        \"iops\" : %s,\n"
        "        \"runtime\" : %llu,\n"
        "        \"total_ios\" : %llu,\n"
        "        \"short_ios\" : 0,\n"
        "        \"drop_ios\" : 0,\n",
        name, (unsigned long long)stats->bytes, (unsigned long long)(stats->bytes >> 10),
        (unsigned long long)bandwidth, (unsigned long long)(bandwidth >> 10),
        fio_decimal(rate, fio_rate(stats), 6), (unsigned long long)fio_milliseconds(stats->runtime),
        (unsigned long long)stats->ios);
    put_sum(self, "slat_ns", &stats->slat);
    out(self, "\n        },\n");
    put_sum(self, "clat_ns", &stats->clat);
    put_percentiles(self, options, stats);
    out(self, "\n        },\n");
    put_sum(self, "lat_ns", &stats->lat);
    out(self, "\n        },\n");
    put_samples(self, stats);
    out(self, "      },\n");
}

static void put_classes(struct invocation *self, const char *name, const char *const names[],
                        const uint64_t classes[FIO_CLASSES])
{
    uint64_t total = 0;
    char text[FIO_TEXT];
    for (unsigned i = 0; i < FIO_CLASSES; i++)
        total += classes[i];
    out(self, "      \"%s\" : {", name);
    for (unsigned i = 0; i < FIO_CLASSES; i++)
        out(self, "%s\n        \"%s\" : %s", i ? "," : "", names[i],
            fio_decimal(text, fio_share(classes[i], total), 6));
    out(self, "\n      },\n");
}

static void put_spans(struct invocation *self, const struct fio_stats *stats)
{
    static const struct {
        const char *name;
        unsigned from, to;
    } tables[] = {{"latency_ns", 0, 10}, {"latency_us", 10, 20}, {"latency_ms", 20, FIO_SPANS}};
    uint64_t counts[FIO_SPANS], total = 0;
    char text[FIO_TEXT];
    fio_count_spans(stats, counts);
    for (unsigned i = 0; i < FIO_SPANS; i++)
        total += counts[i];
    for (unsigned t = 0; t < ARRAY_SIZE(tables); t++) {
        out(self, "      \"%s\" : {", tables[t].name);
        for (unsigned i = tables[t].from; i < tables[t].to; i++)
            out(self, "%s\n        \"%s\" : %s", i > tables[t].from ? "," : "", fio_spans[i].name,
                fio_decimal(text, fio_share(counts[i], total), 6));
        out(self, "\n      },\n");
    }
}

static void put_options(struct invocation *self, const struct fio_job_options *options)
{
    out(self, "      \"job options\" : {");
    for (unsigned i = 0; i < options->given_count; i++) {
        out(self, "%s\n        ", i ? "," : "");
        put_text(self, options->given[i].name);
        out(self, " : ");
        put_text(self, options->given[i].value);
    }
    out(self, "\n      },\n");
}

void fio_report_json_begin(struct fio_run *run)
{
    uint64_t now = clock_ns();
    out(run->request->self,
        "{\n"
        "  \"fio version\" : \"" FIO_VERSION "\",\n"
        "  \"timestamp\" : %llu,\n"
        "  \"timestamp_ms\" : %llu,\n"
        "  \"time\" : \"%llu s after the start\",\n"
        "  \"jobs\" : [",
        (unsigned long long)(now / NS_PER_SEC), (unsigned long long)(now / NS_PER_MS),
        (unsigned long long)(now / NS_PER_SEC));
}

void fio_report_json(struct fio_run *run, const struct fio_report *report, bool last)
{
    static const char *const depths[] = {"1", "2", "4", "8", "16", "32", ">=64"};
    static const char *const batches[] = {"0", "4", "8", "16", "32", "64", ">=64"};
    static const char *const names[] = {"read", "write", "trim"};
    struct invocation *self = run->request->self;
    const struct fio_job_options *options = report->job->options;
    const struct fio_stats *stats = &report->stats;
    char user[FIO_TEXT], system[FIO_TEXT];
    out(self, "\n    {\n      \"jobname\" : ");
    put_text(self, options->name);
    out(self,
        ",\n"
        "      \"groupid\" : %u,\n"
        "      \"error\" : %d,\n"
        "      \"eta\" : 0,\n"
        "      \"elapsed\" : %llu,\n",
        report->job->group, report->error, (unsigned long long)report->elapsed);
    put_options(self, options);
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++)
        put_direction(self, names[i], options, &stats->of[i]);
    out(self, "      \"sync\" : {\n        \"total_ios\" : %llu,\n",
        (unsigned long long)stats->sync.count);
    put_sum(self, "lat_ns", &stats->sync);
    out(self,
        "\n        }\n      },\n"
        "      \"job_runtime\" : %llu,\n"
        "      \"usr_cpu\" : %s,\n"
        "      \"sys_cpu\" : %s,\n"
        "      \"ctx\" : 0,\n"
        "      \"majf\" : 0,\n"
        "      \"minf\" : 0,\n",
        (unsigned long long)fio_milliseconds(stats->elapsed),
        fio_decimal(user, fio_user_share(stats), 6),
        fio_decimal(system, fio_system_share(stats), 6));
    put_classes(self, "iodepth_level", depths, stats->depths);
    put_classes(self, "iodepth_submit", batches, stats->submits);
    put_classes(self, "iodepth_complete", batches, stats->completes);
    put_spans(self, stats);
    out(self,
        "      \"latency_depth\" : %llu,\n"
        "      \"latency_target\" : 0,\n"
        "      \"latency_percentile\" : 100.000000,\n"
        "      \"latency_window\" : 0",
        (unsigned long long)options->depth);
    if (options->description) {
        out(self, ",\n      \"desc\" : ");
        put_text(self, options->description);
    }
    out(self, "\n    }%s", last ? "" : ",");
}

void fio_report_json_end(struct fio_run *run)
{
    out(run->request->self, "\n  ],\n  \"disk_util\" : [\n  ]\n}\n");
}
