/*
 * fio: the flexible I/O tester, by its names, options and reports.
 */
#include "kernel/shell/commands/fio/fio.h"

#include "kernel/console.h"
#include "kernel/mem/heap.h"
#include "kernel/x86/clock.h"
#include "lib/status.h"

#define STATUS_SIGNAL 128

/* One job for each of numjobs; a group ends at a stonewall. Those that cannot run have said why,
 * and are no part of the run. */
static bool make_jobs(struct fio_run *run, uint64_t generation)
{
    struct fio_request *request = run->request;
    uint64_t count = 0;
    for (unsigned i = 0; i < request->job_count; i++)
        count += request->jobs[i]->jobs;
    run->jobs = kcalloc(count, sizeof(void *));
    unsigned group = 0, number = 0;
    for (unsigned i = 0; run->jobs && i < request->job_count; i++) {
        const struct fio_job_options *options = request->jobs[i];
        group += i && options->stonewall;
        for (unsigned thread = 0; thread < options->jobs; thread++) {
            struct fio_job *job = fio_job_new(request, options, number++, thread);
            if (!job)
                return false;
            if (job->error) {
                run->refused = true;
                fio_job_free(job);
                continue;
            }
            job->group = group;
            job->generation = generation;
            run->jobs[run->job_count++] = job;
        }
    }
    return run->jobs;
}

static int exit_status(const struct fio_run *run)
{
    if (run->interrupted) { /* and that was it: to the shell, fio has ended by itself */
        console_clear_interrupt();
        return STATUS_SIGNAL;
    }
    for (unsigned i = 0; i < run->job_count; i++)
        if (run->jobs[i]->error)
            return 1;
    return run->refused;
}

static int run_jobs(struct fio_request *request)
{
    struct fio_run run = {.request = request};
    int status = 1;
    run.report = kmalloc(sizeof *run.report);
    if (!run.report || !make_jobs(&run, clock_ns())) {
        complain(request->self, "%s", status_text(ERR_NO_MEMORY));
    } else if (run.job_count) {
        request->self->concludes = true;
        fio_report_begin(&run);
        if (fio_run(&run)) {
            fio_report_all(&run);
            status = exit_status(&run);
        }
    }
    for (unsigned i = 0; i < run.job_count; i++)
        fio_job_free(run.jobs[i]);
    kfree(run.jobs);
    kfree(run.report);
    return status;
}

static int run_with_output(struct fio_request *request)
{
    struct invocation *self = request->self;
    struct file *usual = self->out;
    if (!request->output)
        return run_jobs(request);
    int status = file_open(request->output, O_WRITE | O_CREATE | O_TRUNCATE, &self->out);
    if (status == OK) {
        status = run_jobs(request);
        file_close(self->out);
    } else {
        status = complain(self, "%s: %s", request->output, status_text(status));
    }
    self->out = usual;
    return status;
}

static int fio(struct invocation *self)
{
    struct fio_request request = {.self = self};
    int status = fio_request_read(&request);
    if (!status && request.version) {
        out(self, FIO_VERSION "\n");
    } else if (!status && request.help) {
        command_explain(self, self->command);
    } else if (!status && !request.job_count) {
        note(self, "No job(s) defined\n\n");
        usage(self, NULL);
        status = 1;
    } else if (!status) {
        status = run_with_output(&request);
    }
    fio_request_free(&request);
    return status;
}

COMMAND(
    fio, .summary = "measure block devices and files, as fio 3 does", .operands = "[JOBFILE]...",
    .options = fio_help_options, .usage_status = 1,
    .details =
        "Options before the first --name go for all jobs. Job files have [sections], one a\n"
        "job, [global] for all; jobs run at the same time unless one says stonewall.\n"
        "Sizes: k, m, g, t are powers of 1024. What is particular here:\n"
        "- Random I/O meets every block once before any twice; no memory is needed for that.\n"
        "  With blocks of several sizes (bsrange, bssplit) it is as with --norandommap.\n"
        "- All requests that are free are submitted together, unless --iodepth_batch limits it.\n"
        "- Latencies are those of batches: what is seen in one sweep has ended at one time.\n"
        "- usr is the time outside of polls of the device; sys, of --hipri, that in them.\n"
        "- Blocks with verify=sha256 are not exchangeable with fio 3.33; with crc32c, md5 they "
        "are.\n"
        "- Ctrl-C ends the run and shows what was measured; the status is then 128.",
    .run = fio)
