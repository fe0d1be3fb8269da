/*
 * What the tab key finds: commands where one is expected, a command's
 * sub-commands and options, files elsewhere. One match is put in; of several
 * the beginning that they share, and the next tab lists them.
 */
#include "kernel/command/command.h"
#include "kernel/mem/heap.h"
#include "kernel/terminal/edit.h"
#include "lib/printf.h"
#include "lib/string.h"

#define LIST_WIDTH 79 /* of what is listed, where nobody knows the terminal's */

/* Goes through all names that begin like the word at the cursor. */
struct completion {
    bool (*next)(struct completion *self); /* one of a kind's names, until there is none */
    const struct command *command;         /* that the line begins with, or its sub-command */
    const struct command *last;
    unsigned index;
    char end;                        /* what is put behind the match at hand */
    size_t length;                   /* of the word's last component */
    char directory[FS_PATH_MAX + 1]; /* of the names, with a slash at its end, or empty */
    char prefix[FS_NAME_MAX + 1];    /* that component */
    char name[FS_NAME_MAX + 1];      /* the match at hand */
    char common[FS_NAME_MAX + 1];    /* what all matches begin with */
    char group[FS_NAME_MAX + 1];     /* the first word of a sub-command's two, and a blank */
    char path[FS_PATH_MAX + FS_NAME_MAX + 2];
};

static bool next_command(struct completion *self)
{
    self->last = command_after(self->last ? self->last->name : NULL);
    snprintf(self->name, sizeof self->name, "%s", self->last ? self->last->name : "");
    return self->last != NULL;
}

/* Of those of a group, which stand together, only the next word counts. */
static bool next_subcommand(struct completion *self)
{
    const struct command *command;
    while ((command = self->command->subcommand(self->index++))) {
        const char *name = strchr(command->name, ' ') + 1;
        size_t skip = strlen(self->group), length = 0;
        if (strncmp(name, self->group, skip))
            continue;
        for (name += skip; name[length] && name[length] != ' ';)
            length++;
        if (!strncmp(name, self->name, length) && !self->name[length])
            continue;
        snprintf(self->name, sizeof self->name, "%.*s", (int)length, name);
        return true;
    }
    return false;
}

static bool next_option(struct completion *self)
{
    const struct option *option = &self->command->options[self->index];
    if (!option->key)
        return false;
    self->index++;
    if (option->name)
        snprintf(self->name, sizeof self->name, "--%s", option->name);
    else
        snprintf(self->name, sizeof self->name, "-%c", option->key);
    self->end = option->name && option->argument ? '=' : ' ';
    return true;
}

static bool next_name(struct completion *self)
{
    const char *name = self->command->names[self->index++];
    snprintf(self->name, sizeof self->name, "%s", name ? name : "");
    self->end = '=';
    return name != NULL;
}

static bool next_file(struct completion *self)
{
    struct file_information information;
    if (fs_entry(*self->directory ? self->directory : ".", self->index++, self->name) != OK)
        return false;
    snprintf(self->path, sizeof self->path, "%s%s", self->directory, self->name);
    bool directory =
        fs_information(self->path, &information) == OK && information.type == NODE_DIRECTORY;
    self->end = directory ? '/' : ' ';
    return true;
}

/* In the line a control character would be a key, and a newline its end. */
static bool can_be_typed(const char *name)
{
    while ((unsigned char)*name >= ' ' && *name != 127)
        name++;
    return !*name;
}

static bool next_match(struct completion *self)
{
    self->end = ' ';
    while (self->next(self)) {
        bool hidden = self->name[0] == '.' && self->prefix[0] != '.';
        if (!hidden && can_be_typed(self->name) && !strncmp(self->name, self->prefix, self->length))
            return true;
    }
    return false;
}

static void rewind(struct completion *self)
{
    self->last = NULL;
    self->index = 0;
    *self->name = 0;
}

/* Words behind which a command is expected still. */
static bool leads(const char *word)
{
    static const char *const words[] = {"if", "then",  "elif", "else", "while",
                                        "do", "until", "time", "!",    "{"};
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        if (!strcmp(word, words[i]))
            return true;
    return strchr(word, '=') != NULL;
}

