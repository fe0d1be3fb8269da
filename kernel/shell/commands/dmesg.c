/* dmesg: the kernel's log, and with -w what is added to it. */
#include "kernel/command/command.h"
#include "kernel/console.h"
#include "kernel/idle.h"
#include "kernel/log.h"
#include "kernel/x86/clock.h"

static const struct option options[] = {
    {'w', "follow", NULL, "wait for more, until Ctrl-C"},
    {'W', "follow-new", NULL, "the same, without what there is"},
    {0}};

/* True when there is more to do than to wait. */
static bool more(void *cursor)
{
    return console_interrupted() || log_pending(*(uint64_t *)cursor);
}

/* What there is from `cursor` on. */
static int print(struct invocation *self, uint64_t *cursor, bool silent)
{
    char line[320];
    for (size_t length; (length = log_read(cursor, line, sizeof line));) {
        if (console_interrupted())
            return STATUS_INTERRUPTED;
        if (self->output_failed)
            return 1;
        if (!silent)
            out_bytes(self, line, length);
    }
    return 0;
}

static int dmesg(struct invocation *self)
{
    bool follow = false, only_new = false;
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        follow = true;
        only_new |= key == 'W';
    }
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    uint64_t cursor = 0;
    int status = print(self, &cursor, only_new);
    while (status == 0 && follow) {
        idle_wait(more, &cursor, CLOCK_NEVER);
        status = console_interrupted() ? STATUS_INTERRUPTED : print(self, &cursor, false);
    }
    return status;
}

COMMAND(dmesg, .summary = "print the kernel's log", .operands = "", .options = options,
        .usage_status = 1, .run = dmesg)
