/*
 * The line editor: what keys do to the line. screen.c shows it.
 */
#include "kernel/terminal/edit.h"

#include "kernel/mem/heap.h"
#include "kernel/terminal/screen.h"
#include "lib/bits.h"
#include "lib/printf.h"
#include "lib/string.h"

#define KEY(letter) ((letter) - '@') /* what Ctrl makes of it */

static bool make_room(struct editor *self, size_t length)
{
    if (self->length + length < self->size)
        return true;
    size_t size = MAX(2 * self->size, self->length + length + 128);
    char *line = size > 2 * EDIT_LINE_MAX ? NULL : krealloc(self->line, size);
    if (!line) {
        screen_put(self, "\a");
        return false;
    }
    self->line = line;
    self->size = size;
    return true;
}

void editor_insert(struct editor *self, const char *text, size_t length)
{
    if (!make_room(self, length))
        return;
    memmove(self->line + self->cursor + length, self->line + self->cursor,
            self->length - self->cursor);
    memcpy(self->line + self->cursor, text, length);
    self->length += length;
    self->cursor += length;
    if (self->cursor == self->length) {
        screen_append(self, text, length);
        self->end = self->cell;
    } else {
        screen_draw(self, self->cursor - length);
    }
}

static void erase(struct editor *self, size_t from, size_t to)
{
    if (from == to)
        return;
    memmove(self->line + from, self->line + to, self->length - to);
    self->length -= to - from;
    self->cursor = from;
    screen_draw(self, from);
}

static void replace(struct editor *self, const char *text)
{
    size_t length = strlen(text);
    if (!make_room(self, length))
        return;
    memcpy(self->line, text, length);
    self->length = self->cursor = length;
    screen_draw(self, 0);
}

static size_t left_of(struct editor *self)
{
    size_t at = self->cursor;
    while (at && continues(self->line[--at]))
        ;
    return at;
}

static size_t right_of(struct editor *self)
{
    size_t at = self->cursor;
    if (at < self->length)
        do
            at++;
        while (at < self->length && continues(self->line[at]));
    return at;
}

static size_t word_left_of(struct editor *self)
{
    size_t at = self->cursor;
    while (at && self->line[at - 1] == ' ')
        at--;
    while (at && self->line[at - 1] != ' ')
        at--;
    return at;
}

static void go(struct editor *self, size_t offset)
{
    self->cursor = offset;
    screen_move(self, screen_cell_of(self, offset));
}

/* The new line is not kept while one walks through the old ones. */
static void walk(struct editor *self, bool back)
{
    unsigned count = self->history ? self->history->count : 0;
    if (back ? !self->entry : self->entry >= count)
        return;
    self->entry += back ? -1u : 1u;
    replace(self, self->entry < count ? self->history->lines[self->entry] : "");
}

static void swap_prompt(struct editor *self, const char *prompt)
{
    screen_move(self, 0);
    self->prompt = prompt;
    screen_draw_all(self);
}

/* Looks back in the history, from before entry `from` on. */
static void search(struct editor *self, unsigned from)
{
    snprintf(self->search_prompt, sizeof self->search_prompt, "(search)`%s': ", self->sought);
    while (from && !strstr(self->history->lines[from - 1], self->sought))
        from--;
    if (from) {
        self->entry = from - 1;
        const char *line = self->history->lines[from - 1];
        if (make_room(self, strlen(line))) {
            self->length = self->cursor = strlen(line);
            memcpy(self->line, line, self->length);
        }
    } else if (*self->sought) {
        screen_put(self, "\a");
    }
    swap_prompt(self, self->search_prompt);
}

void editor_ask_width(struct editor *self)
{
    screen_put(self, "\033[999C\033[6n\r");
}

void editor_begin(struct editor *self, const char *prompt, size_t columns)
{
    if (!columns)
        columns = self->told ? self->told : WIDTH_UNKNOWN;
    self->columns = MAX(columns, (size_t)WIDTH_LEAST) - 1;
    self->prompt = self->own_prompt = prompt;
    self->length = self->cursor = self->cell = self->end = 0;
    self->escape = self->partial_length = 0;
    self->tab = self->searching = false;
    self->entry = self->history ? self->history->count : 0;
    screen_draw_all(self);
}

static enum edit_result finish(struct editor *self)
{
    if (!make_room(self, 1))
        self->length = self->length ? self->length - 1 : 0;
    go(self, self->length);
    screen_put(self, "\n");
    if (self->line)
        self->line[self->length] = 0;
    return self->line ? EDIT_DONE : EDIT_MORE;
}

void editor_cancel(struct editor *self)
{
    go(self, self->length);
    screen_put(self, "^C\n");
}

void editor_free(struct editor *self)
{
    kfree(self->line);
    self->line = NULL;
    self->size = 0;
}

void editor_list_begin(struct editor *self)
{
    screen_move(self, self->end);
    screen_put(self, "\n");
}

void editor_list_end(struct editor *self)
{
    self->cell = self->end = 0;
    screen_draw_all(self);
}

static void clear_screen(struct editor *self)
{
    screen_put(self, screen_is_dumb(self) ? "\n" : "\033[H\033[2J");
    editor_list_end(self);
}

