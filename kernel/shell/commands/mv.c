/* mv: gives files and directories other names. */
#include "kernel/shell/commands/transfer.h"

static int mv_one(struct invocation *self, const char *from, const char *to)
{
    int status = fs_rename(from, to);
    if (status == OK)
        return 0;
    return complain(self, "cannot move '%s' to '%s': %s", from, to, status_text(status));
}

static int mv(struct invocation *self)
{
    return transfer(self, mv_one);
}

COMMAND(mv, .summary = "rename or move files", .operands = "SOURCE... TARGET",
        .options = transfer_options, .usage_status = 1, .run = mv)
