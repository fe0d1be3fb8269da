/*
 * help: what the table of commands says about itself. clear: an empty screen.
 */
#include "kernel/command/command.h"
#include "lib/string.h"

static void print_option(struct invocation *self, const struct option *option)
{
    char letter[3] = {'-', (char)option->key};
    bool has_letter = option->key < 256;
    int width = has_letter ? 2 : 0;
    out(self, "  %s", has_letter ? letter : "");
    if (option->name) {
        out(self, "%s--%s", has_letter ? ", " : "    ", option->name);
        width += 4 + (int)strlen(option->name) + (has_letter ? 0 : 2);
    }
    if (option->argument) {
        out(self, "%s%s", option->name ? "=" : " ", option->argument);
        width += 1 + (int)strlen(option->argument);
    }
    out(self, "%*s  %s\n", width < 24 ? 24 - width : 0, "", option->help ? option->help : "");
}

void command_explain(struct invocation *self, const struct command *command)
{
    struct invocation shown = {.command = command, .error = self->out};
    out(self, "%s: %s\n", command->name, command->summary);
    usage(&shown, NULL);
    for (const struct option *option = command->options; option && option->key; option++)
        print_option(self, option);
    if (command->details)
        out(self, "%s\n", command->details);
}

static int help(struct invocation *self)
{
    int status = 0;
    if (option_next(self))
        return STATUS_USAGE;
    if (self->next == self->argc)
        for (const struct command *command = command_after(NULL); command;
             command = command_after(command->name))
            out(self, "%-12s %s\n", command->name, command->summary);
    for (int i = self->next; i < self->argc; i++) {
        const struct command *command = command_find(self->argv[i]);
        if (command)
            command_explain(self, command);
        else
            status = complain(self, "%s: no such command", self->argv[i]);
    }
    return status;
}

COMMAND(help, .summary = "list the commands, or explain some", .operands = "[COMMAND]...",
        .run = help)

static int clear(struct invocation *self)
{
    out(self, "\033[H\033[2J");
    return 0;
}

COMMAND(clear, .summary = "clear the screen", .operands = "", .run = clear)
