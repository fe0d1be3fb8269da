/* xxd: the bytes of a file in hexadecimal and text, or (-p) as plain hexadecimal. */
#include "kernel/shell/command.h"
#include "kernel/shell/reader.h"
#include "lib/number.h"

#define COLUMNS_MAX   256
#define COLUMNS_PLAIN 30
#define TROUBLE       2
#define CANNOT_SEEK   4

struct xxd {
    struct invocation *self;
    bool plain, upper, columns_given;
    bool from_end; /* -s -NUM */
    uint64_t skip, limit, columns, group;
};

/* Two digits, without an end to the text. */
static char *put_hex(const struct xxd *xxd, char *to, uint8_t byte)
{
    const char *digits = xxd->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15];
    return to;
}

static void print_row(struct xxd *xxd, uint64_t offset, const uint8_t *row, size_t length)
{
    char line[4 * COLUMNS_MAX + 2], *at = line; /* digits and a space; text, space, newline */
    for (size_t i = 0; i < xxd->columns; i++) {
        if (i < length) {
            at = put_hex(xxd, at, row[i]);
        } else {
            *at++ = ' ';
            *at++ = ' ';
        }
        if ((i + 1) % xxd->group == 0 || i + 1 == xxd->columns)
            *at++ = ' ';
    }
    *at++ = ' ';
    for (size_t i = 0; i < length; i++)
        *at++ = row[i] >= ' ' && row[i] < 127 ? (char)row[i] : '.';
    *at++ = '\n';
    out(xxd->self, "%08llx: ", (unsigned long long)offset);
    out_bytes(xxd->self, line, (size_t)(at - line));
}

static void dump_rows(struct xxd *xxd, struct reader *reader, uint64_t offset)
{
    uint8_t row[COLUMNS_MAX];
    while (xxd->limit && !xxd->self->output_failed) {
        size_t length = reader_read(reader, row, (size_t)MIN(xxd->columns, xxd->limit));
        if (length == 0)
            break;
        print_row(xxd, offset, row, length);
        offset += length;
        xxd->limit -= length;
    }
}

static void dump_plain(struct xxd *xxd, struct reader *reader)
{
    uint64_t column = 0;
    char digits[2 * COLUMNS_MAX];
    while (xxd->limit && !xxd->self->output_failed && reader_fill(reader)) {
        uint64_t most = MIN((uint64_t)COLUMNS_MAX, xxd->limit);
        if (xxd->columns)
            most = MIN(most, xxd->columns - column);
        size_t length = (size_t)MIN(most, (uint64_t)reader_available(reader));
        char *at = digits;
        for (size_t i = 0; i < length; i++)
            at = put_hex(xxd, at, reader_bytes(reader)[i]);
        out_bytes(xxd->self, digits, (size_t)(at - digits));
        reader_take(reader, length);
        xxd->limit -= length;
        column += length;
        if (column == xxd->columns) {
            out(xxd->self, "\n");
            column = 0;
        }
    }
    if (column)
        out(xxd->self, "\n");
}

static bool position(struct xxd *xxd, struct reader *reader, uint64_t *offset)
{
    if (xxd->from_end) {
        uint64_t size = file_size(reader->file);
        if (!file_has_size(reader->file) || xxd->skip > size)
            return false;
        *offset = size - xxd->skip;
        return file_seek(reader->file, *offset) == OK;
    }
    *offset = xxd->skip;
    return reader_skip(reader, xxd->skip) == xxd->skip || reader->status == OK;
}

static int dump(struct xxd *xxd, const char *name)
{
    struct reader reader;
    uint64_t offset;
    int status = reader_open(&reader, xxd->self, name);
    if (status == OK) {
        bool positioned = position(xxd, &reader, &offset);
        if (positioned && xxd->plain)
            dump_plain(xxd, &reader);
        else if (positioned)
            dump_rows(xxd, &reader, offset);
        status = reader.status;
        reader_close(&reader);
        if (!positioned && status == OK) {
            complain(xxd->self, "Sorry, cannot seek.");
            return CANNOT_SEEK;
        }
    }
    if (status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    if (status == OK)
        return 0;
    complain(xxd->self, "%s: %s", name, status_text(status));
    return TROUBLE;
}

static int parse_option(struct xxd *xxd, int key)
{
    const char *text = xxd->self->argument;
    uint64_t *number = key == 'c' ? &xxd->columns : key == 'g' ? &xxd->group : &xxd->limit;
    switch (key) {
    case 'p':
        xxd->plain = true;
        return 0;
    case 'u':
        xxd->upper = true;
        return 0;
    case 's':
        number = &xxd->skip;
        xxd->from_end = *text == '-';
        text += *text == '-' || *text == '+';
        break;
    case 'c':
        xxd->columns_given = true;
        break;
    }
    if (offset_parse(text, number) == OK)
        return 0;
    return usage(xxd->self, "invalid number '%s'", text);
}

static const struct option options[] = {
    {'c', NULL, "COLUMNS", "bytes a line (16, plain: 30)"},
    {'g', NULL, "BYTES", "bytes a group (2); 0: one group"},
    {'l', NULL, "LENGTH", "stop after LENGTH bytes"},
    {'p', NULL, NULL, "plain hexadecimal only"},
    {'s', NULL, "[-]SEEK", "begin at SEEK, from the end with -"},
    {'u', NULL, NULL, "upper case"},
    {0}};

static int xxd(struct invocation *self)
{
    struct xxd xxd = {.self = self, .limit = UINT64_MAX, .group = 2};
    for (int key; (key = option_next(self));) {
        int status = key < 0 ? 1 : parse_option(&xxd, key);
        if (status)
            return status;
    }
    if (self->argc - self->next > 1)
        return usage(self, "extra operand '%s'", self->argv[self->next + 1]);
    if (!xxd.columns && !(xxd.plain && xxd.columns_given))
        xxd.columns = xxd.plain ? COLUMNS_PLAIN : 16;
    if (xxd.columns > COLUMNS_MAX && !xxd.plain)
        return complain(self, "invalid number of columns (max. %d).", COLUMNS_MAX);
    if (xxd.group == 0 || xxd.group > xxd.columns)
        xxd.group = xxd.columns;
    return dump(&xxd, self->next < self->argc ? self->argv[self->next] : "-");
}

COMMAND(xxd, .summary = "show a file in hexadecimal", .operands = "[FILE]", .options = options,
        .usage_status = 1, .options_first = true, .run = xxd)
