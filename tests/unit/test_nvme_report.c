/*
 * How `nvme` makes lines, the words of -H and JSON of one table; and what it makes of bytes that
 * no sane device sends.
 */
#include <stdio.h>

#include "kernel/shell/commands/nvme/show.h"
#include "tests/unit/run_command.h"

static struct invocation self;
static struct report report;

static void begin(int form, bool human)
{
    static const struct command none = {.name = "test"};
    self = (struct invocation){.command = &none, .out = run_file("", 0), .error = run_file("", 0)};
    report = (struct report){.self = &self, .form = form, .human = human};
}

static void end(void)
{
    run_out_length = run_collect(self.out, run_out, sizeof run_out);
    run_out[run_out_length] = 0;
    file_close(self.out);
    file_close(self.error);
}

struct sample {
    uint16_t flags;
    uint8_t number;
    char name[5];
    uint8_t large[16];
};

#define SAMPLE(text, member, kind, ...) FIELD_AS(struct sample, member, text, kind, __VA_ARGS__)

static const struct field sample_fields[] = {
    SAMPLE("flags", flags, HEX,
           .bits = BITS({14, 14, "this is {not |}so"}, {9, 8, "{none|one|more}"}, {3, 0, "plain"})),
    SAMPLE("number", number, NUMBER, .key = "count",
           .bits = BITS({7, 0, "#d, #x, #+, #*500, #^2, #K, #V"})),
    SAMPLE("name", name, TEXT),
    SAMPLE("large", large, NUMBER),
};

static void show_sample(const struct sample *sample, int form, bool human, const char *indent,
                        const char *expected)
{
    const struct layout layout = {.column = 7, .indent = indent};
    begin(form, human);
    report_open(&report, NULL, '{');
    fields_show(&report, sample_fields, ARRAY_SIZE(sample_fields), &layout, sample);
    report_close(&report, '}');
    end();
    assert_string_equal(run_out, expected);
}

static const struct sample one = {
    .flags = 0x4a51, .number = 3, .name = "a\"\033\\", .large = {[8] = 1}};

static void test_lines(void **state)
{
    (void)state;
    show_sample(&one, FORM_NORMAL, false, NULL,
                "flags  : 0x4a51\nnumber : 3\nname   : a\"?\\\nlarge  : 18446744073709551616\n");
}

/* Bits that no text speaks of are told where they are not zero. */
static void test_bits(void **state)
{
    (void)state;
    show_sample(&one, FORM_NORMAL, true, NULL,
                "flags  : 0x4a51\n"
                "  [14:14] : 0x1\tthis is so\n"
                "  [13:10] : 0x2\tReserved\n"
                "  [9:8] : 0x2\tmore\n"
                "  [7:4] : 0x5\tReserved\n"
                "  [3:0] : 0x1\tplain\n\n"
                "number : 3\n"
                "  [7:0] : 3, 3, 4, 1500, 32, -270°C (3 Kelvin), 0.3\n\n"
                "name   : a\"?\\\nlarge  : 18446744073709551616\n");
}

static void test_bits_by_themselves(void **state)
{
    (void)state;
    const struct sample other = {.flags = 0x8300, .number = 255};
    show_sample(&other, FORM_NORMAL, true, "\t",
                "flags  : 0x8300\n\tthis is not so\n\tmore\n\tplain\n\n"
                "number : 255\n\t255, ff, 256, 127500, 0, -18°C (255 Kelvin), 0.255\n\n"
                "name   : \nlarge  : 0\n");
}

static void test_json(void **state)
{
    (void)state;
    show_sample(&one, FORM_JSON, true, NULL,
                "{\n  \"flags\":19025,\n  \"count\":3,\n  \"name\":\"a\\\"?\\\\\",\n"
                "  \"large\":\"18446744073709551616\"\n}\n");
}

static void test_json_nests(void **state)
{
    (void)state;
    begin(FORM_JSON, false);
    report_open(&report, NULL, '[');
    report_open(&report, NULL, '{');
    report_close(&report, '}');
    report_open(&report, NULL, '{');
    report_number(&report, "a", UINT64_MAX);
    report_say(&report, "not to be seen");
    report_open(&report, "b", '[');
    report_close(&report, ']');
    report_text(&report, "c", "%d", 5);
    report_close(&report, '}');
    report_close(&report, ']');
    end();
    assert_string_equal(run_out, "[\n  {\n  },\n  {\n    \"a\":18446744073709551615,\n"
                                 "    \"b\":[\n    ],\n    \"c\":\"5\"\n  }\n]\n");
    begin(FORM_NORMAL, false);
    report_open(&report, "a", '[');
    report_number(&report, "b", 1);
    report_text(&report, "c", "d");
    report_close(&report, ']');
    end();
    assert_string_equal(run_out, "");
}

static void test_forms(void **state)
{
    (void)state;
    begin(FORM_NORMAL, false);
    assert_true(report_form(&report, "binary"));
    assert_int_equal(report.form, FORM_BINARY);
    assert_true(report_form(&report, "json"));
    assert_int_equal(report.form, FORM_JSON);
    assert_true(report_form(&report, "normal"));
    assert_int_equal(report.form, FORM_NORMAL);
    assert_false(report_form(&report, "xml"));
    end();
}

/* ---- Names of a namespace
 * ------------------------------------------------------------------------- */

static void show_names(const uint8_t *list, size_t length, const char *expected)
{
    uint8_t page[NVME_IDENTIFY_SIZE] = {0};
    memcpy(page, list, length);
    begin(FORM_NORMAL, false);
    show_descriptors(&report, 9, page);
    end();
    const char title[] = "NVME Namespace Identification Descriptors NS 9:\n";
    assert_memory_equal(run_out, title, sizeof title - 1);
    assert_string_equal(run_out + sizeof title - 1, expected);
}

