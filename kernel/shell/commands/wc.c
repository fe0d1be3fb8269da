/* wc: counts lines, words and bytes, and how wide lines are. */
#include "kernel/command/command.h"
#include "kernel/command/reader.h"
#include "lib/string.h"

#define LINES BIT(0)
#define WORDS BIT(1)
#define CHARS BIT(2) /* a byte each: there is one locale, C */
#define BYTES BIT(3)
#define WIDTH BIT(4)

/* As wide as a count is printed when files are not all of a known size. */
#define STREAM_WIDTH 7
#define TAB_STOP     8u

struct counts {
    uint64_t lines, words, bytes, widest;
};

struct wc {
    struct invocation *self;
    uint64_t columns;
    int width;
    struct counts total;
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Bytes that show nothing neither begin nor end a word. */
static bool is_printed(uint8_t c)
{
    return c > ' ' && c < 127;
}

static int count_file(struct wc *wc, const char *name, struct counts *counts)
{
    struct reader reader;
    int status = reader_open(&reader, wc->self, name);
    if (status != OK)
        return status;
    bool in_word = false;
    uint64_t column = 0;
    reader_show(&reader, wc->self);
    while (reader_fill(&reader)) {
        const uint8_t *bytes = reader_bytes(&reader);
        size_t length = reader_available(&reader);
        for (size_t i = 0; i < length; i++) {
            counts->lines += bytes[i] == '\n';
            if (bytes[i] == '\t')
                column = ROUND_DOWN(column, TAB_STOP) + TAB_STOP;
            else if (bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\f')
                column = 0;
            else
                column += bytes[i] == ' ' || is_printed(bytes[i]);
            counts->widest = MAX(counts->widest, column);
            if (is_blank(bytes[i])) {
                in_word = false;
            } else if (is_printed(bytes[i])) {
                counts->words += !in_word;
                in_word = true;
            }
        }
        counts->bytes += length;
        reader_take(&reader, length);
    }
    status = reader.status;
    reader_close(&reader);
    return status;
}

static void print_counts(struct wc *wc, const struct counts *counts, const char *name)
{
    const uint64_t values[] = {counts->lines, counts->words, counts->bytes, counts->bytes,
                               counts->widest};
    bool first = true;
    for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
        if (wc->columns & BIT(i)) {
            out(wc->self, "%s%*llu", first ? "" : " ", wc->width, (unsigned long long)values[i]);
            first = false;
        }
    out(wc->self, name ? " %s\n" : "\n", name);
}

static int do_file(struct wc *wc, const char *name, const char *label)
{
    struct counts counts = {0};
    int status = count_file(wc, name, &counts);
    if (status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    if (status != OK)
        complain(wc->self, "%s: %s", name, status_text(status));
    if (status == OK || status == ERR_IS_DIRECTORY || counts.bytes)
        print_counts(wc, &counts, label);
    wc->total.lines += counts.lines;
    wc->total.words += counts.words;
    wc->total.bytes += counts.bytes;
    wc->total.widest = MAX(wc->total.widest, counts.widest);
    return status == OK ? 0 : 1;
}

/* Wide enough for the sum of all sizes, so that columns line up. */
static int choose_width(struct wc *wc)
{
    struct invocation *self = wc->self;
    int files = self->argc - self->next;
    bool one_column = (wc->columns & (wc->columns - 1)) == 0;
    if (files <= 1 && one_column)
        return 1;
    uint64_t sum = 0;
    int least = 1, width = 1;
    for (int i = self->next; i < self->argc || i == self->next; i++) {
        const char *name = files ? self->argv[i] : "-";
        struct file_information information;
        if (!strcmp(name, "-"))
            information.type = self->in->node->type, information.size = file_size(self->in);
        else if (fs_information(name, &information) != OK)
            continue;
        if (information.type == NODE_FILE)
            sum += information.size;
        else
            least = STREAM_WIDTH;
    }
    for (; sum >= 10; sum /= 10)
        width++;
    return MAX(width, least);
}

static const struct option options[] = {
    {'c', "bytes", NULL, "print the number of bytes"},
    {'l', "lines", NULL, "print the number of lines"},
    {'L', "max-line-length", NULL, "print how wide the widest is"},
    {'m', "chars", NULL, "print the number of characters, bytes here"},
    {'w', "words", NULL, "print the number of words"},
    {0}};

static int wc(struct invocation *self)
{
    struct wc wc = {.self = self};
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        wc.columns |= key == 'c'   ? BYTES
                      : key == 'l' ? LINES
                      : key == 'L' ? WIDTH
                      : key == 'm' ? CHARS
                                   : WORDS;
    }
    if (!wc.columns)
        wc.columns = LINES | WORDS | BYTES;
    wc.width = choose_width(&wc);
    if (self->next == self->argc)
        return do_file(&wc, "-", NULL);
    int worst = 0;
    for (int i = self->next; i < self->argc; i++) {
        int status = do_file(&wc, self->argv[i], self->argv[i]);
        if (status == STATUS_INTERRUPTED)
            return status;
        worst = MAX(worst, status);
    }
    if (self->argc - self->next > 1)
        print_counts(&wc, &wc.total, "total");
    return worst;
}

COMMAND(wc, .summary = "count lines, words and bytes", .operands = "[FILE]...", .options = options,
        .usage_status = 1, .run = wc)
