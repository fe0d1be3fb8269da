/*
 * What a command is. A file in commands/ describes one with COMMAND(), which
 * places it in a table that the linker gathers; the usage line, `help NAME`
 * and completion all come from that description.
 *
 *     static const struct option options[] = {
 *         {'n', "lines", "NUM", "print the first NUM lines (10)"},
 *         {'q', "quiet", NULL, "never print headers"},
 *         {0}};
 *     static int head(struct invocation *self) { ... }
 *     COMMAND(head, .summary = "print the first part of files",
 *             .operands = "[FILE]...", .options = options, .run = head)
 *
 * A command reads self->in and writes through out() and complain(); it may not
 * touch the console itself. It returns its exit status. It asks
 * console_interrupted() in every loop that can last, and returns 130 on it.
 */
#ifndef KERNEL_COMMAND_COMMAND_H
#define KERNEL_COMMAND_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/fs/fs.h"
#include "lib/bits.h"

#define STATUS_USAGE       2
#define STATUS_NOT_RUN     126
#define STATUS_NOT_FOUND   127
#define STATUS_INTERRUPTED 130
#define STATUS_BROKEN_PIPE 141

struct option {
    int key;              /* a letter, or above 255 for one with only a long name */
    const char *name;     /* long name without "--", or NULL */
    const char *argument; /* what to call the argument in the usage, "[KIND]" if it may be left out;
                             NULL: there is none */
    const char *help;
};

struct invocation;
struct shell;

struct command {
    const char *name;
    const char *summary;          /* one line for `help` */
    const char *operands;         /* for the usage line, "" if none */
    const struct option *options; /* ends with an entry of zeros; NULL for none */
    const char *details;          /* more lines for `help NAME`, or NULL */
    const char *const *names;     /* of operands NAME=VALUE, ends with NULL; or NULL */
    int usage_status;             /* exit status of bad usage; 0 stands for STATUS_USAGE */
    bool special;                 /* a part of the shell's language: POSIX, 2.14 */
    bool literal;                 /* --help is an argument like any other */
    bool options_first;           /* the first operand ends the options: the rest is another's */
    bool long_only;               /* -long is --long, where it is no letter: getopt_long_only(3) */
    bool lists_devices;           /* which may go while its output is waited for: it is gathered */
    const struct command *(*subcommand)(unsigned index); /* or NULL; each is named "NAME SUB" */
    int (*run)(struct invocation *self);
};

struct progress {
    uint64_t started, next; /* clock_ns; 0: nothing was done yet */
    uint64_t done;          /* bytes */
    size_t length;          /* characters on the line, 0: none shown */
};

struct invocation {
    const struct command *command;
    int argc;
    char **argv; /* argv[argc] is NULL */
    struct file *in, *out, *error;
    int next; /* options: below */
    int within;
    const char *argument;
    bool output_failed; /* a write to `out` failed and was reported */
    bool concludes;     /* what goes to `out` now is what Ctrl-C asks for: a report of the end */
    size_t late;        /* bytes that went there after Ctrl-C, without that */
    struct progress progress;
    bool explained;      /* --help: the rest was not done */
    struct shell *shell; /* who runs it, for commands that change the shell; NULL: none */
};

#define COMMAND(identifier, ...)                                                           \
    static const struct command command_##identifier = {.name = #identifier, __VA_ARGS__}; \
    static const struct command *const command_entry_##identifier                          \
        __attribute__((used, section("commands"))) = &command_##identifier;

/* The same for a name that is no identifier: `[`, `.`. */
#define COMMAND_NAMED(identifier, text, ...)                                        \
    static const struct command command_##identifier = {.name = text, __VA_ARGS__}; \
    static const struct command *const command_entry_##identifier                   \
        __attribute__((used, section("commands"))) = &command_##identifier;

/* The table, in no particular order. */
extern const struct command *const __start_commands[], *const __stop_commands[];
const struct command *command_find(const char *name);
const struct command *command_after(const char *name); /* in alphabetical order; NULL: first */

/* Runs it, or explains it if --help is all that is asked for; returns its exit status, which is not
 * 0 if output was lost. */
int command_run(struct invocation *self);

/* The same for a sub-command: nothing but its run(), of which nobody gets to see a part. */
int command_execute(struct invocation *self);

/* What `help NAME` says, to self->out. */
void command_explain(struct invocation *self, const struct command *command);

/*
 * The next option's key, as getopt_long(3): bundled letters, -nNUM, -n NUM, --lines=NUM,
 * --lines NUM, unambiguous prefixes of long names, "--" ends. self->argument is set where the
 * option takes one. Options may stand behind operands: argv is put in order by the first call.
 * Returns 0 at the end, when self->next is the first operand's index; -1 when there is nothing more
 * to do: the option is wrong and has been reported with usage(), or it is --help, which
 * has been answered (the status is then 0).
 */
int option_next(struct invocation *self);

/* Prints "NAME: MESSAGE" when there is a message, then the usage line, on self->error; returns the
 * command's usage status. */
int usage(struct invocation *self, const char *format, ...) PRINTF_LIKE(2, 3);

/* To self->out. A failing write is reported once, by complain(); the shell then makes the status
 * at least 1. */
void out(struct invocation *self, const char *format, ...) PRINTF_LIKE(2, 3);
void out_bytes(struct invocation *self, const void *bytes, size_t length);

/* "NAME: MESSAGE\n" to self->error; returns 1, the usual status for it. */
int complain(struct invocation *self, const char *format, ...) PRINTF_LIKE(2, 3);

/* To self->error, as it is (dd's records, progress). */
void note(struct invocation *self, const char *format, ...) PRINTF_LIKE(2, 3);

/* For long work, piece by piece: `done` bytes of `total` (0: nobody knows) are done. After a second
 * a line on the console says so, where self->error is one; all that is said later wipes it away. */
void progress(struct invocation *self, uint64_t done, uint64_t total);
void progress_wipe(struct invocation *self);

#endif
