/*
 * Memory and strings. Copying and filling use the processor's string
 * instructions on 8-byte words: real processors run them at cache-line width
 * without a vector register, and an emulator steps once a word, not once a
 * byte. What is left over at the end is one more word that overlaps.
 */
#include "lib/string.h"

#include <stdint.h>

/* Otherwise gcc finds a strlen() in strlen() and a memmove() in memmove(). */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#define WORD        sizeof(uint64_t)
#define EVERY_BYTE  0x0101010101010101ULL
#define EVERY_SIGN  0x8080808080808080ULL
#define SMALL_LIMIT (2 * WORD)

/* Words and halves of words at any address. */
struct any64 {
    uint64_t value;
} __attribute__((packed, may_alias));
struct any32 {
    uint32_t value;
} __attribute__((packed, may_alias));

static inline uint64_t load64(const void *from)
{
    return ((const struct any64 *)from)->value;
}

static inline void store64(void *to, uint64_t value)
{
    ((struct any64 *)to)->value = value;
}

static inline uint32_t load32(const void *from)
{
    return ((const struct any32 *)from)->value;
}

static inline void store32(void *to, uint32_t value)
{
    ((struct any32 *)to)->value = value;
}

/* Up to 16 bytes. All is loaded before anything is stored, so overlap does not matter. */
static inline void move_small(uint8_t *to, const uint8_t *from, size_t length)
{
    if (length >= 8) {
        uint64_t first = load64(from), last = load64(from + length - 8);
        store64(to, first);
        store64(to + length - 8, last);
    } else if (length >= 4) {
        uint32_t first = load32(from), last = load32(from + length - 4);
        store32(to, first);
        store32(to + length - 4, last);
    } else if (length) {
        uint8_t first = from[0], middle = from[length / 2], last = from[length - 1];
        to[0] = first;
        to[length / 2] = middle;
        to[length - 1] = last;
    }
}

/* Upwards, more than a word; right also where `to` overlaps `from` from below. */
static inline void move_up(uint8_t *to, const uint8_t *from, size_t length)
{
    uint64_t last = load64(from + length - WORD);
    uint8_t *end = to + length;
    size_t words = length / WORD;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    store64(end - WORD, last);
}

/* Downwards: the string instructions are slow in that direction. */
static inline void move_down(uint8_t *to, const uint8_t *from, size_t length)
{
    uint64_t first = load64(from);
    size_t left = length;
    for (; left >= WORD; left -= WORD)
        store64(to + left - WORD, load64(from + left - WORD));
    store64(to, first);
}

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
    if (length <= SMALL_LIMIT)
        move_small(to, from, length);
    else
        move_up(to, from, length);
    return to;
}

void *memmove(void *to, const void *from, size_t length)
{
    /* The difference wraps to a large number where `to` lies below. */
    if (length <= SMALL_LIMIT)
        move_small(to, from, length);
    else if ((uintptr_t)to - (uintptr_t)from >= length)
        move_up(to, from, length);
    else
        move_down(to, from, length);
    return to;
}

void *memset(void *to, int byte, size_t length)
{
    uint8_t *at = to;
    uint64_t pattern = (uint8_t)byte * EVERY_BYTE;
    if (length < WORD) {
        for (size_t i = 0; i < length; i++)
            at[i] = (uint8_t)byte;
        return to;
    }
    size_t words = length / WORD;
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(pattern) : "memory");
    store64((uint8_t *)to + length - WORD, pattern);
    return to;
}

int memcmp(const void *a, const void *b, size_t length)
{
    const uint8_t *left = a, *right = b;
    while (length >= WORD && load64(left) == load64(right)) {
        left += WORD;
        right += WORD;
        length -= WORD;
    }
    for (; length; left++, right++, length--)
        if (*left != *right)
            return *left - *right;
    return 0;
}

void *memchr(const void *in, int byte, size_t length)
{
    const uint8_t *at = in;
    uint64_t pattern = (uint8_t)byte * EVERY_BYTE;
    while (length >= WORD) {
        uint64_t word = load64(at) ^ pattern;
        /* Borrows out of a zero byte reach its sign bit: is there one? */
        if ((word - EVERY_BYTE) & ~word & EVERY_SIGN)
            break;
        at += WORD;
        length -= WORD;
    }
    for (; length; at++, length--)
        if (*at == (uint8_t)byte)
            return (void *)(uintptr_t)at;
    return NULL;
}

size_t strlen(const char *s)
{
    const char *end = s;
    while (*end)
        end++;
    return (size_t)(end - s);
}

size_t strnlen(const char *s, size_t limit)
{
    size_t length = 0;
    while (length < limit && s[length])
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (; limit && *a && *a == *b; a++, b++, limit--)
        ;
    return limit ? (uint8_t)*a - (uint8_t)*b : 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;
    do
        if (*s == (char)c)
            found = s;
    while (*s++);
    return (char *)(uintptr_t)found;
}

char *strstr(const char *in, const char *what)
{
    size_t length = strlen(what);
    for (; strncmp(in, what, length) != 0; in++)
        if (!*in)
            return NULL;
    return (char *)(uintptr_t)in;
}
