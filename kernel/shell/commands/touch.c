/* touch: makes files, and lets those that are there have changed now. */
#include "kernel/command/command.h"
#include "kernel/command/path.h"
#include "kernel/x86/clock.h"

static const struct option options[] = {{'c', "no-create", NULL, "make no files"}, {0}};

static int touch(struct invocation *self)
{
    unsigned flags = O_WRITE | O_CREATE;
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        flags &= ~(unsigned)O_CREATE;
    }
    if (self->next == self->argc)
        return usage(self, "missing file operand");
    int worst = 0;
    for (int i = self->next; i < self->argc; i++) {
        const char *name = self->argv[i];
        struct file *file;
        int status = file_open(name, path_is_directory(name) ? O_READ : flags, &file);
        if (status == OK) {
            file->node->changed = clock_ns();
            file_close(file);
        } else if (status != ERR_NOT_FOUND || flags & O_CREATE) {
            worst = complain(self, "cannot touch '%s': %s", name, status_text(status));
        }
    }
    return worst;
}

COMMAND(touch, .summary = "make empty files, or change the time of others", .operands = "FILE...",
        .options = options, .usage_status = 1, .run = touch)
