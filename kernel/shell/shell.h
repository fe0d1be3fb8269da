/*
 * The shell: text in, commands run. token.c cuts the text, parse.c builds the
 * tree, expand.c makes words of it, run.c runs it.
 */
#ifndef KERNEL_SHELL_SHELL_H
#define KERNEL_SHELL_SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/command/command.h"
#include "kernel/mem/arena.h"

/* How deep constructs may stand in each other, $( ), `sh FILE` and `.` included. Bounds the use of
 * the kernel's stack. A running shell counts two for each: the construct and the list in it. */
#define SHELL_DEPTH 32

/* The syntax tree. A word is a chain of parts; expand.c makes fields of them. */
enum part_kind {
    PART_TEXT,
    PART_PARAMETER,
    PART_COMMAND,
    PART_ARITHMETIC
};

struct part {
    struct part *next;
    enum part_kind kind;
    bool quoted;        /* is neither split nor matched against names of files */
    bool colon;         /* ${name:-word}: an empty value counts as none */
    bool longest;       /* ${name##word} */
    char operation;     /* one of - = + ? # %, or L for ${#name}; 0 for none */
    const char *text;   /* PART_TEXT: itself; PART_PARAMETER: the name */
    struct part *inner; /* the word behind the operator; the arithmetic expression */
    struct tree *tree;  /* PART_COMMAND; NULL if there is nothing in it */
};

struct word {
    struct word *next, *next_here;
    struct part *parts;    /* of a here-document the delimiter, and later the body */
    const char *name;      /* an assignment's; the parts are the value */
    const char *operation; /* a redirection's: "<", ">>", "<&" and so on */
    unsigned descriptor;   /* that it redirects */
};

enum tree_kind {
    TREE_SIMPLE,   /* assignments, words */
    TREE_LIST,     /* body: one after the other, each with its `connector` */
    TREE_PIPELINE, /* body: the stages */
    TREE_SUBSHELL, /* body */
    TREE_IF,       /* condition, body, otherwise */
    TREE_WHILE,    /* condition, body */
    TREE_UNTIL,
    TREE_FOR,  /* name, words, body */
    TREE_CASE, /* words: the subject; body: the arms */
    TREE_ARM   /* words: the patterns; body, or NULL */
};

struct tree {
    enum tree_kind kind;
    unsigned line;
    struct tree *next; /* the sibling */
    char connector;    /* what stands before it: & for &&, | for ||, 0 */
    bool negated, timed;
    const char *name;
    struct word *assignments, *words, *redirections;
    struct tree *condition, *body, *otherwise;
};

/* token.c and parse.c. */
struct token {
    const char *start; /* in the source */
    size_t length;
    unsigned line;
    const char *text;  /* an operator, a newline, a word without quotes and $; NULL: another word;
                          "": the end */
    struct word *word; /* NULL for operators and the end */
    int descriptor;    /* the digit in front of < or >, or -1 */
};

struct source {
    const char *next, *end;
    unsigned line;
};

/* Once there is a problem, only the end comes, so that everything returns. */
struct parser {
    struct source source;
    struct arena *arena;
    struct token token, offender;
    struct word *here;    /* here-documents whose bodies are yet to come */
    const char *problem;  /* NULL: none; "": the offender does not belong there */
    const char *text_end; /* of the whole text; `source` may be a part within */
    bool unfinished;      /* ends within a command, or where a person may have meant to go on */
    unsigned depth;
    struct tree spare; /* what parser_get() gives without memory */
};

void parser_advance(struct parser *parser); /* the next token */
void parser_fail(struct parser *parser, const char *problem);
void parser_fail_at_end(struct parser *parser); /* the text ends within a command */
void parser_enter(struct parser *parser);       /* once for each --depth */

/* Zeros for a node of the tree. Without memory it fails the parser, and gives what may be written
 * to and is of no other use. */
void *parser_get(struct parser *parser, size_t size);

/* The next complete command, up to its newline; NULL at the end and on failure. */
struct tree *parse_command_line(struct parser *parser);

/* A list that ends with `end` (")", or "" for the source's end), in the midst of a word. */
struct tree *parse_nested(struct parser *parser, const char *end);

