/*
 * xxd: the bytes of a file in hexadecimal and text, in bits (-b), as numbers of
 * little-endian machines (-e) or as plain hexadecimal (-p); and with -r back.
 */
#include "kernel/shell/commands/xxd.h"
#include "lib/number.h"
#include "lib/string.h"

#define COLUMNS_MAX   256
#define COLUMNS_PLAIN 30
#define COLUMNS_BITS  6
#define TROUBLE       2
#define CANNOT_WRITE  3
#define CANNOT_SEEK   4

struct xxd {
    struct invocation *self;
    bool plain, upper, columns_given, group_given;
    bool autoskip, bits, decimal, little, reverse;
    bool from_end; /* -s -NUM */
    uint64_t skip, limit, columns, group, shown_offset;
    uint64_t zero_rows; /* -a: how many there were in a row */
};

/* Two digits, without an end to the text. */
static char *put_hex(const struct xxd *xxd, char *to, uint8_t byte)
{
    const char *digits = xxd->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15];
    return to;
}

static char *put_bits(char *to, uint8_t byte)
{
    for (unsigned mask = 128; mask; mask >>= 1)
        *to++ = byte & mask ? '1' : '0';
    return to;
}

static void print_row(struct xxd *xxd, uint64_t offset, const uint8_t *row, size_t length)
{
    char line[10 * COLUMNS_MAX + 2], *at = line; /* digits, space, text; space, newline */
    size_t digits = xxd->bits ? 8 : 2;
    size_t places = xxd->little ? ROUND_UP(xxd->columns, xxd->group) : xxd->columns;
    for (size_t i = 0; i < places; i++) {
        size_t place = xxd->little ? i ^ (xxd->group - 1) : i;
        if (place >= length) {
            memset(at, ' ', digits);
            at += digits;
        } else {
            at = xxd->bits ? put_bits(at, row[place]) : put_hex(xxd, at, row[place]);
        }
        if ((i + 1) % xxd->group == 0 || i + 1 == places)
            *at++ = ' ';
    }
    *at++ = ' ';
    for (size_t i = 0; i < length; i++)
        *at++ = row[i] >= ' ' && row[i] < 127 ? (char)row[i] : '.';
    *at++ = '\n';
    offset += xxd->shown_offset;
    out(xxd->self, xxd->decimal ? "%08llu: " : "%08llx: ", (unsigned long long)offset);
    out_bytes(xxd->self, line, (size_t)(at - line));
}

/* What stands for rows of zeros, all but the first of `count`: the row itself for one, `offset`
 * being behind it, an asterisk for several. */
static void print_skipped(struct xxd *xxd, uint64_t count, uint64_t offset)
{
    static const uint8_t zeros[COLUMNS_MAX];
    if (count == 2)
        print_row(xxd, offset - xxd->columns, zeros, xxd->columns);
    else if (count > 2)
        out(xxd->self, "*\n");
}

static bool is_zero(const uint8_t *row, size_t length)
{
    return !row[0] && !memcmp(row, row + 1, length - 1);
}

static void do_row(struct xxd *xxd, uint64_t offset, const uint8_t *row, size_t length)
{
    if (xxd->autoskip && length == xxd->columns && is_zero(row, length)) {
        if (xxd->zero_rows++)
            return;
    } else {
        print_skipped(xxd, xxd->zero_rows, offset);
        xxd->zero_rows = 0;
    }
    print_row(xxd, offset, row, length);
}

/* The last row is never left out. */
static void end_rows(struct xxd *xxd, uint64_t offset)
{
    static const uint8_t zeros[COLUMNS_MAX];
    if (xxd->zero_rows < 2)
        return;
    print_skipped(xxd, xxd->zero_rows - 1, offset - xxd->columns);
    print_row(xxd, offset - xxd->columns, zeros, xxd->columns);
}

