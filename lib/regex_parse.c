/*
 * Regular expressions as people write them, made into steps. These point at each
 * other by distance, so that a piece can be moved, or repeated by copies.
 */
#include <limits.h>

#include "lib/bits.h"
#include "lib/class.h"
#include "lib/regex_steps.h"
#include "lib/string.h"

#define DEPTH_MOST  20  /* of groups */
#define REPEAT_MOST 255 /* of an interval */
#define NO_LIMIT    UINT_MAX

struct compiler {
    struct regex *regex;
    const char *at;
    unsigned depth;
    const char *problem;
};

static void fail(struct compiler *c, const char *problem)
{
    if (!c->problem)
        c->problem = problem;
    c->at = ""; /* everything returns */
}

static void emit(struct compiler *c, enum kind kind, uint8_t value, int first, int second)
{
    struct regex *regex = c->regex;
    if (regex->count == REGEX_STEPS) {
        fail(c, "Regular expression too big");
        return;
    }
    regex->steps[regex->count++] =
        (struct regex_step){(uint8_t)kind, value, (int16_t)first, (int16_t)second};
}

/* Puts a step in front of those from `start` on. */
static void insert(struct compiler *c, unsigned start, enum kind kind, int first, int second)
{
    struct regex_step *steps = c->regex->steps;
    emit(c, kind, 0, first, second);
    if (c->problem)
        return;
    struct regex_step step = steps[c->regex->count - 1];
    memmove(steps + start + 1, steps + start, (c->regex->count - 1 - start) * sizeof *steps);
    steps[start] = step;
}

static void copy(struct compiler *c, unsigned from, unsigned length)
{
    for (unsigned i = 0; i < length && !c->problem; i++) {
        struct regex_step step = c->regex->steps[from + i];
        emit(c, step.kind, step.value, step.first, step.second);
    }
}

/* The steps from `start` on at least `least` and at most `most` times. */
static void repeat(struct compiler *c, unsigned start, unsigned least, unsigned most)
{
    unsigned length = c->regex->count - start;
    int over = (int)length + 1;
    if (most == 0) {
        c->regex->count = start;
        return;
    }
    unsigned source = start; /* of copies */
    if (least == 0) {
        insert(c, start, STEP_SPLIT, 1, most == NO_LIMIT ? over + 1 : over);
        source++;
    }
    for (unsigned i = 1; i < least; i++)
        copy(c, source, length);
    if (most == NO_LIMIT && least == 0)
        emit(c, STEP_JUMP, 0, -over, 0);
    else if (most == NO_LIMIT)
        emit(c, STEP_SPLIT, 0, -(int)length, 1);
    for (unsigned i = MAX(least, 1u); i < most && most != NO_LIMIT; i++) {
        emit(c, STEP_SPLIT, 0, 1, over);
        copy(c, source, length);
    }
}

static void set_add(struct compiler *c, uint8_t *set, uint8_t byte)
{
    set[byte / 8] |= (uint8_t)(1u << byte % 8);
    if (c->regex->flags & REGEX_IGNORE_CASE && is_letter((char)byte))
        set[(byte ^ 32) / 8] |= (uint8_t)(1u << (byte ^ 32) % 8);
}

/* [:alpha:], its end found already. */
static void add_class(struct compiler *c, uint8_t *set, const char *end)
{
    int class = class_find(c->at + 2, (size_t)(end - c->at - 2));
    for (unsigned byte = 0; class >= 0 && byte < 256; byte++)
        if (class_has(class, (char)byte))
            set_add(c, set, (uint8_t)byte);
    c->at = end + 2;
    if (class < 0)
        fail(c, "Invalid character class name");
}

/* Behind the opening bracket. */
static void parse_set(struct compiler *c)
{
    struct regex *regex = c->regex;
    if (regex->sets == REGEX_SETS) {
        fail(c, "Regular expression too big");
        return;
    }
    uint8_t *set = regex->set[regex->sets];
    memset(set, 0, sizeof regex->set[0]);
    bool negated = *c->at == '^';
    c->at += negated;
    for (bool first = true; *c->at != ']' || first; first = false) {
        const char *end = c->at[0] == '[' && c->at[1] == ':' ? strstr(c->at + 2, ":]") : NULL;
        if (!*c->at) {
            fail(c, first ? "Invalid regular expression" : "Unmatched [, [^, [:, [., or [=");
            return;
        }
        if (end) {
            add_class(c, set, end);
            if (c->problem)
                return;
            continue;
        }
        uint8_t low = (uint8_t)*c->at++, high = low;
        if (c->at[0] == '-' && c->at[1] && c->at[1] != ']') {
            high = (uint8_t)c->at[1];
            c->at += 2;
        }
        if (high < low) {
            fail(c, "Invalid range end");
            return;
        }
        for (unsigned byte = low; byte <= high; byte++)
            set_add(c, set, (uint8_t)byte);
    }
    c->at++;
    for (size_t i = 0; negated && i < sizeof regex->set[0]; i++)
        set[i] = (uint8_t)~set[i];
    emit(c, STEP_SET, (uint8_t)regex->sets++, 0, 0);
}

/* Is `c->at` the operator, as the kind of expression writes it? Returns its length, or 0. */
static unsigned is_operator(const struct compiler *c, char operator)
{
    bool extended = c->regex->flags & REGEX_EXTENDED;
    if (extended || operator== '*')
        return *c->at == operator;
    return c->at[0] == '\\' && c->at[1] == operator? 2 : 0;
}

static void parse_alternatives(struct compiler *c);

