/*
 * See regex.h. The steps of a pattern are a nondeterministic automaton; a search
 * follows all ways through it at once, a character at a time.
 */
#include "lib/class.h"
#include "lib/regex_steps.h"
#include "lib/string.h"

struct search {
    struct regex *regex;
    const char *text;
    size_t length, at;
    unsigned count; /* of steps in `next` */
    bool matched;   /* at `at` */
};

bool regex_is_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '_';
}

static bool holds(const struct search *s, enum kind kind)
{
    bool before = s->at > 0 && regex_is_word(s->text[s->at - 1]);
    bool behind = s->at < s->length && regex_is_word(s->text[s->at]);
    switch (kind) {
    case STEP_LINE_START:
        return s->at == 0;
    case STEP_LINE_END:
        return s->at == s->length;
    case STEP_WORD_START:
        return !before && behind;
    case STEP_WORD_END:
        return before && !behind;
    default:
        return before != behind;
    }
}

/* Adds the steps that take a character and can be reached from `step` without one. */
static void add(struct search *s, unsigned step)
{
    struct regex *regex = s->regex;
    unsigned depth = 0;
    regex->stack[depth++] = (uint16_t)step;
    while (depth) {
        step = regex->stack[--depth];
        if (step >= regex->count || regex->seen[step] == regex->generation)
            continue;
        regex->seen[step] = regex->generation;
        const struct regex_step *what = &regex->steps[step];
        if (what->kind <= STEP_SET)
            regex->next[s->count++] = (uint16_t)step;
        else if (what->kind == STEP_MATCH)
            s->matched = true;
        else if (what->kind == STEP_SPLIT)
            regex->stack[depth++] = (uint16_t)((int)step + what->second);
        if (what->kind == STEP_SPLIT || what->kind == STEP_JUMP)
            regex->stack[depth++] = (uint16_t)((int)step + what->first);
        else if (what->kind > STEP_JUMP && what->kind < STEP_MATCH && holds(s, what->kind))
            regex->stack[depth++] = (uint16_t)(step + 1);
    }
}

static bool takes(const struct regex *regex, const struct regex_step *step, char c)
{
    if (step->kind == STEP_ANY)
        return true;
    if (step->kind == STEP_SET)
        return regex->set[step->value][(uint8_t)c / 8] & 1u << (uint8_t)c % 8;
    return regex->flags & REGEX_IGNORE_CASE ? to_lower((char)step->value) == to_lower(c)
                                            : (char)step->value == c;
}

static void begin(struct search *s)
{
    s->count = 0;
    s->matched = false;
    if (++s->regex->generation == 0) {
        memset(s->regex->seen, 0, sizeof s->regex->seen);
        s->regex->generation = 1;
    }
}

/* Over one character: `next` becomes `now`, and what follows from it the new `next`. */
static void step_on(struct search *s)
{
    struct regex *regex = s->regex;
    unsigned count = s->count;
    char c = s->text[s->at++];
    memcpy(regex->now, regex->next, count * sizeof *regex->now);
    begin(s);
    for (unsigned i = 0; i < count; i++)
        if (takes(regex, &regex->steps[regex->now[i]], c))
            add(s, regex->now[i] + 1u);
}

bool regex_search(struct regex *regex, const char *text, size_t length, size_t *start, size_t *end)
{
    for (; *start <= length && !(regex->stop && regex->stop()); ++*start) {
        struct search s = {regex, text, length, *start, 0, false};
        bool found = false;
        begin(&s);
        add(&s, 0);
        for (;;) {
            if (s.matched)
                *end = s.at;
            found |= s.matched;
            if (!s.count || s.at == length)
                break;
            step_on(&s);
        }
        if (found)
            return true;
    }
    return false;
}

bool regex_matches(struct regex *regex, const char *text, size_t length)
{
    struct search s = {regex, text, length, 0, 0, false};
    begin(&s);
    add(&s, 0);
    while (!s.matched && s.at < length) {
        step_on(&s);
        add(&s, 0); /* it may begin here as well */
    }
    return s.matched;
}
