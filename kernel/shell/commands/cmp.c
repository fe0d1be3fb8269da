/*
 * cmp: compares two files byte for byte, with GNU's messages and statuses: 0
 * the same, 1 different, 2 trouble.
 */
#include "kernel/command/command.h"
#include "kernel/command/reader.h"
#include "lib/printf.h"
#include "lib/string.h"

#define DIFFERENT 1
#define TROUBLE   2

struct comparison {
    struct invocation *self;
    bool all, silent, print_bytes;
    uint64_t limit;
    uint64_t skip[2];
    const char *name[2];
    struct reader reader[2];

    uint64_t offset; /* of the bytes compared next, behind the skipped ones */
    uint64_t lines;  /* newlines before it */
    uint8_t last;    /* the byte before it */
    int width;       /* of an offset in the list */
};

static const struct option options[] = {{'b', "print-bytes", NULL, "print differing bytes"},
                                        {'i', "ignore-initial", "SKIP[:SKIP2]", "skip first bytes"},
                                        {'l', "verbose", NULL, "list all differing bytes"},
                                        {'n', "bytes", "LIMIT", "compare at most LIMIT bytes"},
                                        {'s', "silent", NULL, "only tell by the status"},
                                        {'q', "quiet", NULL, "the same"},
                                        {0}};

static int parse_skip(struct comparison *cmp, unsigned which, const char *text)
{
    if (offset_parse(text, &cmp->skip[which]) == OK)
        return 0;
    return usage(cmp->self, "invalid --ignore-initial value '%s'", text);
}

static int parse_skips(struct comparison *cmp, const char *text)
{
    const char *colon = strchr(text, ':');
    char first[64];
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    if (length == 0 || length >= sizeof first)
        return usage(cmp->self, "invalid --ignore-initial value '%s'", text);
    memcpy(first, text, length);
    first[length] = 0;
    int status = parse_skip(cmp, 0, first);
    return status ? status : parse_skip(cmp, 1, colon ? colon + 1 : first);
}

static int parse_options(struct comparison *cmp)
{
    struct invocation *self = cmp->self;
    for (int key, status; (key = option_next(self));) {
        switch (key) {
        case 'b':
            cmp->print_bytes = true;
            break;
        case 'i':
            status = parse_skips(cmp, self->argument);
            if (status)
                return status;
            break;
        case 'l':
            cmp->all = true;
            break;
        case 'n':
            if (offset_parse(self->argument, &cmp->limit) != OK)
                return usage(self, "invalid --bytes value '%s'", self->argument);
            break;
        case 's':
        case 'q':
            cmp->silent = true;
            break;
        default:
            return TROUBLE;
        }
    }
    if (cmp->all && cmp->silent)
        return usage(self, "options -l and -s are incompatible");
    return 0;
}

static int parse_operands(struct comparison *cmp)
{
    struct invocation *self = cmp->self;
    char **operand = self->argv + self->next;
    int count = self->argc - self->next;
    if (count == 0)
        return usage(self, "missing operand after '%s'", self->argv[self->argc - 1]);
    if (count > 4)
        return usage(self, "extra operand '%s'", operand[4]);
    cmp->name[0] = operand[0];
    cmp->name[1] = count > 1 ? operand[1] : "-";
    for (int i = 2; i < count; i++) {
        int status = parse_skip(cmp, (unsigned)i - 2, operand[i]);
        if (status)
            return status;
    }
    return 0;
}

/* A byte as cat -v shows it. */
static const char *visible(char text[8], uint8_t byte)
{
    uint8_t low = byte & 127;
    char control[] = {'^', (char)(low ^ 64), 0}, plain[] = {(char)low, 0};
    snprintf(text, 8, "%s%s", byte > 127 ? "M-" : "", low < 32 || low == 127 ? control : plain);
    return text;
}

static void print_difference(struct comparison *cmp, uint8_t a, uint8_t b)
{
    char first[8], second[8];
    visible(first, a);
    visible(second, b);
    unsigned long long number = cmp->offset + 1;
    if (cmp->silent)
        return;
    if (cmp->all && cmp->print_bytes)
        out(cmp->self, "%*llu %3o %-4s %3o %s\n", cmp->width, number, a, first, b, second);
    else if (cmp->all)
        out(cmp->self, "%*llu %3o %3o\n", cmp->width, number, a, b);
    else if (cmp->print_bytes)
        out(cmp->self, "%s %s differ: byte %llu, line %llu is %3o %s %3o %s\n", cmp->name[0],
            cmp->name[1], number, (unsigned long long)cmp->lines + 1, a, first, b, second);
    else
        out(cmp->self, "%s %s differ: byte %llu, line %llu\n", cmp->name[0], cmp->name[1], number,
            (unsigned long long)cmp->lines + 1);
}

