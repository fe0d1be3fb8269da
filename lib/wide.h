/*
 * Division and square root of 128-bit numbers, without the compiler's run-time
 * library; for reports, not for hot paths.
 */
#ifndef LIB_WIDE_H
#define LIB_WIDE_H

#include <stdint.h>

typedef unsigned __int128 wide;

/* Rounded down; `divisor` is not 0. */
wide wide_divide(wide dividend, uint64_t divisor);

/* a * b / c, rounded to nearest; all ones when it does not fit, 0 for c = 0. */
uint64_t wide_scale(uint64_t a, uint64_t b, uint64_t c);

/* The largest number whose square is not above `value`. */
uint64_t wide_root(wide value);

#endif
