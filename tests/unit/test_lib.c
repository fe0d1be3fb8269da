/*
 * The small rooms of lib/: list, ring, bits, ChaCha20, the words for errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <time.h>

#include "lib/bits.h"
#include "lib/calendar.h"
#include "lib/chacha20.h"
#include "lib/list.h"
#include "lib/ring.h"
#include "lib/status.h"

struct item {
    int value;
    struct list node;
};

static void expect_list(struct list *head, const char *values)
{
    char forward[16] = "", backward[16] = "";
    size_t count = 0;
    LIST_FOR_EACH(node, head)
    {
        forward[count++] = (char)CONTAINER_OF(node, struct item, node)->value;
    }
    assert_string_equal(forward, values);
    for (struct list *node = head->previous; node != head; node = node->previous)
        backward[--count] = (char)CONTAINER_OF(node, struct item, node)->value;
    assert_string_equal(backward, values);
}

static void test_list(void **state)
{
    struct list head = LIST_EMPTY(head);
    struct item a = {.value = 'a'}, b = {.value = 'b'}, c = {.value = 'c'};
    (void)state;
    assert_true(list_is_empty(&head));
    expect_list(&head, "");
    list_insert(&head, &a.node);
    list_insert(&head, &c.node);
    list_insert(&c.node, &b.node);
    assert_false(list_is_empty(&head));
    expect_list(&head, "abc");
    list_remove(&b.node);
    list_remove(&b.node);
    expect_list(&head, "ac");
    list_insert(head.next, &b.node);
    expect_list(&head, "bac");
    list_remove(&a.node);
    list_remove(&b.node);
    list_remove(&c.node);
    assert_true(list_is_empty(&head));
    list_init(&head);
    expect_list(&head, "");
}

/* The indices start just below where they wrap. */
static void test_ring(void **state)
{
    uint8_t bytes[8], next_in = 0, next_out = 0, byte;
    struct ring ring = {
        .bytes = bytes, .size = sizeof bytes, .written = UINT32_MAX - 20, .read = UINT32_MAX - 20};
    (void)state;
    srand(3);
    assert_false(ring_get(&ring, &byte));
    for (unsigned i = 0; i < 8; i++)
        assert_true(ring_put(&ring, next_in++));
    assert_false(ring_put(&ring, 99));
    assert_int_equal(ring_used(&ring), 8);
    for (unsigned i = 0; i < 10000; i++) {
        if (rand() % 2) {
            bool was_full = ring_used(&ring) == 8;
            assert_int_equal(ring_put(&ring, next_in), !was_full);
            next_in += !was_full;
        } else {
            bool was_empty = ring_used(&ring) == 0;
            assert_int_equal(ring_get(&ring, &byte), !was_empty);
            if (!was_empty)
                assert_int_equal(byte, next_out++);
        }
        assert_int_equal(ring_used(&ring), (uint8_t)(next_in - next_out));
    }
}

static void test_bits(void **state)
{
    (void)state;
    assert_int_equal(FIELD_GET(0xFF00u, 0x1234u), 0x12);
    assert_int_equal(FIELD_SET(0xFF00u, 0x12u), 0x1200);
    assert_int_equal(FIELD_SET(0xFF00u, 0x345u), 0x4500);
    assert_int_equal(FIELD_GET(BIT(63), UINT64_MAX), 1);
    assert_true(ROUND_UP(0x1001ul, 4096) == 0x2000 && ROUND_UP(0x1000ul, 4096) == 0x1000);
    assert_true(ROUND_DOWN(UINT64_MAX, 4096) == 0xFFFFFFFFFFFFF000);
    assert_true(IS_ALIGNED(8u, 8) && !IS_ALIGNED(9u, 8) && IS_ALIGNED(0u, 8));
    assert_int_equal(MIN(3, -4), -4);
    assert_int_equal(MAX(3, -4), 3);
}

/* RFC 8439, section 2.3.2. */
static void test_chacha20(void **state)
{
    static const uint8_t expected[64] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
        0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
        0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
        0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
        0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
    static const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
    uint8_t key_bytes[32], stream[64];
    uint32_t key[8];
    (void)state;
    for (unsigned i = 0; i < 32; i++)
        key_bytes[i] = (uint8_t)i;
    memcpy(key, key_bytes, sizeof key);
    chacha20_block(key, 1, nonce, stream);
    assert_memory_equal(stream, expected, 64);
}

static void test_status(void **state)
{
    (void)state;
    assert_string_equal(status_text(OK), "Success");
    assert_string_equal(status_text(ERR_NOT_FOUND), "No such file or directory");
    assert_string_equal(status_text(ERR_RANGE), "Numerical result out of range");
    for (int a = OK; a >= ERR_RANGE; a--)
        for (int b = a - 1; b >= ERR_RANGE; b--)
            assert_string_not_equal(status_text(a), status_text(b));
    const int strange[] = {1, INT32_MAX, ERR_RANGE - 1, INT32_MIN};
    for (unsigned i = 0; i < ARRAY_SIZE(strange); i++)
        assert_string_equal(status_text(strange[i]), "Unknown error");
}

/* Beside the C library, over some thousand years on both sides of 1970, there and back. */
static void test_calendar(void **state)
{
    (void)state;
    srand(3);
    for (unsigned i = 0; i < 200000; i++) {
        time_t seconds = ((time_t)rand() << 8 | (rand() & 255)) - ((time_t)1 << 38);
        if (i < 4000) /* around the ends of years and of Februaries */
            seconds = (time_t)i * 15778476 + rand() % 200000 - 100000;
        struct tm expected;
        assert_non_null(gmtime_r(&seconds, &expected));
        struct calendar date = calendar_from(seconds);
        assert_int_equal(date.year, 1900 + (int64_t)expected.tm_year);
        assert_int_equal(date.month, 1 + expected.tm_mon);
        assert_int_equal(date.day, expected.tm_mday);
        assert_int_equal(date.hour, expected.tm_hour);
        assert_int_equal(date.minute, expected.tm_min);
        assert_int_equal(date.second, expected.tm_sec);
        assert_int_equal(date.weekday, expected.tm_wday);
        assert_int_equal(date.yearday, expected.tm_yday);
        assert_int_equal(calendar_seconds(&date), seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calendar), cmocka_unit_test(test_list),
        cmocka_unit_test(test_ring),     cmocka_unit_test(test_bits),
        cmocka_unit_test(test_chacha20), cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
