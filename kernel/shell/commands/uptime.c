/* uptime: how long the machine has been up. */
#include "kernel/shell/command.h"
#include "kernel/x86/clock.h"

static int uptime(struct invocation *self)
{
    if (option_next(self))
        return 1;
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    unsigned long long seconds = clock_ns() / NS_PER_SEC, days = seconds / 86400;
    out(self, "up ");
    if (days)
        out(self, "%llu day%s, ", days, days == 1 ? "" : "s");
    out(self, "%llu:%02llu:%02llu\n", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    return 0;
}

COMMAND(uptime, .summary = "tell how long the machine has been up", .usage_status = 1,
        .run = uptime)
