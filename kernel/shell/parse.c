/*
 * Tokens to a syntax tree: recursive descent over POSIX's shell grammar, less
 * functions and background jobs, plus `time`. Every function returns with the
 * token in hand that it could not use.
 */
#include "kernel/shell/internal.h"
#include "lib/string.h"

static struct tree *parse_list(struct parser *parser);
static struct tree *parse_command(struct parser *parser);

static struct tree *new_tree(struct parser *parser, enum tree_kind kind)
{
    struct tree *tree = arena_get(parser->arena, sizeof *tree);
    if (!tree) {
        parser_fail(parser, PARSE_NO_MEMORY, NULL);
        parser->spare = (struct tree){0};
        tree = &parser->spare;
    }
    tree->kind = kind;
    tree->line = parser->token.line;
    return tree;
}

static struct tree *unexpected(struct parser *parser)
{
    parser_fail(parser, parser->token.kind == TOKEN_END ? PARSE_INCOMPLETE : PARSE_ERROR, NULL);
    return new_tree(parser, TREE_LIST);
}

/* An unquoted word of this text, which is where the grammar allows a reserved one. */
static bool at(struct parser *parser, const char *text)
{
    const struct token *token = &parser->token;
    return parser->status == PARSE_OK && token->kind == TOKEN_WORD &&
           token->length == strlen(text) && !memcmp(token->start, text, token->length);
}

static bool accept(struct parser *parser, const char *text)
{
    if (!at(parser, text))
        return false;
    parser_advance(parser);
    return true;
}

static void expect(struct parser *parser, const char *text)
{
    if (!accept(parser, text))
        unexpected(parser);
}

static void skip_newlines(struct parser *parser)
{
    while (parser->token.kind == TOKEN_NEWLINE && parser->status == PARSE_OK)
        parser_advance(parser);
}

static bool ends_list(struct parser *parser)
{
    static const char *const closing[] = {"then", "do", "done", "fi", "elif", "else", "esac", "}"};
    for (unsigned i = 0; i < ARRAY_SIZE(closing); i++)
        if (at(parser, closing[i]))
            return true;
    return parser->status != PARSE_OK || parser->token.kind == TOKEN_END ||
           parser->token.kind == TOKEN_CLOSE || parser->token.kind == TOKEN_ARM_END;
}

static void parse_redirection(struct parser *parser, struct redirection ***link)
{
    struct redirection *redirection = parser->token.redirection;
    parser_advance(parser);
    if (parser->token.kind != TOKEN_WORD) {
        unexpected(parser);
        return;
    }
    redirection->word = parser->token.word;
    **link = redirection;
    *link = &redirection->next;
    if (redirection->kind == REDIRECT_HERE || redirection->kind == REDIRECT_HERE_TABS) {
        struct redirection **here = &parser->here;
        while (*here)
            here = &(*here)->next_here;
        *here = redirection;
    }
    parser_advance(parser);
}

/* Turns NAME=value into an assignment. */
static bool is_assignment(struct parser *parser, struct word *word)
{
    struct part *part = word->parts;
    if (!part || part->kind != PART_TEXT || part->quoted)
        return false;
    size_t length = name_length(part->text);
    if (!length || part->text[length] != '=')
        return false;
    word->name = arena_copy(parser->arena, part->text, length);
    part->text += length + 1;
    return true;
}

static struct tree *parse_simple(struct parser *parser)
{
    struct tree *tree = new_tree(parser, TREE_SIMPLE);
    struct word **words = &tree->words, **assignments = &tree->assignments;
    struct redirection **redirections = &tree->redirections;
    if (ends_list(parser) ||
        (parser->token.kind != TOKEN_WORD && parser->token.kind != TOKEN_REDIRECTION))
        return unexpected(parser);
    for (;;) {
        struct word *word = parser->token.word;
        if (parser->token.kind == TOKEN_REDIRECTION) {
            parse_redirection(parser, &redirections);
            continue;
        }
        if (parser->token.kind != TOKEN_WORD)
            return tree;
        if (!tree->words && is_assignment(parser, word)) {
            *assignments = word;
            assignments = &word->next;
        } else {
            *words = word; /* NOLINT(clang-analyzer-core.NullDereference): starts in `tree` */
            words = &word->next;
        }
        parser_advance(parser);
    }
}

