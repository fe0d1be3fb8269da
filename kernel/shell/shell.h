/*
 * The shell: text in, commands run. token.c cuts the text, parse.c builds the
 * tree, expand.c makes words of it, run.c runs it.
 */
#ifndef KERNEL_SHELL_SHELL_H
#define KERNEL_SHELL_SHELL_H

#include <stddef.h>

#include "kernel/fs/fs.h"

/* One shell: variables, $?, positional parameters, its three files. */
struct shell;

/* NULL without memory. The files are shared, not taken over. */
struct shell *shell_new(struct file *in, struct file *out, struct file *error);
void shell_free(struct shell *shell);

/* Runs a whole script text; returns the exit status of its last command, 2 for a syntax error.
 * `name` is what messages call it ("sh", a file's name). */
int shell_run_text(struct shell *shell, const char *name, const char *text, size_t length);

#endif
