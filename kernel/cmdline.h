/*
 * The command line: words separated by blanks, "name" or "name=value", where a
 * value in double quotes may contain blanks. The last of several wins.
 */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `text` has to stay. */
void cmdline_start(const char *text);

/* Logs which words have a name that the kernel does not know. */
void cmdline_complain(void);

/* Is the word there, with or without a value? */
bool cmdline_has(const char *name);

/* The value, not NUL-terminated: its length is returned; -1 if there is none. */
long cmdline_value(const char *name, const char **value);

/* A number from `least` to `most`; `otherwise` if it is not given, or is none such (which is
 * logged). */
uint64_t cmdline_number(const char *name, uint64_t least, uint64_t most, uint64_t otherwise);

/* Which of the words it is: an index. 0 if it is not given, or is none of them (which is logged).
 */
unsigned cmdline_choice(const char *name, const char *const words[], unsigned count);

#endif
