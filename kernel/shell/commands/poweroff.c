/* poweroff: shuts the controllers down and switches the machine off. */
#include "kernel/command/command.h"
#include "kernel/power.h"

static int poweroff(struct invocation *self)
{
    if (option_next(self) != 0)
        return STATUS_USAGE;
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    power_off();
}

COMMAND(poweroff, .summary = "shut down and switch the machine off", .operands = "",
        .run = poweroff)
