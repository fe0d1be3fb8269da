/*
 * What the parts of xxd share: xxd.c shows a file, xxd_reverse.c makes a file of
 * what was shown.
 */
#ifndef KERNEL_SHELL_COMMANDS_XXD_H
#define KERNEL_SHELL_COMMANDS_XXD_H

#include "kernel/command/command.h"
#include "kernel/command/reader.h"

#define XXD_BACKWARDS 5 /* exit status: cannot seek there */

/*
 * Reads lines "OFFSET: HEX TEXT" with up to `columns` bytes each, or with `plain` digits alone, and
 * writes the bytes to self->out, at their offsets plus `shift` as counted from where it stands. The
 * exit status; why reading stopped is left to the caller.
 */
int xxd_reverse(struct invocation *self, struct reader *reader, bool plain, uint64_t columns,
                int64_t shift);

#endif