/* Behind `if`. An elif is an if in the other's `otherwise`; the chain does not nest. */
static struct tree *parse_if(struct parser *parser)
{
    struct tree *first = new_tree(parser, TREE_IF), *tree = first;
    for (;;) {
        tree->condition = parse_list(parser);
        expect(parser, "then");
        tree->body = parse_list(parser);
        if (!accept(parser, "elif"))
            break;
        tree = tree->otherwise = new_tree(parser, TREE_IF);
    }
    if (accept(parser, "else"))
        tree->otherwise = parse_list(parser);
    expect(parser, "fi");
    return first;
}

static struct tree *parse_do(struct parser *parser)
{
    expect(parser, "do");
    struct tree *body = parse_list(parser);
    expect(parser, "done");
    return body;
}

static struct tree *parse_loop(struct parser *parser, bool until)
{
    struct tree *tree = new_tree(parser, TREE_LOOP);
    tree->negated = until;
    tree->condition = parse_list(parser);
    tree->body = parse_do(parser);
    return tree;
}

static struct tree *parse_for(struct parser *parser)
{
    struct tree *tree = new_tree(parser, TREE_FOR);
    const struct token *token = &parser->token;
    tree->name = arena_copy(parser->arena, token->start, token->length);
    if (token->kind != TOKEN_WORD || !tree->name || name_length(tree->name) != token->length)
        return unexpected(parser);
    parser_advance(parser);
    tree->all_arguments = true;
    bool ended = token->kind == TOKEN_SEMICOLON;
    if (ended)
        parser_advance(parser);
    skip_newlines(parser);
    if (!ended && accept(parser, "in")) {
        tree->all_arguments = false;
        struct word **link = &tree->words;
        for (; token->kind == TOKEN_WORD; parser_advance(parser)) {
            *link = token->word;
            link = &token->word->next;
        }
        if (token->kind != TOKEN_SEMICOLON && token->kind != TOKEN_NEWLINE)
            return unexpected(parser);
        parser_advance(parser);
        skip_newlines(parser);
    }
    tree->body = parse_do(parser);
    return tree;
}

static struct tree *parse_arm(struct parser *parser)
{
    struct tree *arm = new_tree(parser, TREE_ARM);
    struct word **link = &arm->words;
    if (parser->token.kind == TOKEN_OPEN)
        parser_advance(parser);
    do {
        if (arm->words)
            parser_advance(parser);
        if (parser->token.kind != TOKEN_WORD)
            return unexpected(parser);
        *link = parser->token.word;
        link = &parser->token.word->next;
        parser_advance(parser);
    } while (parser->token.kind == TOKEN_PIPE);
    if (parser->token.kind != TOKEN_CLOSE)
        return unexpected(parser);
    parser_advance(parser);
    skip_newlines(parser);
    if (parser->token.kind != TOKEN_ARM_END && !at(parser, "esac"))
        arm->body = parse_list(parser);
    if (parser->token.kind == TOKEN_ARM_END)
        parser_advance(parser);
    else if (!at(parser, "esac"))
        unexpected(parser);
    skip_newlines(parser);
    return arm;
}

static struct tree *parse_case(struct parser *parser)
{
    struct tree *tree = new_tree(parser, TREE_CASE), **link = &tree->body;
    tree->words = parser->token.word;
    if (parser->token.kind != TOKEN_WORD)
        return unexpected(parser);
    parser_advance(parser);
    skip_newlines(parser);
    expect(parser, "in");
    skip_newlines(parser);
    while (!at(parser, "esac") && parser->status == PARSE_OK) {
        *link = parse_arm(parser);
        link = &(*link)->next;
    }
    expect(parser, "esac");
    return tree;
}

