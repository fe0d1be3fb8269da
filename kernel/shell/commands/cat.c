/* cat: files, one after the other, to the output; with options, made visible. */
#include "kernel/command/command.h"
#include "kernel/command/reader.h"
#include "lib/printf.h"
#include "lib/string.h"

#define MOST_FOR_A_BYTE 32 /* a line's number, and ^ and M- */

struct cat {
    struct invocation *self;
    bool number, number_full, ends, tabs, visible, squeeze;
    bool plain; /* nothing of these */
    uint64_t line;
    unsigned newlines; /* one behind the other, the last byte among them; a file begins with one */
    size_t length;
    char text[4096];
};

static void flush(struct cat *cat)
{
    out_bytes(cat->self, cat->text, cat->length);
    cat->length = 0;
}

static void put(struct cat *cat, const char *format, unsigned long long value)
{
    cat->length += (size_t)snprintf(cat->text + cat->length, MOST_FOR_A_BYTE, format, value);
}

static void put_visible(struct cat *cat, uint8_t byte)
{
    const uint8_t low = byte & 127;
    if (byte == '\t' ? !cat->tabs : !cat->visible || (byte >= ' ' && byte < 127)) {
        cat->text[cat->length++] = (char)byte;
        return;
    }
    if (byte > 127)
        put(cat, "M-", 0);
    put(cat, low < ' ' || low == 127 ? "^%c" : "%c", low < ' ' || low == 127 ? low ^ 64 : low);
}

static void show_byte(struct cat *cat, uint8_t byte)
{
    const bool begins = cat->newlines, newline = byte == '\n';
    cat->newlines = newline ? cat->newlines + 1 : 0;
    if (cat->squeeze && cat->newlines > 2)
        return;
    if (begins && (cat->number_full ? !newline : cat->number))
        put(cat, "%6llu\t", ++cat->line);
    if (!newline) {
        put_visible(cat, byte);
        return;
    }
    if (cat->ends)
        put(cat, "$", 0);
    put(cat, "\n", 0);
}

static void show(struct cat *cat, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        show_byte(cat, bytes[i]);
        if (cat->length + MOST_FOR_A_BYTE > sizeof cat->text)
            flush(cat);
    }
    flush(cat);
}

static int cat_one(struct cat *cat, const char *name)
{
    struct invocation *self = cat->self;
    struct reader reader;
    int status = reader_open(&reader, self, name);
    if (status == OK && reader.file->node == self->out->node && file_has_size(self->out)) {
        reader_close(&reader);
        return complain(self, "%s: input file is output file", name);
    }
    if (status == OK) {
        if (!file_is_console(self->out))
            reader_show(&reader, self);
        while (!self->output_failed && reader_fill(&reader)) {
            if (cat->plain)
                out_bytes(self, reader_bytes(&reader), reader_available(&reader));
            else
                show(cat, reader_bytes(&reader), reader_available(&reader));
            reader_take(&reader, reader_available(&reader));
        }
        status = reader.status;
        reader_close(&reader);
    }
    if (status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    return status == OK ? 0 : complain(self, "%s: %s", name, status_text(status));
}

static const struct option options[] = {
    {'A', "show-all", NULL, "the same as -vET"},
    {'b', "number-nonblank", NULL, "number lines that are not empty"},
    {'e', NULL, NULL, "the same as -vE"},
    {'E', "show-ends", NULL, "a $ at the end of each line"},
    {'n', "number", NULL, "number all lines"},
    {'s', "squeeze-blank", NULL, "of several empty lines only one"},
    {'t', NULL, NULL, "the same as -vT"},
    {'T', "show-tabs", NULL, "tabs as ^I"},
    {'u', NULL, NULL, "nothing: nothing is held back"},
    {'v', "show-nonprinting", NULL, "what is no character as ^X and M-X"},
    {0}};

static int cat(struct invocation *self)
{
    struct cat cat = {.self = self, .newlines = 1};
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        cat.visible |= strchr("Aetv", key) != NULL;
        cat.ends |= strchr("AeE", key) != NULL;
        cat.tabs |= strchr("AtT", key) != NULL;
        cat.number |= key == 'n';
        cat.number_full |= key == 'b';
        cat.squeeze |= key == 's';
    }
    cat.plain =
        !(cat.visible || cat.ends || cat.tabs || cat.number || cat.number_full || cat.squeeze);
    if (self->next == self->argc)
        return cat_one(&cat, "-");
    int worst = 0;
    for (int i = self->next; i < self->argc && !self->output_failed; i++) {
        int status = cat_one(&cat, self->argv[i]);
        if (status == STATUS_INTERRUPTED)
            return status;
        worst = MAX(worst, status);
    }
    return worst;
}

COMMAND(cat, .summary = "print files, one after the other", .operands = "[FILE]...",
        .options = options, .usage_status = 1, .run = cat)
