/*
 * What the tab key finds: commands where one is expected, files elsewhere. One
 * match is put in; of several the beginning that they share, and the next tab
 * lists them.
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/command.h"
#include "kernel/terminal/edit.h"
#include "lib/printf.h"
#include "lib/string.h"

#define LIST_WIDTH 79 /* of what is listed, where nobody knows the terminal's */

/* Goes through all names that begin like the word at the cursor. */
struct completion {
    bool commands;
    const struct command *command;
    unsigned index;
    size_t length;                   /* of the word's last component */
    char directory[FS_PATH_MAX + 1]; /* of the names, with a slash at its end, or empty */
    char prefix[FS_NAME_MAX + 1];    /* that component */
    char name[FS_NAME_MAX + 1];      /* the match at hand */
    char common[FS_NAME_MAX + 1];    /* what all matches begin with */
    char path[FS_PATH_MAX + FS_NAME_MAX + 2];
};

static bool next_match(struct completion *self)
{
    for (;;) {
        if (self->commands) {
            self->command = command_after(self->command ? self->command->name : NULL);
            if (!self->command)
                return false;
            snprintf(self->name, sizeof self->name, "%s", self->command->name);
        } else if (fs_entry(*self->directory ? self->directory : ".", self->index++, self->name) !=
                   OK) {
            return false;
        }
        bool hidden = self->name[0] == '.' && self->prefix[0] != '.' && !self->commands;
        if (!hidden && !strncmp(self->name, self->prefix, self->length))
            return true;
    }
}

static void rewind(struct completion *self)
{
    self->command = NULL;
    self->index = 0;
}

/* Where the word at the cursor begins, and whether a command's name is expected there. */
static size_t find_word(const struct editor *editor, bool *first)
{
    size_t start = editor->cursor;
    while (start && (!strchr(" \t;|&<>()=\"'", editor->line[start - 1]) ||
                     (start > 1 && editor->line[start - 2] == '\\')))
        start--;
    size_t before = start;
    while (before && editor->line[before - 1] == ' ')
        before--;
    *first = !before || strchr(";|&(", editor->line[before - 1]);
    return start;
}

/* Takes the word apart, its backslashes dropped. False if it is too long to be a name. */
static bool prepare(struct completion *self, const struct editor *editor)
{
    bool first;
    size_t length = 0, start = find_word(editor, &first);
    for (; start < editor->cursor; start++) {
        if (editor->line[start] == '\\' && start + 1 < editor->cursor)
            start++;
        if (length == FS_PATH_MAX)
            return false;
        self->directory[length++] = editor->line[start];
    }
    self->directory[length] = 0;
    const char *slash = strrchr(self->directory, '/');
    size_t at = slash ? (size_t)(slash + 1 - self->directory) : 0;
    self->commands = first && !slash;
    self->length = length - at;
    if (self->length > FS_NAME_MAX)
        return false;
    memcpy(self->prefix, self->directory + at, self->length + 1);
    self->directory[at] = 0;
    return true;
}

/* Puts in what is known behind the prefix, with a backslash before what the shell would eat. */
static void insert(struct editor *editor, const char *text)
{
    for (; *text; text++) {
        if (strchr(" \t\"'\\$`;|&<>()*?[#", *text))
            editor_insert(editor, "\\", 1);
        size_t length = 1;
        while (((unsigned char)text[length] & 0xC0) == 0x80)
            length++;
        editor_insert(editor, text, length);
        text += length - 1;
    }
}

static bool is_directory(struct completion *self, const char *name)
{
    struct file_information information;
    snprintf(self->path, sizeof self->path, "%s%s", self->directory, name);
    return !self->commands && fs_information(self->path, &information) == OK &&
           information.type == NODE_DIRECTORY;
}

static void list_matches(struct completion *self, struct editor *editor)
{
    size_t widest = 0, used = 0;
    for (rewind(self); next_match(self);)
        widest = MAX(widest, strlen(self->name) + 3);
    editor_list_begin(editor);
    for (rewind(self); next_match(self); used += widest) {
        if (used && used + widest > MIN(editor->columns, (size_t)LIST_WIDTH)) {
            editor->put(editor->context, "\n", 1);
            used = 0;
        }
        snprintf(self->path, sizeof self->path, "%s%s", self->name,
                 is_directory(self, self->name) ? "/" : "");
        size_t length = strlen(self->path);
        editor->put(editor->context, self->path, length);
        for (; length < widest; length++)
            editor->put(editor->context, " ", 1);
    }
    editor->put(editor->context, "\n", 1);
    editor_list_end(editor);
}

void complete(struct editor *editor, bool list)
{
    struct completion *self = kcalloc(1, sizeof *self);
    unsigned matches = 0;
    if (self && prepare(self, editor))
        for (; next_match(self); matches++) {
            if (!matches)
                memcpy(self->common, self->name, sizeof self->common);
            size_t same = 0;
            while (self->common[same] && self->common[same] == self->name[same])
                same++;
            while (same && ((unsigned char)self->common[same] & 0xC0) == 0x80)
                same--;
            self->common[same] = 0;
        }
    if (matches)
        insert(editor, self->common + self->length);
    if (matches == 1)
        editor_insert(editor, is_directory(self, self->common) ? "/" : " ", 1);
    else if (matches && list && !self->common[self->length])
        list_matches(self, editor);
    else if (!matches || !self->common[self->length])
        editor->put(editor->context, "\a", 1);
    kfree(self);
}
