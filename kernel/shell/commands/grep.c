/* grep: the lines of files in which a regular expression, or one of several, is found. */
#include "kernel/command/command.h"
#include "kernel/command/reader.h"
#include "kernel/console.h"
#include "kernel/mem/heap.h"
#include "lib/number.h"
#include "lib/regex.h"
#include "lib/string.h"

#define TROUBLE 2

struct grep {
    struct invocation *self;
    struct regex *regex;
    unsigned flags;
    bool count, invert, names, no_names, list, list_without, number, only, quiet, silent;
    bool text, words, lines;
    uint64_t most;

    struct line line; /* the current one */
    const char *name; /* of the current file, as it is shown */
    uint64_t row, found;
    bool binary; /* is the current file; zeros end its lines, too */
};

static bool is_word(const struct grep *grep, size_t at)
{
    return at < grep->line.length && regex_is_word(grep->line.text[at]);
}

/* The next match in the line at or behind *start that -w and -x allow. */
static bool next_match(const struct grep *grep, size_t *start, size_t *end)
{
    for (; regex_search(grep->regex, grep->line.text, grep->line.length, start, end); ++*start) {
        bool whole = *start == 0 && *end == grep->line.length;
        if (grep->lines && !whole)
            return false;
        bool apart = !(*start && is_word(grep, *start - 1)) && !is_word(grep, *end);
        if (apart || !grep->words)
            return true;
    }
    return false;
}

static bool matches(const struct grep *grep)
{
    size_t start = 0, end;
    if (grep->words || grep->lines)
        return next_match(grep, &start, &end);
    return regex_matches(grep->regex, grep->line.text, grep->line.length);
}

static void print(const struct grep *grep, const char *text, size_t length)
{
    if (grep->names)
        out(grep->self, "%s:", grep->name);
    if (grep->number)
        out(grep->self, "%llu:", (unsigned long long)grep->row);
    out_bytes(grep->self, text, length);
    out(grep->self, "\n");
}

static void print_matches(const struct grep *grep)
{
    for (size_t start = 0, end; next_match(grep, &start, &end); start = MAX(end, start + 1))
        if (end > start)
            print(grep, grep->line.text + start, end - start);
}

/* Deals with a line; false when no more of the file is of interest. */
static bool do_line(struct grep *grep)
{
    grep->row++;
    if (matches(grep) == grep->invert)
        return true;
    grep->found++;
    if (grep->quiet || grep->list || grep->list_without)
        return false;
    if (!grep->count && grep->binary) {
        complain(grep->self, "%s: binary file matches", grep->name);
        return false;
    }
    if (!grep->count && grep->only && !grep->invert)
        print_matches(grep);
    else if (!grep->count && !grep->only)
        print(grep, grep->line.text, grep->line.length);
    return grep->found < grep->most && !grep->self->output_failed;
}

static void conclude(const struct grep *grep)
{
    if (grep->count && !grep->quiet && !grep->list && !grep->list_without)
        out(grep->self, grep->names ? "%s:%llu\n" : "%.0s%llu\n", grep->name,
            (unsigned long long)grep->found);
    if (grep->list_without ? !grep->found : grep->list && grep->found)
        out(grep->self, "%s\n", grep->name);
}

/* OK, or why it could not be read to its end. */
static int do_file(struct grep *grep, const char *name)
{
    struct reader reader;
    int status = reader_open(&reader, grep->self, name);
    if (status != OK)
        return status;
    grep->name = strcmp(name, "-") ? name : "(standard input)";
    grep->row = grep->found = 0;
    if (!file_is_pipe(reader.file)) /* or whoever writes it has a line of its own */
        reader_show(&reader, grep->self);
    grep->binary = !grep->text && reader_fill(&reader) &&
                   memchr(reader_bytes(&reader), 0, reader_available(&reader));
    while (grep->most && reader_line(&reader, &grep->line, grep->binary) && do_line(grep))
        ;
    status = reader.status;
    reader_close(&reader);
    if (status == OK)
        conclude(grep);
    return status;
}

