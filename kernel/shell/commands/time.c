/*
 * time: how long a command takes. The grammar knows `time` in front of a
 * pipeline; this is for the other places, such as behind an assignment.
 */
#include "kernel/shell/shell.h"
#include "kernel/x86/clock.h"
#include "lib/printf.h"

void shell_print_time(struct shell *shell, uint64_t nanoseconds)
{
    char text[48];
    uint64_t ms = nanoseconds / NS_PER_MS;
    int length =
        snprintf(text, sizeof text, "real\t%llum%llu.%03llus\n", (unsigned long long)(ms / 60000),
                 (unsigned long long)(ms / 1000 % 60), (unsigned long long)(ms % 1000));
    file_write(shell->file[2], text, (size_t)length);
}

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
