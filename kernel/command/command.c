/*
 * What every command stands on: the table of commands, options after
 * getopt_long(3), the usage line made from the description, and output.
 */
#include "kernel/command/command.h"

#include <stdarg.h>

#include "kernel/console.h"
#include "lib/printf.h"
#include "lib/string.h"

const struct command *command_after(const char *name)
{
    const struct command *best = NULL;
    for (const struct command *const *entry = __start_commands; entry < __stop_commands; entry++)
        if ((!name || strcmp((*entry)->name, name) > 0) &&
            (!best || strcmp((*entry)->name, best->name) < 0))
            best = *entry;
    return best;
}

const struct command *command_find(const char *name)
{
    for (const struct command *const *entry = __start_commands; entry < __stop_commands; entry++)
        if (!strcmp((*entry)->name, name))
            return *entry;
    return NULL;
}

/* Into a file first: to write to that, nobody else gets a turn. */
static int run_and_gather(struct invocation *self)
{
    char part[512];
    int64_t length;
    struct file *to = self->out, *gathered = file_temporary();
    if (!gathered)
        return complain(self, "%s", status_text(ERR_NO_MEMORY));
    self->out = gathered;
    int status = self->command->run(self);
    self->out = to;
    file_seek(gathered, 0);
    while ((length = file_read(gathered, part, sizeof part)) > 0)
        out_bytes(self, part, (size_t)length);
    file_close(gathered);
    return status;
}

int command_execute(struct invocation *self)
{
    return self->command->lists_devices ? run_and_gather(self) : self->command->run(self);
}

int command_run(struct invocation *self)
{
    int status = 0;
    self->explained =
        self->argc == 2 && !strcmp(self->argv[1], "--help") && !self->command->literal;
    if (self->explained)
        command_explain(self, self->command);
    else
        status = command_execute(self);
    progress_wipe(self);
    if (self->explained)
        status = 0;
    return self->output_failed && !status ? 1 : status;
}

#define PIECE     1024u
#define LATE_MOST 4096u /* after Ctrl-C, in bytes: a line that was begun, and last words */

/* Formatted text on its way to a file: gathered, so that a line is one write. */
struct sink {
    struct file *file;
    struct invocation *self; /* whose standard output it is; NULL: another file */
    int status;              /* of the first write that failed */
    size_t used;
    char text[256];
};

static int write_all(struct file *file, const char *bytes, size_t length)
{
    while (length) {
        int64_t written = file_write(file, bytes, length);
        if (written <= 0)
            return written < 0 ? (int)written : ERR_IO;
        bytes += written;
        length -= (size_t)written;
    }
    return OK;
}

/* To standard output, which Ctrl-C ends, whether the command looks or not. */
static int put(struct invocation *self, const char *bytes, size_t length)
{
    int status = OK;
    while (length && status == OK) {
        size_t part = MIN(length, PIECE);
        if (console_interrupted() && !self->concludes && (self->late += part) > LATE_MOST)
            return ERR_INTERRUPTED;
        status = write_all(self->out, bytes, part);
        bytes += part;
        length -= part;
    }
    return status;
}

static void sink_flush(struct sink *sink)
{
    if (sink->status == OK)
        sink->status = sink->self ? put(sink->self, sink->text, sink->used)
                                  : write_all(sink->file, sink->text, sink->used);
    sink->used = 0;
}

static void sink_put(void *context, const char *text, size_t length)
{
    struct sink *sink = context;
    while (length) {
        size_t part = MIN(length, sizeof sink->text - sink->used);
        memcpy(sink->text + sink->used, text, part);
        sink->used += part;
        text += part;
        length -= part;
        if (sink->used == sizeof sink->text)
            sink_flush(sink);
    }
}

PRINTF_LIKE(2, 3) static void sink_format(struct sink *sink, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    format_to(sink_put, sink, format, arguments);
    va_end(arguments);
}

/* Whose reader went away would have been ended by a signal elsewhere, and says nothing more. */
static bool is_mute(const struct invocation *self)
{
    return self->out && file_is_broken(self->out);
}

