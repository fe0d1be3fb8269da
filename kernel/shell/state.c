/*
 * What a shell remembers: its files, variables and arguments, and how one
 * shell lives within another. Also its messages, since they say where it is.
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/internal.h"
#include "lib/printf.h"
#include "lib/string.h"

bool name_begins(char c)
{
    return c == '_' || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

size_t name_length(const char *text)
{
    size_t length = 0;
    while (name_begins(text[length]) || (length && text[length] >= '0' && text[length] <= '9'))
        length++;
    return length;
}

static struct variable **find(struct shell *shell, const char *name)
{
    struct variable **link = &shell->variables;
    while (*link && strcmp((*link)->name, name))
        link = &(*link)->next;
    return link;
}

const char *variable_get(struct shell *shell, const char *name)
{
    struct variable *variable = *find(shell, name);
    return variable ? variable->value : NULL;
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = kmalloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

bool variable_set(struct shell *shell, const char *name, const char *value)
{
    struct variable **link = find(shell, name), *variable = *link;
    char *copy = copy_text(value);
    if (copy && !variable) {
        size_t size = strlen(name) + 1;
        variable = *link = kcalloc(1, sizeof *variable + size);
        if (variable)
            memcpy(variable->name, name, size);
    }
    if (!copy || !variable) {
        kfree(copy);
        shell_no_memory(shell);
        return false;
    }
    kfree(variable->value);
    variable->value = copy;
    return true;
}

bool variable_export(struct shell *shell, const char *name)
{
    if (!variable_get(shell, name) && !variable_set(shell, name, ""))
        return false;
    (*find(shell, name))->exported = true;
    return true;
}

struct variable *variable_take(struct shell *shell, const char *name)
{
    struct variable **link = find(shell, name), *variable = *link;
    if (variable)
        *link = variable->next;
    return variable;
}

void variable_free(struct variable *variable)
{
    if (variable)
        kfree(variable->value);
    kfree(variable);
}

int arguments_count(const struct shell *shell)
{
    return shell->arguments ? shell->arguments->count - shell->shifted : 0;
}

const char *argument_get(const struct shell *shell, int number)
{
    bool there = number >= 1 && number <= arguments_count(shell);
    return there ? shell->arguments->items[shell->shifted + number - 1] : NULL;
}

bool arguments_set(struct shell *shell, int count, char *const *items)
{
    size_t size = sizeof(struct arguments) + (size_t)count * sizeof(char *);
    size_t strings = size;
    for (int i = 0; i < count; i++)
        size += strlen(items[i]) + 1;
    struct arguments *arguments = kmalloc(size);
    if (!arguments) {
        shell_no_memory(shell);
        return false;
    }
    arguments->count = count;
    for (int i = 0; i < count; i++) {
        size_t length = strlen(items[i]) + 1;
        arguments->items[i] = memcpy((char *)arguments + strings, items[i], length);
        strings += length;
    }
    kfree(shell->arguments);
    shell->arguments = arguments;
    shell->shifted = 0;
    return true;
}

struct shell *shell_new(struct file *in, struct file *out, struct file *error)
{
    struct shell *shell = kcalloc(1, sizeof *shell);
    if (!shell)
        return NULL;
    shell->name = "sh";
    shell->file[0] = file_share(in);
    shell->file[1] = file_share(out);
    shell->file[2] = file_share(error);
    return shell;
}

void shell_free(struct shell *shell)
{
    if (!shell)
        return;
    while (shell->variables)
        variable_free(variable_take(shell, shell->variables->name));
    for (int i = 0; i < 3; i++)
        file_close(shell->file[i]);
    kfree(shell->arguments);
    kfree(shell->directory);
    kfree(shell);
}

static bool inherit(struct shell *shell, const struct shell *parent, bool whole)
{
    for (struct variable *from = parent->variables; from; from = from->next) {
        if (!whole && !from->exported)
            continue;
        if (!variable_set(shell, from->name, from->value))
            return false;
        struct variable *copy = *find(shell, from->name);
        if (copy)
            copy->exported = from->exported;
    }
    int count = whole ? arguments_count(parent) : 0;
    if (count && !arguments_set(shell, count, parent->arguments->items + parent->shifted))
        return false;
    shell->directory = copy_text(fs_working_directory());
    return shell->directory != NULL;
}

struct shell *shell_enter(const struct shell *parent, bool whole)
{
    struct shell *shell = shell_new(parent->file[0], parent->file[1], parent->file[2]);
    if (!shell)
        return NULL;
    shell->depth = parent->depth;
    if (whole) {
        shell->name = parent->name;
        shell->status = parent->status;
        shell->line = parent->line;
        shell->loops = parent->loops;
        shell->conditions = parent->conditions;
        shell->exit_on_error = parent->exit_on_error;
        shell->trace = parent->trace;
        shell->interactive = parent->interactive;
    }
    if (inherit(shell, parent, whole))
        return shell;
    shell_free(shell);
    return NULL;
}

int shell_leave(struct shell *shell)
{
    int status = shell->status;
    if (shell->directory && strcmp(shell->directory, fs_working_directory()))
        fs_change_directory(shell->directory);
    shell_free(shell);
    return status;
}

static void say(struct shell *shell, const char *format, va_list arguments)
{
    char text[200], place[24] = "";
    if (!shell->interactive && shell->line)
        snprintf(place, sizeof place, "line %u: ", shell->line);
    snprintf(text, sizeof text, "%.60s: %s", shell->name, place);
    size_t length = strlen(text), room = sizeof text - length;
    int more = vsnprintf(text + length, room, format, arguments);
    length += MIN((size_t)MAX(more, 0), room - 1);
    text[length == sizeof text - 1 ? length - 1 : length] = '\n';
    file_write(shell->file[2], text, MIN(length + 1, sizeof text - 1));
}

void shell_say(struct shell *shell, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(shell, format, arguments);
    va_end(arguments);
}

int shell_fail(struct shell *shell, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(shell, format, arguments);
    va_end(arguments);
    shell->leaving = LEAVE_SCRIPT;
    return shell->status = status;
}

int shell_no_memory(struct shell *shell)
{
    return shell_fail(shell, 2, "%s", status_text(ERR_NO_MEMORY));
}
