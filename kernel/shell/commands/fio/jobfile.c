/*
 * Job files: [sections] of name=value lines, one a job; [global] is for those
 * behind it. ";" and "#" at the beginning of a line make it a comment.
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/fio/options.h"
#include "lib/string.h"

#define BYTES_MOST (1u << 20)

struct job_file {
    struct fio_request *request;
    struct fio_job_options global;
    struct fio_job_options *job; /* whose section this is; NULL before the first */
};

static char *skip_blanks(char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

static void cut_blanks(char *text)
{
    size_t length = strlen(text);
    while (length && strchr(" \t\r", text[length - 1]))
        text[--length] = 0;
}

static int section(struct job_file *file, char *name)
{
    char *end = strchr(name, ']');
    if (!end || end == name)
        return complain(file->request->self, "bad section [%s", name);
    *end = 0;
    file->job = &file->global;
    if (strcmp(name, "global") != 0)
        file->job = fio_request_add(file->request, &file->global, name);
    return file->job ? 0 : 1;
}

static int assignment(struct job_file *file, char *line)
{
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
        cut_blanks(line);
        if (!*line || *line == ';' || *line == '#')
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
    struct file *file;
    char *text = NULL, **texts = NULL;
    int64_t status = file_open(path, O_READ, &file);
    if (status != OK) {
        complain(request->self, "unable to open '%s' job file", path);
        return NULL;
    }
    if (file->node->type == NODE_DIRECTORY)
        status = ERR_IS_DIRECTORY;
    uint64_t size = file_size(file), done = 0;
    if (status == OK && size <= BYTES_MOST)
        text = kmalloc(size + 1);
    if (text)
        texts = krealloc(request->texts, (request->text_count + 1) * sizeof *texts);
    if (status == OK)
        status = size > BYTES_MOST ? ERR_TOO_LARGE : texts ? OK : ERR_NO_MEMORY;
    while (status == OK && done < size) {
        int64_t count = file_read(file, text + done, size - done);
        if (count <= 0)
            status = count ? count : ERR_IO;
        else
            done += (uint64_t)count;
    }
    if (texts)
        request->texts = texts;
    file_close(file);
    if (status != OK) {
        kfree(text);
        complain(request->self, "%s: %s", path, status_text((int)status));
        return NULL;
    }
    text[size] = 0;
    request->texts[request->text_count++] = text;
    return text;
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