/* A reader that went away is no error to report: the writer just ends, as on SIGPIPE. */
static void output_status(struct invocation *self, int status)
{
    if (status == OK)
        return;
    self->output_failed = true;
    if (status != ERR_PIPE && status != ERR_INTERRUPTED)
        complain(self, "write error: %s", status_text(status));
}

static void clear_line(struct invocation *self)
{
    if (self->progress.length && file_is_console(self->out))
        progress_wipe(self);
}

void out(struct invocation *self, const char *format, ...)
{
    if (self->output_failed)
        return;
    clear_line(self);
    struct sink sink = {.self = self};
    va_list arguments;
    va_start(arguments, format);
    format_to(sink_put, &sink, format, arguments);
    va_end(arguments);
    sink_flush(&sink);
    output_status(self, sink.status);
}

void out_bytes(struct invocation *self, const void *bytes, size_t length)
{
    if (self->output_failed)
        return;
    clear_line(self);
    output_status(self, put(self, bytes, length));
}

static void message(struct invocation *self, const char *format, va_list arguments)
{
    progress_wipe(self);
    struct sink sink = {.file = self->error};
    if (is_mute(self))
        return;
    sink_format(&sink, "%s: ", self->command->name);
    format_to(sink_put, &sink, format, arguments);
    sink_put(&sink, "\n", 1);
    sink_flush(&sink);
}

int complain(struct invocation *self, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    message(self, format, arguments);
    va_end(arguments);
    return 1;
}

void note(struct invocation *self, const char *format, ...)
{
    progress_wipe(self);
    struct sink sink = {.file = self->error};
    if (is_mute(self))
        return;
    va_list arguments;
    va_start(arguments, format);
    format_to(sink_put, &sink, format, arguments);
    va_end(arguments);
    sink_flush(&sink);
}

static const struct option *options_of(const struct invocation *self)
{
    static const struct option none[1];
    return self->command->options ? self->command->options : none;
}

int usage(struct invocation *self, const char *format, ...)
{
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        message(self, format, arguments);
        va_end(arguments);
    }
    const struct command *command = self->command;
    struct sink sink = {.file = self->error};
    sink_format(&sink, "usage: %s", command->name);
    for (const struct option *option = options_of(self); option->key; option++) {
        if (option->key < 256)
            sink_format(&sink, " [-%c", option->key);
        else
            sink_format(&sink, " [--%s", option->name);
        if (option->argument)
            sink_format(&sink, " %s", option->argument);
        sink_put(&sink, "]", 1);
    }
    if (command->operands && *command->operands)
        sink_format(&sink, " %s", command->operands);
    sink_put(&sink, "\n", 1);
    sink_flush(&sink);
    return command->usage_status ? command->usage_status : STATUS_USAGE;
}

/* Has it an argument, which is the next word if it does not stand with it? */
static bool needs_argument(const struct option *option)
{
    const char *argument = option->argument;
    return argument && (*argument != '[' || strchr(argument, ']')[1]);
}

/* The option that `name` means: by its whole name or by a beginning that no other shares.
 * `matches` counts the candidates. */
static const struct option *find_long(const struct invocation *self, const char *name,
                                      size_t length, unsigned *matches)
{
    const struct option *found = NULL;
    *matches = 0;
    for (const struct option *option = options_of(self); option->key; option++) {
        if (!option->name || strncmp(option->name, name, length))
            continue;
        if (strlen(option->name) == length) {
            *matches = 1;
            return option;
        }
        found = option;
        ++*matches;
    }
    return found;
}

/* Is "-text" a long name, or what is left of one? */
static bool is_long(const struct invocation *self, const char *text)
{
    unsigned matches;
    const char *equals = strchr(text, '=');
    const struct option *option = options_of(self);
    while (option->key && option->key != (unsigned char)*text)
        option++;
    find_long(self, text, equals ? (size_t)(equals - text) : strlen(text), &matches);
    return self->command->long_only && matches == 1 && (text[1] || !option->key);
}

