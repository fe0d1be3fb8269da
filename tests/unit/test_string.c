/*
 * lib/string.c against the host's C library: every length and alignment that
 * meets another path of the code, then random ones. Arrays have guard bytes on
 * both sides, so a byte written too far is seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern __typeof__(memcpy) lib_memcpy;
extern __typeof__(memmove) lib_memmove;
extern __typeof__(memset) lib_memset;
extern __typeof__(memcmp) lib_memcmp;
extern __typeof__(memchr) lib_memchr;
extern __typeof__(strlen) lib_strlen;
extern __typeof__(strnlen) lib_strnlen;
extern __typeof__(strcmp) lib_strcmp;
extern __typeof__(strncmp) lib_strncmp;
extern __typeof__(strchr) lib_strchr;
extern __typeof__(strrchr) lib_strrchr;
extern __typeof__(strstr) lib_strstr;

#define SIZE 512

static unsigned char before[SIZE], ours[SIZE], theirs[SIZE];

static void fill_random(unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)rand();
}

static void start(void)
{
    fill_random(before, SIZE);
    memcpy(ours, before, SIZE);
    memcpy(theirs, before, SIZE);
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void check_copy(size_t to, size_t from, size_t length)
{
    unsigned char source[SIZE];
    start();
    fill_random(source, SIZE);
    memcpy(theirs + to, source + from, length);
    assert_ptr_equal(lib_memcpy(ours + to, source + from, length), ours + to);
    assert_memory_equal(ours, theirs, SIZE);
}

static void test_memcpy(void **state)
{
    (void)state;
    for (size_t to = 32; to < 40; to++)
        for (size_t from = 0; from < 8; from++)
            for (size_t length = 0; length < 70; length++)
                check_copy(to, from, length);
    for (unsigned i = 0; i < 2000; i++)
        check_copy((size_t)rand() % 256, (size_t)rand() % 256, (size_t)rand() % 257);
}

static void check_move(size_t to, size_t from, size_t length)
{
    start();
    memmove(theirs + to, theirs + from, length);
    assert_ptr_equal(lib_memmove(ours + to, ours + from, length), ours + to);
    assert_memory_equal(ours, theirs, SIZE);
}

static void test_memmove(void **state)
{
    (void)state;
    for (size_t to = 64; to < 104; to++)
        for (size_t length = 0; length < 50; length++)
            check_move(to, 84, length);
    for (unsigned i = 0; i < 5000; i++)
        check_move((size_t)rand() % 256, (size_t)rand() % 256, (size_t)rand() % 257);
}

static void test_memset(void **state)
{
    (void)state;
    for (size_t to = 32; to < 48; to++)
        for (size_t length = 0; length < 300; length++) {
            int byte = rand();
            start();
            memset(theirs + to, byte, length);
            assert_ptr_equal(lib_memset(ours + to, byte, length), ours + to);
            assert_memory_equal(ours, theirs, SIZE);
        }
}

/* One difference, at every place of every length, both greater and less, with the sign bit too. */
static void test_memcmp(void **state)
{
    (void)state;
    for (size_t at = 0; at < 8; at++)
        for (size_t length = 0; length < 40; length++) {
            start();
            lib_memcpy(ours, ours + at, length);
            assert_int_equal(lib_memcmp(ours, theirs + at, length), 0);
            for (size_t i = 0; i < length; i++) {
                unsigned char kept = ours[i];
                ours[i] ^= (unsigned char)(1 << (rand() % 8));
                assert_int_equal(sign(lib_memcmp(ours, theirs + at, length)),
                                 sign(memcmp(ours, theirs + at, length)));
                assert_int_equal(lib_memcmp(ours, theirs + at, i), 0);
                ours[i] = kept;
            }
        }
}

/* Few different bytes, so that hits, misses and neighbours of hits (for borrows) are common. */
static void test_memchr(void **state)
{
    static const unsigned char bytes[] = {0, 1, 2, 0x7F, 0x80, 0x81, 0xFE, 0xFF};
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        size_t at = (size_t)rand() % 16, length = (size_t)rand() % 40;
        unsigned char text[64], rare = bytes[rand() % 8];
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = rand() % 4 ? rare : bytes[rand() % 8];
        int byte = bytes[rand() % 8] + (rand() % 2 ? 256 : 0);
        assert_ptr_equal(lib_memchr(text + at, byte, length), memchr(text + at, byte, length));
    }
}

/* A string of few letters in an allocation of its own size: reading further is an error. */
static char *random_string(size_t most)
{
    static const char letters[] = {'a', 'b', (char)0xE4, 'c'};
    size_t length = (size_t)rand() % (most + 1);
    char *text = malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        text[i] = letters[rand() % 4];
    text[length] = 0;
    return text;
}

static void check_strings(const char *a, const char *b)
{
    size_t limit = (size_t)rand() % 12;
    assert_int_equal(lib_strlen(a), strlen(a));
    assert_int_equal(lib_strnlen(a, limit), strnlen(a, limit));
    assert_int_equal(sign(lib_strcmp(a, b)), sign(strcmp(a, b)));
    assert_int_equal(sign(lib_strncmp(a, b, limit)), sign(strncmp(a, b, limit)));
    assert_ptr_equal(lib_strstr(a, b), strstr(a, b));
    static const int wanted[] = {'a', 'b', 'c', 'd', 0xE4, -28, 0, 256 + 'a'};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_ptr_equal(lib_strchr(a, wanted[i]), strchr(a, wanted[i]));
        assert_ptr_equal(lib_strrchr(a, wanted[i]), strrchr(a, wanted[i]));
    }
}

static void test_strings(void **state)
{
    (void)state;
    check_strings("", "");
    for (unsigned i = 0; i < 20000; i++) {
        char *a = random_string(10), *b = random_string(rand() % 2 ? 10 : 2);
        check_strings(a, b);
        check_strings(a, a);
        free(a);
        free(b);
    }
}

/* What has a limit does not look for a NUL behind it. */
static void test_limits(void **state)
{
    (void)state;
    char *text = malloc(3);
    memcpy(text, "abc", 3);
    assert_int_equal(lib_strnlen(text, 3), 3);
    assert_int_equal(lib_strncmp(text, "abcd", 3), 0);
    assert_null(lib_memchr(text, 'd', 3));
    free(text);
}

int main(void)
{
    srand(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memcpy), cmocka_unit_test(test_memmove),
        cmocka_unit_test(test_memset), cmocka_unit_test(test_memcmp),
        cmocka_unit_test(test_memchr), cmocka_unit_test(test_strings),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
