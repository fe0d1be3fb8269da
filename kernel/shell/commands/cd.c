/*
 * cd and pwd: the working directory, which is also in $PWD, and the one
 * before it, in $OLDPWD.
 */
#include "kernel/shell/shell.h"
#include "lib/string.h"

static int change_directory(struct invocation *self)
{
    struct shell *shell = self->shell;
    const char *home = variable_get(shell, "HOME");
    const char *target = self->argc > 1 ? self->argv[1] : home && *home ? home : "/";
    if (self->argc > 2)
        return usage(self, NULL);
    struct arena arena = {0};
    bool back = !strcmp(target, "-");
    if (back)
        target = variable_get(shell, "OLDPWD");
    const char *here = fs_working_directory();
    const char *from = arena_copy(&arena, here, strlen(here));
    int status = 2;
    if (!from) {
        status = shell_no_memory(shell);
    } else if (!target) {
        complain(self, "OLDPWD not set");
    } else {
        int error = fs_change_directory(target);
        if (error != OK)
            complain(self, "%s: %s", target, status_text(error));
        else if (variable_set(shell, "OLDPWD", from) &&
                 variable_set(shell, "PWD", fs_working_directory()))
            status = 0;
        if (!status && back)
            out(self, "%s\n", fs_working_directory());
    }
    arena_free(&arena);
    return status;
}

COMMAND(cd, .summary = "change the working directory", .operands = "[DIR|-]",
        .details = "Without DIR, to $HOME or /; with -, to where the last cd came from.",
        .run = change_directory)

static int print_directory(struct invocation *self)
{
    out(self, "%s\n", fs_working_directory());
    return 0;
}

COMMAND(pwd, .summary = "print the working directory", .operands = "", .run = print_directory)
