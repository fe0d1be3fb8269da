/*
 * Words to fields: parameters, commands and arithmetic are put in, unquoted
 * results split at $IFS, and what then looks like a pattern becomes the names
 * of files. While a field grows it is a pattern already: a backslash stands
 * before every character that must not act as one.
 */
#include "kernel/command/reader.h"
#include "kernel/console.h"
#include "kernel/shell/shell.h"
#include "lib/pattern.h"
#include "lib/printf.h"
#include "lib/string.h"

struct expansion {
    struct shell *shell;
    struct arena *arena;
    bool splits; /* into fields, and looks for files; otherwise all becomes one text */
    struct text text;
    bool begun;         /* there is a field, though it may be empty */
    bool blank_ended;   /* the last one ended at a blank: a `:` right after it belongs to that */
    bool bracket;       /* an unquoted [ */
    bool special;       /* an unquoted * or ?, or a ] behind such a bracket */
    struct text fields; /* those that are complete, each with its NUL */
    int count;
};

static void expand_parts(struct expansion *self, const struct part *parts, bool plain_splits);

static void add_field(void *context, const char *text)
{
    struct expansion *self = context;
    text_append(&self->fields, text);
    text_add(&self->fields, 0);
    self->count++;
}

static void end_field(struct expansion *self)
{
    char *text = self->text.bytes ? self->text.bytes : "";
    int before = self->count;
    if (self->special && !fs_match(text, add_field, self))
        self->arena->failed = true;
    if (self->count == before && !self->arena->failed) {
        if (self->text.bytes)
            pattern_strip(text);
        add_field(self, text);
    }
    self->text = (struct text){.arena = self->arena};
    self->begun = self->bracket = self->special = false;
}

static void put(struct expansion *self, char c, bool quoted)
{
    if (c == '\\' || (quoted && strchr("*?[]-!^", c)))
        text_add(&self->text, '\\');
    else
        self->special |= c == '*' || c == '?' || (c == ']' && self->bracket);
    self->bracket |= c == '[' && !quoted;
    text_add(&self->text, c);
    self->begun = true;
    self->blank_ended = false;
}

static const char *separators(struct shell *shell)
{
    const char *ifs = variable_get(shell, "IFS");
    return ifs ? ifs : " \t\n";
}

/* `splits`: the result of an expansion, which ends fields at $IFS where there are any. */
static void put_text(struct expansion *self, const char *text, bool quoted, bool splits)
{
    const char *ifs = splits && !quoted && self->splits ? separators(self->shell) : "";
    self->begun |= quoted;
    for (; *text; text++) {
        if (!strchr(ifs, *text)) {
            put(self, *text, quoted);
            continue;
        }
        bool blank = strchr(" \t\n", *text) != NULL;
        if (self->begun || (!blank && !self->blank_ended))
            end_field(self);
        else if (blank)
            continue;
        self->blank_ended = blank;
    }
}

/* $@ and $*. "$@" makes a field of each argument, "$*" one of all. */
static void put_arguments(struct expansion *self, bool quoted, bool each)
{
    const char *ifs = separators(self->shell);
    const char separator[2] = {each ? ' ' : *ifs};
    bool apart = self->splits && (each || !quoted);
    for (int i = 1; i <= self->shell->argument_count; i++) {
        if (i > 1 && apart && (quoted || self->begun))
            end_field(self);
        else if (i > 1 && !apart)
            put_text(self, separator, quoted, true);
        put_text(self, self->shell->arguments[i - 1], quoted, true);
    }
    self->begun |= quoted && !each;
}

/* NULL if it is unset. Numbers are written to `buffer`. */
static const char *parameter(struct expansion *self, const char *name, char buffer[24])
{
    struct shell *shell = self->shell;
    int number = 0;
    switch (name[0]) {
    case '?':
    case '#':
        snprintf(buffer, 24, "%d", name[0] == '?' ? shell->status : shell->argument_count);
        return buffer;
    case '-':
        snprintf(buffer, 24, "%s%s", shell->exit_on_error ? "e" : "", shell->trace ? "x" : "");
        return buffer;
    case '$':
        return "1"; /* there is one process, and no other in the background */
    case '!':
        return NULL;
    case '@':
    case '*':
        return arena_join(self->arena, shell->argument_count, shell->arguments);
    }
    if (name_begins(name[0]))
        return variable_get(shell, name);
    for (; *name && number < 100000; name++)
        number = 10 * number + (*name - '0');
    if (number > shell->argument_count)
        return NULL;
    return number ? shell->arguments[number - 1] : shell->name;
}

/* What ${name#pattern} and its like leave of `value`; a copy, as the pattern may assign to it. */
static const char *trim(struct expansion *self, const struct part *part, const char *value)
{
    size_t length = strlen(value);
    value = arena_copy(self->arena, value, length);
    const char *pattern = expand_pattern(self->shell, self->arena, part->inner);
    if (!pattern)
        return NULL;
    const char *end = pattern + strlen(pattern);
    bool front = part->operation == '#';
    for (size_t i = 0; i <= length && !console_interrupted(); i++) {
        size_t cut = part->longest ? length - i : i;
        if (pattern_match(pattern, end, front ? value : value + length - cut, cut))
            return arena_copy(self->arena, front ? value + cut : value, length - cut);
    }
    return value;
}

