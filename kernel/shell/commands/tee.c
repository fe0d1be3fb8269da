/* tee: the input to the output and to files as well. */
#include "kernel/command/command.h"
#include "kernel/command/reader.h"
#include "kernel/mem/heap.h"

static const struct option options[] = {{'a', "append", NULL, "append to the files"}, {0}};

static int report(struct invocation *self, int i, int status)
{
    return complain(self, "%s: %s", self->argv[i], status_text(status));
}

/* Writes to all files; one that fails is reported once and left out from then on. */
static int write_files(struct invocation *self, struct file **files, const struct reader *reader)
{
    int worst = 0;
    size_t length = reader_available(reader);
    for (int i = self->next; i < self->argc; i++) {
        if (!files[i])
            continue;
        int64_t written = file_write(files[i], reader_bytes(reader), length);
        if (written == (int64_t)length)
            continue;
        if (written >= 0)
            written =
                file_write(files[i], reader_bytes(reader) + written, length - (size_t)written);
        worst = report(self, i, written < 0 ? (int)written : ERR_IO);
        file_close(files[i]);
        files[i] = NULL;
    }
    return worst;
}

static int copy(struct invocation *self, struct file **files)
{
    struct reader reader;
    int status = reader_open(&reader, self, "-"), worst = 0;
    if (status == OK) {
        while (!file_is_broken(self->out) && reader_fill(&reader)) {
            out_bytes(self, reader_bytes(&reader), reader_available(&reader));
            worst |= write_files(self, files, &reader);
            reader_take(&reader, reader_available(&reader));
        }
        status = reader.status;
        reader_close(&reader);
    }
    if (status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    return status == OK ? worst : complain(self, "read error: %s", status_text(status));
}

static int tee(struct invocation *self)
{
    unsigned mode = O_TRUNCATE;
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        mode = O_APPEND;
    }
    struct file **files = kcalloc((size_t)self->argc, sizeof(struct file *));
    if (!files)
        return complain(self, "%s", status_text(ERR_NO_MEMORY));
    int worst = 0;
    for (int i = self->next; i < self->argc; i++) {
        int status = file_open(self->argv[i], O_WRITE | O_CREATE | mode, &files[i]);
        if (status != OK) {
            files[i] = NULL;
            worst = report(self, i, status);
        }
    }
    int status = copy(self, files);
    for (int i = self->next; i < self->argc; i++)
        file_close(files[i]);
    kfree(files);
    return MAX(worst, status);
}

COMMAND(tee, .summary = "copy the input to the output and to files", .operands = "[FILE]...",
        .options = options, .usage_status = 1, .run = tee)
