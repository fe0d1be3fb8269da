/*
 * Formatted output: one engine that takes a format apart and hands pieces of
 * text to a sink; snprintf() is a sink that stops at the end of an array.
 */
#include "lib/printf.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/string.h"

struct sink {
    void (*put)(void *context, const char *text, size_t length);
    void *context;
    size_t length; /* put so far */
};

/* One conversion, as written between % and its letter. */
struct conversion {
    bool left, zero, plus, space, alternate;
    size_t width;
    size_t precision;
    bool has_precision;
    size_t size; /* sizeof the integer argument */
};

/* A va_list is an array on this machine: inside a structure it can be passed on by address. */
struct arguments {
    va_list list;
};

static void put(struct sink *sink, const char *text, size_t length)
{
    if (length)
        sink->put(sink->context, text, length);
    sink->length += length;
}

static void put_repeated(struct sink *sink, char c, size_t count)
{
    char run[32];
    memset(run, c, sizeof run);
    for (; count > sizeof run; count -= sizeof run)
        put(sink, run, sizeof run);
    put(sink, run, count);
}

/* Blanks, prefix, zeros, text, blanks: every conversion ends here. */
static void put_field(struct sink *sink, const struct conversion *c, const char *prefix,
                      size_t zeros, const char *text, size_t length)
{
    size_t used = strlen(prefix) + zeros + length;
    size_t padding = c->width > used ? c->width - used : 0;
    if (!c->left)
        put_repeated(sink, ' ', padding);
    put(sink, prefix, strlen(prefix));
    put_repeated(sink, '0', zeros);
    put(sink, text, length);
    if (c->left)
        put_repeated(sink, ' ', padding);
}

static void put_integer(struct sink *sink, const struct conversion *c, const char *prefix,
                        uint64_t value, unsigned base, const char *digits)
{
    char text[22]; /* 2^64 in octal */
    char *end = text + sizeof text, *at = end;
    bool is_zero = value == 0;
    for (; value; value /= base)
        *--at = digits[value % base];
    size_t length = (size_t)(end - at), least = c->has_precision ? c->precision : 1;

    /* C17 7.21.6.1, "#": octal gets precision enough for a leading 0; 0 has no 0x. */
    if (c->alternate && base == 8 && least <= length)
        least = length + 1;
    if (c->alternate && base == 16 && !is_zero)
        prefix = digits[10] == 'a' ? "0x" : "0X";
    /* The 0 flag fills up behind the sign, unless there is a precision or the - flag. */
    if (c->zero && !c->left && !c->has_precision && c->width > strlen(prefix) + least)
        least = c->width - strlen(prefix);
    put_field(sink, c, prefix, least > length ? least - length : 0, at, length);
}

static uint64_t next_integer(const struct conversion *c, bool is_signed,
                             struct arguments *arguments)
{
    uint64_t value;
    if (c->size == sizeof(uint64_t))
        value = va_arg(arguments->list, uint64_t);
    else
        value = va_arg(arguments->list, unsigned);
    unsigned unused = 64 - 8 * (unsigned)c->size;
    if (is_signed)
        return (uint64_t)((int64_t)(value << unused) >> unused);
    return value << unused >> unused;
}

static void put_signed(struct sink *sink, const struct conversion *c, struct arguments *arguments)
{
    uint64_t value = next_integer(c, true, arguments);
    const char *sign = c->plus ? "+" : c->space ? " " : "";
    if ((int64_t)value < 0) {
        value = -value;
        sign = "-";
    }
    put_integer(sink, c, sign, value, 10, "0123456789");
}

static void put_string(struct sink *sink, const struct conversion *c, const char *text)
{
    if (!text)
        text = "(null)";
    size_t length = c->has_precision ? strnlen(text, c->precision) : strlen(text);
    put_field(sink, c, "", 0, text, length);
}

