/*
 * read: a line of input into variables, split as words are; the last variable
 * gets the rest.
 */
#include "kernel/console.h"
#include "kernel/shell/shell.h"
#include "lib/pattern.h"
#include "lib/string.h"

static const struct option options[] = {{'r', NULL, NULL, "a backslash is nothing special"},
                                        {'p', NULL, "PROMPT", "print PROMPT first"},
                                        {0}};

/* A line, in which a backslash stands before each character that does not separate. A byte at a
 * time, because what follows the line belongs to the next reader. */
static bool read_line(struct file *file, bool raw, struct text *line)
{
    char c;
    bool escaped = false;
    while (!line->arena->failed && file_read(file, &c, 1) == 1) {
        if (escaped && c == '\n') {
            escaped = false;
            continue;
        }
        if (c == '\\' && !raw && !escaped) {
            escaped = true;
            continue;
        }
        if (c == '\n')
            return true;
        if (escaped || c == '\\')
            text_add(line, '\\');
        if (c)
            text_add(line, c);
        escaped = false;
    }
    return false;
}

static bool separates(const char *ifs, char c, bool blank)
{
    return c && c != '\\' && strchr(ifs, c) && (!blank || strchr(" \t\n", c));
}

static char *skip_blanks(char *at, const char *ifs)
{
    while (separates(ifs, *at, true))
        at++;
    return at;
}

/* Cuts the next field off *line, or takes all that is left, where a separator that nothing follows
 * ends the field all the same. */
static char *next_field(char **line, const char *ifs, bool rest)
{
    char *field = skip_blanks(*line, ifs), *end = field;
    while (*end && !separates(ifs, *end, false))
        end += *end == '\\' && end[1] ? 2 : 1;
    char *next = skip_blanks(end, ifs);
    if (separates(ifs, *next, false))
        next = skip_blanks(next + 1, ifs);
    while (rest && *next) {
        bool escaped = *next == '\\' && next[1];
        next += 1 + escaped;
        if (escaped || !separates(ifs, next[-1], true))
            end = next;
    }
    *line = next;
    *end = 0;
    pattern_strip(field);
    return field;
}

static int run_read(struct invocation *self)
{
    struct shell *shell = self->shell;
    struct arena arena = {0};
    struct text text = {.arena = &arena};
    bool raw = false;
    int key;
    while ((key = option_next(self)) > 0) {
        raw |= key == 'r';
        if (key == 'p')
            note(self, "%s", self->argument);
    }
    if (key < 0 || self->next == self->argc)
        return key < 0 ? STATUS_USAGE : usage(self, "arg count");
    bool whole = read_line(self->in, raw, &text);
    char empty[1] = "", *line = text.bytes ? text.bytes : empty;
    const char *ifs = variable_get(shell, "IFS");
    char *separators = arena_copy(&arena, ifs ? ifs : " \t\n", ifs ? strlen(ifs) : 3);
    int status = arena.failed ? shell_no_memory(shell) : whole ? 0 : 1;
    for (int i = self->next; i < self->argc && !arena.failed; i++) {
        const char *name = self->argv[i];
        if (!name_length(name) || name[name_length(name)])
            status = shell_fail(shell, 2, "read: %s: bad variable name", name);
        else if (!variable_set(shell, name, next_field(&line, separators, i == self->argc - 1)))
            status = shell->status;
    }
    arena_free(&arena);
    return console_interrupted() ? STATUS_INTERRUPTED : status;
}

COMMAND(read, .summary = "read a line into variables", .operands = "NAME...", .options = options,
        .run = run_read)