/* The answer to editor_ask_width(), which comes while hardly anything is shown. */
static void take_width(struct editor *self, size_t width)
{
    if (width >= WIDTH_LEAST && self->end < width - 1) {
        self->told = width;
        self->columns = width - 1;
    }
}

/* Arrows and their like, by the last byte of their sequence. */
static void take_sequence(struct editor *self, unsigned char last)
{
    static const char numbered[] = " H\0\177FGGHF"; /* 1 to 8, as in ESC [ 3 ~ */
    if (last == '~')
        last = self->parameter < 9 ? (unsigned char)numbered[self->parameter] : 0;
    switch (last) {
    case 'A':
    case 'B':
        walk(self, last == 'A');
        break;
    case 'C':
        go(self, right_of(self));
        break;
    case 'D':
        go(self, left_of(self));
        break;
    case 'R':
        take_width(self, self->last_parameter);
        break;
    case 'H':
        go(self, 0);
        break;
    case 'F':
        go(self, self->length);
        break;
    case 0177:
        erase(self, self->cursor, right_of(self));
        break;
    }
}

/* ESC, then [ or O, parameters, and a last byte; or ESC and one byte. */
static void take_escape(struct editor *self, unsigned char byte)
{
    if (byte == 033) {
        self->escape = 1;
    } else if (self->escape == 1) {
        self->escape = byte == '[' || byte == 'O' ? 2 : 0;
        self->parameter = self->last_parameter = 0;
        self->first = true;
    } else if (byte >= '0' && byte <= '9') {
        self->last_parameter = MIN(self->last_parameter * 10 + (byte - '0'), 1000u);
        if (self->first)
            self->parameter = self->last_parameter;
    } else if (byte == ';') {
        self->last_parameter = 0;
        self->first = false;
    } else if (byte >= 0x40) {
        self->escape = 0;
        take_sequence(self, byte);
    }
}

/* Collects a character; what is no UTF-8 is dropped. */
static void take_text(struct editor *self, unsigned char byte)
{
    if (!continues((char)byte)) {
        self->partial_length = 0;
        self->expected = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
    } else if (!self->partial_length) {
        return;
    }
    self->partial[self->partial_length++] = (char)byte;
    if (self->partial_length < self->expected)
        return;
    self->partial_length = 0;
    if (!self->searching) {
        editor_insert(self, self->partial, self->expected);
        return;
    }
    size_t length = strlen(self->sought);
    if (length + self->expected < sizeof self->sought) {
        memcpy(self->sought + length, self->partial, self->expected);
        self->sought[length + self->expected] = 0;
    }
    search(self, self->history->count);
}

static void erase_back(struct editor *self)
{
    if (!self->searching) {
        erase(self, left_of(self), self->cursor);
        return;
    }
    size_t length = strlen(self->sought);
    while (length && continues(self->sought[--length]))
        ;
    self->sought[length] = 0;
    search(self, self->history->count);
}

static void take_control(struct editor *self, unsigned char byte)
{
    switch (byte) {
    case KEY('A'):
        go(self, 0);
        break;
    case KEY('B'):
        go(self, left_of(self));
        break;
    case KEY('D'):
        erase(self, self->cursor, right_of(self));
        break;
    case KEY('E'):
        go(self, self->length);
        break;
    case KEY('F'):
        go(self, right_of(self));
        break;
    case KEY('K'):
        erase(self, self->cursor, self->length);
        break;
    case KEY('L'):
        clear_screen(self);
        break;
    case KEY('N'):
    case KEY('P'):
        walk(self, byte == KEY('P'));
        break;
    case KEY('U'):
        erase(self, 0, self->cursor);
        break;
    case KEY('W'):
        erase(self, word_left_of(self), self->cursor);
        break;
    }
}

/* Keys that go on searching; all others take the line that was found, and act on it. */
static bool take_search(struct editor *self, unsigned char byte)
{
    bool begins = byte == KEY('R') && self->history;
    if (begins && !self->searching) {
        self->searching = true;
        self->sought[0] = 0;
        search(self, 0);
    } else if (begins) {
        search(self, self->entry);
    } else if (self->searching && (byte < ' ' && byte != '\b')) {
        self->searching = false;
        swap_prompt(self, self->own_prompt);
    }
    return begins;
}

enum edit_result editor_take(struct editor *self, unsigned char byte)
{
    bool again = self->tab;
    self->tab = byte == '\t';
    if (self->escape) {
        take_escape(self, byte);
        return EDIT_MORE;
    }
    if (take_search(self, byte))
        return EDIT_MORE;
    if (byte == 033)
        self->escape = 1;
    else if (byte == '\r' || byte == '\n')
        return finish(self);
    else if (byte == KEY('D') && !self->length)
        return EDIT_END;
    else if (byte == '\b' || byte == 0177)
        erase_back(self);
    else if (byte == '\t' && self->complete)
        self->complete(self, again);
    else if (byte < ' ')
        take_control(self, byte);
    else
        take_text(self, byte);
    return EDIT_MORE;
}
