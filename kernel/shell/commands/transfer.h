/*
 * What cp and mv share: sources, and a target that is a new name for the only
 * source or a directory for all of them.
 */
#ifndef KERNEL_SHELL_COMMANDS_TRANSFER_H
#define KERNEL_SHELL_COMMANDS_TRANSFER_H

#include "kernel/command/command.h"

/* Reads the options and operands and calls `one` for each pair of names that are two files, the
 * first of which is there. Returns the worst exit status, or at once with 130. */
int transfer(struct invocation *self,
             int (*one)(struct invocation *self, const char *from, const char *to));

extern const struct option transfer_options[];

#endif