/* ${name=word} and ${name?word} with the parameter missing. */
static const char *assign(struct expansion *self, const struct part *part)
{
    struct shell *shell = self->shell;
    const char *text = expand_text(shell, self->arena, part->inner);
    if (!text)
        return "";
    if (part->operation == '?')
        shell_fail(shell, 2, "%s: %s", part->text, *text ? text : "parameter not set");
    else if (!name_begins(part->text[0]))
        shell_fail(shell, 2, "%s: bad variable name", part->text);
    else
        variable_set(shell, part->text, text);
    return text;
}

static void expand_parameter(struct expansion *self, const struct part *part)
{
    char buffer[24];
    const char *value = parameter(self, part->text, buffer);
    bool missing = !value || (part->colon && !*value);
    bool list = strchr("@*", part->text[0]) && strchr("-=?", part->operation);
    if (part->operation == (missing ? '-' : '+')) {
        expand_parts(self, part->inner, true);
        self->begun |= part->quoted;
        return;
    }
    if (missing && part->operation && strchr("=?", part->operation)) {
        value = assign(self, part);
    } else if (list) {
        put_arguments(self, part->quoted, part->text[0] == '@');
        return;
    } else if (part->operation == 'L') {
        snprintf(buffer, sizeof buffer, "%zu", value ? strlen(value) : 0);
        value = buffer;
    } else if (part->operation == '+') {
        value = NULL;
    } else if (part->operation == '#' || part->operation == '%') {
        value = trim(self, part, value ? value : "");
    }
    put_text(self, value ? value : "", part->quoted, true);
}

/* The output of a command, less the newlines at its end. */
static const char *capture(struct expansion *self, struct tree *tree)
{
    struct shell *shell = self->shell;
    shell->substituted = 0;
    if (!tree)
        return "";
    struct file *file = file_temporary();
    if (!file) {
        shell_no_memory(shell);
        return "";
    }
    shell->substituted = shell_run_within(shell, tree, file, 0);
    struct text text = {.arena = self->arena};
    file_seek(file, 0);
    reader_all(file, &text);
    file_close(file);
    while (text.length && text.bytes[text.length - 1] == '\n')
        text.bytes[--text.length] = 0;
    return text.bytes ? text.bytes : "";
}

static void expand_arithmetic(struct expansion *self, const struct part *part)
{
    char digits[24];
    int64_t value;
    const char *text = expand_text(self->shell, self->arena, part->inner);
    if (!text || !arithmetic(self->shell, text, &value))
        return;
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    put_text(self, digits, part->quoted, true);
}

static void expand_parts(struct expansion *self, const struct part *part, bool plain_splits)
{
    for (; part && self->shell->leaving == STAY && !self->arena->failed; part = part->next) {
        switch (part->kind) {
        case PART_TEXT:
            put_text(self, part->text, part->quoted, plain_splits);
            break;
        case PART_PARAMETER:
            expand_parameter(self, part);
            break;
        case PART_COMMAND:
            put_text(self, capture(self, part->tree), part->quoted, true);
            break;
        case PART_ARITHMETIC:
            expand_arithmetic(self, part);
            break;
        }
    }
}

/* Is everything there? Else the script ends: after Ctrl-C the output of a command may be cut. */
static bool succeeded(struct expansion *self)
{
    if (self->shell->leaving == STAY && console_interrupted())
        shell_stop(self->shell, STATUS_INTERRUPTED);
    if (self->shell->leaving == STAY && self->arena->failed)
        shell_no_memory(self->shell);
    return self->shell->leaving == STAY;
}

char **expand_fields(struct shell *shell, struct arena *arena, const struct word *words, int *count)
{
    struct expansion self = {
        .shell = shell, .arena = arena, .splits = true, .text.arena = arena, .fields.arena = arena};
    for (; words; words = words->next) {
        expand_parts(&self, words->parts, false);
        if (self.begun)
            end_field(&self);
        self.blank_ended = false;
    }
    *count = self.count;
    char **fields = arena_get(arena, ((size_t)self.count + 1) * sizeof *fields);
    if (!succeeded(&self))
        return NULL;
    for (int i = 0; i < self.count; i++)
        fields[i] = i ? fields[i - 1] + strlen(fields[i - 1]) + 1 : self.fields.bytes;
    return fields;
}

char *expand_pattern(struct shell *shell, struct arena *arena, const struct part *parts)
{
    struct expansion self = {.shell = shell, .arena = arena, .text.arena = arena};
    expand_parts(&self, parts, false);
    if (!self.text.bytes)
        self.text.bytes = arena_get(arena, 1);
    return succeeded(&self) ? self.text.bytes : NULL;
}

char *expand_text(struct shell *shell, struct arena *arena, const struct part *parts)
{
    char *text = expand_pattern(shell, arena, parts);
    if (text)
        pattern_strip(text);
    return text;
}
