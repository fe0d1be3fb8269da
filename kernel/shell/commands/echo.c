/* echo: its arguments, as a line. -e reads escapes, -n leaves the newline out. */
#include "kernel/command/command.h"
#include "lib/number.h"
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
    uint64_t digit;
    const char *end;
    char one[2] = {0};
    for (; count < most && (one[0] = **at); count++, ++*at) {
        if (number_prefix(one, base, &digit, &end) != OK)
            break;
        value = value * base + (unsigned)digit;
    }
    *byte = (char)value;
    return count > 0;
}

/* What stands behind a backslash; moves *at behind it. False for \c: print no more. */
static bool escape(struct invocation *self, const char **at)
{
    static const char names[] = "abefnrtv\\", bytes[] = "\a\b\033\f\n\r\t\v\\";
    char c = **at, byte;
    const char *name = c ? strchr(names, c) : NULL;
    const char *start = *at;
    ++*at;
    if (c == 'c')
        return false;
    if (name) {
        out_bytes(self, &bytes[name - names], 1);
    } else if (c == '0') {
        digits(at, 8, 3, &byte);
        out_bytes(self, &byte, 1);
    } else if (c == 'x' && digits(at, 16, 2, &byte)) {
        out_bytes(self, &byte, 1);
    } else {
        out(self, "\\");
        *at = start;
        if (c)
            out_bytes(self, (*at)++, 1);
    }
    return true;
}

static bool print_escaped(struct invocation *self, const char *text)
{
    while (*text && !self->output_failed) {
        const char *backslash = strchr(text, '\\');
        size_t plain = backslash ? (size_t)(backslash - text) : strlen(text);
        out_bytes(self, text, plain);
        text += plain;
        if (backslash) {
            text++;
            if (!escape(self, &text))
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
