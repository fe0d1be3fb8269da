/* The command line of dd: NAME=VALUE, described in three tables. */
#include "kernel/shell/commands/dd.h"
#include "lib/number.h"
#include "lib/string.h"

struct symbol {
    const char *name;
    uint64_t value;
};

static const struct symbol conversions[] = {
    {"fsync", DD_FSYNC}, {"fdatasync", DD_FDATASYNC}, {"notrunc", DD_NOTRUNC},
    {"sync", DD_PAD},    {"noerror", DD_NOERROR},     {"nocreat", DD_NOCREAT},
    {"excl", DD_EXCL},   {"sparse", DD_SPARSE},       {"swab", DD_SWAB},
    {"lcase", DD_LCASE}, {"ucase", DD_UCASE},         {NULL, 0}};

static const struct symbol flags[] = {
    {"fullblock", DD_FULLBLOCK}, /* of input only */
    {"direct", DD_DIRECT},         {"nocache", DD_NOCACHE},         {"dsync", DD_DURABLE},
    {"sync", DD_DURABLE},          {"count_bytes", DD_COUNT_BYTES}, {"skip_bytes", DD_SKIP_BYTES},
    {"seek_bytes", DD_SEEK_BYTES}, {"append", DD_APPEND},           {NULL, 0}};

static const struct symbol levels[] = {
    {"none", DD_NONE}, {"noxfer", DD_NOXFER}, {"progress", DD_PROGRESS}, {NULL, 0}};

struct number_operand {
    const char *name;
    size_t offset;        /* in struct dd */
    bool size;            /* of a block: not zero */
    uint64_t input_flag;  /* set when the number is given in bytes ("4096B") */
    uint64_t output_flag; /* the same */
};

static const struct number_operand numbers[] = {
    {"bs", offsetof(struct dd, bs), true, 0, 0},
    {"ibs", offsetof(struct dd, ibs), true, 0, 0},
    {"obs", offsetof(struct dd, obs), true, 0, 0},
    {"count", offsetof(struct dd, count), false, DD_COUNT_BYTES, 0},
    {"skip", offsetof(struct dd, skip), false, DD_SKIP_BYTES, 0},
    {"iseek", offsetof(struct dd, skip), false, DD_SKIP_BYTES, 0},
    {"seek", offsetof(struct dd, seek), false, 0, DD_SEEK_BYTES},
    {"oseek", offsetof(struct dd, seek), false, 0, DD_SEEK_BYTES},
};

static const struct symbol *find_symbol(const struct symbol *table, const char *name, size_t length)
{
    for (; table->name; table++)
        if (strlen(table->name) == length && !memcmp(table->name, name, length))
            return table;
    return NULL;
}

/* A list "sync,noerror" into bits. */
static int parse_list(struct dd *dd, const struct symbol *table, const char *list, const char *what,
                      uint64_t *bits)
{
    for (;;) {
        const char *comma = strchr(list, ',');
        size_t length = comma ? (size_t)(comma - list) : strlen(list);
        const struct symbol *symbol = find_symbol(table, list, length);
        if (!symbol)
            return usage(dd->self, "invalid %s: '%.*s'", what, (int)length, list);
        *bits |= symbol->value;
        if (!comma)
            return 0;
        list = comma + 1;
    }
}

/* Of several the last. */
static int parse_level(struct dd *dd, const char *list)
{
    uint64_t ignored = 0;
    const char *last = strrchr(list, ',');
    const struct symbol *level =
        find_symbol(levels, last ? last + 1 : list, strlen(last ? last + 1 : list));
    int status = parse_list(dd, levels, list, "status level", &ignored);
    if (!status)
        dd->level = (enum dd_level)level->value;
    return status;
}

/* A size, to which a final B may be added after the digits: it only says "bytes". */
static int parse_size(const char *text, uint64_t *value)
{
    char digits[32];
    size_t length = strlen(text);
    bool suffixed = length >= 2 && length <= sizeof digits && text[length - 1] == 'B' &&
                    text[length - 2] >= '0' && text[length - 2] <= '9';
    if (!suffixed)
        return size_parse(text, value);
    memcpy(digits, text, length - 1);
    digits[length - 1] = 0;
    return size_parse(digits, value);
}

static int parse_number(struct dd *dd, const struct number_operand *operand, const char *text)
{
    uint64_t value = 0;
    int status = parse_size(text, &value);
    if (status == OK && text[0] == '0' && text[1] == 'x')
        complain(dd->self, "warning: '0x' is a zero multiplier; use '00x' if that is intended");
    /* GNU counts in signed numbers. */
    if (status == ERR_RANGE || (status == OK && value >= INT64_MAX - (operand->size ? 65535 : 0)))
        return complain(dd->self, "invalid number: '%s': Value too large for defined data type",
                        text);
    if (status != OK || (operand->size && value == 0))
        return complain(dd->self, "invalid number: '%s'", text);
    memcpy((char *)dd + operand->offset, &value, sizeof value);
    if (strchr(text, 'B')) {
        dd->input_flags |= operand->input_flag;
        dd->output_flags |= operand->output_flag;
    }
    return 0;
}

static int parse_operand(struct dd *dd, const char *operand)
{
    const char *equals = strchr(operand, '=');
    size_t length = equals ? (size_t)(equals - operand) : 0;
    const char *value = equals ? equals + 1 : "";
#define NAMED(text) (length == sizeof text - 1 && !memcmp(operand, text, sizeof text - 1))
    if (NAMED("if"))
        dd->input_name = value;
    else if (NAMED("of"))
        dd->output_name = value;
    else if (NAMED("conv"))
        return parse_list(dd, conversions, value, "conversion", &dd->conversions);
    else if (NAMED("iflag"))
        return parse_list(dd, flags, value, "input flag", &dd->input_flags);
    else if (NAMED("oflag"))
        return parse_list(dd, flags + 1, value, "output flag", &dd->output_flags);
    else if (NAMED("status"))
        return parse_level(dd, value);
    else {
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
            if (strlen(numbers[i].name) == length && !memcmp(numbers[i].name, operand, length))
                return parse_number(dd, &numbers[i], value);
        return usage(dd->self, "unrecognized operand '%s'", operand);
    }
#undef NAMED
    return 0;
}

/* What GNU's dd takes to contradict itself. */
static int check(struct dd *dd)
{
    uint64_t chosen = dd->conversions, both = DD_DIRECT | DD_NOCACHE;
    if ((chosen & DD_LCASE) && (chosen & DD_UCASE))
        return complain(dd->self, "cannot combine lcase and ucase");
    if ((chosen & DD_EXCL) && (chosen & DD_NOCREAT))
        return complain(dd->self, "cannot combine excl and nocreat");
    if ((dd->input_flags & both) == both || (dd->output_flags & both) == both)
        return complain(dd->self, "cannot combine direct and nocache");
    return 0;
}

int dd_operands(struct dd *dd)
{
    struct invocation *self = dd->self;
    if (option_next(self))
        return 1;
    dd->ibs = dd->obs = 512;
    dd->count = UINT64_MAX;
    for (int i = self->next; i < self->argc; i++) {
        int status = parse_operand(dd, self->argv[i]);
        if (status)
            return status;
    }
    if (dd->output_flags & DD_APPEND && !(dd->conversions & DD_NOTRUNC))
        complain(self, "you probably want conv=notrunc with oflag=append");
    if (dd->bs)
        dd->ibs = dd->obs = dd->bs;
    if (dd->conversions & DD_CHANGES)
        dd->bs = 0;
    return check(dd);
}
