/*
 * What cp and mv share: sources, and a target that is a new name for the only
 * source or a directory for all of them.
 */
#ifndef KERNEL_SHELL_COMMANDS_TRANSFER_H
#define KERNEL_SHELL_COMMANDS_TRANSFER_H

#include "kernel/command/command.h"

struct transfer {
    struct invocation *self;
    bool recursive, verbose, keep; /* keep: what is there already stays as it is */
    int (*one)(const struct transfer *transfer, const char *from, const char *to);
};

/* Reads the options and operands and calls `one` for each pair of names that are two files, the
 * first of which is there. Returns the worst exit status, or at once with 130. */
int transfer(struct transfer *transfer);

/* There are no permissions that -f could force its way past. */
/* clang-format off */
#define TRANSFER_OPTIONS                                            \
    {'f', "force", NULL, "do not ask (never done anyway)"},         \
    {'n', "no-clobber", NULL, "leave files that are there alone"},  \
    {'v', "verbose", NULL, "say what is done"}
/* clang-format on */

#endif
