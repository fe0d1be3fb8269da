/*
 * The line that shows how far the jobs are:
 *
 *     Jobs: 1 (f=1): [r(1)][50.0%][r=123MiB/s][r=31.5k IOPS][eta 00m:02s]
 */
#include "kernel/shell/commands/fio/fio.h"
#include "kernel/x86/clock.h"
#include "lib/printf.h"

#define EVERY     NS_PER_SEC
#define LINE_MOST 256

struct line {
    size_t length;
    char text[LINE_MOST];
};

PRINTF_LIKE(2, 3) static void add(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line->text + line->length, LINE_MOST - line->length, format, arguments);
    va_end(arguments);
    line->length = MIN(line->length + (size_t)length, (size_t)LINE_MOST - 1);
}

static bool wanted(const struct fio_run *run)
{
    const struct fio_request *request = run->request;
    if (request->eta == FIO_ETA_AUTO)
        return request->format == FIO_NORMAL && file_is_console(request->self->out);
    return request->eta == FIO_ETA_ALWAYS;
}

/* Capitals are sequential. */
static char letter(const struct fio_job *job, unsigned number, unsigned started)
{
    static const char letters[2][4] = {{'R', 'W', 'D', 'M'}, {'r', 'w', 'd', 'm'}};
    if (number >= started)
        return 'P';
    if (job->phase == FIO_DONE)
        return job->error ? 'X' : '_';
    if (job->phase == FIO_VERIFYING)
        return 'V';
    if (job->phase == FIO_RAMP)
        return '/';
    return letters[job->options->random ? 1 : 0][job->mixed ? 3 : job->direction];
}

static void add_states(struct line *line, const struct fio_run *run)
{
    unsigned active = 0;
    for (unsigned i = 0; i < run->started; i++)
        active += run->jobs[i]->phase != FIO_DONE;
    add(line, "Jobs: %u (f=%u): [", active, active);
    for (unsigned i = 0, next; i < run->job_count; i = next) {
        char state = letter(run->jobs[i], i, run->started);
        for (next = i + 1; next < run->job_count; next++)
            if (letter(run->jobs[next], next, run->started) != state)
                break;
        add(line, "%s%c(%u)", i ? "," : "", state, next - i);
    }
    add(line, "]");
}

/* How much of a job is done, in millionths of a percent; by time or by bytes, whichever is more. */
static uint64_t job_share(const struct fio_job *job, uint64_t now)
{
    const struct fio_job_options *options = job->options;
    uint64_t done = 0, total = 0, share = 0;
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++)
        done += fio_bytes(job, i);
    for (unsigned i = 0; i < job->target_count; i++)
        total += job->targets[i].length;
    total = options->io_size.bytes ? options->io_size.bytes : total;
    total = wide_scale(total, options->loops, 1);
    if (options->number_ios)
        total = MIN(total, options->number_ios * job->most);
    if (options->verify && options->do_verify && options->directions & BIT(FIO_WRITE))
        total *= 2;
    if (!options->time_based)
        share = fio_share(MIN(done, total), total);
    if (options->runtime && job->phase == FIO_RUNNING)
        share = MAX(share, fio_share(MIN(now - job->start, options->runtime), options->runtime));
    return share;
}

static uint64_t share_done(const struct fio_run *run, uint64_t now)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < run->started; i++)
        sum +=
            run->jobs[i]->phase == FIO_DONE ? 100ull * FIO_MILLION : job_share(run->jobs[i], now);
    return sum / run->job_count;
}

static void add_rates(struct line *line, struct fio_run *run, uint64_t now)
{
    char bytes[FIO_TEXT], text[FIO_TEXT], bandwidth[96] = "", rate[96] = "";
    uint64_t took = now - run->shown_at;
    size_t at = 0, ios_at = 0;
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++) {
        uint64_t ios = 0, total = 0;
        for (unsigned k = 0; k < run->started; k++) {
            ios += run->jobs[k]->stats.of[i].ios;
            total += fio_bytes(run->jobs[k], i);
        }
        /* The end of a ramp sets counts back. */
        uint64_t new_ios = ios > run->shown_ios[i] ? ios - run->shown_ios[i] : 0;
        uint64_t new_bytes = total > run->shown_bytes[i] ? total - run->shown_bytes[i] : 0;
        run->shown_ios[i] = ios;
        run->shown_bytes[i] = total;
        if (!new_ios)
            continue;
        fio_short(bytes, wide_scale(new_bytes, NS_PER_SEC, took), 4, 1024, "B/s");
        fio_short(text, wide_scale(new_ios, NS_PER_SEC, took), 4, 1000, "");
        at += (size_t)snprintf(bandwidth + at, sizeof bandwidth - at, "%s%c=%s", at ? "," : "",
                               "rwt"[i], bytes);
        ios_at += (size_t)snprintf(rate + ios_at, sizeof rate - ios_at, "%s%c=%s",
                                   ios_at ? "," : "", "rwt"[i], text);
    }
    run->shown_at = now;
    if (at)
        add(line, "[%s][%s IOPS]", bandwidth, rate);
}

static void add_rest(struct line *line, const struct fio_run *run, uint64_t share, uint64_t now)
{
    uint64_t seconds = 0;
    if (share) /* as long as it took, for what is left */
        seconds = wide_scale(now - run->start, 100ull * FIO_MILLION - share, share) / NS_PER_SEC;
    unsigned hours = (unsigned)(seconds / 3600);
    add(line, "[eta ");
    if (hours)
        add(line, "%02uh:", hours);
    add(line, "%02um:%02us]", (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
}

void fio_progress(struct fio_run *run)
{
    uint64_t now = clock_ns();
    if (!wanted(run) || now < run->shown_at + EVERY || run->interrupted)
        return;
    char text[FIO_TEXT];
    struct line line = {0};
    uint64_t share = share_done(run, now);
    add_states(&line, run);
    add(&line, "[%s%%]", fio_decimal(text, share, 1));
    add_rates(&line, run, now);
    add_rest(&line, run, share, now);
    size_t longer = run->line_length > line.length ? run->line_length - line.length : 0;
    note(run->request->self, "\r%s%*s", line.text, (int)longer, "");
    run->line_length = line.length;
}

void fio_progress_end(struct fio_run *run)
{
    if (run->line_length)
        note(run->request->self, "\n");
    run->line_length = 0;
}