/* Moves on over bytes that were compared. */
static void advance(struct comparison *cmp, size_t length)
{
    const uint8_t *bytes = reader_bytes(&cmp->reader[0]);
    if (length == 0)
        return;
    if (!cmp->all && !cmp->silent)
        for (size_t i = 0; i < length; i++)
            cmp->lines += bytes[i] == '\n';
    cmp->last = bytes[length - 1];
    cmp->offset += length;
    reader_take(&cmp->reader[0], length);
    reader_take(&cmp->reader[1], length);
}

/* Compares what both readers have at hand; the status so far. */
static int compare_piece(struct comparison *cmp, size_t length)
{
    int status = 0;
    while (length && !cmp->self->output_failed) {
        const uint8_t *a = reader_bytes(&cmp->reader[0]), *b = reader_bytes(&cmp->reader[1]);
        size_t same = 0;
        if (!memcmp(a, b, length))
            same = length;
        while (same < length && a[same] == b[same])
            same++;
        advance(cmp, same);
        length -= same;
        if (length == 0)
            break;
        status = DIFFERENT;
        print_difference(cmp, a[same], b[same]);
        if (!cmp->all)
            break;
        advance(cmp, 1);
        length--;
    }
    return status;
}

static int read_failure(struct comparison *cmp, unsigned which)
{
    int status = cmp->reader[which].status;
    if (status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    complain(cmp->self, "%s: %s", cmp->name[which], status_text(status));
    return TROUBLE;
}

static int report_end(struct comparison *cmp, unsigned which)
{
    unsigned long long bytes = cmp->offset, lines = cmp->lines;
    const char *name = cmp->name[which];
    if (cmp->silent)
        return DIFFERENT;
    if (bytes == 0)
        complain(cmp->self, "EOF on %s which is empty", name);
    else if (cmp->all)
        complain(cmp->self, "EOF on %s after byte %llu", name, bytes);
    else if (cmp->last == '\n')
        complain(cmp->self, "EOF on %s after byte %llu, line %llu", name, bytes, lines);
    else
        complain(cmp->self, "EOF on %s after byte %llu, in line %llu", name, bytes, lines + 1);
    return DIFFERENT;
}

static int compare(struct comparison *cmp)
{
    struct reader *reader = cmp->reader;
    int status = 0;
    while (cmp->offset < cmp->limit && !cmp->self->output_failed) {
        bool more[2];
        for (unsigned i = 0; i < 2; i++) {
            more[i] = reader_fill(&reader[i]);
            if (reader[i].status != OK)
                return read_failure(cmp, i);
        }
        if (!more[0] && !more[1])
            break;
        if (!more[0] || !more[1])
            return report_end(cmp, more[0]);
        size_t length = MIN(reader_available(&reader[0]), reader_available(&reader[1]));
        status |= compare_piece(cmp, (size_t)MIN(length, cmp->limit - cmp->offset));
        if (status && !cmp->all)
            break;
    }
    return status;
}

/* The list is as wide as the highest offset that may appear in it. */
static void choose_width(struct comparison *cmp)
{
    uint64_t most = MIN(cmp->limit, (uint64_t)INT64_MAX);
    for (unsigned i = 0; i < 2; i++) {
        struct file *file = cmp->reader[i].file;
        if (!file_has_size(file))
            continue;
        uint64_t size = file_size(file);
        most = MIN(most, size > file->position ? size - file->position : 0);
    }
    for (cmp->width = 1; most >= 10; most /= 10)
        cmp->width++;
}

static int skip_and_compare(struct comparison *cmp)
{
    for (unsigned i = 0; i < 2; i++) {
        reader_skip(&cmp->reader[i], cmp->skip[i]);
        if (cmp->reader[i].status != OK)
            return read_failure(cmp, i);
    }
    const struct file *a = cmp->reader[0].file, *b = cmp->reader[1].file;
    if (a->node == b->node && (a == b || a->position == b->position))
        return 0;
    choose_width(cmp);
    reader_show(&cmp->reader[0], cmp->self);
    return compare(cmp);
}

static int cmp(struct invocation *self)
{
    struct comparison cmp = {.self = self, .limit = UINT64_MAX};
    int status = parse_options(&cmp);
    if (status == 0)
        status = parse_operands(&cmp);
    if (status)
        return status;
    unsigned opened = 0;
    while (opened < 2 && status == OK) {
        status = reader_open(&cmp.reader[opened], self, cmp.name[opened]);
        opened += status == OK;
    }
    if (opened == 2) {
        status = skip_and_compare(&cmp);
    } else {
        if (!cmp.silent)
            complain(self, "%s: %s", cmp.name[opened], status_text(status));
        status = TROUBLE;
    }
    while (opened)
        reader_close(&cmp.reader[--opened]);
    return status;
}

COMMAND(cmp, .summary = "compare two files byte by byte",
        .operands = "FILE1 [FILE2 [SKIP1 [SKIP2]]]", .options = options, .usage_status = TROUBLE,
        .run = cmp)
