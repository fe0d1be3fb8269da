/*
 * What the line editor shows. The line is counted in cells from the beginning
 * of the prompt; row and column on the screen follow from the width. Each change draws from where
 * it happened to the end. A terminal that has not said its width is taken for one that knows
 * nothing but backspace.
 */
#include "kernel/terminal/screen.h"

#include <stdint.h>

#include "lib/bits.h"
#include "lib/printf.h"
#include "lib/string.h"

/* The bytes of the first character, and how many columns it takes up: none if it combines with the
 * one before it, two in East Asian scripts and for pictures. */
static size_t first_character(const char *text, size_t length, unsigned *width)
{
    static const struct {
        uint32_t first, last;
        unsigned width;
    } ranges[] = {{0x300, 0x36f, 0},    {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},
                  {0x2e80, 0xa4cf, 2},  {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},
                  {0xfe00, 0xfe0f, 0},  {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},
                  {0xffe0, 0xffe6, 2},  {0x1f300, 0x1f64f, 2}, {0x1f900, 0x1f9ff, 2},
                  {0x20000, 0x3fffd, 2}};
    uint32_t lead = (unsigned char)*text, code = lead;
    size_t used = 1;
    if (lead >= 0xc0)
        code &= lead >= 0xf0 ? 7 : lead >= 0xe0 ? 15 : 31;
    for (; used < length && continues(text[used]); used++)
        code = code << 6 | ((unsigned char)text[used] & 0x3f);
    *width = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            *width = ranges[i].width;
    return used;
}

/* How many of the bytes take up at most `room` cells, and how many those are. */
static size_t fitting(const char *text, size_t length, size_t room, size_t *taken)
{
    unsigned width;
    size_t fits = 0;
    for (*taken = 0; fits < length; *taken += width) {
        size_t used = first_character(text + fits, length - fits, &width);
        if (*taken + width > room)
            break;
        fits += used;
    }
    return fits;
}

/* The cell behind a text that is shown from `cell` on. What is wide does not begin in a row's last
 * cell. */
static size_t cell_behind(const struct editor *self, size_t cell, const char *text, size_t length)
{
    unsigned width;
    for (size_t used; length; text += used, length -= used) {
        used = first_character(text, length, &width);
        cell += width + (width == 2 && cell % self->columns == self->columns - 1);
    }
    return cell;
}

void screen_put(struct editor *self, const char *text)
{
    self->put(self->context, text, strlen(text));
}

/*
 * Text at the end of what is shown, row by row. Terminals differ in what they do when their last
 * column is filled: it stays empty, and rows are ended by us.
 */
void screen_append(struct editor *self, const char *text, size_t length)
{
    while (length) {
        size_t room = self->columns - self->cell % self->columns;
        size_t taken, count = fitting(text, length, room, &taken);
        self->put(self->context, text, count);
        if (count < length && taken < room) {
            screen_put(self, " ");
            taken++;
        }
        self->cell += taken;
        if (taken == room)
            screen_put(self, "\r\n");
        text += count;
        length -= count;
    }
}

static void put_sequence(struct editor *self, size_t count, char what)
{
    char sequence[16];
    snprintf(sequence, sizeof sequence, "\033[%u%c", (unsigned)count, what);
    screen_put(self, sequence);
}

bool screen_is_dumb(const struct editor *self)
{
    return self->columns == WIDTH_UNKNOWN - 1;
}

/* Without the means to move, the way to the right is to write what stands there once more. */
static void step_to(struct editor *self, size_t cell)
{
    size_t prompt = cell_behind(self, 0, self->prompt, strlen(self->prompt)), taken;
    for (; self->cell > cell; self->cell--)
        screen_put(self, "\b");
    if (cell < prompt || cell == self->cell)
        return;
    size_t from = fitting(self->line, self->length, self->cell - prompt, &taken);
    size_t to = fitting(self->line, self->length, cell - prompt, &taken);
    screen_append(self, self->line + from, to - from);
}

static void clear_behind(struct editor *self)
{
    if (!screen_is_dumb(self)) {
        screen_put(self, "\033[J");
        return;
    }
    for (size_t cell = self->cell; cell < self->end; cell++)
        screen_put(self, " ");
    for (size_t cell = self->cell; cell < self->end; cell++)
        screen_put(self, "\b");
}

void screen_move(struct editor *self, size_t cell)
{
    if (screen_is_dumb(self)) {
        step_to(self, cell);
        return;
    }
    size_t column = cell % self->columns, now = self->cell % self->columns;
    size_t row = cell / self->columns, from = self->cell / self->columns;
    if (row != from)
        put_sequence(self, from > row ? from - row : row - from, from > row ? 'A' : 'B');
    if (now > column && now - column <= 4) {
        for (; now > column; now--)
            screen_put(self, "\b");
    } else if (now > column) {
        screen_put(self, "\r");
        now = 0;
    }
    if (column > now)
        put_sequence(self, column - now, 'C');
    self->cell = cell;
}

size_t screen_cell_of(struct editor *self, size_t offset)
{
    size_t prompt = cell_behind(self, 0, self->prompt, strlen(self->prompt));
    return cell_behind(self, prompt, self->line, offset);
}

/* Draws what has changed: everything from `offset` on. */
void screen_draw(struct editor *self, size_t offset)
{
    screen_move(self, screen_cell_of(self, offset));
    if (offset < self->length)
        screen_append(self, self->line + offset, self->length - offset);
    if (self->cell < self->end)
        clear_behind(self);
    self->end = self->cell;
    screen_move(self, screen_cell_of(self, self->cursor));
}

void screen_draw_all(struct editor *self)
{
    screen_append(self, self->prompt, strlen(self->prompt));
    screen_draw(self, 0);
}
