/* dmesg: the kernel's log. */
#include "kernel/console.h"
#include "kernel/log.h"
#include "kernel/shell/command.h"

static int dmesg(struct invocation *self)
{
    if (option_next(self))
        return 1;
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    char line[320];
    uint64_t cursor = 0;
    for (size_t length; (length = log_read(&cursor, line, sizeof line));) {
        if (console_interrupted())
            return STATUS_INTERRUPTED;
        if (self->output_failed)
            break;
        out_bytes(self, line, length);
    }
    return 0;
}

COMMAND(dmesg, .summary = "print the kernel's log", .usage_status = 1, .run = dmesg)