static void parse_group(struct compiler *c)
{
    if (++c->depth > DEPTH_MOST) {
        fail(c, "Regular expression too big");
        return;
    }
    parse_alternatives(c);
    unsigned length = is_operator(c, ')');
    if (!length)
        fail(c, "Unmatched ( or \\(");
    c->at += length;
    c->depth--;
}

static void parse_escape(struct compiler *c)
{
    char escaped = c->at[1];
    if (!escaped) {
        fail(c, "Trailing backslash");
        return;
    }
    c->at += 2;
    if (escaped == '<')
        emit(c, STEP_WORD_START, 0, 0, 0);
    else if (escaped == '>')
        emit(c, STEP_WORD_END, 0, 0, 0);
    else if (escaped == 'b')
        emit(c, STEP_WORD_EDGE, 0, 0, 0);
    else if (escaped >= '1' && escaped <= '9')
        fail(c, "Invalid back reference");
    else if (escaped == ')' && !(c->regex->flags & REGEX_EXTENDED))
        fail(c, "Unmatched ) or \\)");
    else
        emit(c, STEP_BYTE, (uint8_t)escaped, 0, 0);
}

/* `first`: of an alternative, where a basic expression takes ^ for an anchor and * as it stands. */
static void parse_atom(struct compiler *c, bool first)
{
    bool extended = c->regex->flags & REGEX_EXTENDED;
    struct compiler behind = *c;
    behind.at++;
    bool last = !c->at[1] || is_operator(&behind, '|') || (c->depth && is_operator(&behind, ')'));
    unsigned group = is_operator(c, '(');
    if (group) {
        c->at += group;
        parse_group(c);
    } else if (*c->at == '\\') {
        parse_escape(c);
    } else if (*c->at == '[') {
        c->at++;
        parse_set(c);
    } else if (*c->at == '.' || (*c->at == '^' && (extended || first)) ||
               (*c->at == '$' && (extended || last))) {
        emit(c,
             *c->at == '.'   ? STEP_ANY
             : *c->at == '^' ? STEP_LINE_START
                             : STEP_LINE_END,
             0, 0, 0);
        c->at++;
    } else {
        emit(c, STEP_BYTE, (uint8_t)*c->at++, 0, 0);
    }
}

static unsigned parse_number(struct compiler *c, unsigned otherwise)
{
    unsigned value = 0;
    if (!is_digit(*c->at))
        return otherwise;
    while (is_digit(*c->at) && value <= REPEAT_MOST)
        value = value * 10 + (unsigned)(*c->at++ - '0');
    return value;
}

/* {2}, {2,} or {2,3}, behind the opening brace. */
static void parse_interval(struct compiler *c, unsigned start)
{
    unsigned least = parse_number(c, 0), most = least;
    if (*c->at == ',') {
        c->at++;
        most = parse_number(c, NO_LIMIT);
    }
    unsigned length = is_operator(c, '}');
    c->at += length;
    if (!length || most < least || least > REPEAT_MOST || (most > REPEAT_MOST && most != NO_LIMIT))
        fail(c, "Invalid content of \\{\\}");
    else
        repeat(c, start, least, most);
}

/* What there is nothing in front of to be repeated: extended expressions take no notice of it. */
static void skip_operators(struct compiler *c)
{
    while (c->regex->flags & REGEX_EXTENDED && *c->at && strchr("*+?", *c->at))
        c->at++;
}

static void parse_branch(struct compiler *c)
{
    bool first = true;
    skip_operators(c);
    while (*c->at && !is_operator(c, '|') && !(c->depth && is_operator(c, ')'))) {
        unsigned start = c->regex->count, length;
        /* Behind the anchor of a basic expression an asterisk is one, too. */
        bool anchor = first && *c->at == '^' && !(c->regex->flags & REGEX_EXTENDED);
        parse_atom(c, first);
        first = false;
        while (*c->at && !anchor) {
            if ((length = is_operator(c, '*'))) {
                c->at += length;
                repeat(c, start, 0, NO_LIMIT);
            } else if ((length = is_operator(c, '+'))) {
                c->at += length;
                repeat(c, start, 1, NO_LIMIT);
            } else if ((length = is_operator(c, '?'))) {
                c->at += length;
                repeat(c, start, 0, 1);
            } else if ((length = is_operator(c, '{'))) {
                c->at += length;
                parse_interval(c, start);
            } else {
                break;
            }
        }
    }
}

static void parse_alternatives(struct compiler *c)
{
    unsigned start = c->regex->count;
    parse_branch(c);
    for (unsigned length; (length = is_operator(c, '|'));) {
        c->at += length;
        insert(c, start, STEP_SPLIT, 1, (int)(c->regex->count - start) + 2);
        unsigned jump = c->regex->count;
        emit(c, STEP_JUMP, 0, 0, 0);
        parse_branch(c);
        if (!c->problem)
            c->regex->steps[jump].first = (int16_t)(c->regex->count - jump);
    }
}

void regex_start(struct regex *regex, unsigned flags)
{
    memset(regex, 0, sizeof *regex);
    regex->flags = flags;
}

/* Each pattern stands behind a split that leads to the next, and ends in a match. */
const char *regex_add(struct regex *regex, const char *pattern)
{
    struct compiler c = {.regex = regex, .at = pattern};
    unsigned start = regex->count;
    if (regex->flags & REGEX_FIXED)
        while (*c.at)
            emit(&c, STEP_BYTE, (uint8_t)*c.at++, 0, 0);
    else
        parse_alternatives(&c);
    if (!c.problem && *c.at)
        fail(&c, "Unmatched ) or \\)");
    emit(&c, STEP_MATCH, 0, 0, 0);
    insert(&c, start, STEP_SPLIT, 1, (int)(regex->count - start) + 1);
    return c.problem;
}
