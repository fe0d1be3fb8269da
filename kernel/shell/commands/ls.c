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
    bool all, almost, details, directories, human, one;
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

/* One entry of a directory: measured first, printed then. */
static int do_entry(struct ls *ls, const char *directory, const char *name, bool print)
{
    char path[FS_PATH_MAX];
    struct file_information information = {.type = NODE_FILE};
    int status =
        path_join(path, directory, name) ? fs_information(path, &information) : ERR_NAME_TOO_LONG;
    if (status == OK && print)
        print_name(ls, name, &information);
    else if (status == OK)
        measure(ls, &information);
    else if (print)
        return complain(ls->self, "cannot access '%s/%s': %s", directory, name,
                        status_text(status));
    return 0;
}

static bool is_shown(const struct ls *ls, const char *name)
{
    return ls->all || ls->almost || name[0] != '.';
}

static int do_entries(struct ls *ls, const char *directory, bool print)
{
    char name[FS_NAME_MAX + 1];
    int worst = 0;
    if (ls->all) {
        worst |= do_entry(ls, directory, ".", print);
        worst |= do_entry(ls, directory, "..", print);
    }
    for (unsigned i = 0; !ls->self->output_failed && fs_entry(directory, i, name) == OK; i++) {
        if (console_interrupted())
            return STATUS_INTERRUPTED;
        if (is_shown(ls, name))
            worst |= do_entry(ls, directory, name, print);
    }
    return worst;
}

static int list_lines(struct ls *ls, const char *directory)
{
    ls->links_width = ls->size_width = 1;
    int status = ls->details ? do_entries(ls, directory, false) : 0;
    return status ? status : do_entries(ls, directory, true);
}

/* As on a telephone book's page: down the first column, then down the next. */
static int list_columns(struct ls *ls, const char *directory)
{
    char name[FS_NAME_MAX + 1];
    struct arena arena = {0};
    unsigned count = 0, dots = ls->all ? 2 : 0;
    size_t width = 3;
    while (fs_entry(directory, count, name) == OK)
        count++;
    char **names = arena_get(&arena, (count + dots) * sizeof *names);
    unsigned total = 0, most = count + dots;
    for (unsigned i = 0; i < most && !arena.failed; i++) {
        if (i < dots)
            snprintf(name, sizeof name, "%s", i ? ".." : ".");
        else if (fs_entry(directory, i - dots, name) != OK || !is_shown(ls, name))
            continue;
        names[total++] = arena_copy(&arena, name, strlen(name));
        width = MAX(width, strlen(name) + 2);
    }
    unsigned columns = (unsigned)MAX(SCREEN_WIDTH / width, (size_t)1);
    unsigned rows = (total + columns - 1) / columns;
    for (unsigned row = 0; row < rows && !arena.failed && !console_interrupted(); row++)
        for (unsigned i = row; i < total; i += rows) {
            bool last = i + rows >= total;
            out(ls->self, "%-*s%s", last ? 0 : (int)width, names[i], last ? "\n" : "");
        }
    if (arena.failed)
        complain(ls->self, "%s", status_text(ERR_NO_MEMORY));
    int status = console_interrupted() ? STATUS_INTERRUPTED : arena.failed ? 2 : 0;
    arena_free(&arena);
    return status;
}

static int list_directory(struct ls *ls, const char *directory)
{
    bool lines = ls->one || ls->details || !file_is_console(ls->self->out);
    return lines ? list_lines(ls, directory) : list_columns(ls, directory);
}

static void sort(char **names, int count)
{
    for (int i = 1; i < count; i++)
        for (int j = i; j > 0 && strcmp(names[j - 1], names[j]) > 0; j--) {
            char *name = names[j];
            names[j] = names[j - 1];
            names[j - 1] = name;
        }
}

/* By its own name, not by what is in it. */
static bool is_listed(const struct ls *ls, const struct file_information *information)
{
    return ls->directories || information->type != NODE_DIRECTORY;
}

/* First what is wrong, then the files, then what is in the directories. */
static int list_operands(struct ls *ls, char **names, int count)
{
    struct invocation *self = ls->self;
    int worst = 0;
    struct file_information information;
    bool printed = false;
    sort(names, count);
    ls->links_width = ls->size_width = 1;
    for (int i = 0; i < count; i++) {
        int status = fs_information(names[i], &information);
        if (status == OK && is_listed(ls, &information))
            measure(ls, &information);
        if (status != OK) {
            complain(self, "cannot access '%s': %s", names[i], status_text(status));
            worst = 2;
        }
    }
    for (int i = 0; i < count; i++)
        if (fs_information(names[i], &information) == OK && is_listed(ls, &information)) {
            print_name(ls, names[i], &information);
            printed = true;
        }
    for (int i = 0; i < count && worst != STATUS_INTERRUPTED; i++) {
        if (ls->directories || !path_is_directory(names[i]))
            continue;
        if (count > 1)
            out(self, "%s%s:\n", printed ? "\n" : "", names[i]);
        printed = true;
        worst = MAX(worst, list_directory(ls, names[i]));
    }
    return worst;
}

static const struct option options[] = {
    {'1', NULL, NULL, "one name a line"},
    {'a', "all", NULL, "names that begin with a dot, too"},
    {'A', "almost-all", NULL, "the same without . and .."},
    {'d', "directory", NULL, "directories themselves, not what is in them"},
    {'h', "human-readable", NULL, "with -l, sizes in K, M, G"},
    {'l', NULL, NULL, "kind, links, owner, size, last change and name"},
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
    }
    static char dot[] = ".";
    char *alone[] = {dot};
    if (self->next < self->argc)
        return list_operands(&ls, self->argv + self->next, self->argc - self->next);
    return ls.directories ? list_operands(&ls, alone, 1) : list_directory(&ls, ".");
}

COMMAND(ls, .summary = "list directories", .operands = "[FILE]...", .options = options,
        .usage_status = 2, .run = ls)
