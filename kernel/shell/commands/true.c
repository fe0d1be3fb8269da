/*
 * true, false and `:`, which do nothing, with success or without.
 */
#include "kernel/command/command.h"

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

COMMAND_NAMED(colon, ":", .special = true, .summary = "do nothing, but expand the arguments",
              .operands = "[ARG]...", .literal = true, .run = succeed)
COMMAND(true, .summary = "do nothing, successfully", .operands = "", .literal = true,
        .run = succeed)
COMMAND(false, .summary = "do nothing, unsuccessfully", .operands = "", .literal = true,
        .run = fail)
