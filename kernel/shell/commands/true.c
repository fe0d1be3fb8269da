/*
 * true, false and `:`, which do nothing, with success or without.
 */
#include "kernel/shell/command.h"

static int succeed(struct invocation *self)
{
    (void)self;
    return 0;
}

static int fail(struct invocation *self)
{
    (void)self;
    return 1;
}

COMMAND_NAMED(colon, ":", .summary = "do nothing, but expand the arguments", .operands = "[ARG]...",
              .run = succeed)
COMMAND(true, .summary = "do nothing, successfully", .operands = "", .run = succeed)
COMMAND(false, .summary = "do nothing, unsuccessfully", .operands = "", .run = fail)
