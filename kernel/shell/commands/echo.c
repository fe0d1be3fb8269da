/*
 * echo and printf: text, with what a backslash stands for. echo prints its
 * arguments as a line; printf prints them as a format says, which is used again
 * until there are no more.
 */
#include "kernel/command/command.h"
#include "kernel/console.h"
#include "lib/number.h"
#include "lib/printf.h"
#include "lib/string.h"

/* Only words made of these letters alone are options; all else is text. */
static bool is_option(const char *word)
{
    if (word[0] != '-' || !word[1])
        return false;
    for (const char *c = word + 1; *c; c++)
        if (!strchr("neE", *c))
            return false;
    return true;
}

/* Up to `most` digits at *at into a byte; false if there is none. */
static bool digits(const char **at, unsigned base, int most, char *byte)
{
    unsigned value = 0;
    int count = 0;
    for (; count < most && digit_value(**at) < base; count++)
        value = value * base + digit_value(*(*at)++);
    *byte = (char)value;
    return count > 0;
}

/* What stands behind a backslash; moves *at behind it. An octal number begins with a 0, or in a
 * format (of printf) with any digit. False for \c: print no more. */
static bool escape(struct invocation *self, const char **at, bool format)
{
    static const char names[] = "abefnrtv\\", bytes[] = "\a\b\033\f\n\r\t\v\\";
    const char *start = *at, *name = *start ? strchr(names, *start) : NULL;
    char byte = 0;
    ++*at;
    if (*start == 'c')
        return false;
    if (name)
        byte = bytes[name - names];
    else if (*start == '0' && !format)
        digits(at, 8, 3, &byte);
    else if (!(format && digits((*at = start, at), 8, 3, &byte)) &&
             !(*start == 'x' && digits((*at = start + 1, at), 16, 2, &byte))) {
        *at = start;
        byte = '\\';
    }
    out_bytes(self, &byte, 1);
    return true;
}

/* False behind \c. */
static bool print_escaped(struct invocation *self, const char *text)
{
    while (*text && !self->output_failed) {
        const char *backslash = strchr(text, '\\');
        size_t plain = backslash ? (size_t)(backslash - text) : strlen(text);
        out_bytes(self, text, plain);
        text += plain;
        if (backslash) {
            text++;
            if (!escape(self, &text, false))
                return false;
        }
    }
    return true;
}

static int echo(struct invocation *self)
{
    bool newline = true, escapes = false;
    int i = 1;
    for (; i < self->argc && is_option(self->argv[i]); i++)
        for (const char *c = self->argv[i] + 1; *c; c++) {
            if (*c == 'n')
                newline = false;
            else
                escapes = *c == 'e';
        }
    for (bool first = true; i < self->argc; i++, first = false) {
        if (!first)
            out(self, " ");
        if (!escapes)
            out_bytes(self, self->argv[i], strlen(self->argv[i]));
        else if (!print_escaped(self, self->argv[i]))
            return 0;
    }
    if (newline)
        out(self, "\n");
    return 0;
}

/* Described for the usage; echo reads them itself, since it has no wrong ones. */
static const struct option options[] = {{'n', NULL, NULL, "no newline at the end"},
                                        {'e', NULL, NULL, "read escapes: \\n \\t \\x41 \\0101 \\c"},
                                        {'E', NULL, NULL, "do not (the start)"},
                                        {0}};

COMMAND(echo, .summary = "print a line of text", .operands = "[TEXT]...", .options = options,
        .literal = true, .run = echo)

/* ---- printf -------------------------------------------------------------------------------- */

struct printing {
    struct invocation *self;
    bool wrong; /* an argument was no number; goes on all the same */
};

/* Empty when there are no more. */
static const char *next_argument(struct invocation *self)
{
    return self->next < self->argc ? self->argv[self->next++] : "";
}

/* As C writes it, or a quote and a character, which is that one's number. */
static int64_t next_number(struct printing *printing)
{
    const char *text = next_argument(printing->self), *from = text, *end;
    uint64_t value = 0;
    if (*text == '\'' || *text == '"')
        return (unsigned char)text[1];
    bool negative = *text == '-';
    from += negative || *text == '+';
    bool octal = from[0] == '0' && from[1] >= '0' && from[1] <= '9';
    int status = number_prefix(from, octal ? 8 : 0, &value, &end);
    if (*text && (status != OK || *end)) {
        complain(printing->self,
                 status == ERR_RANGE ? "%s: out of range"
                 : status == OK      ? "%s: not completely converted"
                                     : "%s: expected numeric value",
                 text);
        printing->wrong = true;
    }
    return (int64_t)(negative ? 0 - value : value);
}

/* A conversion, behind its %; moves *at behind it. False: print no more. */
static bool convert(struct printing *printing, const char **at)
{
    struct invocation *self = printing->self;
    char text[40] = "%"; /* the conversion, with numbers for * and all numbers of 64 bits */
    size_t used = 1;
    for (; **at && strchr("-+ #0123456789.*", **at) && used < 16; ++*at)
        if (**at == '*')
            used += (size_t)snprintf(text + used, 12, "%d", (int)next_number(printing));
        else
            text[used++] = **at;
    char conversion = **at;
    *at += conversion != 0;
    if (conversion == '%') {
        out(self, "%%");
    } else if (conversion == 'b') {
        return print_escaped(self, next_argument(self));
    } else if (conversion == 's') {
        snprintf(text + used, sizeof text - used, "s");
        out(self, text, next_argument(self));
    } else if (conversion == 'c') {
        snprintf(text + used, sizeof text - used, ".1s");
        out(self, text, next_argument(self));
    } else if (conversion && strchr("diouxX", conversion)) {
        snprintf(text + used, sizeof text - used, "ll%c", conversion);
        out(self, text, (long long)next_number(printing));
    } else {
        complain(self, "%%%c: invalid directive", conversion);
        return !(printing->wrong = true);
    }
    return true;
}

static int print_format(struct invocation *self)
{
    struct printing printing = {.self = self};
    self->next = 1 + (self->argc > 1 && !strcmp(self->argv[1], "--"));
    if (self->next >= self->argc)
        return usage(self, NULL);
    const char *format = next_argument(self);
    int before;
    do {
        before = self->next;
        for (const char *at = format; *at && !self->output_failed;) {
            if (*at != '%' && *at != '\\')
                out_bytes(self, at++, 1);
            else if (*at++ == '%' ? !convert(&printing, &at) : !escape(self, &at, true))
                return printing.wrong;
        }
    } while (self->next < self->argc && self->next > before && !console_interrupted());
    return console_interrupted() ? STATUS_INTERRUPTED : printing.wrong;
}

COMMAND(printf, .summary = "print arguments as a format says", .operands = "FORMAT [ARGUMENT]...",
        .details = "FORMAT has %d %i %o %u %x %X %c %s and %b (a text with escapes), with flags,\n"
                   "width and precision, and the escapes of echo -e. It is used again as long as\n"
                   "there are arguments.",
        .literal = true, .run = print_format)
