/* See ends.h. */
#include "kernel/shell/commands/ends.h"

#include "kernel/console.h"
#include "kernel/mem/heap.h"
#include "lib/number.h"
#include "lib/string.h"

const struct option ends_options[] = {{'c', "bytes", "NUM", "count bytes"},
                                      {'n', "lines", "NUM", "count lines (10)"},
                                      {'q', "quiet", NULL, "print no headers"},
                                      {'v', "verbose", NULL, "always print headers"},
                                      {0}};

static int parse_count(struct ends *ends, const char *text)
{
    ends->sign = *text == '-' || *text == '+' ? *text : 0;
    int status = size_parse(text + (ends->sign != 0), &ends->count);
    if (status == OK)
        return 0;
    /* GNU leaves the minus out of the message. */
    return complain(ends->self, "invalid number of %s: '%s'%s", ends->bytes ? "bytes" : "lines",
                    text + (ends->sign == '-'),
                    status == ERR_RANGE ? ": Value too large for defined data type" : "");
}

/* head -5 */
static bool is_short_form(const char *text, bool plus)
{
    if (!text || (*text != '-' && !(plus && *text == '+')) || !text[1])
        return false;
    while (*++text)
        if (*text < '0' || *text > '9')
            return false;
    return true;
}

int ends_parse(struct ends *ends, bool plus)
{
    struct invocation *self = ends->self;
    ends->count = 10;
    if (self->argc > 1 && is_short_form(self->argv[1], plus)) {
        const char *text = self->argv[1];
        self->next = 2;
        if (parse_count(ends, text + (*text == '-')))
            return 1;
    }
    for (int key; (key = option_next(self));) {
        switch (key) {
        case 'c':
        case 'n':
            ends->bytes = key == 'c';
            if (parse_count(ends, self->argument))
                return 1;
            break;
        case 'q':
        case 'v':
            ends->quiet = key == 'q';
            ends->verbose = key == 'v';
            break;
        default:
            return 1;
        }
    }
    return 0;
}

int ends_each(struct ends *ends, int (*one)(struct ends *ends, struct reader *reader))
{
    struct invocation *self = ends->self;
    int files = self->argc - self->next, worst = 0;
    bool header = ends->verbose || (files > 1 && !ends->quiet), first = true;
    for (int i = 0; i < MAX(files, 1) && !self->output_failed; i++) {
        const char *name = files ? self->argv[self->next + i] : "-";
        const char *shown = strcmp(name, "-") ? name : "standard input";
        struct reader reader;
        int status = reader_open(&reader, self, name);
        if (status != OK) {
            worst = complain(self, "cannot open '%s' for reading: %s", shown, status_text(status));
            continue;
        }
        if (header)
            out(self, "%s==> %s <==\n", first ? "" : "\n", shown);
        first = false;
        status = one(ends, &reader);
        reader_close(&reader);
        if (status == ERR_INTERRUPTED)
            return STATUS_INTERRUPTED;
        if (status != OK)
            worst = complain(self, "error reading '%s': %s", shown, status_text(status));
    }
    return worst;
}

void ends_copy(struct ends *ends, struct reader *reader, uint64_t length)
{
    while (length && !ends->self->output_failed && reader_fill(reader)) {
        size_t part = (size_t)MIN(length, (uint64_t)reader_available(reader));
        out_bytes(ends->self, reader_bytes(reader), part);
        reader_take(reader, part);
        length -= part;
    }
}

/* The last of a stream, from `begin` to `end`, and how many newlines are in it. */
struct kept {
    uint8_t *bytes;
    size_t begin, end, size;
    uint64_t newlines;
};