static void dump_rows(struct xxd *xxd, struct reader *reader, uint64_t offset)
{
    uint8_t row[COLUMNS_MAX];
    while (xxd->limit && !xxd->self->output_failed) {
        size_t length = reader_read(reader, row, (size_t)MIN(xxd->columns, xxd->limit));
        if (length == 0)
            break;
        do_row(xxd, offset, row, length);
        offset += length;
        xxd->limit -= length;
    }
    end_rows(xxd, offset);
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

static int convert(struct xxd *xxd, struct reader *reader)
{
    uint64_t offset;
    if (xxd->reverse)
        return xxd_reverse(xxd->self, reader, xxd->plain, xxd->columns,
                           xxd->from_end ? -(int64_t)xxd->skip : (int64_t)xxd->skip);
    if (!position(xxd, reader, &offset)) {
        if (reader->status == OK)
            complain(xxd->self, "Sorry, cannot seek.");
        return CANNOT_SEEK;
    }
    if (xxd->plain)
        dump_plain(xxd, reader);
    else
        dump_rows(xxd, reader, offset);
    return 0;
}

static int run_file(struct xxd *xxd, const char *name)
{
    struct reader reader;
    int result = 0, status = reader_open(&reader, xxd->self, name);
    if (status == OK) {
        result = convert(xxd, &reader);
        status = reader.status;
        reader_close(&reader);
    }
    if (status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    if (status == OK)
        return result;
    complain(xxd->self, "%s: %s", name, status_text(status));
    return TROUBLE;
}

/* With a second operand, that is the output: written anew, or with -r changed. */
static int run_files(struct xxd *xxd)
{
    struct invocation *self = xxd->self;
    char **operand = self->argv + self->next;
    int count = self->argc - self->next;
    const char *name = count ? operand[0] : "-";
    if (count < 2 || !strcmp(operand[1], "-"))
        return run_file(xxd, name);
    struct file *file, *output = self->out;
    int status = file_open(operand[1], O_WRITE | O_CREATE | (xxd->reverse ? 0 : O_TRUNCATE), &file);
    if (status != OK) {
        complain(self, "%s: %s", operand[1], status_text(status));
        return CANNOT_WRITE;
    }
    self->out = file;
    status = run_file(xxd, name);
    self->out = output;
    file_close(file);
    return status;
}

static int parse_number(struct xxd *xxd, int key)
{
    const char *text = xxd->self->argument;
    uint64_t *number = key == 'c'   ? &xxd->columns
                       : key == 'g' ? &xxd->group
                       : key == 'o' ? &xxd->shown_offset
                       : key == 's' ? &xxd->skip
                                    : &xxd->limit;
    xxd->columns_given |= key == 'c';
    xxd->group_given |= key == 'g';
    if (key == 's') {
        xxd->from_end = *text == '-';
        text += *text == '-' || *text == '+';
    }
    if (offset_parse(text, number) == OK)
        return 0;
    return usage(xxd->self, "invalid number '%s'", xxd->self->argument);
}

static const struct option options[] = {
    {'a', NULL, NULL, "an asterisk for lines of zeros"},
    {'b', NULL, NULL, "in bits"},
    {'c', NULL, "COLUMNS", "bytes a line (16, plain: 30, bits: 6)"},
    {'d', NULL, NULL, "offsets in decimal"},
    {'e', NULL, NULL, "groups as little-endian numbers"},
    {'g', NULL, "BYTES", "bytes a group (2, bits: 1, -e: 4); 0: one group"},
    {'l', NULL, "LENGTH", "stop after LENGTH bytes"},
    {'o', NULL, "OFFSET", "add OFFSET to what is shown as such"},
    {'p', NULL, NULL, "plain hexadecimal only"},
    {'r', NULL, NULL, "back from hexadecimal to bytes; OUTFILE is changed, not made anew"},
    {'s', NULL, "[-]SEEK", "begin at SEEK, from the end with -; with -r, add it to offsets"},
    {'u', NULL, NULL, "upper case"},
    {0}};

static void parse_flag(struct xxd *xxd, int key)
{
    struct invocation *self = xxd->self;
    xxd->autoskip |= key == 'a';
    xxd->bits |= key == 'b';
    xxd->decimal |= key == 'd';
    xxd->little |= key == 'e';
    xxd->plain |= key == 'p';
    xxd->reverse |= key == 'r';
    xxd->upper |= key == 'u';
    /* -ps has always been another name for it. */
    if (key == 'p' && self->within && !strcmp(self->argv[self->next] + self->within, "s")) {
        self->within = 0;
        self->next++;
    }
}

static int xxd(struct invocation *self)
{
    struct xxd xxd = {.self = self, .limit = UINT64_MAX};
    for (int key; (key = option_next(self));) {
        int status = key < 0 ? 1 : 0;
        if (key > 0 && strchr("cglos", key))
            status = parse_number(&xxd, key);
        else if (key > 0)
            parse_flag(&xxd, key);
        if (status)
            return status;
    }
    if (self->argc - self->next > 2)
        return usage(self, "extra operand '%s'", self->argv[self->next + 2]);
    if (!xxd.columns && !(xxd.plain && xxd.columns_given))
        xxd.columns = xxd.plain ? COLUMNS_PLAIN : xxd.bits ? COLUMNS_BITS : 16;
    if (xxd.columns > COLUMNS_MAX && !xxd.plain)
        return complain(self, "invalid number of columns (max. %d).", COLUMNS_MAX);
    if (!xxd.group_given)
        xxd.group = xxd.bits ? 1 : xxd.little ? 4 : 2;
    if (xxd.group == 0 || xxd.group > xxd.columns)
        xxd.group = xxd.columns;
    if (xxd.little && xxd.group & (xxd.group - 1))
        return complain(self, "number of octets per group must be a power of 2 with -e.");
    return run_files(&xxd);
}

COMMAND(xxd, .summary = "show a file in hexadecimal, or the reverse",
        .operands = "[INFILE [OUTFILE]]", .options = options, .usage_status = 1,
        .options_first = true, .run = xxd)
