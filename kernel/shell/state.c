/*
 * What a shell remembers: its files, variables and arguments, and how one
 * shell lives within another. Also its messages, since they say where it is.
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/shell.h"
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

/* Puts a variable at *link, in the place of its older value if there is one. */
static bool put(struct shell *shell, struct variable **link, const char *name, const char *value)
{
    size_t length = strlen(name) + 1, size = strlen(value) + 1;
    struct variable *old = *link, *variable = kmalloc(sizeof *variable + length + size);
    if (!variable)
        return shell_no_memory(shell) == 0;
    *variable = old ? *old : (struct variable){0};
    memcpy(variable->name, name, length);
    variable->value = memcpy(variable->name + length, value, size);
    *link = variable;
    kfree(old);
    return true;
}

bool variable_set(struct shell *shell, const char *name, const char *value)
{
    return put(shell, find(shell, name), name, value);
}

bool variable_set_here(struct shell *shell, const char *name, const char *value)
{
    struct variable *front = NULL;
    if (!put(shell, &front, name, value))
        return false;
    front->exported = true;
    front->scope = shell->depth;
    front->next = shell->variables;
    shell->variables = front;
    return true;
}

bool variable_export(struct shell *shell, const char *name)
{
    struct variable **link = find(shell, name);
    if (*link || put(shell, link, name, ""))
        (*link)->exported = true;
    return *link != NULL;
}

static void drop(struct variable **link)
{
    struct variable *variable = *link;
    *link = variable->next;
    kfree(variable);
}

void variable_unset(struct shell *shell, const char *name)
{
    struct variable **link = find(shell, name);
    if (*link)
        drop(link);
}

void variables_end_scope(struct shell *shell)
{
    struct variable **link = &shell->variables;
    while (*link)
        if ((*link)->scope && (*link)->scope >= shell->depth)
            drop(link);
        else
            link = &(*link)->next;
}

bool arguments_set(struct shell *shell, int count, char *const *items)
{
    struct arena memory = {0};
    char **copies = arena_get(&memory, (size_t)count * sizeof *copies);
    for (int i = 0; i < count && !memory.failed; i++)
        copies[i] = arena_copy(&memory, items[i], strlen(items[i]));
    if (memory.failed) {
        arena_free(&memory);
        return shell_no_memory(shell) == 0;
    }
    arena_free(&shell->arguments_memory);
    shell->arguments_memory = memory;
    shell->arguments = copies;
    shell->argument_count = count;
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
        drop(&shell->variables);
    for (int i = 0; i < 3; i++)
        file_close(shell->file[i]);
    if (shell->directory)
        node_release(shell->directory);
    arena_free(&shell->arguments_memory);
    kfree(shell);
}

/* Where a name is there twice, the first hides the other. */
static bool inherit(struct shell *shell, const struct shell *parent, bool whole)
{
    for (struct variable *from = parent->variables; from; from = from->next) {
        struct variable **link = find(shell, from->name);
        if ((!whole && !from->exported) || *link)
            continue;
        if (!put(shell, link, from->name, from->value))
            return false;
        (*link)->exported = from->exported;
    }
    return !whole || arguments_set(shell, parent->argument_count, parent->arguments);
}

struct shell *shell_enter(const struct shell *parent, struct file *in, struct file *out, bool whole)
{
    struct shell *shell = shell_new(in, out, parent->file[2]);
    if (!shell)
        return NULL;
    if (whole) {
        *shell = *parent;
        shell->file[0] = in;
        shell->file[1] = out;
    }
    shell->depth = parent->depth;
    shell->variables = NULL;
    shell->arguments_memory = (struct arena){0};
    shell->directory = fs_hold_directory();
    if (inherit(shell, parent, whole))
        return shell;
    shell_free(shell);
    return NULL;
}

void shell_return(struct shell *shell)
{
    shell->directory->references++;
    fs_return_directory(shell->directory);
}

int shell_leave(struct shell *shell)
{
    int status = shell->status;
    shell_return(shell);
    shell_free(shell);
    return status;
}

void shell_say(struct shell *shell, const char *format, ...)
{
    char text[200];
    va_list arguments;
    size_t length = (size_t)snprintf(text, sizeof text, "%.60s: ", shell->name);
    if (!shell->interactive && shell->line)
        length += (size_t)snprintf(text + length, sizeof text - length, "line %u: ", shell->line);
    va_start(arguments, format);
    vsnprintf(text + length, sizeof text - length - 1, format, arguments);
    va_end(arguments);
    length = strlen(text);
    text[length] = '\n';
    file_write(shell->file[2], text, length + 1);
}

int shell_stop(struct shell *shell, int status)
{
    shell->leaving = LEAVE_SCRIPT;
    return shell->status = status;
}

int shell_no_memory(struct shell *shell)
{
    return shell_fail(shell, 2, "%s", status_text(ERR_NO_MEMORY));
}
