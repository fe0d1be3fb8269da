/* rmdir: removes empty directories. */
#include "kernel/command/command.h"

static int rmdir(struct invocation *self)
{
    if (option_next(self))
        return 1;
    if (self->next == self->argc)
        return usage(self, "missing operand");
    int worst = 0;
    for (int i = self->next; i < self->argc; i++) {
        int status = fs_remove_directory(self->argv[i]);
        if (status != OK)
            worst = complain(self, "failed to remove '%s': %s", self->argv[i], status_text(status));
    }
    return worst;
}

COMMAND(rmdir, .summary = "remove empty directories", .operands = "DIRECTORY...", .usage_status = 1,
        .run = rmdir)
