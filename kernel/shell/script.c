/*
 * From text to deeds: reads a script command by command and runs each as soon
 * as it is complete, so that what follows a syntax error was never looked at
 * and what precedes it has happened.
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/internal.h"
#include "kernel/x86/clock.h"
#include "lib/printf.h"
#include "lib/string.h"

#define SCRIPT_MAX (16u << 20)

/* Says what is wrong and where; for a syntax error that is a token. */
static void report(struct shell *shell, const char *name, const struct parser *parser)
{
    const struct token *token = &parser->offender;
    const char *outer = shell->name;
    bool interactive = shell->interactive;
    shell->name = name;
    shell->line = token->line ? token->line : 1;
    shell->interactive = false; /* a syntax error names its line everywhere */
    if (parser->status == PARSE_NO_MEMORY)
        shell_no_memory(shell);
    else if (parser->status == PARSE_INCOMPLETE)
        shell_fail(shell, 2, "syntax error: unexpected end of file");
    else if (parser->problem)
        shell_fail(shell, 2, "%s", parser->problem);
    else if (*token->start == '\n')
        shell_fail(shell, 2, "syntax error near `newline'");
    else
        shell_fail(shell, 2, "syntax error near `%.*s'", (int)MIN(token->length, (size_t)40),
                   token->start);
    shell->name = outer;
    shell->interactive = interactive;
}

int shell_run_source(struct shell *shell, const char *name, const char *text, size_t length,
                     bool *unfinished)
{
    struct source source = {.next = text, .end = text + length, .line = 1};
    bool more = true;
    while (more && shell->leaving == STAY) {
        struct arena arena = {0};
        struct parser *parser = kcalloc(1, sizeof *parser);
        if (!parser)
            return shell_no_memory(shell);
        parser->source = source;
        parser->arena = &arena;
        parser->depth = shell->depth / 2;
        struct tree *tree = parse_command_line(parser);
        bool incomplete = parser->status == PARSE_INCOMPLETE || parser->unfinished;
        more = tree != NULL;
        if (unfinished && incomplete) {
            *unfinished = true;
            more = false;
        } else if (tree) {
            shell_run(shell, tree);
        } else if (parser->status != PARSE_OK) {
            report(shell, name, parser);
        }
        source = parser->source;
        kfree(parser);
        arena_free(&arena);
    }
    return shell->status;
}

int shell_run_text(struct shell *shell, const char *name, const char *text, size_t length)
{
    const char *outer = shell->name;
    shell->name = name;
    shell->status = 0;
    shell_run_source(shell, name, text, length, NULL);
    shell->name = outer;
    shell->leaving = STAY;
    return shell->status;
}

/* The whole file, for kfree(). */
static int read_whole(const char *path, char **text, size_t *length)
{
    struct file *file;
    struct file_information information;
    int status = fs_information(path, &information);
    if (status == OK && information.type == NODE_DIRECTORY)
        status = ERR_IS_DIRECTORY;
    if (status == OK && (information.type != NODE_FILE || information.size > SCRIPT_MAX))
        status = ERR_INVALID;
    if (status == OK)
        status = file_open(path, O_READ, &file);
    if (status != OK)
        return status;
    *text = kmalloc(information.size);
    int64_t count = *text ? file_read(file, *text, information.size) : ERR_NO_MEMORY;
    file_close(file);
    if (count < 0) {
        kfree(*text);
        return (int)count;
    }
    *length = (size_t)count;
    return OK;
}

int shell_run_file(struct shell *shell, const char *path)
{
    char *text = NULL;
    size_t length = 0;
    int status = read_whole(path, &text, &length);
    if (status != OK) {
        shell_say(shell, "cannot open %.100s: %s", path, status_text(status));
        return shell->status = status == ERR_NOT_FOUND ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
    }
    shell->status = 0;
    shell_run_source(shell, path, text, length, NULL);
    kfree(text);
    return shell->status;
}

void shell_print_time(struct shell *shell, uint64_t nanoseconds)
{
    char text[48];
    uint64_t ms = nanoseconds / NS_PER_MS;
    int length =
        snprintf(text, sizeof text, "real\t%llum%llu.%03llus\n", (unsigned long long)(ms / 60000),
                 (unsigned long long)(ms / 1000 % 60), (unsigned long long)(ms % 1000));
    file_write(shell->file[2], text, (size_t)length);
}
