/*
 * break and continue: leave loops, or go to their next round.
 */
#include "kernel/shell/shell.h"
#include "lib/number.h"

static int leave_loops(struct invocation *self, enum leaving how)
{
    struct shell *shell = self->shell;
    uint64_t levels = 1;
    if (self->argc > 2)
        return usage(self, NULL);
    if (self->argc == 2 && (number_parse(self->argv[1], 10, &levels) != OK || !levels)) {
        shell_fail(shell, 2, "%s: illegal number: %s", self->argv[0], self->argv[1]);
        return 2;
    }
    if (shell->loops) {
        shell->leaving = how;
        shell->levels = (unsigned)MIN(levels, (uint64_t)shell->loops);
        shell->status = 0;
    }
    return 0;
}

static int run_break(struct invocation *self)
{
    return leave_loops(self, LEAVE_BREAK);
}

static int run_continue(struct invocation *self)
{
    return leave_loops(self, LEAVE_CONTINUE);
}

COMMAND(break, .special = true, .summary = "leave a loop, or several", .operands = "[LEVELS]",
        .run = run_break)
COMMAND(continue, .special = true, .summary = "go to the next round of a loop",
        .operands = "[LEVELS]", .run = run_continue)
