/*
 * The line editor: bytes from a keyboard in, bytes for a screen out, and no
 * other dealings with the world, so that it runs on a host as well.
 *
 * The screen has to know backspace, carriage return and ANSI's cursor
 * movements; where the line stands on it is never asked. Appending to the line
 * sends just what was typed.
 */
#ifndef KERNEL_TERMINAL_EDIT_H
#define KERNEL_TERMINAL_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#define EDIT_LINE_MAX (256u << 10) /* bytes; more than that is not taken */

/* history.c: the lines that were typed. */
#define HISTORY_LINES 100

struct history {
    char *lines[HISTORY_LINES]; /* oldest first */
    unsigned count;
};

void history_add(struct history *history, const char *line); /* without memory: forgets it */
void history_free(struct history *history);

enum edit_result {
    EDIT_MORE,
    EDIT_DONE, /* `line` is complete */
    EDIT_END   /* Ctrl-D on an empty line */
};

/* The owner fills in the first group and zeros the rest. */
struct editor {
    void (*put)(void *context, const char *bytes, size_t length);
    void *context;
    const struct history *history; /* or NULL */
    /* On the tab key; `again`: the last key was tab, too. Calls editor_insert() or
     * editor_list_begin(). May be NULL. */
    void (*complete)(struct editor *editor, bool again);

    char *line; /* NUL-terminated once it is complete */
    size_t length, cursor, size;
    const char *prompt, *own_prompt; /* shown now; and when not searching */
    size_t columns;                  /* that are used */
    size_t told;                     /* the terminal's own account of its width, 0 until it comes */
    size_t cell, end; /* where the screen's cursor is and where the text ends, in cells from the
                         beginning of the prompt */
    unsigned escape, parameter, last_parameter; /* within an escape sequence */
    bool first;                                 /* no second parameter yet */
    char partial[4];                            /* of a UTF-8 character */
    unsigned partial_length, expected;
    unsigned entry; /* of the history; its count stands for the new line */
    bool tab;       /* the last key was it */
    bool searching; /* Ctrl-R */
    char sought[32];
    char search_prompt[64];
};

/* Shows the prompt, which has to stay where it is until the line is complete. The cursor must be in
 * the first column; `columns` is 0 for as many as the terminal has said. A terminal that says
 * nothing gets lines as they are, and wraps them itself. */
void editor_begin(struct editor *editor, const char *prompt, size_t columns);

/* Asks the terminal how wide it is (ECMA-48: cursor forward, device status report). The answer is
 * a key sequence to the editor, whenever it comes. */
void editor_ask_width(struct editor *editor);

/* Without memory for another character it rings the bell and drops it. */
enum edit_result editor_take(struct editor *editor, unsigned char byte);

/* Ctrl-C: leaves the line as it is and goes to a new one. */
void editor_cancel(struct editor *editor);

void editor_free(struct editor *editor);

/* For completion: inserts at the cursor. */
void editor_insert(struct editor *editor, const char *text, size_t length);
/* Moves below the line, so that something can be listed; and shows prompt and line once more. */
void editor_list_begin(struct editor *editor);
void editor_list_end(struct editor *editor);

/* complete.c: what the shell knows that begins like the word at the cursor. */
void complete(struct editor *editor, bool list);

#endif
