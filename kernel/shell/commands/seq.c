/* seq: whole numbers from first to last. */
#include "kernel/command/command.h"
#include "kernel/console.h"
#include "lib/number.h"
#include "lib/printf.h"
#include "lib/string.h"

static const struct option options[] = {
    {'s', "separator", "STRING", "put STRING between numbers (a newline)"},
    {'w', "equal-width", NULL, "fill up with leading zeros"},
    {0}};

static bool is_negative_number(const char *word)
{
    return word && word[0] == '-' && word[1] >= '0' && word[1] <= '9';
}

static bool parse(const char *text, int64_t *value)
{
    bool negative = *text == '-';
    uint64_t size;
    text += *text == '-' || *text == '+';
    if (number_parse(text, 0, &size) != OK || size > INT64_MAX)
        return false;
    *value = negative ? -(int64_t)size : (int64_t)size;
    return true;
}

static int width_of(int64_t value)
{
    char text[24];
    return snprintf(text, sizeof text, "%lld", (long long)value);
}

static int print(struct invocation *self, const int64_t bounds[3], const char *separator, int width)
{
    int64_t value = bounds[0], step = bounds[1], last = bounds[2];
    bool first = true;
    while (step > 0 ? value <= last : value >= last) {
        if (console_interrupted())
            return STATUS_INTERRUPTED;
        if (self->output_failed)
            return 1;
        out(self, "%s%0*lld", first ? "" : separator, width, (long long)value);
        first = false;
        if (__builtin_add_overflow(value, step, &value))
            break;
    }
    if (!first)
        out(self, "\n");
    return 0;
}

static int seq(struct invocation *self)
{
    const char *separator = "\n";
    bool equal = false;
    while (!is_negative_number(self->argv[MAX(self->next, 1)])) {
        int key = option_next(self);
        if (key == 0)
            break;
        if (key < 0)
            return 1;
        if (key == 's')
            separator = self->argument;
        else
            equal = true;
    }
    self->next = MAX(self->next, 1);
    int count = self->argc - self->next;
    if (count < 1)
        return usage(self, "missing operand");
    if (count > 3)
        return usage(self, "extra operand '%s'", self->argv[self->next + 3]);

    static const int places[3][3] = {{2}, {0, 2}, {0, 1, 2}};
    int64_t bounds[3] = {1, 1, 1}; /* first, step, last */
    for (int i = 0; i < count; i++)
        if (!parse(self->argv[self->next + i], &bounds[places[count - 1][i]]))
            return usage(self, "invalid floating point argument: '%s'", self->argv[self->next + i]);
    if (bounds[1] == 0)
        return usage(self, "invalid Zero increment value: '%s'", self->argv[self->next + 1]);
    int width = equal ? MAX(width_of(bounds[0]), width_of(bounds[2])) : 1;
    return print(self, bounds, separator, width);
}

COMMAND(seq, .summary = "print a sequence of whole numbers", .operands = "[FIRST [STEP]] LAST",
        .options = options, .usage_status = 1, .options_first = true, .run = seq)
