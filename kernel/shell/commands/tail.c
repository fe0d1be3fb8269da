/* tail: the last lines or bytes of files; with +NUM, all from that one on. */
#include "kernel/shell/commands/ends.h"
#include "lib/string.h"

static int skip_lines(struct reader *reader, uint64_t lines)
{
    while (lines && reader_fill(reader)) {
        const uint8_t *bytes = reader_bytes(reader);
        const uint8_t *newline = memchr(bytes, '\n', reader_available(reader));
        reader_take(reader, newline ? (size_t)(newline - bytes) + 1 : reader_available(reader));
        lines -= newline != NULL;
    }
    return reader->status;
}

static int tail_one(struct ends *ends, struct reader *reader)
{
    int status;
    if (ends->sign == '+') {
        uint64_t before = ends->count ? ends->count - 1 : 0;
        if (ends->bytes)
            reader_skip(reader, before);
        else
            skip_lines(reader, before);
        status = reader->status;
    } else if (!file_has_size(reader->file)) {
        return ends_stream(ends, reader, false);
    } else {
        uint64_t offset, end;
        status = ends_locate(ends, reader, &offset, &end);
        if (status == OK)
            status = file_seek(reader->file, offset);
    }
    if (status != OK)
        return status;
    ends_copy(ends, reader, UINT64_MAX);
    return reader->status;
}

static int tail(struct invocation *self)
{
    struct ends ends = {.self = self};
    return ends_parse(&ends, true) ? 1 : ends_each(&ends, tail_one);
}

COMMAND(tail, .summary = "print the last part of files", .operands = "[FILE]...",
        .options = ends_options, .usage_status = 1, .run = tail)
