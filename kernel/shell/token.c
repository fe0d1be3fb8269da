/*
 * Text to tokens. A word comes out taken apart already: plain text, quoted
 * text, ${parameters}, $(commands), $((arithmetic)), so that nobody after this
 * looks at quotes again. A backslash at the end of a line joins it with the
 * next everywhere but between single quotes.
 */
#include "kernel/shell/internal.h"
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

static const struct {
    const char *text;
    enum token_kind kind;
    enum redirection_kind redirection;
} operators[] = {
    /* a longer one in front of its beginnings */
    {"<<-", TOKEN_REDIRECTION, REDIRECT_HERE_TABS},
    {"<<", TOKEN_REDIRECTION, REDIRECT_HERE},
    {"<&", TOKEN_REDIRECTION, REDIRECT_SAME},
    {"<>", TOKEN_REDIRECTION, REDIRECT_BOTH},
    {"<", TOKEN_REDIRECTION, REDIRECT_READ},
    {">>", TOKEN_REDIRECTION, REDIRECT_APPEND},
    {">&", TOKEN_REDIRECTION, REDIRECT_SAME},
    {">|", TOKEN_REDIRECTION, REDIRECT_WRITE},
    {">", TOKEN_REDIRECTION, REDIRECT_WRITE},
    {"&&", TOKEN_AND, 0},
    {"&", TOKEN_BACKGROUND, 0},
    {"||", TOKEN_OR, 0},
    {"|", TOKEN_PIPE, 0},
    {";;", TOKEN_ARM_END, 0},
    {";", TOKEN_SEMICOLON, 0},
    {"(", TOKEN_OPEN, 0},
    {")", TOKEN_CLOSE, 0},
};

static void scan(struct builder *builder, enum ending ending, bool quoted);

