/*
 * sh, `.` and eval: run a script in a shell of its own, or text in this one.
 */
#include "kernel/command/reader.h"
#include "kernel/shell/shell.h"
#include "lib/string.h"

static const struct option options[] = {{'c', NULL, "TEXT", "run TEXT instead of a file"},
                                        {'e', NULL, NULL, "exit when a command fails"},
                                        {'x', NULL, NULL, "print commands before they run"},
                                        {0}};

/* Reads the open file, closes it, and runs what it says; `name` is what messages call it. */
static int run_file(struct shell *shell, const char *name, struct file *file)
{
    struct arena arena = {0};
    struct text text = {.arena = &arena};
    int status = reader_all(file, &text);
    file_close(file);
    if (status != OK)
        shell_say(shell, "cannot read %.100s: %s", name, status_text(status));
    status = status == OK ? 0 : STATUS_NOT_RUN;
    if (text.bytes && !status)
        status = shell_run_source(shell, name, text.bytes, text.length, NULL);
    arena_free(&arena);
    return shell->status = status;
}

/* The same by its path. */
static int run_path(struct shell *shell, const char *path)
{
    struct file *file;
    int status = file_open(path, O_READ, &file);
    if (status == OK)
        return run_file(shell, path, file);
    shell_say(shell, "cannot open %.100s: %s", path, status_text(status));
    return shell->status = status == ERR_NOT_FOUND ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
}

int shell_run_script(struct shell *parent, int argc, char **argv)
{
    struct file *file;
    int status = file_open(argv[0], O_READ, &file);
    if (status != OK) {
        shell_say(parent, "%.100s: %s", argv[0],
                  status == ERR_NOT_FOUND ? "not found" : status_text(status));
        return status == ERR_NOT_FOUND ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
    }
    struct shell *shell = shell_enter(parent, parent->file[0], parent->file[1], false);
    if (!shell) {
        file_close(file);
        return shell_no_memory(parent);
    }
    shell->name = argv[0];
    if (arguments_set(shell, argc - 1, argv + 1))
        run_file(shell, argv[0], file);
    else
        file_close(file);
    return shell_leave(shell);
}

static int run_sh(struct invocation *self)
{
    const char *text = NULL;
    bool exit_on_error = false, trace = false;
    int key;
    while ((key = option_next(self)) > 0) {
        if (key == 'c')
            text = self->argument;
        exit_on_error |= key == 'e';
        trace |= key == 'x';
    }
    if (key < 0)
        return STATUS_USAGE;
    struct shell *shell = shell_enter(self->shell, self->in, self->out, false);
    if (!shell)
        return shell_no_memory(self->shell);
    shell->exit_on_error = exit_on_error;
    shell->trace = trace;
    char **operands = self->argv + self->next;
    int count = self->argc - self->next;
    if (count)
        shell->name = operands[0];
    if (count > 1 && !arguments_set(shell, count - 1, operands + 1))
        return shell_leave(shell);
    if (text)
        shell_run_source(shell, shell->name, text, strlen(text), NULL);
    else if (count)
        run_path(shell, operands[0]);
    else
        run_file(shell, "sh", file_share(self->in));
    return shell_leave(shell);
}

COMMAND(sh, .summary = "run a script", .operands = "[FILE [ARG]...]", .options = options,
        .options_first = true, .run = run_sh)

static int run_dot(struct invocation *self)
{
    struct file *file;
    if (self->argc != 2)
        return usage(self, NULL);
    const char *path = self->argv[1];
    int status = file_open(path, O_READ, &file);
    if (status == OK)
        return run_file(self->shell, path, file);
    return shell_fail(self->shell, 2, "cannot open %.100s: %s", path, status_text(status));
}

COMMAND_NAMED(dot, ".", .special = true, .summary = "run a script in this shell",
              .operands = "FILE", .run = run_dot)

static int run_eval(struct invocation *self)
{
    struct shell *shell = self->shell;
    struct arena arena = {0};
    const char *text = arena_join(&arena, self->argc - 1, self->argv + 1);
    int status = arena.failed ? shell_no_memory(shell)
                              : shell_run_source(shell, shell->name, text, strlen(text), NULL);
    arena_free(&arena);
    return status;
}

COMMAND(eval, .special = true, .summary = "run the arguments as a command", .operands = "[ARG]...",
        .literal = true, .run = run_eval)
