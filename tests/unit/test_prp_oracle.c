/*
 * The PRP oracle against cases worked out by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/prp_oracle.h"

static uint64_t entries[16];
static size_t count;

static bool oracle(uint64_t page_size, size_t segment_count, const struct prp_segment *segments)
{
    return prp_oracle(page_size, segments, segment_count, entries, 16, &count);
}

#define ORACLE(page_size, ...)                                                                  \
    oracle(page_size, sizeof((struct prp_segment[]){__VA_ARGS__}) / sizeof(struct prp_segment), \
           (struct prp_segment[]){__VA_ARGS__})

static void test_expressible(void **state)
{
    (void)state;
    assert_true(ORACLE(4096, {0x1000, 0}));
    assert_int_equal(count, 0);
    assert_true(ORACLE(4096, {0x1FFC, 4}));
    assert_int_equal(count, 1);
    assert_int_equal(entries[0], 0x1FFC);
    assert_true(ORACLE(4096, {0x1FFC, 8}));
    assert_int_equal(count, 2);
    assert_int_equal(entries[1], 0x2000);
    assert_true(ORACLE(4096, {0x1E00, 0x200}, {0x9000, 0x1000}, {0x4000, 0x10}));
    assert_int_equal(count, 3);
    assert_int_equal(entries[1], 0x9000);
    assert_int_equal(entries[2], 0x4000);
    /* Segments that go on where the last one ended, even inside a page. */
    assert_true(ORACLE(4096, {0x1000, 0x10}, {0x5000, 0}, {0x1010, 0xFF0}, {0x2000, 1}));
    assert_int_equal(count, 2);
    /* The same pages may come again. */
    assert_true(ORACLE(4096, {0x1000, 0x1000}, {0x1000, 0x1000}));
    assert_int_equal(count, 2);
    /* Pages of 64 KiB: an offset beyond 4 KiB. */
    assert_true(ORACLE(65536, {0x1F000, 0x2000}));
    assert_int_equal(count, 2);
    assert_int_equal(entries[1], 0x20000);
    assert_true(ORACLE(4096, {0xFFFFFFFFFFFFF000, 0x1000})); /* the last page of all */
}

static void test_not_expressible(void **state)
{
    (void)state;
    assert_false(ORACLE(4096, {0x1002, 16}));                   /* not a dword */
    assert_false(ORACLE(4096, {0x1000, 0x800}, {0x2000, 16}));  /* a page left too early */
    assert_false(ORACLE(4096, {0x1000, 0x1000}, {0x3800, 16})); /* a page begun inside */
    assert_false(ORACLE(4096, {0x1000, 0x800}, {0x1804, 16}));  /* a gap inside a page */
    assert_false(ORACLE(65536, {0x11000, 0x1000}, {0x20000, 0x1000}));
    assert_false(ORACLE(4096, {0xFFFFFFFFFFFFF000, 0x1001}));
    assert_false(ORACLE(4096, {0, 17 * 4096})); /* more entries than there is room for */
}

static bool read_own(void *context, uint64_t bus, uint64_t *value)
{
    uint64_t *memory = context; /* at bus address 0x10000 */
    if (bus < 0x10000 || bus >= 0x12000)
        return false;
    *value = memory[(bus - 0x10000) / 8];
    return true;
}

static void test_decode(void **state)
{
    (void)state;
    static uint64_t memory[1024];
    memory[510] = 0x3000;
    memory[511] = 0x11000;
    memory[512] = 0x4000;
    memory[513] = 0x5000;
#define DECODE(prp1, prp2, length) \
    prp_oracle_decode(4096, prp1, prp2, length, read_own, memory, entries, 16, &count)
    assert_true(DECODE(0x10FF0, 0x10FF0, 4 * 4096 - 4080));
    assert_int_equal(count, 4);
    assert_int_equal(entries[1], 0x3000);
    assert_int_equal(entries[2], 0x4000);
    assert_int_equal(entries[3], 0x5000);
    assert_true(DECODE(0x1000, 0x10FF0, 3 * 4096)); /* the last entry is data when none follows */
    assert_int_equal(entries[2], 0x11000);
    assert_true(DECODE(0x1000, 0x2000, 8192));
    assert_false(DECODE(0x1000, 0x2004, 8192));
    assert_false(DECODE(0x1000, 0, 8192));
    assert_false(DECODE(0x1000, 0x2000, 4096));
    assert_false(DECODE(0x1002, 0, 4));
    assert_false(DECODE(0, 0, 4));
    assert_false(DECODE(0x1000, 0x10FF4, 3 * 4096));
    assert_false(DECODE(0x1000, 0x10FE8, 3 * 4096)); /* a null entry */
    assert_false(DECODE(0x1000, 0x13000, 3 * 4096)); /* no memory */
#undef DECODE
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressible),
        cmocka_unit_test(test_not_expressible),
        cmocka_unit_test(test_decode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
