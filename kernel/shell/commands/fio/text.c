/*
 * Numbers as fio writes them.
 */
#include "kernel/shell/commands/fio/fio.h"

#include "lib/printf.h"

#define DECIMALS_MOST 6u

static unsigned digits_of(uint64_t number)
{
    unsigned digits = 1;
    while (number >= 10) {
        number /= 10;
        digits++;
    }
    return digits;
}

const char *fio_short(char text[FIO_TEXT], uint64_t number, unsigned digits, unsigned base,
                      const char *unit)
{
    static const char prefixes[] = "\0kMGTPE", binary[] = "\0KMGTPE";
    unsigned power = 0;
    uint64_t scale = 1;
    while (digits_of(number / scale) > digits && power < 6) {
        scale *= base;
        power++;
    }
    uint64_t whole = number / scale, rest = number % scale;
    unsigned used = digits_of(whole) + 1;
    unsigned decimals = power && digits > used ? MIN(digits - used, DECIMALS_MOST) : 0;
    uint64_t tens = 1;
    for (unsigned i = 0; i < decimals; i++)
        tens *= 10;
    uint64_t part = wide_scale(rest, tens, scale);
    whole += part / tens; /* rounded up */
    part %= tens;
    char fraction[DECIMALS_MOST + 2] = "";
    for (unsigned i = decimals; i; i--, part /= 10)
        fraction[i] = (char)('0' + part % 10);
    if (decimals)
        fraction[0] = '.';
    char prefix[3] = {base == 1024 ? binary[power] : prefixes[power],
                      base == 1024 && power ? 'i' : 0};
    snprintf(text, FIO_TEXT, "%llu%s%s%s", (unsigned long long)whole, fraction, prefix, unit);
    return text;
}

const char *fio_decimal(char text[FIO_TEXT], uint64_t millionths, unsigned decimals)
{
    uint64_t unit = FIO_MILLION, whole = millionths / FIO_MILLION, rest = millionths % FIO_MILLION;
    for (unsigned i = 0; i < decimals; i++)
        unit /= 10;
    rest = (rest + unit / 2) / unit;
    if (rest * unit >= FIO_MILLION) {
        whole++;
        rest = 0;
    }
    snprintf(text, FIO_TEXT, "%llu.%0*llu", (unsigned long long)whole, (int)decimals,
             (unsigned long long)rest);
    return text;
}

uint64_t fio_share(uint64_t part, uint64_t whole)
{
    return wide_scale(part, 100 * FIO_MILLION, whole);
}
