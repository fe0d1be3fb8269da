/* ls: names, one a line, or in columns where a person reads them. */
#include "kernel/console.h"
#include "kernel/shell/command.h"
#include "kernel/shell/path.h"
#include "lib/string.h"

#define SCREEN_WIDTH 80

struct ls {
    struct invocation *self;
    bool all, details, one;
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

static void print_name(struct ls *ls, const char *name, const struct file_information *information)
{
    if (ls->details)
        out(ls->self, "%s %12llu ", mode_text(information->type),
            (unsigned long long)information->size);
    out(ls->self, "%s\n", name);
}

static int print_entry(struct ls *ls, const char *directory, const char *name)
{
    char path[FS_PATH_MAX];
    struct file_information information = {.type = NODE_FILE};
    int status =
        path_join(path, directory, name) ? fs_information(path, &information) : ERR_NAME_TOO_LONG;
    if (status == OK)
        print_name(ls, name, &information);
    return status == OK ? 0
                        : complain(ls->self, "cannot access '%s/%s': %s", directory, name,
                                   status_text(status));
}

static int list_lines(struct ls *ls, const char *directory)
{
    char name[FS_NAME_MAX + 1];
    int worst = 0;
    if (ls->all) {
        worst |= print_entry(ls, directory, ".");
        worst |= print_entry(ls, directory, "..");
    }
    for (unsigned i = 0; !ls->self->output_failed && fs_entry(directory, i, name) == OK; i++) {
        if (console_interrupted())
            return STATUS_INTERRUPTED;
        if (ls->all || name[0] != '.')
            worst |= print_entry(ls, directory, name);
    }
    return worst;
}

/* As on a telephone book's page: down the first column, then down the next. */
static int list_columns(struct ls *ls, const char *directory)
{
    char name[FS_NAME_MAX + 1];
    unsigned hidden = 0, total = 0;
    size_t width = 0;
    for (; fs_entry(directory, total, name) == OK; total++) {
        hidden += name[0] == '.';
        width = MAX(width, strlen(name) + 2);
    }
    if (ls->all || hidden || width == 0)
        return list_lines(ls, directory);
    unsigned columns = (unsigned)MAX(SCREEN_WIDTH / width, (size_t)1);
    unsigned rows = (total + columns - 1) / columns;
    for (unsigned row = 0; row < rows; row++)
        for (unsigned i = row; i < total; i += rows) {
            if (console_interrupted())
                return STATUS_INTERRUPTED;
            if (fs_entry(directory, i, name) != OK)
                continue;
            bool last = i + rows >= total;
            out(ls->self, "%-*s%s", last ? 0 : (int)width, name, last ? "\n" : "");
        }
    return 0;
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

/* First what is wrong, then the files, then what is in the directories. */
static int list_operands(struct ls *ls)
{
    struct invocation *self = ls->self;
    char **names = self->argv + self->next;
    int count = self->argc - self->next, worst = 0;
    struct file_information information;
    bool printed = false;
    sort(names, count);
    for (int i = 0; i < count; i++) {
        int status = fs_information(names[i], &information);
        if (status != OK) {
            complain(self, "cannot access '%s': %s", names[i], status_text(status));
            worst = 2;
        }
    }
    for (int i = 0; i < count; i++)
        if (fs_information(names[i], &information) == OK && information.type != NODE_DIRECTORY) {
            print_name(ls, names[i], &information);
            printed = true;
        }
    for (int i = 0; i < count && worst != STATUS_INTERRUPTED; i++) {
        if (!path_is_directory(names[i]))
            continue;
        if (count > 1)
            out(self, "%s%s:\n", printed ? "\n" : "", names[i]);
        printed = true;
        worst = MAX(worst, list_directory(ls, names[i]));
    }
    return worst;
}

static const struct option options[] = {{'1', NULL, NULL, "one name a line"},
                                        {'a', "all", NULL, "names that begin with a dot, too"},
                                        {'l', NULL, NULL, "type, size and name"},
                                        {0}};

static int ls(struct invocation *self)
{
    struct ls ls = {.self = self};
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 2;
        ls.one |= key == '1';
        ls.all |= key == 'a';
        ls.details |= key == 'l';
    }
    return self->next == self->argc ? list_directory(&ls, ".") : list_operands(&ls);
}

COMMAND(ls, .summary = "list directories", .operands = "[FILE]...", .options = options,
        .usage_status = 2, .run = ls)
