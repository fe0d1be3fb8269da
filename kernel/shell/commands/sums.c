/* See sums.h. */
#include "kernel/shell/commands/sums.h"

#include "kernel/command/reader.h"
#include "kernel/mem/heap.h"
#include "lib/printf.h"
#include "lib/string.h"

#define IGNORE_MISSING 256
#define QUIET          257
#define STATUS         258
#define STRICT         259
#define TAG            260
#define HEX_MOST       (2 * DIGEST_MOST)

const struct option sums_options[] = {
    {'b', "binary", NULL, "mark names with an asterisk"},
    {'c', "check", NULL, "read sums from the files and check them"},
    {IGNORE_MISSING, "ignore-missing", NULL, "with -c, pass over files that are not there"},
    {QUIET, "quiet", NULL, "with -c, do not print OK"},
    {STATUS, "status", NULL, "with -c, print nothing; the exit status tells"},
    {STRICT, "strict", NULL, "with -c, fail on lines that are no sums"},
    {TAG, "tag", NULL, "print as BSD does"},
    {'t', "text", NULL, "do not mark names"},
    {'w', "warn", NULL, "with -c, warn of each line that is no sum"},
    {0}};

struct sums {
    struct invocation *self;
    const struct digest_kind *kind;
    char mark;
    bool check, tag, ignore_missing, quiet, status, strict, warn;

    /* of one file of sums */
    uint64_t good, improper, unread, wrong, matched;
};

int sums_file(struct invocation *self, const struct digest_kind *kind, const char *name,
              uint8_t result[DIGEST_MOST])
{
    struct reader reader;
    struct digest digest;
    int status = reader_open(&reader, self, name);
    if (status != OK)
        return status;
    reader_show(&reader, self);
    digest_start(&digest, kind);
    while (reader_fill(&reader)) {
        digest_add(&digest, reader_bytes(&reader), reader_available(&reader));
        reader_take(&reader, reader_available(&reader));
    }
    digest_end(&digest, result);
    status = reader.status;
    reader_close(&reader);
    return status;
}

