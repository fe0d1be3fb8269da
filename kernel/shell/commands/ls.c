/* ls: names, one a line, or in columns where a person reads them. */
#include "kernel/command/command.h"
#include "kernel/command/path.h"
#include "kernel/console.h"
#include "kernel/mem/arena.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/rtc.h"
#include "lib/calendar.h"
#include "lib/printf.h"
#include "lib/string.h"

#define SCREEN_WIDTH 80
#define SIZE_TEXT    24

struct ls {
    struct invocation *self;
    bool all, almost, details, directories, human, one, reverse;
    int order;                   /* the option that says it; 0: by name */
    int links_width, size_width; /* of the columns at hand */
};

static const char *mode_text(enum node_type type)
{
    switch (type) {
    case NODE_DIRECTORY:
        return "drwxr-xr-x";
    case NODE_BLOCK:
        return "brw-rw----";
    case NODE_CHARACTER:
        return "crw-rw-rw-";
    case NODE_FILE:
        break;
    }
    return "-rw-r--r--";
}

/* "12345", or with -h "13K": one decimal below ten, rounded up. */
static int size_text(const struct ls *ls, char text[SIZE_TEXT], uint64_t bytes)
{
    const char *unit = "KMGTPE";
    uint64_t scale = 1024;
    if (!ls->human || bytes < scale)
        return snprintf(text, SIZE_TEXT, "%llu", (unsigned long long)bytes);
    while (bytes / scale >= 1024 || (bytes - 1) / scale + 1 == 1024) {
        scale *= 1024;
        unit++;
    }
    unsigned long long whole = (bytes - 1) / scale + 1;
    unsigned long long tenths = 10 * (bytes / scale) + (10 * (bytes % scale) + scale - 1) / scale;
    if (tenths >= 100)
        return snprintf(text, SIZE_TEXT, "%llu%c", whole, *unit);
    return snprintf(text, SIZE_TEXT, "%llu.%llu%c", tenths / 10, tenths % 10, *unit);
}

/* Columns are as wide as the widest entry needs them. */
static void measure(struct ls *ls, const struct file_information *information)
{
    char text[SIZE_TEXT];
    ls->size_width = MAX(ls->size_width, size_text(ls, text, information->size));
    ls->links_width = MAX(ls->links_width, snprintf(text, sizeof text, "%u", information->links));
}

/* The time of the last change, or the year if that is another or the future. */
static void print_time(struct ls *ls, uint64_t changed)
{
    const uint64_t half_year = 15778476 * NS_PER_SEC;
    uint64_t now = rtc_time(clock_ns()), then = rtc_time(changed);
    struct calendar date = calendar_from((int64_t)(then / NS_PER_SEC));
    out(ls->self, " %.3s %2u ", calendar_months[date.month - 1], date.day);
    if (then <= now && now - then < half_year)
        out(ls->self, "%02u:%02u ", date.hour, date.minute);
    else
        out(ls->self, "%5lld ", (long long)date.year);
}

/* Everything here is root's; a device has its size where elsewhere its numbers are. */
static void print_name(struct ls *ls, const char *name, const struct file_information *information)
{
    char size[SIZE_TEXT];
    if (ls->details) {
        size_text(ls, size, information->size);
        out(ls->self, "%s %*u root root %*s", mode_text(information->type), ls->links_width,
            information->links, ls->size_width, size);
        print_time(ls, information->changed);
    }
    out(ls->self, "%s\n", name);
}

struct entry {
    const char *name;
    int status; /* of asking what it is */
    struct file_information information;
};

static uint64_t rank(const struct ls *ls, const struct entry *entry)
{
    return ls->order == 't'   ? entry->information.changed
           : ls->order == 'S' ? entry->information.size
                              : 0;
}

static bool is_behind(const struct ls *ls, const struct entry *a, const struct entry *b)
{
    uint64_t x = rank(ls, a), y = rank(ls, b);
    int sign = x == y ? strcmp(a->name, b->name) : x < y ? 1 : -1;
    return ls->reverse ? sign < 0 : sign > 0;
}

static void sort(const struct ls *ls, struct entry *entries, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        for (unsigned j = i; j > 0 && is_behind(ls, &entries[j - 1], &entries[j]); j--) {
            struct entry entry = entries[j];
            entries[j] = entries[j - 1];
            entries[j - 1] = entry;
        }
}

/* What a directory has to show, in order, or NULL without memory. */
static struct entry *gather(const struct ls *ls, const char *directory, struct arena *arena,
                            unsigned *total)
{
    char name[FS_NAME_MAX + 1], path[FS_PATH_MAX];
    unsigned dots = ls->all ? 2 : 0, most = dots;
    while (fs_entry(directory, most - dots, name) == OK)
        most++;
    struct entry *entries = arena_get(arena, most * sizeof *entries);
    *total = 0;
    for (unsigned i = 0; i < most && !arena->failed; i++) {
        if (i < dots)
            snprintf(name, sizeof name, "%s", i ? ".." : ".");
        else if (fs_entry(directory, i - dots, name) != OK ||
                 (name[0] == '.' && !ls->all && !ls->almost))
            continue;
        struct entry *entry = &entries[(*total)++];
        *entry = (struct entry){.name = arena_copy(arena, name, strlen(name)),
                                .status = ERR_NAME_TOO_LONG};
        if (path_join(path, directory, name))
            entry->status = fs_information(path, &entry->information);
    }
    if (arena->failed)
        return NULL;
    sort(ls, entries, *total);
    return entries;
}

