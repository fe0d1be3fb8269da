/*
 * The command line of fio: options up to the first --name go for all jobs,
 * each --name begins a new one, words are job files.
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/fio/options.h"
#include "kernel/x86/clock.h"
#include "lib/string.h"

#define JOBS_MOST 1024

struct fio_job_options *fio_request_add(struct fio_request *request,
                                        const struct fio_job_options *from, const char *name)
{
    struct fio_job_options **jobs = NULL, *job = kmalloc(sizeof *job);
    if (job && request->job_count < JOBS_MOST)
        jobs = krealloc(request->jobs, (request->job_count + 1) * sizeof(void *));
    if (!jobs) {
        kfree(job);
        complain(request->self, "%s: %s", name,
                 request->job_count < JOBS_MOST ? status_text(ERR_NO_MEMORY) : "too many jobs");
        return NULL;
    }
    *job = *from;
    job->name = name;
    request->jobs = jobs;
    jobs[request->job_count++] = job;
    return job;
}

void fio_request_free(struct fio_request *request)
{
    for (unsigned i = 0; i < request->job_count; i++)
        kfree(request->jobs[i]);
    for (unsigned i = 0; i < request->text_count; i++)
        kfree(request->texts[i]);
    kfree(request->jobs);
    kfree(request->texts);
}

/* ---- Options of the whole command --------------------------------------------------------------
 */

static int set_format(struct fio_request *request, const char *value)
{
    static const char *const names[] = {"normal", "terse", "json"};
    for (unsigned i = 0; value && i < ARRAY_SIZE(names); i++)
        if (!strcmp(value, names[i])) {
            request->format = (enum fio_format)i;
            return OK;
        }
    complain(request->self, "invalid output format %s", value ? value : "");
    return ERR_INVALID;
}

static int set_eta(struct fio_request *request, const char *value)
{
    static const char *const names[] = {"auto", "always", "never"};
    for (unsigned i = 0; value && i < ARRAY_SIZE(names); i++)
        if (!strcmp(value, names[i])) {
            request->eta = (enum fio_eta)i;
            return OK;
        }
    return ERR_INVALID;
}

static int set_interval(struct fio_request *request, const char *value)
{
    int status = value ? fio_parse_time(value, NS_PER_SEC, &request->status_interval) : ERR_INVALID;
    return request->status_interval ? status : ERR_INVALID;
}

static int set_output(struct fio_request *request, const char *value)
{
    request->output = value;
    return value && *value ? OK : ERR_INVALID;
}

static int set_read_only(struct fio_request *request, const char *value)
{
    (void)value;
    request->read_only = true;
    return OK;
}

static int set_help(struct fio_request *request, const char *value)
{
    (void)value;
    request->help = true;
    return OK;
}

static int set_version(struct fio_request *request, const char *value)
{
    (void)value;
    request->version = true;
    return OK;
}

static int set_minimal(struct fio_request *request, const char *value)
{
    (void)value;
    request->format = FIO_TERSE;
    return OK;
}

static int set_section(struct fio_request *request, const char *value)
{
    if (!value || request->section_count == FIO_SECTIONS)
        return ERR_INVALID;
    request->sections[request->section_count++] = value;
    return OK;
}

static const struct {
    const char *name;
    bool argument;
    int (*set)(struct fio_request *request, const char *value);
} globals[] = {{"output-format", true, set_format},     {"output", true, set_output},
               {"readonly", false, set_read_only},      {"eta", true, set_eta},
               {"status-interval", true, set_interval}, {"minimal", false, set_minimal},
               {"section", true, set_section},          {"help", false, set_help},
               {"version", false, set_version}};

/* ---- Words -------------------------------------------------------------------------------------
 */

struct line {
    struct fio_request *request;
    struct fio_job_options defaults;
    struct fio_job_options *job; /* NULL before the first --name */
    int next;
    int files; /* words that are none, brought to argv[1] and behind it */
};

/* The value of an option: behind its "=", or the next word; NULL without one. */
static const char *value_of(struct line *line, const char *equals, bool needed)
{
    struct invocation *self = line->request->self;
    if (equals)
        return equals + 1;
    return needed && line->next < self->argc ? self->argv[line->next++] : NULL;
}

static int global(struct line *line, const char *name, size_t length, const char *equals)
{
    for (size_t i = 0; i < ARRAY_SIZE(globals); i++) {
        if (strlen(globals[i].name) != length || memcmp(globals[i].name, name, length) != 0)
            continue;
        const char *value = value_of(line, equals, globals[i].argument);
        int status = globals[i].set(line->request, value);
        if (status != OK)
            complain(line->request->self, "failed parsing %s%s%s", globals[i].name,
                     value ? "=" : "", value ? value : "");
        return status;
    }
    return ERR_NOT_FOUND;
}

static int option(struct line *line, const char *word)
{
    const char *name = word + (word[1] == '-' ? 2 : 1), *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    int status = global(line, name, length, equals);
    if (status != ERR_NOT_FOUND)
        return status;
    const char *value = value_of(line, equals, !fio_option_is_flag(name, length));
    if (length == 4 && !memcmp(name, "name", 4)) {
        if (!value || !*value)
            return fio_option_set(line->request, &line->defaults, name, length, NULL);
        line->job = fio_request_add(line->request, &line->defaults, value);
        if (!line->job)
            return ERR_NO_MEMORY;
    }
    status =
        fio_option_set(line->request, line->job ? line->job : &line->defaults, name, length, value);
    if (status == ERR_NOT_FOUND)
        complain(line->request->self, "unrecognized option '%s'", word);
    return status;
}

/* Job files come last: the options of the command line are their defaults, wherever they stand. */
static int job_files(struct line *line)
{
    struct invocation *self = line->request->self;
    int status = 0;
    for (int i = 1; i <= line->files && !status; i++)
        status = fio_job_file(line->request, &line->defaults, self->argv[i]);
    return status;
}

static int read_line(struct line *line)
{
    struct invocation *self = line->request->self;
    fio_job_defaults(&line->defaults);
    for (line->next = 1; line->next < self->argc;) {
        char *word = self->argv[line->next];
        if (word[0] != '-' || !word[1]) {
            self->argv[line->next++] = self->argv[++line->files];
            self->argv[line->files] = word;
        } else {
            line->next++;
            if (option(line, word) != OK)
                return 1;
        }
    }
    return job_files(line);
}

/* Options that make no sense together. */
static int fix_jobs(struct fio_request *request)
{
    int status = 0;
    for (unsigned i = 0; i < request->job_count; i++) {
        struct fio_job_options *job = request->jobs[i];
        if (job->time_based && !job->runtime) {
            complain(request->self, "time_based requires a runtime/timeout setting");
            job->time_based = false;
        }
        if (request->read_only && job->directions != BIT(FIO_READ))
            status = complain(request->self,
                              "job <%s> has write or trim bit set, but fio is in read-only mode",
                              job->name);
    }
    return status;
}

int fio_request_read(struct fio_request *request)
{
    struct line *line = kmalloc(sizeof *line);
    if (!line)
        return complain(request->self, "%s", status_text(ERR_NO_MEMORY));
    *line = (struct line){.request = request};
    int status = read_line(line);
    kfree(line);
    return status ? status : fix_jobs(request);
}
