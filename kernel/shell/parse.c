/*
 * Tokens to a syntax tree: recursive descent over POSIX's shell grammar, less
 * functions and background jobs, plus `time`. Every function returns with the
 * token in hand that it could not use.
 */
#include "kernel/shell/shell.h"
#include "lib/string.h"

static struct tree *parse_list(struct parser *parser, bool over_lines);

static struct tree *new_tree(struct parser *parser, enum tree_kind kind)
{
    struct tree *tree = parser_get(parser, sizeof *tree);
    tree->kind = kind;
    tree->line = parser->token.line;
    return tree;
}

static bool at(struct parser *parser, const char *text)
{
    return parser->token.text && !strcmp(parser->token.text, text);
}

static bool at_redirection(struct parser *parser)
{
    return !parser->token.word && (*parser->token.text == '<' || *parser->token.text == '>');
}

static void unexpected(struct parser *parser)
{
    if (at(parser, ""))
        parser_fail_at_end(parser);
    else
        parser_fail(parser, "");
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
    while (accept(parser, "\n"))
        ;
}

static bool ends_list(struct parser *parser)
{
    static const char *const closing[] = {"",   ")",    ";;",   "then", "do", "done",
                                          "fi", "elif", "else", "esac", "}"};
    for (unsigned i = 0; i < ARRAY_SIZE(closing); i++)
        if (at(parser, closing[i]))
            return true;
    return false;
}

/* Appends the word in hand; returns where the next one goes. */
static struct word **take_word(struct parser *parser, struct word **link)
{
    struct word *word = parser->token.word;
    if (!word) {
        unexpected(parser);
        return link;
    }
    *link = word;
    parser_advance(parser);
    return &word->next;
}

/* Appends a redirection; the word behind the operator is what it is made of. */
static struct word **parse_redirection(struct parser *parser, struct word **link)
{
    struct token token = parser->token;
    parser_advance(parser);
    struct word *word = parser->token.word;
    if (word) {
        word->operation = token.text;
        word->descriptor = token.descriptor >= 0 ? (unsigned)token.descriptor : *token.text == '>';
        if (!strncmp(token.text, "<<", 2)) {
            struct word **here = &parser->here;
            while (*here)
                here = &(*here)->next_here;
            *here = word;
        }
    }
    return take_word(parser, link);
}

/* Turns NAME=value into an assignment. */
static bool is_assignment(struct parser *parser, struct word *word)
{
    struct part *part = word->parts;
    bool plain = part && part->kind == PART_TEXT && !part->quoted;
    size_t length = plain ? name_length(part->text) : 0;
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
    struct word **redirections = &tree->redirections;
    if (ends_list(parser) || (!parser->token.word && !at_redirection(parser)))
        unexpected(parser);
    while (parser->token.word || at_redirection(parser)) {
        if (!parser->token.word)
            redirections = parse_redirection(parser, redirections);
        else if (!tree->words && is_assignment(parser, parser->token.word))
            assignments = take_word(parser, assignments);
        else
            words = take_word(parser, words);
    }
    return tree;
}

static struct tree *parse_for(struct parser *parser)
{
    static struct part every = {.kind = PART_PARAMETER, .quoted = true, .text = "@"};
    static struct word arguments = {.parts = &every};
    struct tree *tree = new_tree(parser, TREE_FOR);
    struct word *name, **link = &tree->words;
    parser_advance(parser);
    tree->name = parser->token.text;
    if (!tree->name || !*tree->name || tree->name[name_length(tree->name)])
        unexpected(parser);
    take_word(parser, &name);
    bool ended = accept(parser, ";");
    skip_newlines(parser);
    if (!ended && accept(parser, "in")) {
        while (parser->token.word)
            link = take_word(parser, link);
        if (!accept(parser, ";"))
            expect(parser, "\n");
        skip_newlines(parser);
    } else {
        tree->words = &arguments;
    }
    expect(parser, "do");
    tree->body = parse_list(parser, true);
    expect(parser, "done");
    return tree;
}

static struct tree *parse_case(struct parser *parser)
{
    struct tree *tree = new_tree(parser, TREE_CASE), **link = &tree->body;
    parser_advance(parser);
    take_word(parser, &tree->words);
    skip_newlines(parser);
    expect(parser, "in");
    skip_newlines(parser);
    while (!accept(parser, "esac") && !parser->problem) {
        struct tree *arm = *link = new_tree(parser, TREE_ARM);
        struct word **patterns = &arm->words;
        link = &arm->next;
        accept(parser, "(");
        do
            patterns = take_word(parser, patterns);
        while (accept(parser, "|"));
        expect(parser, ")");
        skip_newlines(parser);
        if (!at(parser, ";;") && !at(parser, "esac"))
            arm->body = parse_list(parser, true);
        if (!at(parser, "esac"))
            expect(parser, ";;");
        skip_newlines(parser);
    }
    return tree;
}

