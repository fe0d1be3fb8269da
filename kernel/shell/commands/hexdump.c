/*
 * hexdump: the bytes of files, as one long file, in two-byte words or (-C) as
 * hexadecimal and text. Lines equal to the one above are squeezed into a *.
 */
#include "kernel/command/command.h"
#include "kernel/command/reader.h"
#include "lib/printf.h"
#include "lib/string.h"

#define ROW 16

struct dump {
    struct invocation *self;
    bool canonical, verbose;
    uint64_t skip, limit;

    int next; /* the operand to open next */
    bool open;
    struct reader reader;
    unsigned opened;
    int status; /* the exit status so far */

    uint64_t offset;
    uint8_t above[ROW];
    bool has_above, starred;
};

static void fail(struct dump *dump, const char *name, int status)
{
    if (status == ERR_INTERRUPTED)
        dump->status = STATUS_INTERRUPTED;
    else
        dump->status |= complain(dump->self, "%s: %s", name, status_text(status));
}

static const char *current_name(const struct dump *dump)
{
    return dump->next > dump->self->next ? dump->self->argv[dump->next - 1] : "-";
}

/* Opens the next file that can be; false when there is none. Skipping happens on the way. */
static bool open_next(struct dump *dump)
{
    struct invocation *self = dump->self;
    bool none = self->next == self->argc;
    while (dump->next < self->argc || (none && !dump->opened)) {
        const char *name = none ? "-" : self->argv[dump->next++];
        int status = reader_open(&dump->reader, self, name);
        dump->opened += status == OK || none;
        dump->open = status == OK;
        if (status == OK) {
            uint64_t skipped = reader_skip(&dump->reader, dump->skip);
            dump->skip -= skipped;
            dump->offset += skipped;
            return true;
        }
        fail(dump, name, status);
    }
    return false;
}

static void close_current(struct dump *dump)
{
    if (dump->open && dump->reader.status != OK)
        fail(dump, current_name(dump), dump->reader.status);
    if (dump->open)
        reader_close(&dump->reader);
    dump->open = false;
}

/* Fills a row across the ends of files. */
static size_t get_row(struct dump *dump, uint8_t row[ROW])
{
    size_t most = (size_t)MIN(dump->limit, (uint64_t)ROW), done = 0;
    while (done < most && dump->status != STATUS_INTERRUPTED) {
        if (!dump->open && !open_next(dump))
            break;
        done += reader_read(&dump->reader, row + done, most - done);
        if (done < most)
            close_current(dump);
    }
    dump->limit -= done;
    return done;
}

static void print_canonical(struct dump *dump, const uint8_t *row, size_t length)
{
    char hex[3 * ROW + 2], *at = hex, text[ROW + 1] = "";
    for (size_t i = 0; i < ROW; i++) {
        at += snprintf(at, 5, i < length ? "%s%02x" : "%s  ", i % 8 || !i ? " " : "  ",
                       i < length ? row[i] : 0);
        if (i < length)
            text[i] = row[i] >= ' ' && row[i] < 127 ? (char)row[i] : '.';
    }
    out(dump->self, "%08llx %s  |%s|\n", (unsigned long long)dump->offset, hex, text);
}

static void print_words(struct dump *dump, const uint8_t *row, size_t length)
{
    char words[5 * ROW / 2 + 1], *at = words;
    for (size_t i = 0; i < ROW; i += 2) {
        unsigned word = i < length ? row[i] : 0;
        if (i + 1 < length)
            word |= (unsigned)row[i + 1] << 8;
        at += snprintf(at, 6, i < length ? " %04x" : "     ", word);
    }
    out(dump->self, "%07llx%s\n", (unsigned long long)dump->offset, words);
}

static void print_row(struct dump *dump, const uint8_t row[ROW], size_t length)
{
    bool again =
        !dump->verbose && length == ROW && dump->has_above && !memcmp(row, dump->above, ROW);
    if (again && !dump->starred)
        out(dump->self, "*\n");
    dump->starred = again;
    if (again)
        return;
    if (dump->canonical)
        print_canonical(dump, row, length);
    else
        print_words(dump, row, length);
    memcpy(dump->above, row, length);
    dump->has_above = true;
}

static int dump_all(struct dump *dump)
{
    uint8_t row[ROW];
    while (!dump->self->output_failed) {
        size_t length = get_row(dump, row);
        if (length == 0)
            break;
        print_row(dump, row, length);
        dump->offset += length;
    }
    close_current(dump);
    if (dump->status == STATUS_INTERRUPTED)
        return dump->status;
    if (dump->offset)
        out(dump->self, dump->canonical ? "%08llx\n" : "%07llx\n",
            (unsigned long long)dump->offset);
    if (!dump->opened && dump->status)
        complain(dump->self, "all input file arguments failed");
    return dump->status;
}

static const struct option options[] = {{'C', "canonical", NULL, "hexadecimal and text"},
                                        {'n', "length", "NUM", "dump only NUM bytes"},
                                        {'s', "skip", "NUM", "skip NUM bytes from the beginning"},
                                        {'v', "no-squeezing", NULL, "show lines that repeat"},
                                        {0}};

static int hexdump(struct invocation *self)
{
    struct dump dump = {.self = self, .limit = UINT64_MAX};
    for (int key; (key = option_next(self));) {
        switch (key) {
        case 'C':
            dump.canonical = true;
            break;
        case 'n':
            if (offset_parse(self->argument, &dump.limit) != OK)
                return complain(self, "failed to parse length: '%s': Invalid argument",
                                self->argument);
            break;
        case 's':
            if (offset_parse(self->argument, &dump.skip) != OK)
                return complain(self, "failed to parse offset: '%s': Invalid argument",
                                self->argument);
            break;
        case 'v':
            dump.verbose = true;
            break;
        default:
            return 1;
        }
    }
    dump.next = self->next;
    return dump.limit ? dump_all(&dump) : 0;
}

COMMAND(hexdump, .summary = "show files in hexadecimal", .operands = "[FILE]...",
        .options = options, .usage_status = 1, .run = hexdump)
