/*
 * set and shift: the shell's options and its positional parameters.
 */
#include "kernel/shell/shell.h"
#include "lib/number.h"

/* "-ex": switches options. False for an unknown letter. */
static bool switch_options(struct shell *shell, const char *letters, bool on)
{
    for (; *letters; letters++) {
        if (*letters == 'e')
            shell->exit_on_error = on;
        else if (*letters == 'x')
            shell->trace = on;
        else
            return false;
    }
    return true;
}

static int run_set(struct invocation *self)
{
    struct shell *shell = self->shell;
    int i = 1;
    if (self->argc == 1)
        for (const struct variable *variable = shell->variables; variable;
             variable = variable->next)
            out(self, "%s='%s'\n", variable->name, variable->value);
    for (; i < self->argc; i++) {
        const char *word = self->argv[i];
        bool dashes = word[0] == '-' && word[1] == '-' && !word[2];
        if (dashes || (word[0] != '-' && word[0] != '+') || !word[1])
            break;
        if (!switch_options(shell, word + 1, word[0] == '-'))
            return shell_fail(shell, 2, "set: illegal option %s", word);
    }
    if (i == self->argc)
        return 0;
    i += self->argv[i][0] == '-' && self->argv[i][1] == '-';
    return arguments_set(shell, self->argc - i, self->argv + i) ? 0 : shell->status;
}

COMMAND(set, .special = true, .summary = "set options and arguments of the shell",
        .operands = "[-ex] [+ex] [--] [ARG]...",
        .details = "-e  exit when a command fails\n"
                   "-x  print commands before they run\n"
                   "With ARGs, they become $1, $2 and so on. Alone, prints all variables.",
        .run = run_set)

static int run_shift(struct invocation *self)
{
    struct shell *shell = self->shell;
    uint64_t count = 1;
    bool number = self->argc < 2 || number_parse(self->argv[1], 10, &count) == OK;
    if (self->argc > 2 || !number || count > (unsigned)shell->argument_count)
        return shell_fail(shell, 2, "shift: can't shift that many");
    shell->arguments += count;
    shell->argument_count -= (int)count;
    return 0;
}

COMMAND(shift, .special = true, .summary = "drop the first arguments of the shell",
        .operands = "[NUM]", .run = run_shift)
