/*
 * Text to tokens. A word comes out taken apart already: plain text, quoted
 * text, ${parameters}, $(commands), $((arithmetic)), so that nobody after this
 * looks at quotes again. A backslash at the end of a line joins it with the
 * next everywhere but between single quotes.
 */
#include "kernel/shell/shell.h"
#include "lib/string.h"

/* Where a run of text ends; that character is left in place. */
enum ending {
    END_WORD,
    END_QUOTE,      /* at " */
    END_BRACE,      /* at } */
    END_ARITHMETIC, /* at )) outside of parentheses */
    END_TEXT        /* with the source: a here-document */
};

/* A word that is being put together. */
struct builder {
    struct parser *parser;
    struct part *first, **link;
    struct text text; /* plain characters that are not yet a part */
    bool quoted;      /* the kind of `text` */
};

static void scan(struct builder *builder, enum ending ending, bool quoted);

void parser_fail(struct parser *parser, const char *problem)
{
    if (parser->problem)
        return;
    parser->problem = problem;
    parser->offender = parser->token;
    parser->token = (struct token){.text = ""};
}

void parser_fail_at_end(struct parser *parser)
{
    parser->unfinished |= !parser->problem;
    parser_fail(parser, "syntax error: unexpected end of file");
}

void parser_enter(struct parser *parser)
{
    if (++parser->depth > SHELL_DEPTH)
        parser_fail(parser, "nested too deeply");
}

void *parser_get(struct parser *parser, size_t size)
{
    void *piece = arena_get(parser->arena, size);
    if (piece)
        return piece;
    parser_fail(parser, status_text(ERR_NO_MEMORY));
    return memset(&parser->spare, 0, sizeof parser->spare);
}

static int peek(struct parser *parser)
{
    struct source *source = &parser->source;
    while (source->end - source->next >= 2 && source->next[0] == '\\' && source->next[1] == '\n') {
        source->next += 2;
        source->line++;
        parser->unfinished |= source->next == parser->text_end;
    }
    return source->next < source->end ? (unsigned char)*source->next : -1;
}

/* The next character as it stands; -1 at the end. */
static int take(struct parser *parser)
{
    struct source *source = &parser->source;
    if (source->next == source->end)
        return -1;
    source->line += *source->next == '\n';
    return (unsigned char)*source->next++;
}

static bool take_if(struct parser *parser, int c)
{
    return peek(parser) == c && take(parser) == c;
}

static struct part *add_part(struct builder *builder, enum part_kind kind, bool quoted,
                             const char *text)
{
    struct part *part = parser_get(builder->parser, sizeof *part);
    part->kind = kind;
    part->quoted = quoted;
    part->text = text;
    *builder->link = part;
    builder->link = &part->next;
    return part;
}

/* Makes the plain characters so far a part. */
static void flush(struct builder *builder)
{
    if (builder->text.length)
        add_part(builder, PART_TEXT, builder->quoted, builder->text.bytes);
    builder->text = (struct text){.arena = builder->parser->arena};
}

static void add(struct builder *builder, int c, bool quoted)
{
    if (quoted != builder->quoted)
        flush(builder);
    builder->quoted = quoted;
    if (c > 0)
        text_add(&builder->text, (char)c);
}

static struct part *scan_parts(struct parser *parser, enum ending ending, bool quoted)
{
    struct builder builder = {.parser = parser, .text.arena = parser->arena};
    builder.link = &builder.first;
    unsigned depth = parser->depth;
    if (ending != END_WORD)
        parser_enter(parser);
    scan(&builder, ending, quoted);
    parser->depth = depth;
    flush(&builder);
    return builder.first;
}

/* Takes the ending itself, which has to be there. */
static void finish(struct parser *parser, const char *ending)
{
    for (; *ending; ending++)
        if (!take_if(parser, *ending))
            parser_fail_at_end(parser);
}

static void scan_backslash(struct builder *builder, enum ending ending, bool quoted)
{
    take(builder->parser);
    int c = take(builder->parser);
    bool escapes = !quoted || c == '$' || c == '`' || c == '\\' ||
                   (c == '"' && ending != END_TEXT) || (c == '}' && ending == END_BRACE);
    if (!escapes || c < 0)
        add(builder, '\\', true);
    add(builder, c, true);
}