/* Adds what the reader has; false without memory. */
static bool keep(struct kept *kept, struct reader *reader, bool lines)
{
    const size_t length = kept->end - kept->begin, more = reader_available(reader);
    if (kept->end + more > kept->size && kept->begin > length) {
        memcpy(kept->bytes, kept->bytes + kept->begin, length);
        kept->begin = 0;
        kept->end = length;
    }
    if (kept->end + more > kept->size) {
        uint8_t *bytes = krealloc(kept->bytes, 2 * (kept->end + more));
        if (!bytes)
            return false;
        kept->bytes = bytes;
        kept->size = 2 * (kept->end + more);
    }
    memcpy(kept->bytes + kept->end, reader_bytes(reader), more);
    for (size_t i = 0; lines && i < more; i++)
        kept->newlines += kept->bytes[kept->end + i] == '\n';
    kept->end += more;
    reader_take(reader, more);
    return true;
}

/* Takes away what is in front of the last bytes or lines, and shows it if somebody wants it. */
static void drop(struct kept *kept, const struct ends *ends, bool whole, bool shown)
{
    const size_t from = kept->begin, length = kept->end - from;
    if (ends->bytes)
        kept->begin += length - (size_t)MIN((uint64_t)length, ends->count);
    bool open = whole && length && kept->bytes[kept->end - 1] != '\n';
    while (!ends->bytes && kept->begin < kept->end && kept->newlines + open > ends->count) {
        const uint8_t *first = kept->bytes + kept->begin;
        const uint8_t *newline = memchr(first, '\n', kept->end - kept->begin);
        kept->begin = newline ? (size_t)(newline + 1 - kept->bytes) : kept->end;
        kept->newlines -= newline != NULL;
    }
    if (shown)
        out_bytes(ends->self, kept->bytes + from, kept->begin - from);
}

int ends_stream(struct ends *ends, struct reader *reader, bool front)
{
    struct kept kept = {0};
    int status = OK;
    while (status == OK && !ends->self->output_failed && reader_fill(reader))
        if (keep(&kept, reader, !ends->bytes))
            drop(&kept, ends, false, front);
        else
            status = ERR_NO_MEMORY;
    if (status == OK)
        status = reader->status;
    if (status == OK) {
        drop(&kept, ends, true, front);
        if (!front)
            out_bytes(ends->self, kept.bytes + kept.begin, kept.end - kept.begin);
    }
    kfree(kept.bytes);
    return status;
}

/* Fills the beginning of the reader's buffer, bypassing what it holds. */
static int read_at(struct reader *reader, uint64_t position, size_t length)
{
    size_t done = 0;
    int status = file_seek(reader->file, position);
    reader->next = reader->end = 0;
    while (status == OK && done < length) {
        int64_t part = console_interrupted()
                           ? ERR_INTERRUPTED
                           : file_read(reader->file, reader->buffer + done, length - done);
        if (part > 0)
            done += (size_t)part;
        else
            status = part ? (int)part : ERR_IO;
    }
    return status;
}

/* Goes back from the end, a piece at a time, for the newline in front of the last lines. */
static int find_lines(struct reader *reader, uint64_t start, uint64_t lines, uint64_t *offset)
{
    uint64_t position = *offset;
    bool last = true; /* a newline at the very end begins no line */
    while (position > start) {
        size_t length = (size_t)MIN(position - start, (uint64_t)READER_SIZE);
        position -= length;
        int status = read_at(reader, position, length);
        if (status != OK)
            return status;
        for (size_t i = length; i-- > 0; last = false)
            if (reader->buffer[i] == '\n' && !last && --lines == 0) {
                *offset = position + i + 1;
                return OK;
            }
    }
    *offset = start;
    return OK;
}

int ends_locate(struct ends *ends, struct reader *reader, uint64_t *offset, uint64_t *end)
{
    struct file *file = reader->file;
    uint64_t start = file->position;
    *end = MAX(file_size(file), start);
    *offset = *end;
    int status = OK;
    if (ends->bytes)
        *offset -= MIN(ends->count, *end - start);
    else if (ends->count)
        status = find_lines(reader, start, ends->count, offset);
    reader->next = reader->end = 0;
    return status;
}