static void test_names(void **state)
{
    (void)state;
    const uint8_t unknown_between[] = {1,  8, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8,
                                       77, 2, 0, 0, 9, 9, 4, 1, 0, 0, 2};
    show_names(unknown_between, sizeof unknown_between,
               "eui64   : 0102030405060708\ncsi     : 0x2\n");
    const uint8_t too_short[] = {1, 4, 0, 0, 1, 2, 3, 4, 0, 1, 0, 0, 1, 4, 1, 0, 0, 5};
    show_names(too_short, sizeof too_short, "csi     : 0x5\n");
    show_names(too_short, 0, "");
}

static void test_names_at_the_end(void **state)
{
    (void)state;
    uint8_t page[NVME_IDENTIFY_SIZE] = {0};
    for (size_t at = 0; at < sizeof page; at += 4 + 251)
        page[at] = 99, page[at + 1] = 251;
    /* 16 of them end at 4080: a UUID behind them would end outside. */
    page[4080] = NVME_DESCRIPTOR_UUID;
    page[4081] = 16;
    begin(FORM_JSON, false);
    show_descriptors(&report, 1, page);
    end();
    assert_string_equal(run_out, "{\n  \"ns-descs\":[\n  ]\n}\n");
}

/* ---- Senseless data
 * ------------------------------------------------------------------------------- */

static void check_json(const char *text)
{
    char open[32];
    size_t depth = 0;
    bool string = false;
    for (; *text; text++) {
        assert_true(*text == '\n' || (*text >= ' ' && *text <= '~'));
        if (string && *text == '\\') {
            text++;
        } else if (*text == '"') {
            string = !string;
        } else if (!string && (*text == '{' || *text == '[')) {
            assert_true(depth < sizeof open);
            open[depth++] = *text;
        } else if (!string && (*text == '}' || *text == ']')) {
            assert_true(depth > 0);
            assert_int_equal(open[--depth], *text == '}' ? '{' : '[');
        }
    }
    assert_int_equal(depth, 0);
    assert_false(string);
}

static void show_all(const uint8_t *page, int form, int which)
{
    begin(form, true);
    switch (which) {
    case 0:
        show_controller(&report, (const void *)page, true);
        break;
    case 1:
        show_namespace(&report, UINT32_MAX, (const void *)page, true);
        break;
    case 2:
        show_descriptors(&report, 1, page);
        break;
    case 3:
        show_smart(&report, "nvme0", 1, (const void *)page);
        break;
    case 4:
        show_errors(&report, "nvme0", (const void *)page, 64);
        break;
    case 5:
        show_firmware(&report, "nvme0", (const void *)page);
        break;
    case 6:
        show_effects(&report, 255, (const void *)page);
        break;
    case 7:
        show_changed(&report, "nvme0", (const void *)page);
        break;
    default:
        show_registers(&report, page);
    }
    end();
}

static void test_senseless_data(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t page[NVME_IDENTIFY_SIZE];
    uint32_t random = 1;
    for (unsigned round = 0; round < 40; round++) {
        for (size_t i = 0; i < sizeof page; i++) {
            random = random * 1664525 + 1013904223;
            page[i] = (uint8_t)(round < 4 ? round * 0x55 : random >> 24);
        }
        for (int which = 0; which < 9; which++) {
            show_all(page, FORM_NORMAL, which);
            assert_null(strchr(run_out, '\033'));
            show_all(page, FORM_JSON, which);
            check_json(run_out);
        }
    }
}

/* Every text of the tables can be said for every value. */
static void test_features(void **state)
{
    (void)state;
    unsigned with_bits = 0;
    for (unsigned id = 0; id < 1000; id++) {
        const struct feature *feature = feature_find(id);
        if (!feature || !feature->bits)
            continue;
        with_bits++;
        for (unsigned value = 0; value < 33; value++) {
            begin(FORM_NORMAL, true);
            bits_show(&report, feature->bits, value < 32 ? 1u << value : UINT32_MAX, 4, "\t");
            end();
            assert_int_equal(run_out[0], '\t');
            assert_null(strpbrk(run_out, "{}#|"));
        }
    }
    assert_true(with_bits > 25);
    assert_string_equal(feature_find(0x0e)->name, "Timestamp");
    assert_int_equal(feature_find(0x0e)->bytes, 8);
    assert_null(feature_find(0x1f));
    assert_null(feature_find(0xc0));
}

static void test_properties(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t page[NVME_IDENTIFY_SIZE];
    page[NVME_REG_VS + 1] = 4;
    page[NVME_REG_VS + 2] = 1;
    begin(FORM_NORMAL, false);
    assert_true(show_property(&report, NVME_REG_VS, page));
    assert_false(show_property(&report, 2, page));
    assert_true(show_property(&report, 0xe18, page));
    report.human = true;
    assert_true(show_property(&report, NVME_REG_VS, page));
    end();
    assert_string_equal(run_out, "property: 0x08 (Version), value: 10400\n"
                                 "property: 0xe18 (Unknown), value: 0\n"
                                 "version : 10400\n\tNVMe specification 1.4\n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),      cmocka_unit_test(test_bits),
        cmocka_unit_test(test_json),       cmocka_unit_test(test_bits_by_themselves),
        cmocka_unit_test(test_json_nests), cmocka_unit_test(test_forms),
        cmocka_unit_test(test_names),      cmocka_unit_test(test_names_at_the_end),
        cmocka_unit_test(test_features),   cmocka_unit_test(test_senseless_data),
        cmocka_unit_test(test_properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