/* Where nothing stands between the quotes, an empty part says that there is something. */
static void scan_quotes(struct builder *builder)
{
    struct parser *parser = builder->parser;
    bool single = take(parser) == '\'';
    flush(builder);
    struct part **before = builder->link;
    if (!single)
        scan(builder, END_QUOTE, true);
    else
        while (parser->source.next < parser->source.end && *parser->source.next != '\'')
            add(builder, take(parser), true);
    if (builder->link == before && !builder->text.length)
        add_part(builder, PART_TEXT, true, "");
    if (take(parser) < 0)
        parser_fail_at_end(parser);
}

static const char special_parameters[] = "?#@*$!-";

/* The name of a parameter: a variable's, digits, or one of the special characters. */
static const char *scan_name(struct parser *parser, bool braces)
{
    struct text name = {.arena = parser->arena};
    int c = peek(parser);
    bool digit = c >= '0' && c <= '9';
    if (c > 0 && (strchr(special_parameters, c) || (digit && !braces)))
        text_add(&name, (char)take(parser));
    else
        for (; c > 0 && ((c >= '0' && c <= '9') || (!digit && name_begins((char)c)));
             c = peek(parser))
            text_add(&name, (char)take(parser));
    return name.bytes;
}

/* Behind "${". */
static void scan_braces(struct parser *parser, struct part *part)
{
    part->text = scan_name(parser, true);
    if (part->text && part->text[0] == '#' && peek(parser) > 0 && !strchr("}:-+=%", peek(parser))) {
        part->operation = 'L';
        part->text = scan_name(parser, true);
    } else if (peek(parser) != '}') {
        part->colon = take_if(parser, ':');
        int c = peek(parser);
        bool trims = c == '#' || c == '%';
        if (c > 0 && strchr(part->colon ? "-=+?" : "-=+?#%", c)) {
            part->operation = (char)take(parser);
            part->longest = trims && take_if(parser, c);
            part->inner = scan_parts(parser, END_BRACE, part->quoted && !trims);
        }
    }
    bool whole = part->text && (part->operation || !part->colon);
    if (peek(parser) >= 0 && (!whole || peek(parser) != '}'))
        parser_fail(parser, "bad substitution");
    finish(parser, "}");
}

static void scan_dollar(struct builder *builder, bool quoted)
{
    struct parser *parser = builder->parser;
    take(parser);
    int c = peek(parser);
    if (c <= 0 ||
        !(name_begins((char)c) || strchr("{(0123456789", c) || strchr(special_parameters, c))) {
        add(builder, '$', quoted);
        return;
    }
    flush(builder);
    struct part *part = add_part(builder, PART_PARAMETER, quoted, NULL);
    if (take_if(parser, '{')) {
        scan_braces(parser, part);
    } else if (!take_if(parser, '(')) {
        part->text = scan_name(parser, false);
    } else if (take_if(parser, '(')) {
        part->kind = PART_ARITHMETIC;
        part->inner = scan_parts(parser, END_ARITHMETIC, true);
        finish(parser, "))");
    } else {
        part->kind = PART_COMMAND;
        part->tree = parse_nested(parser, ")");
    }
}

/* Makes `text` the source for a while; gives the source to return to. */
static struct source enter(struct parser *parser, const struct text *text, unsigned line)
{
    struct source outside = parser->source;
    const char *bytes = text->bytes ? text->bytes : "";
    parser->source = (struct source){bytes, bytes + text->length, line};
    return outside;
}

/* Between backquotes a backslash hides $, ` and itself from the outside, so the text is taken out
 * first and then parsed as a source of its own. */
static void scan_backquotes(struct builder *builder, bool quoted)
{
    struct parser *parser = builder->parser;
    unsigned line = parser->source.line;
    struct text text = {.arena = parser->arena};
    take(parser);
    int c;
    while ((c = take(parser)) != '`' && !parser->problem) {
        int next = c == '\\' ? peek(parser) : 0;
        if (c < 0)
            parser_fail_at_end(parser);
        if (next == '$' || next == '`' || next == '\\' || (next == '"' && quoted))
            c = take(parser);
        text_add(&text, (char)c);
    }
    flush(builder);
    struct part *part = add_part(builder, PART_COMMAND, quoted, NULL);
    struct source outside = enter(parser, &text, line);
    part->tree = parse_nested(parser, "");
    parser->source = outside;
}

