/*
 * Regular expressions of POSIX, basic and extended, over bytes and without
 * back-references, so that to tell whether there is a match takes time in proportion
 * to the text, and to tell where at most in proportion to its square. Of GNU's additions: \| \+ \?
 * in basic ones, \< \> \b in both.
 */
#ifndef LIB_REGEX_H
#define LIB_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGEX_STEPS 1024 /* about one for each character of the patterns */
#define REGEX_SETS  64   /* bracket expressions */

#define REGEX_EXTENDED    1u
#define REGEX_IGNORE_CASE 2u
#define REGEX_FIXED       4u /* every character stands for itself */

struct regex_step {
    uint8_t kind;
    uint8_t value;         /* a character, or the number of a set */
    int16_t first, second; /* where to go on, from here */
};

/* Several patterns, one of which has to match. With what a search writes: for one at a time. */
struct regex {
    unsigned flags, count, sets;
    struct regex_step steps[REGEX_STEPS];
    uint8_t set[REGEX_SETS][32]; /* a bit for each character */
    bool (*stop)(void); /* asked during a search: it is to end without a match. NULL: never */

    uint32_t generation, seen[REGEX_STEPS];
    uint16_t now[REGEX_STEPS], next[REGEX_STEPS], stack[2 * REGEX_STEPS];
};

void regex_start(struct regex *regex, unsigned flags);

/* Adds a pattern. NULL, or what is wrong with it; the regex is then of no use. */
const char *regex_add(struct regex *regex, const char *pattern);

/* The first and longest match in `text` at or behind *start: true, and [*start, *end) is it. */
bool regex_search(struct regex *regex, const char *text, size_t length, size_t *start, size_t *end);

/* A letter, a digit or _: what words are made of. */
bool regex_is_word(char c);

/* Is there a match? Quicker. */
bool regex_matches(struct regex *regex, const char *text, size_t length);

#endif