static int list_lines(struct ls *ls, const char *directory, const struct entry *entries,
                      unsigned count)
{
    int worst = 0;
    ls->links_width = ls->size_width = 1;
    for (unsigned i = 0; i < count; i++)
        if (entries[i].status == OK)
            measure(ls, &entries[i].information);
    for (unsigned i = 0; i < count && !ls->self->output_failed; i++) {
        if (console_interrupted())
            return STATUS_INTERRUPTED;
        if (entries[i].status == OK)
            print_name(ls, entries[i].name, &entries[i].information);
        else
            worst = complain(ls->self, "cannot access '%s/%s': %s", directory, entries[i].name,
                             status_text(entries[i].status));
    }
    return worst;
}

/* As on a telephone book's page: down the first column, then down the next. */
static int list_columns(struct ls *ls, const struct entry *entries, unsigned count)
{
    size_t width = 3;
    for (unsigned i = 0; i < count; i++)
        width = MAX(width, strlen(entries[i].name) + 2);
    unsigned columns = (unsigned)MAX(SCREEN_WIDTH / width, (size_t)1);
    unsigned rows = (count + columns - 1) / columns;
    for (unsigned row = 0; row < rows && !console_interrupted(); row++)
        for (unsigned i = row; i < count; i += rows) {
            bool last = i + rows >= count;
            out(ls->self, "%-*s%s", last ? 0 : (int)width, entries[i].name, last ? "\n" : "");
        }
    return console_interrupted() ? STATUS_INTERRUPTED : 0;
}

static int no_memory(struct ls *ls)
{
    complain(ls->self, "%s", status_text(ERR_NO_MEMORY));
    return 2;
}

static int list_directory(struct ls *ls, const char *directory)
{
    bool lines = ls->one || ls->details || !file_is_console(ls->self->out);
    struct arena arena = {0};
    unsigned count;
    const struct entry *entries = gather(ls, directory, &arena, &count);
    int status = !entries ? no_memory(ls)
                 : lines  ? list_lines(ls, directory, entries, count)
                          : list_columns(ls, entries, count);
    arena_free(&arena);
    return status;
}

/* By its own name, not by what is in it. */
static bool is_listed(const struct ls *ls, const struct file_information *information)
{
    return ls->directories || information->type != NODE_DIRECTORY;
}

/* First what is wrong, then the files, then what is in the directories. */
static int list_sorted(struct ls *ls, const struct entry *entries, unsigned count)
{
    struct invocation *self = ls->self;
    int worst = 0;
    bool printed = false;
    ls->links_width = ls->size_width = 1;
    for (unsigned i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        if (entry->status == OK && is_listed(ls, &entry->information))
            measure(ls, &entry->information);
        if (entry->status != OK) {
            complain(self, "cannot access '%s': %s", entry->name, status_text(entry->status));
            worst = 2;
        }
    }
    for (unsigned i = 0; i < count; i++)
        if (entries[i].status == OK && is_listed(ls, &entries[i].information)) {
            print_name(ls, entries[i].name, &entries[i].information);
            printed = true;
        }
    for (unsigned i = 0; i < count && worst != STATUS_INTERRUPTED; i++) {
        if (entries[i].status != OK || is_listed(ls, &entries[i].information))
            continue;
        if (count > 1)
            out(self, "%s%s:\n", printed ? "\n" : "", entries[i].name);
        printed = true;
        worst = MAX(worst, list_directory(ls, entries[i].name));
    }
    return worst;
}

static int list_operands(struct ls *ls, char **names, unsigned count)
{
    struct arena arena = {0};
    struct entry *entries = arena_get(&arena, count * sizeof *entries);
    for (unsigned i = 0; entries && i < count; i++) {
        entries[i] = (struct entry){.name = names[i]};
        entries[i].status = fs_information(names[i], &entries[i].information);
    }
    if (entries)
        sort(ls, entries, count);
    int status = entries ? list_sorted(ls, entries, count) : no_memory(ls);
    arena_free(&arena);
    return status;
}

static const struct option options[] = {
    {'1', NULL, NULL, "one name a line"},
    {'a', "all", NULL, "names that begin with a dot, too"},
    {'A', "almost-all", NULL, "the same without . and .."},
    {'d', "directory", NULL, "directories themselves, not what is in them"},
    {'h', "human-readable", NULL, "with -l, sizes in K, M, G"},
    {'l', NULL, NULL, "kind, links, owner, size, last change and name"},
    {'r', "reverse", NULL, "in reverse order"},
    {'S', NULL, NULL, "the largest first"},
    {'t', NULL, NULL, "the last changed first"},
    {0}};

static int ls(struct invocation *self)
{
    struct ls ls = {.self = self};
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 2;
        ls.one |= key == '1';
        ls.all |= key == 'a';
        ls.almost |= key == 'A';
        ls.directories |= key == 'd';
        ls.human |= key == 'h';
        ls.details |= key == 'l';
        ls.reverse |= key == 'r';
        if (key == 't' || key == 'S')
            ls.order = key;
    }
    static char dot[] = ".";
    char *alone[] = {dot};
    if (self->next < self->argc)
        return list_operands(&ls, self->argv + self->next, (unsigned)(self->argc - self->next));
    return ls.directories ? list_operands(&ls, alone, 1) : list_directory(&ls, ".");
}

COMMAND(ls, .summary = "list directories", .operands = "[FILE]...", .options = options,
        .usage_status = 2, .run = ls)