static void scan(struct builder *builder, enum ending ending, bool quoted)
{
    struct parser *parser = builder->parser;
    static const char *const endings[] = {[END_WORD] = " \t\n;&|<>()",
                                          [END_QUOTE] = "\"",
                                          [END_BRACE] = "}",
                                          [END_ARITHMETIC] = ")",
                                          [END_TEXT] = ""};
    unsigned parentheses = 0;
    int c;
    while (!parser->problem && (c = peek(parser)) >= 0 &&
           (parentheses || !c || !strchr(endings[ending], c))) {
        if (ending == END_ARITHMETIC)
            parentheses += (c == '(') - (c == ')');
        if (c == '\\')
            scan_backslash(builder, ending, quoted);
        else if ((c == '\'' && !quoted) ||
                 (c == '"' && ending != END_TEXT && ending != END_ARITHMETIC))
            scan_quotes(builder);
        else if (c == '$')
            scan_dollar(builder, quoted);
        else if (c == '`')
            scan_backquotes(builder, quoted);
        else
            add(builder, take(parser), quoted);
    }
}

static void read_here(struct parser *parser, struct word *here)
{
    struct source *source = &parser->source;
    unsigned line = source->line;
    struct text text = {.arena = parser->arena}, delimiter = text;
    bool quoted = false, ended = false;
    for (const struct part *part = here->parts; part; part = part->next) {
        quoted |= part->quoted;
        text_append(&delimiter, part->text ? part->text : "");
    }
    while (!ended && source->next < source->end) {
        while (here->operation[2] && source->next < source->end && *source->next == '\t')
            take(parser);
        size_t start = text.length;
        int c;
        while ((c = take(parser)) > 0 && c != '\n')
            text_add(&text, (char)c);
        ended = text.length - start == delimiter.length &&
                (!delimiter.length || !strcmp(text.bytes + start, delimiter.bytes));
        if (!ended && c > 0)
            text_add(&text, (char)c);
        else if (ended && text.bytes)
            text.bytes[text.length = start] = 0;
    }
    parser->unfinished |= !ended;
    struct source outside = enter(parser, &text, line);
    if (quoted) {
        here->parts = parser_get(parser, sizeof *here->parts);
        *here->parts = (struct part){.quoted = true, .text = source->next};
    } else {
        here->parts = scan_parts(parser, END_TEXT, true);
    }
    parser->source = outside;
}

/* NULL if the next characters are none. What an operator begins with is one, too. */
static const char *scan_operator(struct parser *parser)
{
    static const char *const operators[] = {"\n", "<", "<<", "<<-", "<&", "<>", ">",  ">>", ">&",
                                            ">|", "&", "&&", "|",   "||", ";",  ";;", "(",  ")"};
    char text[5] = "";
    const char *found = NULL;
    for (size_t length = 0, i = 0; i < ARRAY_SIZE(operators); i++) {
        text[length] = (char)MAX(peek(parser), 0);
        if (!text[length] || strcmp(text, operators[i]) != 0)
            continue;
        found = operators[i];
        take(parser);
        length++;
    }
    return found;
}

static void scan_token(struct parser *parser, struct token *token)
{
    struct source *source = &parser->source;
    int c = peek(parser);
    token->descriptor = -1;
    if (c >= '0' && c <= '9' && source->end - source->next > 1 &&
        (source->next[1] == '<' || source->next[1] == '>'))
        token->descriptor = take(parser) - '0';
    token->text = c < 0 ? "" : scan_operator(parser);
    if (!token->text) {
        token->word = parser_get(parser, sizeof *token->word);
        struct part *part = token->word->parts = scan_parts(parser, END_WORD, false);
        if (part && !part->next && part->kind == PART_TEXT && !part->quoted)
            token->text = part->text;
    } else if (token->text[0] == '\n') {
        /* A body may hold commands, and those here-documents of their own. */
        struct word *here = parser->here;
        for (parser->here = NULL; here; here = here->next_here)
            read_here(parser, here);
    }
}

void parser_advance(struct parser *parser)
{
    struct source *source = &parser->source;
    while (peek(parser) == ' ' || peek(parser) == '\t')
        take(parser);
    if (peek(parser) == '#')
        while (source->next < source->end && *source->next != '\n')
            source->next++;
    /* A word may hold tokens of its own: this one's place is taken when it is through. */
    struct token token = {.start = source->next, .line = source->line};
    scan_token(parser, &token);
    token.length = (size_t)(source->next - token.start);
    if (parser->arena->failed)
        parser_fail(parser, status_text(ERR_NO_MEMORY));
    if (!parser->problem)
        parser->token = token;
}
