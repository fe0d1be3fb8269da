/*
 * lib/number.c: what is a number, what is not, and where the largest one ends.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/bits.h"
#include "lib/number.h"

#define UNTOUCHED 0x5555555555555555ULL

struct number_case {
    const char *text;
    unsigned base;
    int status;
    uint64_t value;
    unsigned taken;
};

static const struct number_case prefixes[] = {
    {"0", 10, OK, 0, 1},
    {"007", 10, OK, 7, 3},
    {"42xyz", 10, OK, 42, 2},
    {"18446744073709551615", 10, OK, UINT64_MAX, 20},
    {"18446744073709551616", 10, ERR_RANGE, UNTOUCHED, 20},
    {"18446744073709551620", 10, ERR_RANGE, UNTOUCHED, 20},
    {"99999999999999999999999z", 10, ERR_RANGE, UNTOUCHED, 23},
    {"0000000000000000000000000001", 10, OK, 1, 28},
    {"", 10, ERR_INVALID, UNTOUCHED, 0},
    {"x", 10, ERR_INVALID, UNTOUCHED, 0},
    {"-1", 10, ERR_INVALID, UNTOUCHED, 0},
    {"+1", 10, ERR_INVALID, UNTOUCHED, 0},
    {" 1", 10, ERR_INVALID, UNTOUCHED, 0},
    {"0x10", 10, OK, 0, 1},
    {"0x10", 0, OK, 16, 4},
    {"0XfF", 0, OK, 255, 4},
    {"0x", 0, OK, 0, 1},
    {"0xg", 0, OK, 0, 1},
    {"010", 0, OK, 10, 3},
    {"12a", 0, OK, 12, 2},
    {"ffffffffffffffff", 16, OK, UINT64_MAX, 16},
    {"10000000000000000", 16, ERR_RANGE, UNTOUCHED, 17},
    {"fg", 16, OK, 15, 1},
    {"1012", 2, OK, 5, 3},
    {"778", 8, OK, 63, 2},
};

static void test_prefix(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++) {
        const struct number_case *c = &prefixes[i];
        uint64_t value = UNTOUCHED;
        const char *end = NULL;
        int status = number_prefix(c->text, c->base, &value, &end);
        if (status != c->status || value != c->value || end != c->text + c->taken)
            fail_msg("'%s' in base %u: status %d, value %" PRIu64 ", rest '%s'", c->text, c->base,
                     status, value, end);
    }
}

static void test_parse(void **state)
{
    uint64_t value = UNTOUCHED;
    (void)state;
    assert_int_equal(number_parse("", 10, &value), ERR_INVALID);
    assert_int_equal(number_parse("1 ", 10, &value), ERR_INVALID);
    assert_int_equal(number_parse("0x", 0, &value), ERR_INVALID);
    assert_int_equal(number_parse("18446744073709551616", 10, &value), ERR_RANGE);
    assert_true(value == UNTOUCHED);
    assert_int_equal(number_parse("0xdeadBEEF", 0, &value), OK);
    assert_true(value == 0xDEADBEEF);
}

static void test_parse_generated(void **state)
{
    (void)state;
    srand(2);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t wanted =
            ((uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand()) >> (rand() % 64);
        uint64_t value;
        char text[32];
        snprintf(text, sizeof text, "%" PRIu64, wanted);
        assert_int_equal(number_parse(text, 0, &value), OK);
        assert_true(value == wanted);
        snprintf(text, sizeof text, "0x%" PRIx64, wanted);
        assert_int_equal(number_parse(text, 0, &value), OK);
        assert_true(value == wanted);
    }
}

static const struct {
    const char *text;
    int status;
    uint64_t bytes;
} sizes[] = {
    {"0", OK, 0},
    {"512", OK, 512},
    {"5c", OK, 5},
    {"5w", OK, 10},
    {"5b", OK, 2560},
    {"1k", OK, 1024},
    {"1K", OK, 1024},
    {"1KiB", OK, 1024},
    {"1kB", OK, 1000},
    {"1KB", OK, 1000},
    {"3M", OK, 3145728},
    {"3MiB", OK, 3145728},
    {"3MB", OK, 3000000},
    {"2G", OK, 2147483648},
    {"2GB", OK, 2000000000},
    {"1T", OK, 1ULL << 40},
    {"1TB", OK, 1000000000000},
    {"1P", OK, 1ULL << 50},
    {"1PB", OK, 1000000000000000},
    {"15E", OK, 15ULL << 60},
    {"18EB", OK, 18000000000000000000ULL},
    {"16E", ERR_RANGE, UNTOUCHED},
    {"19EB", ERR_RANGE, UNTOUCHED},
    {"18446744073709551615", OK, UINT64_MAX},
    {"18446744073709551616", ERR_RANGE, UNTOUCHED},
    {"2x512", OK, 1024},
    {"4Kx8", OK, 32768},
    {"2x3x4b", OK, 12288},
    {"4294967296x4294967295", OK, 0xFFFFFFFF00000000},
    {"4294967296x4294967296", ERR_RANGE, UNTOUCHED},
    {"0x16", OK, 0},
    {"", ERR_INVALID, UNTOUCHED},
    {"K", ERR_INVALID, UNTOUCHED},
    {"B", ERR_INVALID, UNTOUCHED},
    {"1z", ERR_INVALID, UNTOUCHED},
    {"1m", ERR_INVALID, UNTOUCHED},
    {"1Ki", ERR_INVALID, UNTOUCHED},
    {"1KiBB", ERR_INVALID, UNTOUCHED},
    {"1bB", ERR_INVALID, UNTOUCHED},
    {"1kk", ERR_INVALID, UNTOUCHED},
    {"1x", ERR_INVALID, UNTOUCHED},
    {"x1", ERR_INVALID, UNTOUCHED},
    {"1xx1", ERR_INVALID, UNTOUCHED},
    {"1 K", ERR_INVALID, UNTOUCHED},
    {" 1", ERR_INVALID, UNTOUCHED},
    {"-1", ERR_INVALID, UNTOUCHED},
    {"1.5K", ERR_INVALID, UNTOUCHED},
};

static void test_sizes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint64_t bytes = UNTOUCHED;
        int status = size_parse(sizes[i].text, &bytes);
        if (status != sizes[i].status || bytes != sizes[i].bytes)
            fail_msg("'%s': status %d, %" PRIu64, sizes[i].text, status, bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_generated),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
