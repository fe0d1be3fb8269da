/*
 * The terminal: a person types, the shell runs it.
 */
#ifndef KERNEL_TERMINAL_TERMINAL_H
#define KERNEL_TERMINAL_TERMINAL_H

struct shell;

/* The prompt on the console, until `exit`; returns its status. Ctrl-D on an empty line is `exit`.
 */
int terminal_run(struct shell *shell);

#endif
