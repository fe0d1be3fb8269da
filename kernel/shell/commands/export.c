/*
 * export and unset: which variables there are, and which `sh` hands on.
 */
#include "kernel/shell/shell.h"
#include "lib/string.h"

static int list_exported(struct invocation *self)
{
    for (const struct variable *variable = self->shell->variables; variable;
         variable = variable->next)
        if (variable->exported)
            out(self, "export %s='%s'\n", variable->name, variable->value);
    return 0;
}

static int run_export(struct invocation *self)
{
    struct shell *shell = self->shell;
    if (self->argc == 1)
        return list_exported(self);
    for (int i = 1; i < self->argc; i++) {
        char *name = self->argv[i];
        size_t length = name_length(name);
        bool assigns = name[length] == '=';
        if (!length || (name[length] && !assigns))
            return shell_fail(shell, 2, "export: %s: bad variable name", name);
        name[length] = 0;
        if ((assigns && !variable_set(shell, name, name + length + 1)) ||
            !variable_export(shell, name))
            return shell->status;
    }
    return 0;
}

COMMAND(export, .special = true, .summary = "make variables known to scripts",
        .operands = "[NAME[=VALUE]]...", .run = run_export)

static int run_unset(struct invocation *self)
{
    for (int i = 1; i < self->argc; i++) {
        size_t length = name_length(self->argv[i]);
        if (!length || self->argv[i][length])
            return shell_fail(self->shell, 2, "unset: %s: bad variable name", self->argv[i]);
        variable_unset(self->shell, self->argv[i]);
    }
    return 0;
}

COMMAND(unset, .special = true, .summary = "forget variables", .operands = "NAME...",
        .run = run_unset)
