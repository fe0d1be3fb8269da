/*
 * From text to deeds: reads a script command by command and runs each as soon
 * as it is complete, so that what follows a syntax error was never looked at
 * and what precedes it has happened.
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/shell.h"
#include "lib/string.h"

/* Says what is wrong and where; for a syntax error that is a token. */
static int report(struct shell *shell, const char *name, const struct parser *parser)
{
    const struct token *token = &parser->offender;
    bool newline = !*parser->problem && *token->start == '\n';
    struct shell speaker = *shell;
    speaker.name = name;
    speaker.line = MAX(token->line, 1U);
    speaker.interactive = false; /* it names its line everywhere */
    if (*parser->problem)
        shell_say(&speaker, "%s", parser->problem);
    else
        shell_say(&speaker, "syntax error near `%.*s'",
                  newline ? 7 : (int)MIN(token->length, (size_t)40),
                  newline ? "newline" : token->start);
    return shell_stop(shell, 2);
}

int shell_run_source(struct shell *shell, const char *name, const char *text, size_t length,
                     bool *unfinished)
{
    struct source source = {.next = text, .end = text + length, .line = 1};
    int status = unfinished ? shell->status : 0; /* of a text without a command */
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
        more = tree != NULL;
        if (unfinished && parser->unfinished) {
            *unfinished = true;
            more = false;
        } else if (tree) {
            status = shell_run(shell, tree);
        } else if (parser->problem) {
            status = report(shell, name, parser);
        }
        source = parser->source;
        kfree(parser);
        arena_free(&arena);
    }
    return shell->status = status;
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
