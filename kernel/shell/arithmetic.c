/*
 * $(( )): 64-bit signed arithmetic with C's operators and precedence. It
 * wraps around; dividing by zero is an error, but not where && or || or ?:
 * leave the division out.
 */
#include "kernel/shell/shell.h"
#include "lib/number.h"
#include "lib/printf.h"
#include "lib/string.h"

struct calculation {
    struct shell *shell;
    const char *next;
    unsigned skipped; /* within an operand that does not count */
    unsigned depth;
    bool failed;
};

static const struct {
    const char *text; /* a longer one in front of its beginnings */
    unsigned precedence;
} operators[] = {{"||", 1}, {"&&", 2}, {"==", 6}, {"!=", 6}, {"<=", 7}, {">=", 7},
                 {"<<", 8}, {">>", 8}, {"|", 3},  {"^", 4},  {"&", 5},  {"<", 7},
                 {">", 7},  {"+", 9},  {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10}};
#define FIRST_ASSIGNING 6 /* with a = behind it, which "<" and ">" cannot have */

static int64_t calculate(struct calculation *self, unsigned precedence);

static int64_t fail(struct calculation *self, const char *problem, const char *text)
{
    if (!self->failed)
        shell_fail(self->shell, 2, "arithmetic: %s%s", problem, text);
    self->failed = true;
    return 0;
}

static const char *skip_blanks(const char *text)
{
    while (*text && strchr(" \t\n", *text))
        text++;
    return text;
}

static bool accept(struct calculation *self, char c)
{
    self->next = skip_blanks(self->next);
    bool there = *self->next == c;
    self->next += there;
    return there;
}

/* A number as C writes it: 10, 0x10, 010. The largest one stands for all beyond it. */
static bool number(const char *text, bool negative, const char **end, int64_t *value)
{
    bool octal = text[0] == '0' && text[1] >= '0' && text[1] <= '9';
    uint64_t magnitude = 0, most = (uint64_t)INT64_MAX + negative;
    int status = number_prefix(text, octal ? 8 : 0, &magnitude, end);
    if (status == ERR_RANGE || magnitude > most)
        magnitude = most;
    *value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return status != ERR_INVALID && !name_begins(**end) && !(**end >= '0' && **end <= '9');
}

/* The operator in front, or -1. */
static int find_operator(struct calculation *self)
{
    self->next = skip_blanks(self->next);
    for (unsigned i = 0; i < ARRAY_SIZE(operators); i++)
        if (!strncmp(self->next, operators[i].text, strlen(operators[i].text)))
            return (int)i;
    return -1;
}

/* All but / and %, in the order of `operators`. Shifts count modulo 64 and everything wraps, as the
 * processor does it. */
static int64_t apply(struct calculation *self, int which, int64_t left, int64_t right)
{
    uint64_t a = (uint64_t)left, b = (uint64_t)right;
    const uint64_t results[] = {
        left || right,  left && right, a == b,        a != b,
        left <= right,  left >= right, a << (b & 63), (uint64_t)(left >> (b & 63)),
        a | b,          a ^ b,         a & b,         (left < right),
        (left > right), a + b,         a - b,         a * b};
    if (which < (int)ARRAY_SIZE(results))
        return (int64_t)results[which];
    if (self->skipped)
        return 0;
    if (!right)
        return fail(self, "division by zero", "");
    bool divides = *operators[which].text == '/';
    if (right == -1)
        return divides ? (int64_t)(0 - a) : 0;
    return divides ? left / right : left % right;
}

static int64_t value_of(struct calculation *self, const char *name)
{
    const char *text = variable_get(self->shell, name), *end;
    int64_t value = 0;
    if (!text || !*(text = skip_blanks(text)))
        return 0;
    bool negative = *text == '-';
    if (!number(text + (negative || *text == '+'), negative, &end, &value) || *skip_blanks(end))
        return fail(self, "illegal number: ", text);
    return value;
}

/* A variable, or an assignment to one: NAME = VALUE, NAME += VALUE and so on. */
static int64_t variable(struct calculation *self, size_t length)
{
    char name[64], digits[24];
    if (length >= sizeof name)
        return fail(self, "name too long: ", self->next);
    snprintf(name, sizeof name, "%.*s", (int)length, self->next);
    self->next += length;
    int i = find_operator(self);
    size_t width = i < 0 ? 0 : strlen(operators[i].text);
    if (self->next[width] != '=' || (i >= 0 && i < FIRST_ASSIGNING))
        return value_of(self, name);
    self->next += width + 1;
    int64_t value = calculate(self, 0);
    if (i >= 0)
        value = apply(self, i, value_of(self, name), value);
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    if (!self->skipped && !self->failed && !variable_set(self->shell, name, digits))
        self->failed = true;
    return value;
}

static int64_t operand(struct calculation *self)
{
    int64_t value = 0;
    self->next = skip_blanks(self->next);
    size_t length = name_length(self->next);
    if (++self->depth > SHELL_DEPTH)
        fail(self, "nested too deeply", "");
    else if (length)
        value = variable(self, length);
    else if (*self->next && strchr("-+!~", *self->next)) {
        char sign = *self->next++;
        uint64_t inner = (uint64_t)operand(self);
        value = (int64_t)(sign == '-'   ? 0 - inner
                          : sign == '~' ? ~inner
                          : sign == '!' ? !inner
                                        : inner);
    } else if (accept(self, '(')) {
        value = calculate(self, 0);
        if (!accept(self, ')'))
            fail(self, "expecting ')': ", self->next);
    } else if (!number(self->next, false, &self->next, &value))
        fail(self, "syntax error: ", self->next);
    self->depth--;
    return value;
}

/* cond ? a : b, behind the question mark */
static int64_t choose(struct calculation *self, bool first)
{
    self->skipped += !first;
    int64_t a = calculate(self, 0);
    self->skipped -= !first;
    if (!accept(self, ':'))
        return fail(self, "expecting ':': ", self->next);
    self->skipped += first;
    int64_t b = calculate(self, 0);
    self->skipped -= first;
    return first ? a : b;
}

/* Takes in operators that bind at least as tightly as `precedence`; 0 is ?:. */
static int64_t calculate(struct calculation *self, unsigned precedence)
{
    if (self->depth >= SHELL_DEPTH)
        return fail(self, "nested too deeply", "");
    self->depth++;
    int64_t left = operand(self);
    int i;
    while (!self->failed && (i = find_operator(self)) >= 0 &&
           operators[i].precedence >= precedence) {
        self->next += strlen(operators[i].text);
        unsigned tighter = operators[i].precedence;
        bool skip = (tighter == 1 && left) || (tighter == 2 && !left);
        self->skipped += skip;
        int64_t right = calculate(self, tighter + 1);
        self->skipped -= skip;
        left = apply(self, i, left, right);
    }
    if (!precedence && !self->failed && accept(self, '?'))
        left = choose(self, left != 0);
    self->depth--;
    return left;
}

bool arithmetic(struct shell *shell, const char *text, int64_t *value)
{
    struct calculation self = {.shell = shell, .next = text};
    *value = calculate(&self, 0);
    self.next = skip_blanks(self.next);
    if (*self.next)
        fail(&self, "syntax error: ", self.next);
    return !self.failed;
}
