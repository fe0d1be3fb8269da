/*
 * What the files of the shell share: memory that lives as long as a command,
 * the syntax tree, the shell's state, and who does what.
 */
#ifndef KERNEL_SHELL_INTERNAL_H
#define KERNEL_SHELL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/shell/command.h"
#include "kernel/shell/shell.h"

/* How deep constructs may stand in each other, $( ), `sh FILE` and `.` included. Bounds the use of
 * the kernel's stack. A running shell counts two for each: the construct and the list in it. */
#define SHELL_DEPTH 32

/* arena.c: allocations that go all at once. Filled with zeros. NULL also sets `failed`. */
struct arena {
    struct chunk *chunks;
    char *next;
    size_t left;
    bool failed;
};

void *arena_get(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *text, size_t length);
void arena_free(struct arena *arena);

/* A text that grows in an arena; what does not fit into memory is dropped, and arena->failed. */
struct text {
    struct arena *arena;
    char *bytes; /* NULL, or NUL-terminated */
    size_t length, size;
};

void text_add(struct text *text, char c);

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
    struct word *next;
    const char *name; /* of an assignment, whose value the parts are */
    struct part *parts;
};

enum redirection_kind {
    REDIRECT_READ,
    REDIRECT_WRITE,
    REDIRECT_APPEND,
    REDIRECT_BOTH,
    REDIRECT_SAME, /* 2>&1 */
    REDIRECT_HERE,
    REDIRECT_HERE_TABS /* <<-: leading tabs are dropped */
};

struct redirection {
    struct redirection *next, *next_here;
    enum redirection_kind kind;
    unsigned descriptor;
    struct word *word; /* here-documents: the delimiter, then the body */
};

enum tree_kind {
    TREE_SIMPLE,   /* assignments, words */
    TREE_LIST,     /* body: one after the other */
    TREE_AND_OR,   /* body: each with `after_or` */
    TREE_PIPELINE, /* body: the stages */
    TREE_SUBSHELL, /* body */
    TREE_IF,       /* condition, body, otherwise */
    TREE_LOOP,     /* condition, body; `negated` for until */
    TREE_FOR,      /* name, words, body */
    TREE_CASE,     /* words: the subject; body: the arms */
    TREE_ARM       /* words: the patterns; body, or NULL */
};

struct tree {
    enum tree_kind kind;
    unsigned line;
    struct tree *next; /* the sibling */
    bool after_or;     /* || stands before it, not && */
    bool negated, timed;
    bool all_arguments; /* TREE_FOR without `in` */
    const char *name;
    struct redirection *redirections;
    struct word *assignments, *words;
    struct tree *condition, *body, *otherwise;
};

/* token.c and parse.c */
enum token_kind {
    TOKEN_END,
    TOKEN_NEWLINE,
    TOKEN_WORD,
    TOKEN_REDIRECTION,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_PIPE,
    TOKEN_BACKGROUND,
    TOKEN_SEMICOLON,
    TOKEN_ARM_END,
    TOKEN_OPEN,
    TOKEN_CLOSE
};

struct token {
    enum token_kind kind;
    const char *start; /* in the source */
    size_t length;
    unsigned line;
    struct word *word;
    struct redirection *redirection;
};

enum parse_status {
    PARSE_OK,
    PARSE_INCOMPLETE, /* the text ends within a command */
    PARSE_ERROR,      /* `problem`, at `offender` */
    PARSE_NO_MEMORY
};

struct source {
    const char *next, *end;
    unsigned line;
};

/* Once `status` is not PARSE_OK, only TOKEN_END comes, so that everything returns. */
struct parser {
    struct source source;
    struct arena *arena;
    struct token token, offender;
    struct redirection *here; /* here-documents whose bodies are yet to come */
    enum parse_status status;
    const char *problem;  /* NULL: a syntax error */
    const char *text_end; /* of the whole text; `source` may be a part within */
    bool unfinished;      /* complete for a script, but a person may have meant to go on */
    unsigned depth;
    struct tree spare; /* handed out when there is no memory for another */
};

void parser_advance(struct parser *parser); /* the next token */
void parser_fail(struct parser *parser, enum parse_status status, const char *problem);

