/*
 * Tables of fields, shown: a table says where a field is, how it is written and
 * what its bits mean; the lines, the words of -H and JSON are made here, once
 * for all tables.
 */
#include "kernel/shell/commands/nvme/show.h"
#include "lib/number.h"
#include "lib/string.h"

#define TAB_STOP 8u

static uint64_t bits_value(uint64_t value, unsigned high, unsigned low)
{
    return value >> low & (high - low < 63 ? (1ULL << (high - low + 1)) - 1 : UINT64_MAX);
}

/* How many characters `text` has before one of the two. */
static size_t span(const char *text, char one, char other)
{
    size_t length = 0;
    while (text[length] && text[length] != one && text[length] != other)
        length++;
    return length;
}

/* The index-th of the words up to }, or the last one. Returns what is behind the }. */
static const char *say_word(struct report *report, const char *words, uint64_t index)
{
    size_t length = span(words, '|', '}');
    for (; index && words[length] == '|'; index--) {
        words += length + 1;
        length = span(words, '|', '}');
    }
    report_say(report, "%.*s", (int)length, words);
    return strchr(words, '}') + 1;
}

/* As the character behind the # says. Returns what is behind that. */
static const char *say_number(struct report *report, const char *how, uint64_t value)
{
    char text[VALUE_SIZE];
    uint64_t argument = 0;
    const char *end = how + 1;
    if (*how == '*' || *how == '^')
        number_prefix(end, 10, &argument, &end);
    if (*how == '+')
        value++;
    if (*how == '*')
        value *= argument;
    if (*how == '^')
        value = value + argument < 64 ? 1ULL << (value + argument) : 0;
    if (*how == 'V')
        report_say(report, "%llu.%llu", (unsigned long long)value >> 8,
                   (unsigned long long)value & 0xff);
    else
        report_say(report, "%s",
                   value_text(text,
                              *how == 'x'   ? FIELD_PLAIN
                              : *how == 'K' ? FIELD_KELVIN
                                            : FIELD_NUMBER,
                              &value, sizeof value));
    return end;
}

void bits_say(struct report *report, const struct bits *bits, uint64_t value)
{
    value = bits_value(value, bits->high, bits->low);
    for (const char *at = bits->text; *at;) {
        size_t plain = span(at, '{', '#');
        report_say(report, "%.*s", (int)plain, at);
        at += plain;
        if (*at)
            at = (*at == '{' ? say_word : say_number)(report, at + 1, value);
    }
}

/* Its numbers, and its value where the text does not have that. Without a text it is what lies
 * between two that have one, and is not spoken of as long as it is zero. */
static void say_place(struct report *report, const struct bits *bits, uint64_t value)
{
    value = bits_value(value, bits->high, bits->low);
    if (!bits->text && !value)
        return;
    report_say(report, "  [%u:%u] : ", bits->high, bits->low);
    if (!bits->text || *bits->text != '#')
        report_say(report, "%#llx\t%s", (unsigned long long)value, bits->text ? "" : "Reserved\n");
}

void bits_show(struct report *report, const struct bits *bits, uint64_t value, unsigned size,
               const char *indent)
{
    unsigned above = 8 * size;
    for (;; bits++) {
        struct bits gap = {.high = (uint8_t)(above - 1),
                           .low = (uint8_t)(bits->text ? bits->high + 1 : 0)};
        if (!indent && above > gap.low)
            say_place(report, &gap, value);
        if (!bits->text)
            break;
        if (indent)
            report_say(report, "%s", indent);
        else
            say_place(report, bits, value);
        bits_say(report, bits, value);
        report_say(report, "\n");
        above = bits->low;
    }
}

static void show_json(struct report *report, const struct field *field, const uint8_t *bytes)
{
    char text[VALUE_SIZE];
    const char *key = field->key ? field->key : field->name;
    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_UUID:
    case FIELD_BYTES:
        report_text(report, key, "%s", value_text(text, field->kind, bytes, field->size));
        break;
    default:
        if (field->size > 8)
            report_text(report, key, "%s", value_text(text, FIELD_NUMBER, bytes, field->size));
        else
            report_number(report, key, bytes_value(bytes, field->size));
    }
}

static void show_line(struct report *report, const struct field *field, const struct layout *layout,
                      const uint8_t *bytes)
{
    char text[VALUE_SIZE];
    size_t at = strlen(field->name);
    report_say(report, "%s", field->name);
    for (; at < layout->column; at = layout->tabs ? ROUND_DOWN(at, TAB_STOP) + TAB_STOP : at + 1)
        report_say(report, layout->tabs ? "\t" : " ");
    report_say(report, ": ");
    report_say(report, "%s\n", value_text(text, field->kind, bytes, field->size));
    if (!report->human || !field->bits)
        return;
    bits_show(report, field->bits, bytes_value(bytes, field->size), field->size, layout->indent);
    report_say(report, "\n");
}

void fields_show(struct report *report, const struct field *fields, size_t count,
                 const struct layout *layout, const void *data)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = (const uint8_t *)data + fields[i].offset;
        if (report->form == FORM_JSON)
            show_json(report, &fields[i], bytes);
        else
            show_line(report, &fields[i], layout, bytes);
    }
}
