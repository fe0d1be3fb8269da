/*
 * nvme: what nvme-cli does, by its names, options and output. This file finds
 * the sub-command.
 */
#include "kernel/nvme/nvme.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/string.h"

static int version(struct invocation *self)
{
    out(self, "nvme version 2.3 (nvmetal's, after nvme-cli's)\n");
    return 0;
}

static const struct command cli_version = {.name = "nvme version",
                                           .summary = "Shows the program version",
                                           .operands = "",
                                           .usage_status = 1,
                                           .run = version};

static const struct command *const others[] = {
    &cli_list,      &cli_list_subsys, &cli_get_feature,    &cli_set_feature,     &cli_get_property,
    &cli_show_regs, &cli_format,      &cli_admin_passthru, &cli_io_passthru,     &cli_attach_ns,
    &cli_detach_ns, &cli_ns_rescan,   &cli_reset,          &cli_subsystem_reset, &cli_dsm,
    &cli_copy,      &cli_flush,       &cli_counters,       &cli_version,
};

/* In the order in which help has them; NULL behind the last. */
static const struct command *subcommand(unsigned index)
{
    if (index < ARRAY_SIZE(others))
        return others[index];
    index -= ARRAY_SIZE(others);
    if (index < cli_query_count)
        return cli_query(index);
    index -= cli_query_count;
    if (index < cli_blocks_count)
        return cli_blocks(index);
    index -= cli_blocks_count;
    if (index < cli_zns_count)
        return cli_zns(index);
    return index == cli_zns_count ? &cli_zns_list : NULL;
}

/* Behind "nvme ". */
static const char *short_name(const struct command *command)
{
    return strchr(command->name, ' ') + 1;
}

/* Of the group's two-word names? */
static bool is_of_group(const struct command *command, const char *group)
{
    const char *name = short_name(command);
    size_t length = strlen(group);
    return !strncmp(name, group, length) && name[length] == ' ';
}

/* How many of the words are its name; 0: it has another. */
static int words_of_name(const struct command *command, const char *word, const char *next)
{
    const char *name = short_name(command);
    if (!strcmp(name, word))
        return 1;
    return next && is_of_group(command, word) && !strcmp(name + strlen(word) + 1, next) ? 2 : 0;
}

/* *words is then how many its name has. */
static const struct command *find(const char *word, const char *next, int *words)
{
    const struct command *command;
    for (unsigned i = 0; (command = subcommand(i)); i++)
        if ((*words = words_of_name(command, word, next)))
            break;
    return command;
}

/* All of them, or those of a group; false: there is no such group. */
static void list_commands(struct invocation *self, const char *group)
{
    out(self,
        "usage: nvme%s%s <command> [<device>] [<args>]\n\n"
        "The device is a controller (/dev/nvme0) or a namespace (/dev/nvme0n1).\n\n",
        group ? " " : "", group ? group : "");
    const struct command *command;
    for (unsigned i = 0; (command = subcommand(i)); i++)
        if (!group || is_of_group(command, group))
            out(self, "  %-21s %s\n", short_name(command), command->summary);
    out(self, "  %-21s %s\n\n", "help", "Display this help");
    out(self, "See 'nvme help <command>' for more information on a specific command\n");
}

static bool is_group(const char *name)
{
    const struct command *command;
    for (unsigned i = 0; (command = subcommand(i)); i++)
        if (is_of_group(command, name))
            return true;
    return false;
}

static bool wants_help(const struct invocation *self)
{
    for (int i = 2; i < self->argc; i++)
        if (!strcmp(self->argv[i], "--help") || !strcmp(self->argv[i], "-h"))
            return true;
    return false;
}

static int nvme(struct invocation *self)
{
    char **word = self->argv + 1;
    int words;
    bool help = !*word || !strcmp(*word, "help") || !strcmp(*word, "--help");
    word += help && *word;
    const char *name = *word ? *word : "help", *next = *word ? word[1] : NULL;
    if (!strncmp(name, "--", 2)) /* --version */
        name += 2;
    if (next && !strcmp(next, "help") && is_group(name)) {
        help = true;
        next = word[2];
    }
    if (!*word || (!next && is_group(name))) {
        list_commands(self, *word ? name : NULL);
        return 0;
    }
    const struct command *command = find(name, next, &words);
    if (!command) {
        note(self, "ERROR: Invalid sub-command '%s'\n", is_group(name) ? next : name);
        return 1;
    }
    if (help || wants_help(self)) {
        command_explain(self, command);
        return 0;
    }
    struct invocation sub = *self;
    sub.command = command;
    sub.argc -= words;
    sub.argv += words;
    nvme_devices_keep(true);
    int status = command_execute(&sub);
    nvme_devices_keep(false);
    self->output_failed = sub.output_failed;
    self->explained = sub.explained;
    return status;
}

COMMAND(nvme, .summary = "talk to NVMe controllers, as nvme-cli does",
        .operands = "COMMAND [DEVICE] [OPTION]...", .details = "`nvme help` lists its commands.",
        .usage_status = 1, .literal = true, .subcommand = subcommand, .run = nvme)
