/*
 * exit: ends the shell, or the script.
 */
#include "kernel/shell/shell.h"
#include "lib/number.h"

static int run_exit(struct invocation *self)
{
    struct shell *shell = self->shell;
    uint64_t status = (unsigned)shell->status;
    if (self->argc > 2 || (self->argc == 2 && number_parse(self->argv[1], 10, &status) != OK))
        return shell_fail(shell, 2, "exit: illegal number: %s", self->argv[1]);
    shell->leaving = LEAVE_SHELL;
    return shell->status = (int)(status & 255);
}

COMMAND(exit, .special = true, .summary = "leave the shell", .operands = "[STATUS]",
        .details = "Without STATUS, with that of the last command.", .run = run_exit)