static int long_option(struct invocation *self, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    unsigned matches;
    const struct option *option = find_long(self, text, length, &matches);
    if (!matches && length && !equals && !strncmp("help", text, length)) {
        command_explain(self, self->command);
        self->explained = true;
        return -1;
    }
    if (matches != 1) {
        usage(self, matches ? "option '--%s' is ambiguous" : "unrecognized option '--%s'", text);
        return -1;
    }
    if (equals && !option->argument) {
        usage(self, "option '--%s' doesn't allow an argument", option->name);
        return -1;
    }
    self->argument = equals ? equals + 1 : NULL;
    if (needs_argument(option) && !equals) {
        if (self->next >= self->argc) {
            usage(self, "option '--%s' requires an argument", option->name);
            return -1;
        }
        self->argument = self->argv[self->next++];
    }
    return option->key;
}

/* The letter at self->within of the current word. */
static int short_option(struct invocation *self)
{
    const char *letter = &self->argv[self->next][self->within];
    const struct option *option = options_of(self);
    while (option->key && option->key != (unsigned char)*letter)
        option++;

    self->within++;
    bool last = letter[1] == 0;
    if (last || (option->key && option->argument)) {
        self->next++;
        self->within = 0;
    }
    if (!option->key) {
        usage(self, "invalid option -- '%c'", *letter);
        return -1;
    }
    self->argument = NULL;
    if (option->argument) {
        self->argument = !last                    ? letter + 1
                         : needs_argument(option) ? self->argv[self->next]
                                                  : NULL;
        if (!self->argument && needs_argument(option)) {
            usage(self, "option requires an argument -- '%c'", *letter);
            return -1;
        }
        self->next += last && self->argument;
    }
    return option->key;
}

/* How many words the option at argv[index] takes: with its argument, if that is the next one. */
static int option_words(const struct invocation *self, int index)
{
    const char *word = self->argv[index];
    const struct option *option = options_of(self);
    if (word[1] == '-' || is_long(self, word + 1)) {
        unsigned matches;
        word += word[1] == '-' ? 2 : 1;
        const struct option *found = find_long(self, word, strlen(word), &matches);
        return matches == 1 && needs_argument(found) ? 2 : 1;
    }
    for (const char *letter = word + 1; *letter; letter++) {
        const struct option *found = option;
        while (found->key && found->key != (unsigned char)*letter)
            found++;
        if (found->key && found->argument)
            return letter[1] || !needs_argument(found) ? 1 : 2;
    }
    return 1;
}

/* Moves `count` words at argv[from] to argv[to], in front of the operands between. */
static void move_words(struct invocation *self, int from, int to, int count)
{
    for (int i = 0; i < count; i++) {
        char *word = self->argv[from + i];
        memmove(&self->argv[to + i + 1], &self->argv[to + i],
                (size_t)(from - to) * sizeof *self->argv);
        self->argv[to + i] = word;
    }
}

/* Brings all options to the front, operands in order behind them. */
static void put_in_order(struct invocation *self)
{
    int front = 1, count;
    for (int i = 1; i < self->argc; i += count) {
        const char *word = self->argv[i];
        count = 1;
        if (word[0] != '-' || !word[1])
            continue;
        bool last = strcmp(word, "--") == 0;
        if (!last)
            count = MIN(option_words(self, i), self->argc - i);
        move_words(self, i, front, count);
        front += count;
        if (last)
            return;
    }
}

int option_next(struct invocation *self)
{
    if (self->within)
        return short_option(self);
    if (!self->next && !self->command->options_first)
        put_in_order(self);
    self->next = MAX(self->next, 1);
    if (self->next >= self->argc)
        return 0;
    const char *word = self->argv[self->next];
    if (word[0] != '-' || word[1] == 0)
        return 0;
    if (word[1] == '-') {
        self->next++;
        return word[2] ? long_option(self, word + 2) : 0;
    }
    if (is_long(self, word + 1)) {
        self->next++;
        return long_option(self, word + 1);
    }
    self->within = 1;
    return short_option(self);
}
