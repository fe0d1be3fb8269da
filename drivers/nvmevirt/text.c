/*
 * Words: the line that tells which rule was broken, put together without any
 * library, and the blank-padded strings of Identify.
 */
#include "internal.h"

#include <stdarg.h>

struct line {
    char text[160];
    size_t length;
};

static void put(struct line *line, char byte)
{
    if (line->length + 1 < sizeof line->text)
        line->text[line->length++] = byte;
}

static void put_number(struct line *line, uint64_t number, unsigned base)
{
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    while (count)
        put(line, digits[--count]);
}

static void put_formatted(struct line *line, const char *format, va_list *arguments)
{
    for (; *format; format++) {
        if (*format != '%') {
            put(line, *format);
            continue;
        }
        switch (*++format) {
        case 's':
            for (const char *s = va_arg(*arguments, const char *); *s; s++)
                put(line, *s);
            break;
        case 'u':
            put_number(line, va_arg(*arguments, unsigned), 10);
            break;
        case 'x':
            put_number(line, va_arg(*arguments, unsigned), 16);
            break;
        default: /* %llx */
            format += 2;
            put_number(line, va_arg(*arguments, unsigned long long), 16);
        }
    }
}

void nvmevirt_violation(struct nvmevirt *controller, const char *format, ...)
{
    struct line line;
    line.length = 0;
    va_list arguments;
    va_start(arguments, format);
    put_formatted(&line, format, &arguments);
    va_end(arguments);
    line.text[line.length] = 0;
    controller->counters.violations++;
    controller->environment.violation(controller->environment.context, line.text);
}

void nvmevirt_pad(uint8_t *field, size_t size, const char *text)
{
    for (size_t i = 0; i < size; i++)
        field[i] = (uint8_t)(*text ? *text++ : ' ');
}