static int do_files(struct grep *grep)
{
    struct invocation *self = grep->self;
    bool found = false, trouble = false;
    grep->names = !grep->no_names && (grep->names || self->argc - self->next > 1);
    for (int i = self->next; i < MAX(self->argc, self->next + 1) && !self->output_failed; i++) {
        const char *name = i < self->argc ? self->argv[i] : "-";
        int status = do_file(grep, name);
        if (status == ERR_INTERRUPTED)
            return STATUS_INTERRUPTED;
        if (status != OK && !grep->silent)
            complain(self, "%s: %s", name, status_text(status));
        trouble |= status != OK;
        found |= status == OK && grep->found;
        if (found && grep->quiet)
            return 0;
    }
    return trouble ? TROUBLE : !found;
}

static const struct option options[] = {
    {'a', "text", NULL, "take binary files for text"},
    {'c', "count", NULL, "print only how many lines there are"},
    {'e', "regexp", "PATTERN", "one of several patterns"},
    {'E', "extended-regexp", NULL, "patterns are extended regular expressions"},
    {'F', "fixed-strings", NULL, "patterns are plain text"},
    {'H', "with-filename", NULL, "print the file's name with each line"},
    {'h', "no-filename", NULL, "never print it"},
    {'i', "ignore-case", NULL, "capital letters or not"},
    {'l', "files-with-matches", NULL, "print only the names of files with such lines"},
    {'L', "files-without-match", NULL, "print only the names of those without"},
    {'m', "max-count", "NUM", "stop after NUM lines of a file"},
    {'n', "line-number", NULL, "print the line's number"},
    {'o', "only-matching", NULL, "print only what was found"},
    {'q', "quiet", NULL, "print nothing; the exit status tells"},
    {'s', "no-messages", NULL, "do not complain of files"},
    {'v', "invert-match", NULL, "the other lines"},
    {'w', "word-regexp", NULL, "whole words only"},
    {'x', "line-regexp", NULL, "whole lines only"},
    {0}};

static void parse_flag(struct grep *grep, int key)
{
    grep->text |= key == 'a';
    grep->count |= key == 'c';
    grep->list |= key == 'l';
    grep->list_without |= key == 'L';
    grep->number |= key == 'n';
    grep->only |= key == 'o';
    grep->quiet |= key == 'q';
    grep->silent |= key == 's';
    grep->invert |= key == 'v';
    grep->words |= key == 'w';
    grep->lines |= key == 'x';
    grep->flags |= key == 'i' ? REGEX_IGNORE_CASE : 0;
    if (key == 'h' || key == 'H') {
        grep->no_names = key == 'h';
        grep->names = key == 'H';
    }
    if (key == 'E' || key == 'F') {
        grep->flags &= REGEX_IGNORE_CASE;
        grep->flags |= key == 'E' ? REGEX_EXTENDED : REGEX_FIXED;
    }
}

static int add_pattern(struct grep *grep, const char *pattern)
{
    const char *problem = regex_add(grep->regex, pattern);
    if (!problem)
        return 0;
    complain(grep->self, "%s", problem);
    return TROUBLE;
}

/* Patterns depend on options that may stand behind them: a first time for flags alone. */
static int parse(struct grep *grep)
{
    struct invocation *self = grep->self;
    bool given = false;
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return TROUBLE;
        if (key == 'm' && number_parse(self->argument, 10, &grep->most) != OK) {
            complain(self, "invalid max count");
            return TROUBLE;
        }
        parse_flag(grep, key);
    }
    regex_start(grep->regex, grep->flags);
    grep->regex->stop = console_interrupted;
    self->next = 0;
    for (int key; (key = option_next(self));)
        if (key == 'e') {
            given = true;
            if (add_pattern(grep, self->argument))
                return TROUBLE;
        }
    if (given)
        return 0;
    return self->next < self->argc ? add_pattern(grep, self->argv[self->next++])
                                   : usage(self, NULL);
}

static int grep_command(struct invocation *self)
{
    struct grep grep = {.self = self, .most = UINT64_MAX};
    grep.regex = kmalloc(sizeof *grep.regex);
    if (!grep.regex) {
        complain(self, "%s", status_text(ERR_NO_MEMORY));
        return TROUBLE;
    }
    int status = parse(&grep);
    if (status == 0)
        status = do_files(&grep);
    kfree(grep.line.text);
    kfree(grep.regex);
    return status;
}

COMMAND(grep, .summary = "print lines that match a pattern", .operands = "PATTERN [FILE]...",
        .options = options, .usage_status = TROUBLE, .run = grep_command)
