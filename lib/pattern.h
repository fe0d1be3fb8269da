/*
 * Patterns as a shell has them: `*`, `?`, `[a-z]`, `[!a-z]`, `[[:alpha:]]`, and a
 * backslash in front of what is meant as it stands.
 */
#ifndef LIB_PATTERN_H
#define LIB_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

bool pattern_match(const char *pattern, const char *pattern_end, const char *text, size_t length);

/* Drops the backslashes. */
void pattern_strip(char *pattern);

#endif
