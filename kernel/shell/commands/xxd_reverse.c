/* See xxd.h. */
#include "kernel/console.h"
#include "kernel/shell/commands/xxd.h"
#include "lib/number.h"
#include "lib/string.h"

struct reverse {
    struct invocation *self;
    uint64_t start; /* the output's position at the beginning */
    uint64_t at;    /* the output's offset behind what is in `bytes` */
    size_t count;
    uint8_t bytes[512];
};

static void flush(struct reverse *reverse)
{
    out_bytes(reverse->self, reverse->bytes, reverse->count);
    reverse->count = 0;
}

static void put(struct reverse *reverse, uint8_t byte)
{
    reverse->bytes[reverse->count++] = byte;
    reverse->at++;
    if (reverse->count == sizeof reverse->bytes)
        flush(reverse);
}

/* Goes to an offset of the output: leaves alone what is in between, or fills it with zeros where
 * there are no positions. False: it lies behind us there. */
static bool go_to(struct reverse *reverse, uint64_t offset)
{
    if (offset == reverse->at)
        return true;
    flush(reverse);
    struct file *file = reverse->self->out;
    if (file_has_size(file) && file_seek(file, reverse->start + offset) == OK)
        reverse->at = offset;
    while (reverse->at < offset && !reverse->self->output_failed && !console_interrupted())
        put(reverse, 0);
    return reverse->at == offset || reverse->self->output_failed || console_interrupted();
}

/* The next character; -1 at the end. */
static int next(struct reader *reader)
{
    if (!reader_fill(reader))
        return -1;
    int c = *reader_bytes(reader);
    reader_take(reader, 1);
    return c;
}

/* -1: no digit. */
static int digit(int c)
{
    unsigned value = c < 0 ? 255 : digit_value((char)c);
    return value < 16 ? (int)value : -1;
}

static void skip_line(struct reader *reader, int c)
{
    while (c != '\n' && c >= 0)
        c = next(reader);
}

/* The offset in front of a colon; false if the line, which is skipped, has none. */
static bool read_offset(struct reader *reader, int c, uint64_t *offset)
{
    bool any = false;
    for (*offset = 0; digit(c) >= 0; c = next(reader), any = true)
        *offset = *offset << 4 | (unsigned)digit(c);
    if (c == ':' && any)
        return true;
    skip_line(reader, c);
    return false;
}

/* The bytes of a line: up to two blanks, to what is no digit, or to `columns` of them. */
static void read_bytes(struct reverse *reverse, struct reader *reader, uint64_t columns)
{
    int high = -1, before = 0, c = next(reader);
    if (c == ' ')
        c = next(reader);
    while (columns && (digit(c) >= 0 || (c == ' ' && before != ' '))) {
        if (digit(c) >= 0 && high >= 0) {
            put(reverse, (uint8_t)(high << 4 | digit(c)));
            high = -1;
            columns--;
        } else if (digit(c) >= 0) {
            high = digit(c);
        }
        before = c;
        c = next(reader);
    }
    skip_line(reader, c);
}

static int reverse_lines(struct reverse *reverse, struct reader *reader, uint64_t columns,
                         int64_t shift)
{
    for (int c; (c = next(reader)) >= 0 && !reverse->self->output_failed;) {
        uint64_t offset;
        while (c == ' ' || c == '\t')
            c = next(reader);
        if (!read_offset(reader, c, &offset))
            continue;
        if ((int64_t)(offset + (uint64_t)shift) < 0 || !go_to(reverse, offset + (uint64_t)shift)) {
            complain(reverse->self, "Sorry, cannot seek backwards.");
            return XXD_BACKWARDS;
        }
        read_bytes(reverse, reader, columns);
    }
    return 0;
}

/* Pairs of digits, whatever is between them. */
static void reverse_plain(struct reverse *reverse, struct reader *reader)
{
    int high = -1;
    for (int c; (c = next(reader)) >= 0 && !reverse->self->output_failed;) {
        if (digit(c) < 0)
            continue;
        if (high >= 0)
            put(reverse, (uint8_t)(high << 4 | digit(c)));
        high = high >= 0 ? -1 : digit(c);
    }
}

int xxd_reverse(struct invocation *self, struct reader *reader, bool plain, uint64_t columns,
                int64_t shift)
{
    struct reverse reverse = {.self = self, .start = self->out->position};
    int status = 0;
    if (plain && shift > 0)
        go_to(&reverse, (uint64_t)shift);
    if (plain)
        reverse_plain(&reverse, reader);
    else
        status = reverse_lines(&reverse, reader, columns, shift);
    flush(&reverse);
    return status;
}