/* NULL if it is none. */
static struct tree *parse_compound(struct parser *parser)
{
    if (parser->token.kind == TOKEN_OPEN) {
        struct tree *tree = new_tree(parser, TREE_SUBSHELL);
        parser_advance(parser);
        tree->body = parse_list(parser);
        if (parser->token.kind != TOKEN_CLOSE)
            return unexpected(parser);
        parser_advance(parser);
        return tree;
    }
    if (accept(parser, "{")) {
        struct tree *tree = parse_list(parser);
        expect(parser, "}");
        return tree;
    }
    if (accept(parser, "if"))
        return parse_if(parser);
    if (accept(parser, "while"))
        return parse_loop(parser, false);
    if (accept(parser, "until"))
        return parse_loop(parser, true);
    if (accept(parser, "for"))
        return parse_for(parser);
    return accept(parser, "case") ? parse_case(parser) : NULL;
}

static struct tree *parse_command(struct parser *parser)
{
    if (++parser->depth > SHELL_DEPTH)
        parser_fail(parser, PARSE_ERROR, "nested too deeply");
    struct tree *tree = parse_compound(parser);
    if (!tree) {
        tree = parse_simple(parser);
    } else {
        struct redirection **link = &tree->redirections;
        while (parser->token.kind == TOKEN_REDIRECTION)
            parse_redirection(parser, &link);
    }
    parser->depth--;
    return tree;
}

static struct tree *parse_pipeline(struct parser *parser)
{
    struct tree *tree = new_tree(parser, TREE_PIPELINE);
    tree->timed = accept(parser, "time");
    while (accept(parser, "!"))
        tree->negated = !tree->negated;
    struct tree *last = tree->body = parse_command(parser);
    while (parser->token.kind == TOKEN_PIPE) {
        parser_advance(parser);
        skip_newlines(parser);
        last = last->next = parse_command(parser);
    }
    bool plain = last == tree->body && !tree->timed && !tree->negated;
    return plain ? last : tree;
}

static struct tree *parse_and_or(struct parser *parser)
{
    struct tree *first = parse_pipeline(parser), *last = first;
    if (parser->token.kind != TOKEN_AND && parser->token.kind != TOKEN_OR)
        return first;
    struct tree *tree = new_tree(parser, TREE_AND_OR);
    tree->body = first;
    while (parser->token.kind == TOKEN_AND || parser->token.kind == TOKEN_OR) {
        bool after_or = parser->token.kind == TOKEN_OR;
        parser_advance(parser);
        skip_newlines(parser);
        last = last->next = parse_pipeline(parser);
        last->after_or = after_or;
    }
    return tree;
}

/* A list that goes over lines, up to what closes it. */
static struct tree *parse_list(struct parser *parser)
{
    struct tree *tree = new_tree(parser, TREE_LIST), **link = &tree->body;
    skip_newlines(parser);
    do {
        *link = parse_and_or(parser);
        link = &(*link)->next;
        if (parser->token.kind != TOKEN_SEMICOLON && parser->token.kind != TOKEN_NEWLINE)
            break;
        parser_advance(parser);
        skip_newlines(parser);
    } while (!ends_list(parser));
    return tree;
}

struct tree *parse_nested(struct parser *parser, enum token_kind end)
{
    struct token outside = parser->token;
    struct tree *tree = NULL;
    if (++parser->depth > SHELL_DEPTH)
        parser_fail(parser, PARSE_ERROR, "nested too deeply");
    parser_advance(parser);
    skip_newlines(parser);
    if (parser->token.kind != end)
        tree = parse_list(parser);
    if (parser->token.kind != end)
        unexpected(parser);
    parser->depth--;
    if (parser->status == PARSE_OK)
        parser->token = outside;
    return tree;
}

struct tree *parse_command_line(struct parser *parser)
{
    parser->text_end = parser->source.end;
    parser->unfinished = false;
    do
        parser_advance(parser);
    while (parser->token.kind == TOKEN_NEWLINE);
    if (parser->token.kind == TOKEN_END)
        return NULL;
    struct tree *tree = new_tree(parser, TREE_LIST), **link = &tree->body;
    for (;;) {
        *link = parse_and_or(parser);
        link = &(*link)->next;
        if (parser->token.kind != TOKEN_SEMICOLON)
            break;
        parser_advance(parser);
        if (parser->token.kind == TOKEN_NEWLINE || parser->token.kind == TOKEN_END)
            break;
    }
    if (parser->token.kind != TOKEN_NEWLINE && parser->token.kind != TOKEN_END)
        unexpected(parser);
    return parser->status == PARSE_OK ? tree : NULL;
}
