/*
 * The kernel's log: a ring of lines that dmesg shows, each with its time.
 * Warnings and errors also appear on the console at once; notes do while
 * booting only if the command line says "verbose".
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bits.h"

enum log_level {
    LOG_ERROR,
    LOG_WARNING,
    LOG_NOTE
};

/* One line, without its newline. Any context, any processor; the boot processor prints it. Longer
 * than 240 characters is cut. */
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
void log_line_va(enum log_level level, const char *format, va_list arguments) PRINTF_LIKE(2, 0);

/* Prints what is not printed yet. The boot processor is called by the others to do so. */
void log_show(void);

/* The console threshold: lines of this level and graver are printed. Starts at LOG_WARNING. */
void log_set_console_level(enum log_level level);

/*
 * Reads the log from `*cursor` (start with 0; moved on) into `text` as one formatted line with its
 * newline. Returns its length, 0 when there is no further line. Lines that were overwritten are
 * skipped.
 */
size_t log_read(uint64_t *cursor, char *text, size_t size);

/* Is there a line at `cursor` or behind it? Any context. */
bool log_pending(uint64_t cursor);

#endif
