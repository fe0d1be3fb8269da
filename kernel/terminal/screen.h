/*
 * How the line editor draws: for edit.c alone.
 */
#ifndef KERNEL_TERMINAL_SCREEN_H
#define KERNEL_TERMINAL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/terminal/edit.h"

#define WIDTH_LEAST   8
#define WIDTH_UNKNOWN 100000 /* rows are left to the terminal */

/* Is this a byte of a UTF-8 character behind its first? */
static inline bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

bool screen_is_dumb(const struct editor *self);

/* As it is: where the cursor stands afterwards is the caller's business. */
void screen_put(struct editor *self, const char *text);

/* Text at the end of what is shown. */
void screen_append(struct editor *self, const char *text, size_t length);

/* The cell that a byte of the line is in; and moving there. */
size_t screen_cell_of(struct editor *self, size_t offset);
void screen_move(struct editor *self, size_t cell);

/* Draws the line from `offset` on, and leaves the cursor at its place; or the prompt, too. */
void screen_draw(struct editor *self, size_t offset);
void screen_draw_all(struct editor *self);

#endif
