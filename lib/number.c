/*
 * Text to numbers.
 */
#include "lib/number.h"

#include <stddef.h>

#include "lib/string.h"

unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 255;
}

int number_prefix(const char *text, unsigned base, uint64_t *value, const char **end)
{
    if (base == 0) {
        bool hexadecimal =
            text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && digit_value(text[2]) < 16;
        base = hexadecimal ? 16 : 10;
        text += hexadecimal ? 2 : 0;
    }
    const char *at = text;
    uint64_t sum = 0;
    bool overflow = false;
    for (; digit_value(*at) < base; at++) {
        overflow |= __builtin_mul_overflow(sum, base, &sum);
        overflow |= __builtin_add_overflow(sum, digit_value(*at), &sum);
    }
    *end = at;
    if (at == text)
        return ERR_INVALID;
    if (overflow)
        return ERR_RANGE;
    *value = sum;
    return OK;
}

int number_parse(const char *text, unsigned base, uint64_t *value)
{
    const char *end;
    uint64_t sum;
    int status = number_prefix(text, base, &sum, &end);
    if (*end)
        return ERR_INVALID;
    if (status == OK)
        *value = sum;
    return status;
}

/* The factor that the suffix at *at stands for; moves *at behind it. The largest, E, is 2^60. */
static uint64_t suffix_factor(const char **at)
{
    static const char small[] = "cwb", powers[] = "KMGTPE";
    static const uint64_t small_factors[] = {1, 2, 512};

    char c = **at == 'k' ? 'K' : **at;
    if (c == 0)
        return 1;
    const char *found = strchr(small, c);
    if (found) {
        ++*at;
        return small_factors[found - small];
    }
    found = strchr(powers, c);
    if (!found)
        return 1;

    ++*at;
    uint64_t unit = 1024;
    if (strncmp(*at, "iB", 2) == 0) {
        *at += 2;
    } else if (**at == 'B') {
        unit = 1000;
        ++*at;
    }
    uint64_t factor = unit;
    for (const char *power = powers; power < found; power++)
        factor *= unit;
    return factor;
}

int size_parse(const char *text, uint64_t *bytes)
{
    uint64_t product = 1;
    bool overflow = false;
    for (const char *at = text;; at++) {
        uint64_t number = 0;
        int status = number_prefix(at, 10, &number, &at);
        if (status == ERR_INVALID)
            return status;
        overflow |= status == ERR_RANGE;
        overflow |= __builtin_mul_overflow(number, suffix_factor(&at), &number);
        overflow |= __builtin_mul_overflow(product, number, &product);
        if (*at == 0)
            break;
        if (*at != 'x')
            return ERR_INVALID;
    }
    if (overflow)
        return ERR_RANGE;
    *bytes = product;
    return OK;
}
