/*
 * Values of fio's options: sizes with their units, times, percentages, lists
 * of sizes for reads, writes and trims, patterns. With fio's default kb_base a
 * "k" is 1024 and, to spite the IEC, a "kib" 1000.
 */
#include "kernel/shell/commands/fio/options.h"
#include "kernel/x86/clock.h"
#include "lib/number.h"
#include "lib/string.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whether text[0..length) is `word`, in either case. */
static bool is_word(const char *text, size_t length, const char *word)
{
    for (size_t i = 0; i < length; i++)
        if (!word[i] || lower(text[i]) != word[i])
            return false;
    return word[length] == 0;
}

/* What a unit of data multiplies by; 0: there is no such unit. */
static uint64_t data_unit(const char *text, size_t length)
{
    static const char prefixes[] = "kmgtp";
    if (length == 0 || is_word(text, length, "b"))
        return 1;
    const char *prefix = strchr(prefixes, lower(text[0]));
    bool decimal = is_word(text + 1, length - 1, "ib");
    if (!prefix || !*prefix ||
        !(decimal || length == 1 || is_word(text + 1, length - 1, "b") ||
          is_word(text + 1, length - 1, "i")))
        return 0;
    uint64_t unit = 1;
    for (const char *at = prefixes; at <= prefix; at++)
        unit *= decimal ? 1000 : 1024;
    return unit;
}

int fio_parse_bytes(const char *text, size_t length, uint64_t *bytes)
{
    const char *end;
    uint64_t number;
    if (number_prefix(text, 0, &number, &end) != OK || end > text + length)
        return ERR_INVALID;
    uint64_t unit = data_unit(end, length - (size_t)(end - text));
    if (!unit || __builtin_mul_overflow(number, unit, bytes) || *bytes > INT64_MAX)
        return ERR_INVALID;
    return OK;
}

int fio_parse_amount(const char *text, struct fio_amount *amount)
{
    size_t length = strlen(text);
    const char *end;
    uint64_t percent;
    if (length && text[length - 1] == '%') {
        if (number_prefix(text, 10, &percent, &end) != OK || *end != '%' || end[1] || percent > 100)
            return ERR_INVALID;
        *amount = (struct fio_amount){.percent = percent};
        return OK;
    }
    *amount = (struct fio_amount){0};
    return fio_parse_bytes(text, length, &amount->bytes);
}

int fio_parse_time(const char *text, uint64_t unit, uint64_t *nanoseconds)
{
    static const struct {
        const char *name;
        uint64_t unit;
    } units[] = {{"us", NS_PER_US},        {"usec", NS_PER_US},      {"ms", NS_PER_MS},
                 {"msec", NS_PER_MS},      {"s", NS_PER_SEC},        {"sec", NS_PER_SEC},
                 {"m", 60 * NS_PER_SEC},   {"min", 60 * NS_PER_SEC}, {"h", 3600 * NS_PER_SEC},
                 {"d", 86400 * NS_PER_SEC}};
    const char *end;
    uint64_t number;
    if (number_prefix(text, 10, &number, &end) != OK)
        return ERR_INVALID;
    if (*end) {
        unit = 0;
        for (size_t i = 0; i < ARRAY_SIZE(units); i++)
            if (is_word(end, strlen(end), units[i].name))
                unit = units[i].unit;
    }
    if (!unit || __builtin_mul_overflow(number, unit, nanoseconds) || *nanoseconds > INT64_MAX)
        return ERR_INVALID;
    return OK;
}

int fio_parse_decimal(const char *text, size_t length, uint64_t *millionths)
{
    const char *end;
    uint64_t whole, fraction = 0;
    if (number_prefix(text, 10, &whole, &end) != OK || whole > INT64_MAX / FIO_MILLION)
        return ERR_INVALID;
    if (*end == '.' && end < text + length) {
        uint64_t scale = FIO_MILLION;
        for (end++; *end >= '0' && *end <= '9'; end++) {
            scale /= 10;
            fraction += (uint64_t)(*end - '0') * scale;
        }
    }
    *millionths = whole * FIO_MILLION + fraction;
    return end == text + length ? OK : ERR_INVALID;
}

/* ---- Patterns: "text", 0x hexadecimal digits, decimal numbers, one behind the other ------------
 */

/* Bytes in the order they are written; an odd first digit stands alone. */
static const char *parse_hex(const char *text, struct fio_pattern *pattern)
{
    size_t digits = 0;
    while (digit_value(text[digits]) < 16)
        digits++;
    if (!digits || pattern->length + (digits + 1) / 2 > FIO_PATTERN_BYTES)
        return NULL;
    for (size_t i = 0; i < digits; i++) {
        bool first = i == 0 || (digits - i) % 2 == 0;
        uint8_t *byte = &pattern->bytes[first ? pattern->length++ : pattern->length - 1];
        *byte = (uint8_t)((first ? 0 : *byte << 4) | digit_value(text[i]));
    }
    return text + digits;
}

static const char *parse_text(const char *text, struct fio_pattern *pattern)
{
    const char *end = strchr(text, '"');
    if (!end || pattern->length + (size_t)(end - text) > FIO_PATTERN_BYTES)
        return NULL;
    memcpy(pattern->bytes + pattern->length, text, (size_t)(end - text));
    pattern->length += (size_t)(end - text);
    return end + 1;
}

/* The fewest bytes that hold the number, the lowest first. */
static const char *parse_number(const char *text, struct fio_pattern *pattern)
{
    const char *end;
    uint64_t number;
    if (number_prefix(text, 10, &number, &end) != OK)
        return NULL;
    do {
        if (pattern->length == FIO_PATTERN_BYTES)
            return NULL;
        pattern->bytes[pattern->length++] = (uint8_t)number;
        number >>= 8;
    } while (number);
    return end;
}