void parser_fail(struct parser *parser, enum parse_status status, const char *problem)
{
    if (parser->status == PARSE_OK) {
        parser->status = status;
        parser->problem = problem;
        parser->offender = parser->token;
        parser->token.kind = TOKEN_END;
    }
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

static struct part *add_part(struct builder *builder, enum part_kind kind, bool quoted)
{
    struct part *part = arena_get(builder->parser->arena, sizeof *part);
    if (!part) {
        parser_fail(builder->parser, PARSE_NO_MEMORY, NULL);
        return NULL;
    }
    part->kind = kind;
    part->quoted = quoted;
    *builder->link = part;
    builder->link = &part->next;
    return part;
}

/* Makes the plain characters so far a part. */
static void flush(struct builder *builder)
{
    if (!builder->text.length)
        return;
    struct part *part = add_part(builder, PART_TEXT, builder->quoted);
    if (part)
        part->text = builder->text.bytes;
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
    parser->depth += ending != END_WORD;
    if (parser->depth > SHELL_DEPTH)
        parser_fail(parser, PARSE_ERROR, "nested too deeply");
    else
        scan(&builder, ending, quoted);
    parser->depth -= ending != END_WORD;
    flush(&builder);
    return builder.first;
}

/* Takes the ending itself, which has to be there. */
static void finish(struct parser *parser, const char *ending)
{
    for (; *ending; ending++)
        if (peek(parser) != *ending || take(parser) < 0)
            parser_fail(parser, PARSE_INCOMPLETE, NULL);
}

static void scan_backslash(struct builder *builder, enum ending ending, bool quoted)
{
    take(builder->parser);
    int c = take(builder->parser);
    bool escapes = !quoted || c == '$' || c == '`' || c == '\\' ||
                   (c == '"' && ending != END_TEXT) || (c == '}' && ending == END_BRACE);
    if (!escapes || c < 0)
        add(builder, '\\', true);
    if (c >= 0)
        add(builder, c, true);
}

static void scan_single_quotes(struct builder *builder)
{
    struct parser *parser = builder->parser;
    take(parser);
    flush(builder);
    int c = take(parser);
    if (c == '\'') {
        struct part *part = add_part(builder, PART_TEXT, true);
        if (part)
            part->text = "";
        return;
    }
    for (; c != '\''; c = take(parser)) {
        if (c < 0) {
            parser_fail(parser, PARSE_INCOMPLETE, NULL);
            return;
        }
        add(builder, c, true);
    }
}

static void scan_double_quotes(struct builder *builder)
{
    struct parser *parser = builder->parser;
    take(parser);
    flush(builder);
    struct part **before = builder->link;
    scan(builder, END_QUOTE, true);
    flush(builder);
    finish(parser, "\"");
    if (builder->link == before) {
        struct part *part = add_part(builder, PART_TEXT, true);
        if (part)
            part->text = "";
    }
}

/* The name of a parameter: a variable's, digits, or one of the special characters. */
static const char *scan_name(struct parser *parser, bool braces)
{
    struct text name = {.arena = parser->arena};
    int c = peek(parser);
    bool digit = c >= '0' && c <= '9';
    if (c > 0 && (strchr("?#@*$", c) || (digit && !braces))) {
        text_add(&name, (char)take(parser));
    } else {
        for (; c > 0 && ((c >= '0' && c <= '9') || (!digit && name_begins((char)c)));
             c = peek(parser))
            text_add(&name, (char)take(parser));
    }
    return name.bytes;
}

/* Behind "${". */
static void scan_braces(struct parser *parser, struct part *part)
{
    const char *bad = "bad substitution";
    part->text = scan_name(parser, true);
    if (part->text && part->text[0] == '#' && peek(parser) > 0 && peek(parser) != '}' &&
        !strchr(":-+=%", peek(parser))) {
        part->operation = 'L';
        part->text = scan_name(parser, true);
    }
    if (!part->text)
        parser_fail(parser, peek(parser) < 0 ? PARSE_INCOMPLETE : PARSE_ERROR, bad);
    if (!part->operation && peek(parser) != '}' && peek(parser) >= 0) {
        part->colon = peek(parser) == ':';
        if (part->colon)
            take(parser);
        int c = take(parser);
        if (c < 0 || !strchr(part->colon ? "-=+?" : "-=+?#%", c)) {
            parser_fail(parser, PARSE_ERROR, bad);
            return;
        }
        part->operation = (char)c;
        bool trims = c == '#' || c == '%';
        part->longest = trims && peek(parser) == c && take(parser);
        part->inner = scan_parts(parser, END_BRACE, part->quoted && !trims);
    }
    if (peek(parser) >= 0 && peek(parser) != '}')
        parser_fail(parser, PARSE_ERROR, bad);
    finish(parser, "}");
}

static void scan_dollar(struct builder *builder, bool quoted)
{
    struct parser *parser = builder->parser;
    take(parser);
    int c = peek(parser);
    bool names = c > 0 && (name_begins((char)c) || strchr("{(?#@*$0123456789", c));
    if (!names) {
        add(builder, '$', quoted);
        return;
    }
    flush(builder);
    struct part *part = add_part(builder, PART_PARAMETER, quoted);
    if (!part)
        return;
    if (c == '{') {
        take(parser);
        scan_braces(parser, part);
    } else if (c != '(') {
        part->text = scan_name(parser, false);
    } else {
        take(parser);
        if (peek(parser) == '(') {
            take(parser);
            part->kind = PART_ARITHMETIC;
            part->inner = scan_parts(parser, END_ARITHMETIC, true);
            finish(parser, "))");
        } else {
            part->kind = PART_COMMAND;
            part->tree = parse_nested(parser, TOKEN_CLOSE);
        }
    }
}

/* Between backquotes a backslash hides $, ` and itself from the outside, so the text is taken out
 * first and then parsed as a source of its own. */
static void scan_backquotes(struct builder *builder, bool quoted)
{
    struct parser *parser = builder->parser;
    struct source inside = {.line = parser->source.line};
    struct text text = {.arena = parser->arena};
    take(parser);
    int c;
    while ((c = take(parser)) != '`') {
        if (c < 0) {
            parser_fail(parser, PARSE_INCOMPLETE, NULL);
            return;
        }
        int next = c == '\\' ? peek(parser) : 0;
        if (next == '$' || next == '`' || next == '\\' || (next == '"' && quoted))
            c = take(parser);
        text_add(&text, (char)c);
    }
    flush(builder);
    struct part *part = add_part(builder, PART_COMMAND, quoted);
    if (!part || !text.bytes)
        return;
    struct source outside = parser->source;
    inside.next = text.bytes;
    inside.end = text.bytes + text.length;
    parser->source = inside;
    part->tree = parse_nested(parser, TOKEN_END);
    parser->source = outside;
}

static bool ends(enum ending ending, int c, unsigned parentheses)
{
    switch (ending) {
    case END_WORD:
        return strchr(" \t\n;&|<>()", c) != NULL;
    case END_QUOTE:
        return c == '"';
    case END_BRACE:
        return c == '}';
    case END_ARITHMETIC:
        return c == ')' && !parentheses;
    case END_TEXT:
        break;
    }
    return false;
}

static void scan(struct builder *builder, enum ending ending, bool quoted)
{
    struct parser *parser = builder->parser;
    unsigned parentheses = 0;
    while (parser->status == PARSE_OK) {
        int c = peek(parser);
        if (c < 0 || (c && ends(ending, c, parentheses)))
            return;
        parentheses += (c == '(') - (c == ')');
        if (c == '\\')
            scan_backslash(builder, ending, quoted);
        else if (c == '\'' && !quoted)
            scan_single_quotes(builder);
        else if (c == '"' && ending != END_TEXT && ending != END_ARITHMETIC)
            scan_double_quotes(builder);
        else if (c == '$')
            scan_dollar(builder, quoted);
        else if (c == '`')
            scan_backquotes(builder, quoted);
        else
            add(builder, take(parser), quoted);
    }
}

/* A here-document's delimiter as text; tells whether any of it is quoted. */
static const char *delimiter_text(struct parser *parser, const struct word *word, bool *quoted)
{
    struct text text = {.arena = parser->arena};
    for (const struct part *part = word->parts; part; part = part->next) {
        *quoted |= part->quoted;
        for (const char *c = part->text; c && *c; c++)
            text_add(&text, *c);
    }
    return text.bytes ? text.bytes : "";
}

static void read_here(struct parser *parser, struct redirection *here)
{
    struct source *source = &parser->source;
    struct source body = {.line = source->line};
    struct text text = {.arena = parser->arena};
    bool quoted = false;
    const char *delimiter = delimiter_text(parser, here->word, &quoted);
    for (;;) {
        while (here->kind == REDIRECT_HERE_TABS && source->next < source->end &&
               *source->next == '\t')
            source->next++;
        size_t length = 0, left = (size_t)(source->end - source->next);
        while (length < left && source->next[length] != '\n')
            length++;
        bool last = length == strlen(delimiter) && !memcmp(source->next, delimiter, length);
        parser->unfinished |= !last && length == left;
        for (size_t i = 0; i < MIN(length + 1, left); i++) {
            char c = (char)take(parser);
            if (!last)
                text_add(&text, c);
        }
        if (last || length == left)
            break;
    }
    struct builder builder = {.parser = parser, .text = text, .quoted = true};
    builder.link = &builder.first;
    if (quoted) {
        flush(&builder);
    } else if (text.bytes) {
        struct source outside = *source;
        body.next = text.bytes;
        body.end = text.bytes + text.length;
        *source = body;
        builder.first = scan_parts(parser, END_TEXT, true);
        *source = outside;
    }
    here->word->parts = builder.first;
}

/* The operator whose text begins with these characters; the shortest, since that is listed last. */
static int find_operator(const char *text, size_t length)
{
    int found = -1;
    for (unsigned i = 0; i < ARRAY_SIZE(operators); i++)
        if (!strncmp(operators[i].text, text, length))
            found = (int)i;
    return found;
}

/* Takes as many characters as form an operator; what an operator begins with is one, too. */
static bool scan_operator(struct parser *parser, struct token *token, unsigned descriptor)
{
    char text[4] = "";
    int found = -1;
    for (size_t length = 0; length < sizeof text - 1; length++) {
        int c = peek(parser);
        text[length] = (char)c;
        int next = c > 0 ? find_operator(text, length + 1) : -1;
        if (next < 0)
            break;
        found = next;
        take(parser);
    }
    if (found < 0)
        return false;
    token->kind = operators[found].kind;
    if (token->kind == TOKEN_REDIRECTION)
        token->redirection = arena_get(parser->arena, sizeof *token->redirection);
    if (token->redirection) {
        bool reads = operators[found].text[0] == '<';
        token->redirection->kind = operators[found].redirection;
        token->redirection->descriptor = descriptor != UINT32_MAX ? descriptor : !reads;
    }
    return true;
}

static void scan_token(struct parser *parser, struct token *token)
{
    struct source *source = &parser->source;
    int c = peek(parser);
    if (c < 0)
        return;
    if (c == '\n') {
        token->kind = TOKEN_NEWLINE;
        take(parser);
        /* A body may hold commands, and those here-documents of their own. */
        struct redirection *here = parser->here;
        for (parser->here = NULL; here; here = here->next_here)
            read_here(parser, here);
        return;
    }
    if (c >= '0' && c <= '9' && source->end - source->next > 1 &&
        (source->next[1] == '<' || source->next[1] == '>')) {
        take(parser);
        scan_operator(parser, token, (unsigned)(c - '0'));
        return;
    }
    if (scan_operator(parser, token, UINT32_MAX))
        return;
    token->kind = TOKEN_WORD;
    token->word = arena_get(parser->arena, sizeof *token->word);
    struct part *parts = scan_parts(parser, END_WORD, false);
    if (token->word)
        token->word->parts = parts;
}

void parser_advance(struct parser *parser)
{
    struct source *source = &parser->source;
    int c;
    while ((c = peek(parser)) == ' ' || c == '\t')
        take(parser);
    if (c == '#')
        while (source->next < source->end && *source->next != '\n')
            source->next++;
    /* A word may hold tokens of its own: this one's place is taken when it is through. */
    struct token token = {.start = source->next, .line = source->line};
    scan_token(parser, &token);
    if (parser->arena->failed)
        parser_fail(parser, PARSE_NO_MEMORY, NULL);
    if (parser->status != PARSE_OK)
        token.kind = TOKEN_END;
    token.length = (size_t)(source->next - token.start);
    parser->token = token;
}
