/*
 * Job files: [sections] of name=value lines, one a job; [global] is for those
 * behind it. What is behind ";" or "#" is a comment.
 */
#include "kernel/command/reader.h"
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/fio/options.h"
#include "kernel/shell/shell.h"
#include "lib/string.h"

#define BYTES_MOST (1u << 20)

struct job_file {
    struct fio_request *request;
    struct fio_job_options global;
    struct fio_job_options *job; /* whose section this is; NULL before the first */
    bool skipped;                /* this section: --section names others */
};

static char *skip_blanks(char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* Wherever one begins, as fio does. */
static void cut_comment(char *text)
{
    while (*text && *text != ';' && *text != '#')
        text++;
    *text = 0;
}

static void cut_blanks(char *text)
{
    size_t length = strlen(text);
    while (length && strchr(" \t\r", text[length - 1]))
        text[--length] = 0;
}

/* Puts it where the request frees it; NULL after a message. */
static char *keep(struct fio_request *request, char *text)
{
    char **texts =
        text ? krealloc(request->texts, (request->text_count + 1) * sizeof *texts) : NULL;
    if (!texts) {
        kfree(text);
        complain(request->self, "%s", status_text(ERR_NO_MEMORY));
        return NULL;
    }
    request->texts = texts;
    return texts[request->text_count++] = text;
}

/* ---- ${NAME}: the value of an exported variable, or nothing -----------------------------------
 */

static const char *environment(const struct invocation *self, const char *name, size_t length)
{
    const struct variable *variable = self->shell ? self->shell->variables : NULL;
    while (variable && (strncmp(variable->name, name, length) || variable->name[length]))
        variable = variable->next;
    return variable && variable->exported ? variable->value : "";
}

/* Returns the length; `to` may be NULL. */
static size_t expand(const struct invocation *self, const char *text, char *to)
{
    size_t length = 0;
    while (*text) {
        const char *end = text[0] == '$' && text[1] == '{' ? strchr(text, '}') : NULL;
        const char *value = end ? environment(self, text + 2, (size_t)(end - text - 2)) : text;
        size_t part = end ? strlen(value) : 1;
        for (size_t i = 0; to && i < part; i++)
            to[length + i] = value[i];
        length += part;
        text = end ? end + 1 : text + 1;
    }
    return length;
}

/* The line, or a copy of it; NULL after a message. */
static char *expanded(struct fio_request *request, char *line)
{
    if (!strchr(line, '$'))
        return line;
    size_t length = expand(request->self, line, NULL);
    char *copy = kmalloc(length + 1);
    if (copy) {
        expand(request->self, line, copy);
        copy[length] = 0;
    }
    return keep(request, copy);
}

/* ---- Lines ------------------------------------------------------------------------------------
 */

static bool is_wanted(const struct fio_request *request, const char *name)
{
    for (unsigned i = 0; i < request->section_count; i++)
        if (!strcmp(request->sections[i], name))
            return true;
    return !request->section_count;
}

static int section(struct job_file *file, char *name)
{
    char *end = strchr(name, ']');
    if (!end || end == name)
        return complain(file->request->self, "bad section [%s", name);
    *end = 0;
    file->job = &file->global;
    file->skipped = strcmp(name, "global") != 0 && !is_wanted(file->request, name);
    if (!file->skipped && strcmp(name, "global") != 0)
        file->job = fio_request_add(file->request, &file->global, name);
    return file->job ? 0 : 1;
}

static int assignment(struct job_file *file, char *line)
{
    if (file->skipped)
        return 0;
    line = expanded(file->request, line);
    if (!line)
        return 1;
    char *equals = strchr(line, '='), *value = NULL;
    if (equals) {
        *equals = 0;
        value = skip_blanks(equals + 1);
    }
    cut_blanks(line);
    struct invocation *self = file->request->self;
    if (!file->job)
        return complain(self, "option <%s%s%s> outside of [] job section", line, value ? "=" : "",
                        value ? value : "");
    int status = fio_option_set(file->request, file->job, line, strlen(line), value);
    if (status == ERR_NOT_FOUND)
        note(self, "Bad option <%s%s%s>\n", line, value ? "=" : "", value ? value : "");
    if (status != OK)
        return complain(self, "job %s dropped",
                        file->job == &file->global ? "global" : file->job->name);
    return 0;
}

static int read_lines(struct job_file *file, char *text)
{
    for (char *next = text; next;) {
        char *line = skip_blanks(next), *end = strchr(line, '\n');
        next = end ? end + 1 : NULL;
        if (end)
            *end = 0;
        cut_comment(line);
        cut_blanks(line);
        if (!*line)
            continue;
        int status = *line == '[' ? section(file, line + 1) : assignment(file, line);
        if (status)
            return status;
    }
    return 0;
}

/* The whole file as a string that the request keeps; NULL after a message. */
static char *load(struct fio_request *request, const char *path)
{
    struct reader reader;
    char *text = NULL;
    size_t length = 0;
    int status = reader_open(&reader, request->self, path);
    if (status != OK) {
        complain(request->self, "unable to open '%s' job file", path);
        return NULL;
    }
    while (status == OK && reader_fill(&reader)) {
        size_t more = reader_available(&reader);
        char *grown = length + more <= BYTES_MOST ? krealloc(text, length + more + 1) : NULL;
        if (grown) {
            text = grown;
            length += reader_read(&reader, text + length, more);
            text[length] = 0;
        } else {
            status = length + more > BYTES_MOST ? ERR_TOO_LARGE : ERR_NO_MEMORY;
        }
    }
    if (status == OK)
        status = reader.status;
    reader_close(&reader);
    if (status == OK && !text && !(text = kcalloc(1, 1)))
        status = ERR_NO_MEMORY;
    if (status == OK)
        return keep(request, text);
    kfree(text);
    complain(request->self, "%s: %s", path, status_text(status));
    return NULL;
}

int fio_job_file(struct fio_request *request, const struct fio_job_options *defaults,
                 const char *path)
{
    char *text = load(request, path);
    struct job_file *file = text ? kmalloc(sizeof *file) : NULL;
    if (!file)
        return text ? complain(request->self, "%s", status_text(ERR_NO_MEMORY)) : 1;
    *file = (struct job_file){.request = request, .global = *defaults};
    int status = read_lines(file, text);
    kfree(file);
    return status;
}
