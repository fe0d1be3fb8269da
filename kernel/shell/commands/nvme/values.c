/*
 * One value of a structure as text. Numbers of 128 bits are divided by hand:
 * the kernel has no library for it.
 */
#include "kernel/shell/commands/nvme/show.h"
#include "lib/printf.h"
#include "lib/string.h"

#define HEX_ROW      16u
#define DECIMALS_MAX 40 /* 2^128 has 39 digits */
#define ZERO_CELSIUS 273

/* A large number, least significant part first; room for 128 bits times 20. */
struct large {
    uint32_t parts[5];
};

static struct large large_from(const uint8_t *bytes, unsigned size)
{
    struct large large = {{0}};
    memcpy(large.parts, bytes, MIN(size, 16u));
    return large;
}

/* Leaves the quotient, returns the remainder. */
static uint32_t large_divide(struct large *large, uint32_t by)
{
    uint64_t rest = 0;
    for (unsigned i = ARRAY_SIZE(large->parts); i-- > 0;) {
        rest = rest << 32 | large->parts[i];
        large->parts[i] = (uint32_t)(rest / by);
        rest %= by;
    }
    return (uint32_t)rest;
}

static void large_multiply(struct large *large, uint32_t by)
{
    uint64_t carry = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(large->parts); i++) {
        carry += (uint64_t)large->parts[i] * by;
        large->parts[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static bool large_is_below(const struct large *large, uint32_t limit)
{
    for (unsigned i = 1; i < ARRAY_SIZE(large->parts); i++)
        if (large->parts[i])
            return false;
    return large->parts[0] < limit;
}

static const char *decimal(char text[DECIMALS_MAX], struct large large)
{
    char *at = &text[DECIMALS_MAX - 1];
    *at = 0;
    do
        *--at = (char)('0' + large_divide(&large, 10));
    while (!large_is_below(&large, 1));
    return at;
}

struct quantity quantity_of(const uint8_t value[16], uint32_t unit)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q"};
    struct large large = large_from(value, 16);
    unsigned prefix = 0, thousandths = 0;
    large_multiply(&large, unit);
    for (; prefix < ARRAY_SIZE(prefixes) - 1 && !large_is_below(&large, 1000); prefix++)
        thousandths = large_divide(&large, 1000);
    unsigned hundredths = (thousandths + 5) / 10;
    uint64_t whole = large.parts[0] | (uint64_t)large.parts[1] << 32;
    return (struct quantity){whole + hundredths / 100, hundredths % 100, prefixes[prefix]};
}

uint64_t bytes_value(const void *bytes, unsigned size)
{
    uint64_t value = 0;
    memcpy(&value, bytes, MIN(size, 8u));
    return value;
}

/* Up to the first NUL; what is no character cannot harm the terminal. */
static void put_text(char *text, const uint8_t *bytes, unsigned size)
{
    for (unsigned i = 0; i < size && bytes[i]; i++)
        *text++ = (char)(bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?');
    *text = 0;
}

static void put_bytes(char *text, const uint8_t *bytes, unsigned size, bool dashes)
{
    for (unsigned i = 0; i < size; i++)
        text +=
            snprintf(text, 4, dashes && (i == 4 || i == 6 || i == 8 || i == 10) ? "-%02x" : "%02x",
                     bytes[i]);
}

static void put_units(char *text, const uint8_t *bytes, unsigned size)
{
    char number[DECIMALS_MAX];
    struct quantity units = quantity_of(bytes, 512 * 1000);
    snprintf(text, VALUE_SIZE, "%s (%llu.%02u %sB)", decimal(number, large_from(bytes, size)),
             (unsigned long long)units.whole, units.hundredths, units.prefix);
}

const char *value_text(char text[VALUE_SIZE], enum field_kind kind, const void *bytes,
                       unsigned size)
{
    const uint8_t *byte = bytes;
    const unsigned long long number = bytes_value(bytes, size);
    char digits[DECIMALS_MAX];
    *text = 0;
    switch (kind) {
    case FIELD_HEX:
    case FIELD_PLAIN:
        snprintf(text, VALUE_SIZE, kind == FIELD_HEX ? "%#llx" : "%llx", number);
        break;
    case FIELD_NUMBER:
        snprintf(text, VALUE_SIZE, "%s", decimal(digits, large_from(bytes, size)));
        break;
    case FIELD_TEXT:
        put_text(text, bytes, MIN(size, VALUE_SIZE - 1u));
        break;
    case FIELD_OUI:
        snprintf(text, VALUE_SIZE, "%02x%02x%02x", byte[2], byte[1], byte[0]);
        break;
    case FIELD_UUID:
    case FIELD_BYTES:
        put_bytes(text, bytes, MIN(size, 16u), kind == FIELD_UUID);
        break;
    case FIELD_PERCENT:
        snprintf(text, VALUE_SIZE, "%llu%%", number);
        break;
    case FIELD_KELVIN:
        snprintf(text, VALUE_SIZE, "%lld°C (%llu Kelvin)", (long long)number - ZERO_CELSIUS,
                 number);
        break;
    case FIELD_UNITS:
        put_units(text, bytes, size);
        break;
    }
    return text;
}

void hex_print(struct invocation *self, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    out(self, "       0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f\n");
    for (size_t row = 0; row < length && !self->output_failed; row += HEX_ROW) {
        size_t count = MIN(length - row, (size_t)HEX_ROW);
        char hex[3 * HEX_ROW + 1], *at = hex, text[HEX_ROW + 1] = "";
        for (size_t i = 0; i < count; i++) {
            uint8_t byte = bytes[row + i];
            at += snprintf(at, 4, " %02x", byte);
            text[i] = byte > ' ' && byte <= '~' ? (char)byte : '.';
        }
        out(self, "%04zx:%-*s \"%s\"\n", row, (int)(3 * HEX_ROW), hex, text);
    }
}
