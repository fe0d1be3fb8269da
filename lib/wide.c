/*
 * 128-bit division and square root, bit by bit.
 */
#include "lib/wide.h"

wide wide_divide(wide dividend, uint64_t divisor)
{
    wide quotient = 0, rest = 0;
    for (int bit = 127; bit >= 0; bit--) {
        rest = rest << 1 | (dividend >> bit & 1);
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= (wide)1 << bit;
        }
    }
    return quotient;
}

uint64_t wide_scale(uint64_t a, uint64_t b, uint64_t c)
{
    if (c == 0)
        return 0;
    wide result = wide_divide((wide)a * b + c / 2, c);
    return result > UINT64_MAX ? UINT64_MAX : (uint64_t)result;
}

uint64_t wide_root(wide value)
{
    uint64_t root = 0;
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t candidate = root | 1ULL << bit;
        if ((wide)candidate * candidate <= value)
            root = candidate;
    }
    return root;
}