static void to_hex(char hex[HEX_MOST + 1], const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

void sums_print(struct invocation *self, const struct digest_kind *kind, const uint8_t *result,
                const char *name, bool tag, char mark)
{
    char hex[HEX_MOST + 1];
    to_hex(hex, result, kind->bytes);
    if (tag)
        out(self, "%s (%s) = %s\n", kind->name, name, hex);
    else
        out(self, "%s %c%s\n", hex, mark, name);
}

/* Cuts a line into digits and name: either "HEX  NAME", "HEX *NAME" or "KIND (NAME) = HEX". */
static bool split(const struct sums *sums, char *line, const char **digits, const char **name)
{
    size_t kind = strlen(sums->kind->name), most = 2 * sums->kind->bytes, length = strlen(line);
    if (!strncmp(line, sums->kind->name, kind) && !strncmp(line + kind, " (", 2)) {
        if (length < kind + most + 6 || memcmp(line + length - most - 4, ") = ", 4))
            return false;
        line[length - most - 4] = 0;
        *name = line + kind + 2;
        *digits = line + length - most;
    } else {
        if (length < most + 3 || line[most] != ' ' || !strchr(" *", line[most + 1]))
            return false;
        line[most] = 0;
        *name = line + most + 2;
        *digits = line;
    }
    for (const char *c = *digits; *c; c++)
        if (!strchr("0123456789abcdefABCDEF", *c))
            return false;
    return strlen(*digits) == most;
}

static bool same_hex(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if ((*a | 0x20) != (*b | 0x20))
            return false;
    return *a == *b;
}

/* OK, or ERR_INTERRUPTED. */
static int check_file(struct sums *sums, const char *digits, const char *name)
{
    uint8_t result[DIGEST_MOST];
    char hex[HEX_MOST + 1];
    int status = sums_file(sums->self, sums->kind, name, result);
    if (status == ERR_INTERRUPTED)
        return status;
    if (status == ERR_NOT_FOUND && sums->ignore_missing)
        return OK;
    if (status != OK) {
        complain(sums->self, "%s: %s", name, status_text(status));
        if (!sums->status)
            out(sums->self, "%s: FAILED open or read\n", name);
        sums->unread++;
        return OK;
    }
    to_hex(hex, result, sums->kind->bytes);
    bool same = same_hex(hex, digits);
    sums->matched += same;
    sums->wrong += !same;
    if (!sums->status && !(same && sums->quiet))
        out(sums->self, "%s: %s\n", name, same ? "OK" : "FAILED");
    return OK;
}

static void warn(struct sums *sums, uint64_t count, const char *one, const char *many)
{
    if (count && !sums->status)
        complain(sums->self, "WARNING: %llu %s", (unsigned long long)count,
                 count == 1 ? one : many);
}

/* The exit status of one file of sums. */
static int conclude(struct sums *sums, const char *shown)
{
    if (!sums->good)
        return complain(sums->self, "%s: no properly formatted checksum lines found", shown);
    warn(sums, sums->improper, "line is improperly formatted", "lines are improperly formatted");
    warn(sums, sums->unread, "listed file could not be read", "listed files could not be read");
    warn(sums, sums->wrong, "computed checksum did NOT match", "computed checksums did NOT match");
    bool none = sums->ignore_missing && !sums->matched;
    if (none && !sums->wrong && !sums->status)
        complain(sums->self, "%s: no file was verified", shown);
    return none || sums->unread || sums->wrong || (sums->strict && sums->improper);
}

static int check_lines(struct sums *sums, struct reader *reader, const char *shown)
{
    struct line line = {0};
    int status = OK;
    const char *digits, *name;
    sums->good = sums->improper = sums->unread = sums->wrong = sums->matched = 0;
    for (uint64_t number = 1; status == OK && reader_line(reader, &line, false); number++) {
        if (line.length && line.text[line.length - 1] == '\r')
            line.text[--line.length] = 0;
        if (*line.text == '#' || !*line.text)
            continue;
        if (split(sums, line.text, &digits, &name)) {
            sums->good++;
            status = check_file(sums, digits, name);
            continue;
        }
        sums->improper++;
        if (sums->warn)
            complain(sums->self, "%s: %llu: improperly formatted %s checksum line", shown,
                     (unsigned long long)number, sums->kind->name);
    }
    kfree(line.text);
    if (status != OK || reader->status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    if (reader->status != OK)
        return complain(sums->self, "%s: read error", shown);
    return conclude(sums, shown);
}

static int check(struct sums *sums, const char *name)
{
    struct reader reader;
    int status = reader_open(&reader, sums->self, name);
    if (status != OK)
        return complain(sums->self, "%s: %s", name, status_text(status));
    status = check_lines(sums, &reader, strcmp(name, "-") ? name : "'standard input'");
    reader_close(&reader);
    return status;
}

static int print(struct sums *sums, const char *name)
{
    uint8_t result[DIGEST_MOST];
    int status = sums_file(sums->self, sums->kind, name, result);
    if (status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    if (status != OK)
        return complain(sums->self, "%s: %s", name, status_text(status));
    sums_print(sums->self, sums->kind, result, name, sums->tag, sums->mark);
    return 0;
}

static int parse(struct sums *sums)
{
    struct invocation *self = sums->self;
    const char *only = NULL; /* what is of no use without -c */
    bool marked = false;
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        marked |= key == 'b' || key == 't';
        sums->mark = key == 'b' ? '*' : key == 't' ? ' ' : sums->mark;
        sums->check |= key == 'c';
        sums->tag |= key == TAG;
        sums->ignore_missing |= key == IGNORE_MISSING;
        sums->quiet |= key == QUIET;
        sums->status |= key == STATUS;
        sums->strict |= key == STRICT;
        sums->warn |= key == 'w';
    }
    only = sums->ignore_missing ? "ignore-missing"
           : sums->status       ? "status"
           : sums->warn         ? "warn"
           : sums->quiet        ? "quiet"
           : sums->strict       ? "strict"
                                : NULL;
    if (sums->check && sums->tag)
        return usage(self, "the --tag option is meaningless when verifying checksums");
    if (sums->check && marked)
        return usage(self, "the --binary and --text options are meaningless when verifying"
                           " checksums");
    if (!sums->check && only)
        return usage(self, "the --%s option is meaningful only when verifying checksums", only);
    return 0;
}

int sums_run(struct invocation *self, const struct digest_kind *kind)
{
    struct sums sums = {.self = self, .kind = kind, .mark = ' '};
    int worst = parse(&sums);
    if (worst)
        return worst;
    for (int i = self->next; i < MAX(self->argc, self->next + 1) && !self->output_failed; i++) {
        const char *name = i < self->argc ? self->argv[i] : "-";
        int status = sums.check ? check(&sums, name) : print(&sums, name);
        if (status == STATUS_INTERRUPTED)
            return status;
        worst |= status;
    }
    return worst;
}
