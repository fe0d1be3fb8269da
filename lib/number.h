/*
 * Text to numbers, with nothing accepted by accident: no sign unless asked for,
 * no blank, no overflow.
 */
#ifndef LIB_NUMBER_H
#define LIB_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/status.h"

/* Of a digit up to f; 255, above any base, for what is none. */
unsigned digit_value(char c);

/*
 * Reads the longest run of digits at `text` in `base` (2..16; 0: 0x means 16, anything else 10).
 * *end is the first character not taken. ERR_INVALID without a digit, ERR_RANGE above 2^64 - 1.
 */
int number_prefix(const char *text, unsigned base, uint64_t *value, const char **end);

/* The same, and the whole of `text` has to be the number. */
int number_parse(const char *text, unsigned base, uint64_t *value);

/*
 * A size as dd and head write it: a number, then c (1), w (2), b (512), K or k or KiB (2^10),
 * kB or KB (10^3), and so on for M G T P E; products such as 2x512 or 4Kx8. Whole text.
 * ERR_INVALID or ERR_RANGE as above.
 */
int size_parse(const char *text, uint64_t *bytes);

#endif
