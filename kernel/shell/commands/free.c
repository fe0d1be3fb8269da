/* free: how much memory there is, and how much of it is in use. */
#include "kernel/mem/frames.h"
#include "kernel/shell/command.h"

static const struct option options[] = {
    {'b', "bytes", NULL, "in bytes"},
    {'k', "kibi", NULL, "in KiB (as without an option)"},
    {'m', "mebi", NULL, "in MiB"},
    {0},
};

static int free_command(struct invocation *self)
{
    uint64_t unit = 1024;
    for (int key; (key = option_next(self)) != 0;) {
        if (key < 0)
            return 1;
        unit = key == 'b' ? 1 : key == 'm' ? 1 << 20 : 1024;
    }
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    struct frames_usage memory = frames_usage();
    out(self, "%19s %11s %11s\n", "total", "used", "free");
    out(self, "Mem:    %11llu %11llu %11llu\n", (unsigned long long)(memory.usable / unit),
        (unsigned long long)((memory.usable - memory.free) / unit),
        (unsigned long long)(memory.free / unit));
    return 0;
}

COMMAND(free, .summary = "show the use of memory", .operands = "", .options = options,
        .details = "Memory that firmware, loader and kernel image hold is not in the total.",
        .usage_status = 1, .run = free_command)
