/* mv: gives files and directories other names. */
#include "kernel/shell/commands/transfer.h"

static const struct option options[] = {TRANSFER_OPTIONS, {0}};

static int mv_one(const struct transfer *transfer, const char *from, const char *to)
{
    int status = fs_rename(from, to);
    if (status == OK && transfer->verbose)
        out(transfer->self, "renamed '%s' -> '%s'\n", from, to);
    if (status == OK)
        return 0;
    return complain(transfer->self, "cannot move '%s' to '%s': %s", from, to, status_text(status));
}

static int mv(struct invocation *self)
{
    return transfer(&(struct transfer){.self = self, .one = mv_one});
}

COMMAND(mv, .summary = "rename or move files", .operands = "SOURCE... TARGET", .options = options,
        .usage_status = 1, .run = mv)