/* The next complete command, up to its newline; NULL at the end and on failure. */
struct tree *parse_command_line(struct parser *parser);

/* A list that ends with `)`, or with the source, in the midst of a word. */
struct tree *parse_nested(struct parser *parser, enum token_kind end);

/* state.c */
struct variable {
    struct variable *next;
    char *value;
    bool exported;
    char name[];
};

struct arguments { /* one allocation with its strings */
    int count;
    char *items[];
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
    struct arguments *arguments;
    int shifted;
    char *directory; /* where the parent was, for the way back */
    int status;      /* $? */
    int substituted; /* the status of the last $( ) */
    enum leaving leaving;
    unsigned levels, loops;
    unsigned conditions; /* set -e looks away */
    unsigned depth, line;
    bool exit_on_error, trace, interactive;
};

/* A shell within: `whole` for ( ), which knows all variables, not for `sh`, which knows the
 * exported ones. shell_leave() takes the working directory back, frees it, returns its status. */
struct shell *shell_enter(const struct shell *parent, bool whole);
int shell_leave(struct shell *shell);

/* Prints "NAME: line N: MESSAGE"; without the line at the prompt. */
void shell_say(struct shell *shell, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same, and ends the script with `status`, which it returns. */
int shell_fail(struct shell *shell, int status, const char *format, ...) PRINTF_LIKE(3, 4);
int shell_no_memory(struct shell *shell);

bool name_begins(char c);
size_t name_length(const char *text); /* of the variable's name that `text` begins with */
const char *variable_get(struct shell *shell, const char *name);             /* NULL: unset */
bool variable_set(struct shell *shell, const char *name, const char *value); /* or no memory */
bool variable_export(struct shell *shell, const char *name);
struct variable *variable_take(struct shell *shell, const char *name); /* out of the list */
void variable_free(struct variable *variable);                         /* NULL is allowed */

int arguments_count(const struct shell *shell);
const char *argument_get(const struct shell *shell, int number); /* from 1; NULL: none */
bool arguments_set(struct shell *shell, int count, char *const *items);

/* expand.c: all in `arena`. NULL when the shell is leaving or arena->failed. */
char **expand_fields(struct shell *shell, struct arena *arena, const struct word *words,
                     int *count);
char *expand_text(struct shell *shell, struct arena *arena, const struct part *parts);
char *expand_pattern(struct shell *shell, struct arena *arena, const struct part *parts);

/* arithmetic.c: false after shell_fail(). */
bool arithmetic(struct shell *shell, const char *text, int64_t *value);

/* pattern.c: `*`, `?`, `[a-z]`, and a backslash in front of what is meant as it stands. */
bool pattern_match(const char *pattern, const char *pattern_end, const char *text, size_t length);
void pattern_strip(char *pattern); /* drops the backslashes */
/* Calls found() for each path that matches; false without memory. */
bool pattern_paths(const char *pattern, void (*found)(void *context, const char *path),
                   void *context);

/* run.c, script.c */
struct file *temporary_file(void);
int shell_run(struct shell *shell, struct tree *tree);
int shell_run_within(struct shell *shell, struct tree *tree, struct file *in, struct file *out);
int shell_run_command(struct shell *shell, int argc, char **argv);
/* As shell_run_text(), but leaves `leaving` to the caller. With `unfinished`, a text that ends
 * within a command is not an error: nothing is run and *unfinished set. */
int shell_run_source(struct shell *shell, const char *name, const char *text, size_t length,
                     bool *unfinished);
/* `.`: reads the file and runs it; a file that cannot be read has been reported. */
int shell_run_file(struct shell *shell, const char *path);
void shell_print_time(struct shell *shell, uint64_t nanoseconds);

/* history.c */
#define HISTORY_LINES 100

struct history {
    char *lines[HISTORY_LINES]; /* oldest first */
    unsigned count;
};

void history_add(struct history *history, const char *line); /* without memory: forgets it */
void history_free(struct history *history);

/* complete.c */
struct editor;
void complete(struct editor *editor, bool list);
const struct command *command_after(const char *name); /* in alphabetical order; NULL: first */

#endif