/* What stands around the lists of a command: opening CONDITION middle BODY closing. */
static const struct compound {
    const char *opening, *middle, *closing;
    enum tree_kind kind;
} compounds[] = {{"(", NULL, ")", TREE_SUBSHELL},
                 {"{", NULL, "}", TREE_LIST},
                 {"if", "then", "fi", TREE_IF},
                 {"while", "do", "done", TREE_WHILE},
                 {"until", "do", "done", TREE_UNTIL}};

/* An elif is an if in the other's `otherwise`; the chain does not nest. */
static struct tree *parse_lists(struct parser *parser, const struct compound *compound)
{
    struct tree *first = new_tree(parser, compound->kind), *tree = first;
    for (;;) {
        parser_advance(parser);
        if (compound->middle) {
            tree->condition = parse_list(parser, true);
            expect(parser, compound->middle);
        }
        tree->body = parse_list(parser, true);
        if (tree->kind != TREE_IF || !at(parser, "elif"))
            break;
        tree = tree->otherwise = new_tree(parser, TREE_IF);
    }
    if (tree->kind == TREE_IF && accept(parser, "else"))
        tree->otherwise = parse_list(parser, true);
    expect(parser, compound->closing);
    return first;
}

/* NULL if it is none. */
static struct tree *parse_compound(struct parser *parser)
{
    for (unsigned i = 0; i < ARRAY_SIZE(compounds); i++)
        if (at(parser, compounds[i].opening))
            return parse_lists(parser, &compounds[i]);
    if (at(parser, "for"))
        return parse_for(parser);
    return at(parser, "case") ? parse_case(parser) : NULL;
}

static struct tree *parse_command(struct parser *parser)
{
    parser_enter(parser);
    struct tree *tree = parse_compound(parser);
    struct word **link = tree ? &tree->redirections : NULL;
    while (tree && at_redirection(parser))
        link = parse_redirection(parser, link);
    if (!tree)
        tree = parse_simple(parser);
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
    while (accept(parser, "|")) {
        skip_newlines(parser);
        last = last->next = parse_command(parser);
    }
    bool plain = last == tree->body && !tree->timed && !tree->negated;
    return plain ? last : tree;
}

/* Up to what closes it, or, if it does not go over lines, to the newline. */
static struct tree *parse_list(struct parser *parser, bool over_lines)
{
    struct tree *tree = new_tree(parser, TREE_LIST), **link = &tree->body;
    char connector = 0;
    if (over_lines)
        skip_newlines(parser);
    do {
        struct tree *pipeline = *link = parse_pipeline(parser);
        pipeline->connector = connector;
        link = &pipeline->next;
        connector = at(parser, "&&") || at(parser, "||") ? *parser->token.text : 0;
        if (connector)
            parser_advance(parser);
        else if (!accept(parser, ";") && !(over_lines && at(parser, "\n")))
            break;
        if (over_lines || connector)
            skip_newlines(parser);
    } while (connector || (!ends_list(parser) && !at(parser, "\n")));
    return tree;
}

struct tree *parse_nested(struct parser *parser, const char *end)
{
    struct token outside = parser->token;
    struct word *here = parser->here; /* a here-document does not reach beyond the list */
    struct tree *tree = NULL;
    parser->here = NULL;
    parser_enter(parser);
    parser_advance(parser);
    skip_newlines(parser);
    if (!at(parser, end))
        tree = parse_list(parser, true);
    if (!at(parser, end))
        unexpected(parser);
    for (; parser->here; parser->here = parser->here->next_here)
        parser->here->parts = NULL;
    parser->here = here;
    parser->depth--;
    if (!parser->problem)
        parser->token = outside;
    return tree;
}

struct tree *parse_command_line(struct parser *parser)
{
    parser->text_end = parser->source.end;
    parser->unfinished = false;
    do
        parser_advance(parser);
    while (at(parser, "\n"));
    if (at(parser, ""))
        return NULL;
    struct tree *tree = parse_list(parser, false);
    if (!at(parser, "\n") && !at(parser, ""))
        unexpected(parser);
    return parser->problem ? NULL : tree;
}
