/*
 * Kinds of characters, in ASCII, and the classes of them that [:alpha:] and its
 * like name in patterns and regular expressions.
 */
#ifndef LIB_CLASS_H
#define LIB_CLASS_H

#include <stdbool.h>
#include <stddef.h>

static inline char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline bool is_letter(char c)
{
    return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* By its name, "alpha"; -1: there is none. */
int class_find(const char *name, size_t length);
bool class_has(int class, char c);

#endif
