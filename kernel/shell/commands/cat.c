/* cat: files, one after the other, to the output. */
#include "kernel/command/command.h"
#include "kernel/command/reader.h"

static int cat_one(struct invocation *self, const char *name)
{
    struct reader reader;
    int status = reader_open(&reader, self, name);
    if (status == OK && reader.file->node == self->out->node && file_has_size(self->out)) {
        reader_close(&reader);
        return complain(self, "%s: input file is output file", name);
    }
    if (status == OK) {
        if (!file_is_console(self->out))
            reader_show(&reader, self);
        while (!self->output_failed && reader_fill(&reader)) {
            out_bytes(self, reader_bytes(&reader), reader_available(&reader));
            reader_take(&reader, reader_available(&reader));
        }
        status = reader.status;
        reader_close(&reader);
    }
    if (status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    return status == OK ? 0 : complain(self, "%s: %s", name, status_text(status));
}

static int cat(struct invocation *self)
{
    if (option_next(self))
        return 1;
    if (self->next == self->argc)
        return cat_one(self, "-");
    int worst = 0;
    for (int i = self->next; i < self->argc && !self->output_failed; i++) {
        int status = cat_one(self, self->argv[i]);
        if (status == STATUS_INTERRUPTED)
            return status;
        worst = MAX(worst, status);
    }
    return worst;
}

COMMAND(cat, .summary = "print files, one after the other", .operands = "[FILE]...",
        .usage_status = 1, .run = cat)
