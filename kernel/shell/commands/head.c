/* head: the first lines or bytes of files; with -NUM, all but the last. */
#include "kernel/shell/commands/ends.h"
#include "lib/string.h"

static int but_last(struct ends *ends, struct reader *reader)
{
    uint64_t start = reader->file->position, offset, end;
    if (!file_has_size(reader->file))
        return ends_stream(ends, reader, true);
    int status = ends_locate(ends, reader, &offset, &end);
    if (status == OK)
        status = file_seek(reader->file, start);
    if (status != OK)
        return status;
    ends_copy(ends, reader, offset - start);
    return reader->status;
}

static int first_lines(struct ends *ends, struct reader *reader)
{
    uint64_t left = ends->count;
    while (left && !ends->self->output_failed && reader_fill(reader)) {
        const uint8_t *bytes = reader_bytes(reader);
        size_t available = reader_available(reader), length = 0;
        while (left && length < available) {
            const uint8_t *newline = memchr(bytes + length, '\n', available - length);
            length = newline ? (size_t)(newline - bytes) + 1 : available;
            left -= newline != NULL;
        }
        out_bytes(ends->self, bytes, length);
        reader_take(reader, length);
    }
    return reader->status;
}

static int head_one(struct ends *ends, struct reader *reader)
{
    if (ends->sign == '-')
        return but_last(ends, reader);
    if (!ends->bytes)
        return first_lines(ends, reader);
    ends_copy(ends, reader, ends->count);
    return reader->status;
}

static int head(struct invocation *self)
{
    struct ends ends = {.self = self};
    return ends_parse(&ends, false) ? 1 : ends_each(&ends, head_one);
}

COMMAND(head, .summary = "print the first part of files", .operands = "[FILE]...",
        .options = ends_options, .usage_status = 1, .run = head)
