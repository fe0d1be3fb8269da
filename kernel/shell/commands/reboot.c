/* reboot: shuts the controllers down and starts the machine again. */
#include "kernel/command/command.h"
#include "kernel/power.h"

static int reboot(struct invocation *self)
{
    if (option_next(self) != 0)
        return STATUS_USAGE;
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    power_reset();
}

COMMAND(reboot, .summary = "shut down and start the machine again", .operands = "", .run = reboot)
