/* See reader.h. */
#include "kernel/command/reader.h"

#include "kernel/console.h"
#include "kernel/mem/heap.h"
#include "lib/number.h"
#include "lib/string.h"

int reader_open(struct reader *reader, struct invocation *self, const char *name)
{
    *reader = (struct reader){0};
    if (!strcmp(name, "-")) {
        reader->file = file_share(self->in);
    } else {
        int status = file_open(name, O_READ, &reader->file);
        if (status != OK)
            return status;
    }
    reader->buffer = kmalloc(READER_SIZE);
    if (reader->buffer)
        return OK;
    file_close(reader->file);
    return ERR_NO_MEMORY;
}

void reader_show(struct reader *reader, struct invocation *self)
{
    uint64_t size = file_size(reader->file), position = reader->file->position;
    reader->shown = self;
    reader->total = size - MIN(position, size);
}

void reader_close(struct reader *reader)
{
    size_t ahead = reader_available(reader);
    if (ahead && file_has_size(reader->file))
        file_seek(reader->file, reader->file->position - ahead);
    file_close(reader->file);
    kfree(reader->buffer);
}

bool reader_fill(struct reader *reader)
{
    if (reader_available(reader))
        return true;
    int64_t length = console_interrupted() ? ERR_INTERRUPTED
                                           : file_read(reader->file, reader->buffer, READER_SIZE);
    reader->next = 0;
    reader->end = length > 0 ? (size_t)length : 0;
    reader->status = length < 0 ? (int)length : OK;
    reader->done += reader->end;
    if (reader->shown && length > 0)
        progress(reader->shown, reader->done, reader->total);
    return length > 0;
}

static bool add(struct line *line, const uint8_t *bytes, size_t length)
{
    if (line->length + length >= line->size) {
        size_t size = 2 * (line->length + length) + 128;
        char *text = krealloc(line->text, size);
        if (!text)
            return false;
        line->text = text;
        line->size = size;
    }
    memcpy(line->text + line->length, bytes, length);
    line->length += length;
    line->text[line->length] = 0;
    return true;
}

bool reader_line(struct reader *reader, struct line *line, bool zeros)
{
    bool any = false;
    line->length = 0;
    while (reader_fill(reader)) {
        const uint8_t *bytes = reader_bytes(reader);
        size_t available = reader_available(reader), length = 0;
        while (length < available && bytes[length] != '\n' && (bytes[length] || !zeros))
            length++;
        if (!add(line, bytes, length)) {
            reader->status = ERR_NO_MEMORY;
            return false;
        }
        any = true;
        reader_take(reader, MIN(length + 1, available));
        if (length < available)
            break;
    }
    return any;
}

size_t reader_read(struct reader *reader, void *to, size_t length)
{
    size_t done = 0;
    while (done < length && reader_fill(reader)) {
        size_t part = MIN(length - done, reader_available(reader));
        memcpy((uint8_t *)to + done, reader_bytes(reader), part);
        reader_take(reader, part);
        done += part;
    }
    return done;
}

uint64_t reader_skip(struct reader *reader, uint64_t length)
{
    uint64_t done = 0;
    struct file *file = reader->file;
    if (!reader_available(reader) && file_has_size(file)) {
        uint64_t size = file_size(file);
        uint64_t left = size > file->position ? size - file->position : 0;
        uint64_t part = MIN(length, left);
        if (file_seek(file, file->position + part) == OK)
            return part;
    }
    while (done < length && reader_fill(reader)) {
        uint64_t part = MIN(length - done, (uint64_t)reader_available(reader));
        reader_take(reader, (size_t)part);
        done += part;
    }
    return done;
}

bool file_has_size(const struct file *file)
{
    return file->node->type == NODE_FILE || file->node->type == NODE_BLOCK;
}

int offset_parse(const char *text, uint64_t *value)
{
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        return number_parse(text, 0, value);
    if (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
        return number_parse(text, 8, value);
    for (const char *c = text; *c; c++)
        if (strchr("bcwx", *c))
            return ERR_INVALID;
    return size_parse(text, value);
}

int reader_all(struct file *file, struct text *text)
{
    char buffer[512];
    int64_t count = 1;
    while (count > 0) {
        count = console_interrupted() ? ERR_INTERRUPTED : file_read(file, buffer, sizeof buffer);
        for (int64_t i = 0; i < count; i++)
            if (buffer[i])
                text_add(text, buffer[i]);
        if (text->arena->failed)
            return ERR_NO_MEMORY;
    }
    return (int)count;
}