/* state.c */
struct variable {
    struct variable *next;
    bool exported;
    unsigned scope; /* 0, or the shell's `depth` in the command that it was set for */
    char *value;    /* behind the name */
    char name[];
};

enum leaving {
    STAY,
    LEAVE_BREAK,    /* `levels` loops */
    LEAVE_CONTINUE, /* the same */
    LEAVE_SCRIPT,   /* an error or Ctrl-C: back to the prompt */
    LEAVE_SHELL     /* exit */
};

struct shell {
    struct file *file[3];
    const char *name; /* $0, and what messages begin with */
    struct variable *variables;
    struct arena arguments_memory;
    char **arguments; /* $1 and so on */
    int argument_count;
    struct node *directory; /* where the parent was, for the way back */
    int status;             /* $? */
    int substituted;        /* the status of the last $( ) */
    enum leaving leaving;
    unsigned levels, loops;
    unsigned conditions; /* set -e looks away */
    unsigned depth, line;
    bool exit_on_error, trace, interactive;
};

/* NULL without memory. The files are shared, not taken over. */
struct shell *shell_new(struct file *in, struct file *out, struct file *error);
void shell_free(struct shell *shell);

/* A shell within, which reads and writes these files: `whole` for ( ), which knows all variables,
 * not for `sh`, which knows the exported ones. shell_leave() takes the working directory back,
 * frees it, returns its status. */
struct shell *shell_enter(const struct shell *parent, struct file *in, struct file *out,
                          bool whole);
int shell_leave(struct shell *shell);
void shell_return(struct shell *shell); /* to the parent's working directory */

/* Prints "NAME: line N: MESSAGE"; without the line at the prompt. */
void shell_say(struct shell *shell, const char *format, ...) PRINTF_LIKE(2, 3);
/* Ends the script with `status`, which is also the result; shell_fail() says why. */
int shell_stop(struct shell *shell, int status);
#define shell_fail(shell, status, ...) (shell_say(shell, __VA_ARGS__), shell_stop(shell, status))
int shell_no_memory(struct shell *shell);

bool name_begins(char c);
size_t name_length(const char *text); /* of the variable's name that `text` begins with */
const char *variable_get(struct shell *shell, const char *name);             /* NULL: unset */
bool variable_set(struct shell *shell, const char *name, const char *value); /* or no memory */
bool variable_export(struct shell *shell, const char *name);
void variable_unset(struct shell *shell, const char *name);
/* NAME=value in front of a command: an exported variable that hides others of its name, until
 * variables_end_scope(). */
bool variable_set_here(struct shell *shell, const char *name, const char *value);
void variables_end_scope(struct shell *shell);
bool arguments_set(struct shell *shell, int count, char *const *items);

/* expand.c: all in `arena`. NULL when the shell is leaving or arena->failed. */
char **expand_fields(struct shell *shell, struct arena *arena, const struct word *words,
                     int *count);
char *expand_text(struct shell *shell, struct arena *arena, const struct part *parts);
char *expand_pattern(struct shell *shell, struct arena *arena, const struct part *parts);

/* arithmetic.c: false after shell_fail(). */
bool arithmetic(struct shell *shell, const char *text, int64_t *value);

/* Runs a whole script; returns the exit status of its last command, 2 for a syntax error. `name` is
 * what messages call it ("sh", a file's name). */
int shell_run_text(struct shell *shell, const char *name, const char *text, size_t length);

int shell_run(struct shell *shell, struct tree *tree);
int shell_run_within(struct shell *shell, struct tree *tree, struct file *out, unsigned conditions);
int shell_run_command(struct shell *shell, int argc, char **argv);
/* As shell_run_text(), but leaves `leaving` to the caller. With `unfinished`, a text that ends
 * within a command is not an error: nothing is run and *unfinished set. */
int shell_run_source(struct shell *shell, const char *name, const char *text, size_t length,
                     bool *unfinished);
/* commands/sh.c: the script argv[0] in a shell of its own; commands/time.c. */
int shell_run_script(struct shell *shell, int argc, char **argv);
void shell_print_time(struct shell *shell, uint64_t nanoseconds);

#endif
