/*
 * The console: bytes in from the serial port, bytes out to it, and Ctrl-C.
 * A byte 03h is not delivered: it raises the interrupt flag when it arrives,
 * and discards what was typed ahead of it.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_TIMEOUT (-1)
#define CONSOLE_CTRL_C  (-2)

/* The next byte typed, 0..255; CONSOLE_TIMEOUT at the deadline (as clock_ns; CLOCK_NEVER waits);
 * CONSOLE_CTRL_C when the interrupt flag is up (it stays up until cleared). */
int console_get(uint64_t deadline);

/* Raw bytes; "\n" goes out as "\r\n". Any context. */
void console_write(const char *text, size_t length);

/* Has Ctrl-C been typed since the flag was last cleared? Long work asks this often. */
bool console_interrupted(void);
void console_clear_interrupt(void);

#endif
