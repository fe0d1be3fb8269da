/* See rate.h. */
#include "kernel/command/rate.h"

#include "kernel/x86/clock.h"
#include "lib/printf.h"

/* numerator / denominator to the nearest integer, ties to even; `more` says that the true
 * numerator is a little larger. */
static uint64_t divide_round(uint64_t numerator, uint64_t denominator, bool more)
{
    uint64_t quotient = numerator / denominator, rest = numerator % denominator;
    uint64_t other = denominator - rest; /* rest compared with a half, without overflow */
    if (rest > other || (rest == other && (more || (quotient & 1))))
        quotient++;
    return quotient;
}

void rate_size(char text[RATE_SIZE_MAX], uint64_t bytes, unsigned base)
{
    const char *prefix = base == 1000 ? "kMGTPE" : "KMGTPE";
    const char *unit = base == 1000 ? "B" : "iB";
    if (bytes < base) {
        snprintf(text, RATE_SIZE_MAX, "%llu B", (unsigned long long)bytes);
        return;
    }
    uint64_t scale = base;
    while (bytes / scale >= base) {
        scale *= base;
        prefix++;
    }
    uint64_t whole = bytes / scale, rest = bytes % scale;
    uint64_t tenths = 10 * whole + divide_round(10 * rest, scale, false);
    if (whole < 10 && tenths < 100) {
        snprintf(text, RATE_SIZE_MAX, "%llu.%llu %c%s", (unsigned long long)(tenths / 10),
                 (unsigned long long)(tenths % 10), *prefix, unit);
        return;
    }
    whole = divide_round(bytes, scale, false);
    if (whole == base && prefix[1])
        snprintf(text, RATE_SIZE_MAX, "1.0 %c%s", prefix[1], unit);
    else
        snprintf(text, RATE_SIZE_MAX, "%llu %c%s", (unsigned long long)whole, *prefix, unit);
}

/* Bytes a second in at least kB; one decimal below a hundred. */
static void rate(char text[RATE_SIZE_MAX], uint64_t bytes, uint64_t nanoseconds)
{
    const char *prefix = "kMGTPE";
    uint64_t per_second = bytes / nanoseconds, rest = bytes % nanoseconds;
    for (int digit = 0; digit < 9; digit++) {
        rest *= 10;
        per_second = per_second * 10 + rest / nanoseconds;
        rest %= nanoseconds;
    }
    uint64_t scale = 1000;
    while (per_second / scale >= 1000 && prefix[1]) {
        scale *= 1000;
        prefix++;
    }
    uint64_t tenths = divide_round(per_second, scale / 10, rest != 0);
    if (tenths < 1000)
        snprintf(text, RATE_SIZE_MAX, "%llu.%llu %cB/s", (unsigned long long)(tenths / 10),
                 (unsigned long long)(tenths % 10), *prefix);
    else
        snprintf(text, RATE_SIZE_MAX, "%llu %cB/s",
                 (unsigned long long)divide_round(per_second, scale, rest != 0), *prefix);
}

/* Seconds with six significant digits and no trailing zeros, %g. */
static void seconds(char text[RATE_SIZE_MAX], uint64_t nanoseconds)
{
    if (nanoseconds == 0) {
        snprintf(text, RATE_SIZE_MAX, "0");
        return;
    }
    int exponent = -9; /* of the first digit */
    for (uint64_t n = nanoseconds; n >= 10; n /= 10)
        exponent++;
    uint64_t scale = 1, mantissa = nanoseconds;
    for (int i = exponent + 9; i > 5; i--)
        scale *= 10;
    for (int i = exponent + 9; i < 5; i++)
        mantissa *= 10;
    mantissa = divide_round(mantissa, scale, false);
    if (mantissa == 1000000) {
        mantissa = 100000;
        exponent++;
    }
    char digits[8];
    snprintf(digits, sizeof digits, "%06llu", (unsigned long long)mantissa);
    int count = 6;
    while (count > 1 && digits[count - 1] == '0')
        count--;

    if (exponent < -4 || exponent >= 6)
        snprintf(text, RATE_SIZE_MAX, "%c%s%.*se%c%02d", digits[0], count > 1 ? "." : "", count - 1,
                 digits + 1, exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
    else if (exponent < 0)
        snprintf(text, RATE_SIZE_MAX, "0.%.*s%.*s", -exponent - 1, "000", count, digits);
    else if (count <= exponent + 1)
        snprintf(text, RATE_SIZE_MAX, "%.*s", exponent + 1, digits);
    else
        snprintf(text, RATE_SIZE_MAX, "%.*s.%.*s", exponent + 1, digits, count - exponent - 1,
                 digits + exponent + 1);
}

size_t rate_line(char line[RATE_LINE_MAX], uint64_t bytes, const char *done, uint64_t nanoseconds,
                 bool whole_seconds)
{
    char decimal[RATE_SIZE_MAX], binary[RATE_SIZE_MAX], time[RATE_SIZE_MAX];
    char speed[RATE_SIZE_MAX] = "Infinity B/s", sizes[2 * RATE_SIZE_MAX + 8] = "";
    rate_size(decimal, bytes, 1000);
    rate_size(binary, bytes, 1024);
    if (bytes >= 1024)
        snprintf(sizes, sizeof sizes, " (%s, %s)", decimal, binary);
    else if (bytes >= 1000)
        snprintf(sizes, sizeof sizes, " (%s)", decimal);
    if (whole_seconds)
        snprintf(time, sizeof time, "%llu",
                 (unsigned long long)divide_round(nanoseconds, NS_PER_SEC, false));
    else
        seconds(time, nanoseconds);
    if (nanoseconds)
        rate(speed, bytes, nanoseconds);
    return (size_t)snprintf(line, RATE_LINE_MAX, "%llu byte%s%s %s, %s s, %s",
                            (unsigned long long)bytes, bytes == 1 ? "" : "s", sizes, done, time,
                            speed);
}