int fio_parse_pattern(const char *text, struct fio_pattern *pattern)
{
    pattern->length = 0;
    while (text && *text) {
        if (*text == '"')
            text = parse_text(text + 1, pattern);
        else if (text[0] == '0' && lower(text[1]) == 'x')
            text = parse_hex(text + 2, pattern);
        else
            text = parse_number(text, pattern);
    }
    return text && pattern->length ? OK : ERR_INVALID;
}

/* ---- Lists -------------------------------------------------------------------------------------
 */

/* Cuts at `separator`: returns the length of the first item and moves *rest behind it, NULL at the
 * end. */
static size_t item(const char **rest, char separator)
{
    const char *end = strchr(*rest, separator);
    size_t length = end ? (size_t)(end - *rest) : strlen(*rest);
    *rest = end ? end + 1 : NULL;
    return length;
}

/* Calls for reads, writes and trims with what the list has for them: one item goes for all, two
 * leave the writes' for trims, an empty one changes nothing. */
static int for_directions(const char *text,
                          int (*parse)(const char *text, size_t length, unsigned direction,
                                       void *context),
                          void *context)
{
    const char *last = text, *rest = text;
    size_t length = 0;
    for (unsigned direction = 0; direction < FIO_DIRECTIONS; direction++) {
        if (rest) {
            last = rest;
            length = item(&rest, ',');
        }
        if (length && parse(last, length, direction, context) != OK)
            return ERR_INVALID;
    }
    return rest ? ERR_INVALID : OK;
}

static int parse_size(const char *text, size_t length, unsigned direction, void *context)
{
    uint64_t *sizes = context;
    return fio_parse_bytes(text, length, &sizes[direction]);
}

int fio_parse_sizes(const char *text, uint64_t sizes[FIO_DIRECTIONS])
{
    return for_directions(text, parse_size, sizes);
}

struct ranges {
    uint64_t *least, *most;
};

static int parse_range(const char *text, size_t length, unsigned direction, void *context)
{
    const struct ranges *ranges = context;
    const char *dash = memchr(text, '-', length);
    uint64_t least, most;
    if (!dash || fio_parse_bytes(text, (size_t)(dash - text), &least) != OK ||
        fio_parse_bytes(dash + 1, length - (size_t)(dash + 1 - text), &most) != OK)
        return ERR_INVALID;
    ranges->least[direction] = MIN(least, most);
    ranges->most[direction] = MAX(least, most);
    return OK;
}

int fio_parse_ranges(const char *text, uint64_t least[FIO_DIRECTIONS],
                     uint64_t most[FIO_DIRECTIONS])
{
    struct ranges ranges = {least, most};
    return for_directions(text, parse_range, &ranges);
}

/* "4k/10:64k/90"; sizes without a share have what is left of the hundred evenly. When all have
 * one, the last has what is left as well: plan.c draws it for whatever is not another's. */
static int parse_split(const char *text, size_t length, unsigned direction, void *context)
{
    struct fio_job_options *options = context;
    struct fio_split *split = &options->split[direction];
    uint64_t given = 0, open = 0;
    *split = (struct fio_split){0};
    for (const char *end = text + length; text < end;) {
        const char *colon = memchr(text, ':', (size_t)(end - text));
        const char *stop = colon ? colon : end, *slash = memchr(text, '/', (size_t)(stop - text));
        const char *size_end = slash ? slash : stop;
        uint64_t percent = UINT64_MAX;
        const char *tail = stop;
        if (split->count == FIO_SPLITS ||
            fio_parse_bytes(text, (size_t)(size_end - text), &split->of[split->count].bytes) !=
                OK ||
            !split->of[split->count].bytes)
            return ERR_INVALID;
        if (slash && slash + 1 < stop &&
            (number_prefix(slash + 1, 10, &percent, &tail) != OK || tail != stop || percent > 100))
            return ERR_INVALID;
        split->of[split->count++].percent = percent;
        given += percent == UINT64_MAX ? 0 : percent;
        open += percent == UINT64_MAX;
        text = stop + 1;
    }
    if (given > 100)
        return ERR_INVALID;
    uint64_t share = open ? (100 - given) / open : 0;
    options->least[direction] = UINT64_MAX;
    options->most[direction] = 0;
    for (unsigned i = 0; i < split->count; i++) {
        if (split->of[i].percent == UINT64_MAX)
            split->of[i].percent = share;
        options->least[direction] = MIN(options->least[direction], split->of[i].bytes);
        options->most[direction] = MAX(options->most[direction], split->of[i].bytes);
    }
    return OK;
}

int fio_parse_splits(struct fio_job_options *options, const char *text)
{
    return for_directions(text, parse_split, options);
}

int fio_parse_percentiles(struct fio_job_options *options, const char *text)
{
    options->percentile_count = 0;
    for (const char *rest = text; rest;) {
        const char *at = rest;
        size_t length = item(&rest, ':');
        uint64_t value;
        if (options->percentile_count == FIO_PERCENTILES ||
            fio_parse_decimal(at, length, &value) != OK || value > 100ULL * FIO_MILLION)
            return ERR_INVALID;
        unsigned place = (unsigned)options->percentile_count++;
        for (; place && options->percentiles[place - 1] > value; place--)
            options->percentiles[place] = options->percentiles[place - 1];
        options->percentiles[place] = value;
    }
    return OK;
}
