/*
 * Formatted output. Conversions: d i u x X o c s p %, with the flags - 0 + # and
 * space, width and precision (numbers or *), and the lengths hh h l ll z j t.
 * No floating point: the kernel does not use it.
 */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include <stdarg.h>
#include <stddef.h>

#include "lib/bits.h"

/* As C17 7.21.6: returns the length the whole text has; writes at most size - 1 bytes and a NUL. */
int snprintf(char *restrict to, size_t size, const char *restrict format, ...) PRINTF_LIKE(3, 4);
int vsnprintf(char *restrict to, size_t size, const char *restrict format, va_list arguments)
    PRINTF_LIKE(3, 0);

/* Hands the text to `put` piece by piece, without a limit; returns its length. */
int format_to(void (*put)(void *context, const char *text, size_t length), void *context,
              const char *format, va_list arguments) PRINTF_LIKE(3, 0);

#endif
