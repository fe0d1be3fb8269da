/* free: how much memory there is, and how much of it is in use. */
#include "kernel/command/command.h"
#include "kernel/mem/frames.h"
#include "lib/printf.h"

static const struct option options[] = {
    {'b', "bytes", NULL, "in bytes"},
    {'g', "gibi", NULL, "in GiB"},
    {'h', "human", NULL, "each in the unit that suits it"},
    {'k', "kibi", NULL, "in KiB (as without an option)"},
    {'m', "mebi", NULL, "in MiB"},
    {0},
};

/* In `unit`; 0: "1.5Mi", one decimal below ten. */
static void print(struct invocation *self, uint64_t bytes, uint64_t unit)
{
    static const char *const names[] = {"Ki", "Mi", "Gi", "Ti"};
    char text[32];
    unsigned order = 0;
    uint64_t scale = 1024;
    if (unit) {
        out(self, " %11llu", (unsigned long long)(bytes / unit));
        return;
    }
    while (bytes / scale >= 1024 && order < ARRAY_SIZE(names) - 1) {
        scale *= 1024;
        order++;
    }
    unsigned long long tenths = bytes * 10 / scale;
    if (tenths < 100)
        snprintf(text, sizeof text, "%llu.%llu%s", tenths / 10, tenths % 10, names[order]);
    else
        snprintf(text, sizeof text, "%llu%s", tenths / 10, names[order]);
    out(self, " %11s", text);
}

static int free_command(struct invocation *self)
{
    uint64_t unit = 1024;
    for (int key; (key = option_next(self)) != 0;) {
        if (key < 0)
            return 1;
        unit = key == 'b' ? 1 : key == 'h' ? 0 : key == 'g' ? 1 << 30 : key == 'm' ? 1 << 20 : 1024;
    }
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    struct frames_usage memory = frames_usage();
    out(self, "%19s %11s %11s\nMem:   ", "total", "used", "free");
    print(self, memory.usable, unit);
    print(self, memory.usable - memory.free, unit);
    print(self, memory.free, unit);
    out(self, "\n");
    return 0;
}

COMMAND(free, .summary = "show the use of memory", .operands = "", .options = options,
        .details = "Memory that firmware, loader and kernel image hold is not in the total.",
        .usage_status = 1, .run = free_command)