/* False when `letter` is no conversion. */
static bool put_conversion(struct sink *sink, struct conversion *c, char letter,
                           struct arguments *arguments)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    char character;

    switch (letter) {
    case 'd':
    case 'i':
        put_signed(sink, c, arguments);
        return true;
    case 'u':
        put_integer(sink, c, "", next_integer(c, false, arguments), 10, lower);
        return true;
    case 'o':
        put_integer(sink, c, "", next_integer(c, false, arguments), 8, lower);
        return true;
    case 'x':
        put_integer(sink, c, "", next_integer(c, false, arguments), 16, lower);
        return true;
    case 'X':
        put_integer(sink, c, "", next_integer(c, false, arguments), 16, upper);
        return true;
    case 'p':
        c->alternate = true;
        put_integer(sink, c, "", (uintptr_t)va_arg(arguments->list, void *), 16, lower);
        return true;
    case 'c':
        character = (char)va_arg(arguments->list, int);
        put_field(sink, c, "", 0, &character, 1);
        return true;
    case 's':
        put_string(sink, c, va_arg(arguments->list, const char *));
        return true;
    case '%':
        put(sink, "%", 1);
        return true;
    default:
        return false;
    }
}

static const char *read_flags(const char *at, struct conversion *c)
{
    for (;; at++)
        switch (*at) {
        case '-':
            c->left = true;
            break;
        case '0':
            c->zero = true;
            break;
        case '+':
            c->plus = true;
            break;
        case ' ':
            c->space = true;
            break;
        case '#':
            c->alternate = true;
            break;
        default:
            return at;
        }
}

/* A width or precision, which stays below INT_MAX; *negative only for one given as an argument. */
static const char *read_count(const char *at, size_t *count, bool *negative,
                              struct arguments *arguments)
{
    *negative = false;
    if (*at == '*') {
        int64_t value = va_arg(arguments->list, int);
        *negative = value < 0;
        *count = (size_t)(value < 0 ? -value : value);
        return at + 1;
    }
    *count = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (*count < INT_MAX / 10)
            *count = *count * 10 + (size_t)(*at - '0');
    return at;
}

static const char *read_size(const char *at, struct conversion *c)
{
    c->size = sizeof(int);
    switch (*at) {
    case 'h':
        c->size = at[1] == 'h' ? sizeof(char) : sizeof(short);
        return at + (at[1] == 'h' ? 2 : 1);
    case 'l':
        c->size = sizeof(long);
        return at + (at[1] == 'l' ? 2 : 1);
    case 'z':
    case 'j':
    case 't':
        c->size = sizeof(uint64_t);
        return at + 1;
    default:
        return at;
    }
}

static const char *read_conversion(const char *at, struct conversion *c,
                                   struct arguments *arguments)
{
    bool negative;
    at = read_flags(at, c);
    at = read_count(at, &c->width, &negative, arguments);
    c->left |= negative;
    if (*at == '.') {
        at = read_count(at + 1, &c->precision, &negative, arguments);
        c->has_precision = !negative;
    }
    return read_size(at, c);
}

int format_to(void (*put_text)(void *context, const char *text, size_t length), void *context,
              const char *format, va_list list)
{
    struct sink sink = {.put = put_text, .context = context};
    struct arguments arguments;
    va_copy(arguments.list, list);
    while (*format) {
        size_t plain = 0;
        while (format[plain] && format[plain] != '%')
            plain++;
        put(&sink, format, plain);
        format += plain;
        if (!*format)
            break;

        struct conversion c = {0};
        const char *letter = read_conversion(format + 1, &c, &arguments);
        bool known = put_conversion(&sink, &c, *letter, &arguments);
        const char *next = letter + (*letter ? 1 : 0);
        if (!known) /* shown as it stands */
            put(&sink, format, (size_t)(next - format));
        format = next;
    }
    va_end(arguments.list);
    return sink.length > INT_MAX ? -1 : (int)sink.length;
}

struct array {
    char *to;
    size_t left; /* without the NUL */
};

static void put_in_array(void *context, const char *text, size_t length)
{
    struct array *array = context;
    size_t count = MIN(length, array->left);
    memcpy(array->to, text, count);
    array->to += count;
    array->left -= count;
}

int vsnprintf(char *restrict to, size_t size, const char *restrict format, va_list arguments)
{
    char nothing = 0;
    struct array array = {.to = size ? to : &nothing, .left = size ? size - 1 : 0};
    int length = format_to(put_in_array, &array, format, arguments);
    *array.to = 0;
    return length;
}

int snprintf(char *restrict to, size_t size, const char *restrict format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return length;
}
