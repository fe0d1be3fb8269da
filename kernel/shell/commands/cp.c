/* cp: copies the contents of files, to and from devices too. */
#include "kernel/command/path.h"
#include "kernel/command/reader.h"
#include "kernel/shell/commands/transfer.h"

static int copy(struct invocation *self, struct reader *reader, struct file *file, const char *from,
                const char *to)
{
    reader_show(reader, self);
    while (reader_fill(reader)) {
        int64_t written = file_write(file, reader_bytes(reader), reader_available(reader));
        if (written < 0)
            return complain(self, "error writing '%s': %s", to, status_text((int)written));
        reader_take(reader, (size_t)written);
    }
    if (reader->status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    if (reader->status != OK)
        return complain(self, "error reading '%s': %s", from, status_text(reader->status));
    return 0;
}

static int cp_one(struct invocation *self, const char *from, const char *to)
{
    if (path_is_directory(from))
        return complain(self, "omitting directory '%s'", from);
    struct reader reader;
    struct file *file;
    int status = reader_open(&reader, self, from);
    if (status != OK)
        return complain(self, "cannot open '%s' for reading: %s", from, status_text(status));
    status = file_open(to, O_WRITE | O_CREATE | O_TRUNCATE, &file);
    if (status == OK) {
        status = copy(self, &reader, file, from, to);
        file_close(file);
    } else {
        status = complain(self, "cannot create regular file '%s': %s", to, status_text(status));
    }
    reader_close(&reader);
    return status;
}

static int cp(struct invocation *self)
{
    return transfer(self, cp_one);
}

COMMAND(cp, .summary = "copy files", .operands = "SOURCE... TARGET", .options = transfer_options,
        .usage_status = 1, .run = cp)