/* A word of a sub-command's name: it is the command's now, or begins a group's. */
static void take_subcommand(struct completion *self)
{
    const struct command *found;
    size_t length = strlen(self->group);
    bool any = false;
    snprintf(self->group + length, sizeof self->group - length, "%s", self->name);
    length = strlen(self->group);
    for (unsigned i = 0; (found = self->command->subcommand(i)); i++) {
        const char *name = strchr(found->name, ' ') + 1;
        if (!strcmp(name, self->group)) {
            self->command = found;
            return;
        }
        any |= !strncmp(name, self->group, length) && name[length] == ' ';
    }
    snprintf(self->group + length, sizeof self->group - length, " ");
    if (!any)
        *self->group = 0;
}

/* Decides which names are wanted where the word begins at `start`, by the words before it. */
static void find_kind(struct completion *self, const struct editor *editor, size_t start)
{
    size_t at = start, words = 0;
    bool help = false;
    while (at && !strchr(";|&(", editor->line[at - 1]))
        at--;
    while (at < start) {
        size_t length = 0;
        for (; at < start && editor->line[at] != ' '; at++)
            if (length < FS_NAME_MAX)
                self->name[length++] = editor->line[at];
        self->name[length] = 0;
        while (at < start && editor->line[at] == ' ')
            at++;
        if (!length || (!words && leads(self->name)))
            continue;
        help = !strcmp(self->name, "help");
        if (!words++)
            self->command = command_find(self->name);
        else if ((words == 2 || *self->group) && !help && self->command &&
                 self->command->subcommand)
            take_subcommand(self);
    }
    self->next = next_file;
    if ((!words && !*self->directory) || (words == 1 && help))
        self->next = next_command;
    else if (self->prefix[0] == '-' && self->command && self->command->options)
        self->next = next_option;
    else if ((words == 1 || (words == 2 && help) || *self->group) && self->command &&
             self->command->subcommand)
        self->next = next_subcommand;
    else if (words && self->command && self->command->names && editor->line[start - 1] != '=')
        self->next = next_name;
    *self->name = 0;
}

/* Takes the word at the cursor apart, its backslashes dropped. False if it is too long to be a
 * name. */
static bool prepare(struct completion *self, const struct editor *editor)
{
    size_t length = 0, start = editor->cursor;
    while (start && (!strchr(" \t;|&<>()=\"'", editor->line[start - 1]) ||
                     (start > 1 && editor->line[start - 2] == '\\')))
        start--;
    for (size_t at = start; at < editor->cursor; at++) {
        if (editor->line[at] == '\\' && at + 1 < editor->cursor)
            at++;
        if (length == FS_PATH_MAX)
            return false;
        self->directory[length++] = editor->line[at];
    }
    const char *slash = strrchr(self->directory, '/');
    size_t at = slash ? (size_t)(slash + 1 - self->directory) : 0;
    self->length = length - at;
    if (self->length > FS_NAME_MAX)
        return false;
    memcpy(self->prefix, self->directory + at, self->length + 1);
    self->directory[at] = 0;
    find_kind(self, editor, start);
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
        size_t length = strlen(self->name);
        editor->put(editor->context, self->name, length);
        if (self->end != ' ') {
            editor->put(editor->context, &self->end, 1);
            length++;
        }
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
    char end = ' ';
    if (self && prepare(self, editor))
        for (; next_match(self); matches++) {
            if (!matches)
                memcpy(self->common, self->name, sizeof self->common);
            end = self->end;
            size_t same = 0;
            while (self->common[same] && self->common[same] == self->name[same])
                same++;
            while (same > self->length && ((unsigned char)self->common[same] & 0xC0) == 0x80)
                same--;
            self->common[same] = 0;
        }
    if (matches)
        insert(editor, self->common + self->length);
    if (matches == 1)
        editor_insert(editor, &end, 1);
    else if (matches && list && !self->common[self->length])
        list_matches(self, editor);
    else if (!matches || !self->common[self->length])
        editor->put(editor->context, "\a", 1);
    kfree(self);
}
