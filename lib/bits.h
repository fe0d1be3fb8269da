/*
 * Arithmetic on bits, fields and sizes that every room needs. No state, no
 * code: macros whose arguments are evaluated once, or are constants.
 */
#ifndef LIB_BITS_H
#define LIB_BITS_H

#include <stddef.h>
#include <stdint.h>

#define BIT(n) (1ULL << (n))

/* A field is named by its mask; the shift follows from the lowest set bit. */
#define FIELD_GET(mask, value) (((value) & (mask)) / ((mask) & -(mask)))
#define FIELD_SET(mask, field) (((field) * ((mask) & -(mask))) & (mask))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* `alignment` is a power of two. */
#define ROUND_DOWN(n, alignment) ((n) & ~((__typeof__(n))(alignment)-1))
#define ROUND_UP(n, alignment)   ROUND_DOWN((n) + ((__typeof__(n))(alignment)-1), alignment)
#define IS_ALIGNED(n, alignment) (((n) & ((__typeof__(n))(alignment)-1)) == 0)

#define MIN(a, b)                          \
    ({                                     \
        __typeof__(a) min_a_ = (a);        \
        __typeof__(b) min_b_ = (b);        \
        min_a_ < min_b_ ? min_a_ : min_b_; \
    })
#define MAX(a, b)                          \
    ({                                     \
        __typeof__(a) max_a_ = (a);        \
        __typeof__(b) max_b_ = (b);        \
        max_a_ > max_b_ ? max_a_ : max_b_; \
    })

#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

#endif
