/*
 * time: how long a command takes. The grammar knows `time` in front of a
 * pipeline; this is for the other places, such as behind an assignment.
 */
#include "kernel/shell/internal.h"
#include "kernel/x86/clock.h"

static int run_time(struct invocation *self)
{
    uint64_t start = clock_ns();
    int status = 0;
    if (self->argc > 1)
        status = shell_run_command(self->shell, self->argc - 1, self->argv + 1);
    shell_print_time(self->shell, clock_ns() - start);
    return status;
}

COMMAND(time, .summary = "measure how long a pipeline takes", .operands = "PIPELINE",
        .run = run_time)
