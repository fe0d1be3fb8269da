/*
 * Buffered input: a file named on the command line, or the command's own input
 * for "-", in large pieces, with the end, an error and Ctrl-C told apart.
 */
#ifndef KERNEL_COMMAND_READER_H
#define KERNEL_COMMAND_READER_H

#include "kernel/command/command.h"
#include "kernel/mem/arena.h"

#define READER_SIZE 65536 /* of the buffer */

struct reader {
    struct file *file;
    uint8_t *buffer;
    size_t next, end; /* what is read and not taken yet */
    int status;       /* why reading stopped: OK is the end, ERR_INTERRUPTED is Ctrl-C */

    struct invocation *shown; /* whose progress it is, or NULL */
    uint64_t done, total;     /* of it, bytes */
};

/* Fails as file_open() does, or without memory. Then there is nothing to close. */
int reader_open(struct reader *reader, struct invocation *self, const char *name);

/* All of it will be read, without a word meanwhile: progress is shown. */
void reader_show(struct reader *reader, struct invocation *self);

/* Gives back what was read ahead, if the file can be positioned. */
void reader_close(struct reader *reader);

/* True when a byte or more is available, reading if there is none; false: see status. */
bool reader_fill(struct reader *reader);

static inline const uint8_t *reader_bytes(const struct reader *reader)
{
    return reader->buffer + reader->next;
}

static inline size_t reader_available(const struct reader *reader)
{
    return reader->end - reader->next;
}

static inline void reader_take(struct reader *reader, size_t length)
{
    reader->next += length;
}

/* A line, with a NUL behind it; begins as zeros, and `text` is for kfree(). */
struct line {
    char *text;
    size_t length, size;
};

/* The next one, without its newline, or the zero that ends it if `zeros` do. False when reading
 * stopped with nothing read, or without memory, which is then the status. */
bool reader_line(struct reader *reader, struct line *line, bool zeros);

/* Copies `length` bytes, or fewer when reading stopped. */
size_t reader_read(struct reader *reader, void *to, size_t length);

/* Moves on by `length` bytes, by positioning where that is possible; returns how many there were,
 * fewer at the end or when reading stopped. */
uint64_t reader_skip(struct reader *reader, uint64_t length);

/* All that is left of a file, but for NULs: OK, or why it is not all. */
int reader_all(struct file *file, struct text *text);

/* Has the file a size, so that a place in it can be counted from its end? */
bool file_has_size(const struct file *file);

/* A place or length in a file: 0x is hexadecimal, a leading 0 octal, else as size_parse(), but
 * without its products and its suffixes b, c and w. */
int offset_parse(const char *text, uint64_t *value);

#endif
