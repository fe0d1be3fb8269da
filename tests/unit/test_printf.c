/*
 * lib/printf.c against the host's snprintf: every conversion with every set of
 * flags, width, precision, length and a table of values, then what has no
 * counterpart there.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Without the attribute that checks formats: here they are made at run time. */
int lib_snprintf(char *restrict to, size_t size, const char *restrict format, ...);
int lib_format_to(void (*put)(void *context, const char *text, size_t length), void *context,
                  const char *format, va_list arguments);

/* On purpose there is also what compilers warn of. */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-zero-length"

#define CHECK(...)                                                                  \
    do {                                                                            \
        char ours[256], theirs[256];                                                \
        memset(ours, '#', sizeof ours);                                             \
        memset(theirs, '#', sizeof theirs);                                         \
        int our_length = lib_snprintf(ours, sizeof ours, __VA_ARGS__);              \
        assert_int_equal(our_length, snprintf(theirs, sizeof theirs, __VA_ARGS__)); \
        assert_memory_equal(ours, theirs, sizeof ours);                             \
    } while (0)

/* Calls `check` with every combination of flags, width and precision in front of `rest`. */
static void for_each_format(const char *rest, void (*check)(const char *format))
{
    static const char flags[] = "-0+ #";
    static const char *const widths[] = {"", "1", "7", "30"};
    static const char *const precisions[] = {"", ".", ".0", ".1", ".5", ".25"};
    for (unsigned set = 0; set < 32; set++)
        for (unsigned w = 0; w < 4; w++)
            for (unsigned p = 0; p < 6; p++) {
                char chosen[6] = "", format[64];
                for (unsigned i = 0; i < 5; i++)
                    if (set & 1u << i)
                        strncat(chosen, flags + i, 1);
                snprintf(format, sizeof format, "<%%%s%s%s%s>", chosen, widths[w], precisions[p],
                         rest);
                check(format);
            }
}

static const uint64_t values[] = {0,         1,          7,          8,        9,        10,
                                  127,       128,        255,        256,      32767,    32768,
                                  65535,     65536,      INT_MAX,    1u << 31, UINT_MAX, 1ull << 32,
                                  INT64_MAX, 1ull << 63, UINT64_MAX, -128ull,  -129ull,  -32768ull,
                                  -32769ull, 123456789,  -1234567ull};
#define VALUES (sizeof values / sizeof values[0])

static void check_narrow(const char *format)
{
    for (unsigned i = 0; i < VALUES; i++)
        CHECK(format, (int)values[i]);
}

static void check_wide(const char *format)
{
    for (unsigned i = 0; i < VALUES; i++)
        CHECK(format, values[i]);
}

static void test_integers(void **state)
{
    static const char *const narrow[] = {"", "h", "hh"};
    static const char *const wide[] = {"l", "ll", "z", "j", "t"};
    (void)state;
    for (const char *letter = "diuxXo"; *letter; letter++) {
        char rest[4];
        for (unsigned i = 0; i < 3; i++) {
            snprintf(rest, sizeof rest, "%s%c", narrow[i], *letter);
            for_each_format(rest, check_narrow);
        }
        for (unsigned i = 0; i < 5; i++) {
            snprintf(rest, sizeof rest, "%s%c", wide[i], *letter);
            for_each_format(rest, check_wide);
        }
    }
}

static void check_string(const char *format)
{
    CHECK(format, "");
    CHECK(format, "a");
    CHECK(format, "twelve bytes");
    CHECK(format, "a text that is longer than any of the widths");
}

static void check_character(const char *format)
{
    CHECK(format, 'x');
    CHECK(format, 0xE4);
    CHECK(format, 0);
}

static void check_pointer(const char *format)
{
    CHECK(format, (void *)0x1234);
    CHECK(format, (void *)UINTPTR_MAX);
}

/* 0 with s and c, and anything but - with p, is undefined: only what has a meaning is compared. */
static void test_texts(void **state)
{
    static const char *const fields[] = {"", "1", "5", "-5", "30", "-30"};
    static const char *const precisions[] = {"", ".", ".0", ".1", ".5", ".25"};
    char format[32];
    (void)state;
    for (unsigned f = 0; f < 6; f++) {
        for (unsigned p = 0; p < 6; p++) {
            snprintf(format, sizeof format, "<%%%s%ss>", fields[f], precisions[p]);
            check_string(format);
        }
        snprintf(format, sizeof format, "<%%%sc>", fields[f]);
        check_character(format);
        snprintf(format, sizeof format, "<%%%sp>", fields[f]);
        check_pointer(format);
    }
}

static void test_arguments(void **state)
{
    (void)state;
    for (int width = -12; width <= 12; width += 3)
        for (int precision = -2; precision <= 12; precision += 2) {
            CHECK("[%*.*d]", width, precision, 42);
            CHECK("[%0*.*x]%s", width, precision, 0xBEEF, "next");
            CHECK("[%*.*s]%c", width, precision, "string", 'n');
            CHECK("[%-*u][%.*o]", width, 7u, precision, 8u);
        }
    CHECK("plain text");
    CHECK("");
    CHECK("100%% of %d and %s%%", 5, "six");
    CHECK("%d %ld %hhd %s %c %zu %jx %td", -1, -2L, -3, "four", '5', (size_t)6, (intmax_t)7,
          (ptrdiff_t)-8);
}

static void test_size_limit(void **state)
{
    (void)state;
    for (size_t size = 0; size < 20; size++) {
        char ours[24], theirs[24];
        memset(ours, '#', sizeof ours);
        memset(theirs, '#', sizeof theirs);
        int length = lib_snprintf(ours, size, "%s-%05d", "abcdef", 42);
        assert_int_equal(length, snprintf(theirs, size, "%s-%05d", "abcdef", 42));
        assert_memory_equal(ours, theirs, sizeof ours);
    }
    assert_int_equal(lib_snprintf(NULL, 0, "%10d", 1), 10);
    /* Text that need not end, as a precision limits it. */
    char *open_end = malloc(3), text[8];
    memcpy(open_end, "abc", 3);
    assert_int_equal(lib_snprintf(text, sizeof text, "%.3s", open_end), 3);
    assert_string_equal(text, "abc");
    free(open_end);
}

static void expect(const char *text, const char *format, ...)
{
    char ours[64];
    va_list arguments;
    extern int lib_vsnprintf(char *restrict, size_t, const char *restrict, va_list);
    va_start(arguments, format);
    int length = lib_vsnprintf(ours, sizeof ours, format, arguments);
    va_end(arguments);
    assert_string_equal(ours, text);
    assert_int_equal(length, strlen(text));
}

/* Where C leaves it open: nothing is lost, nothing crashes. */
static void test_open_cases(void **state)
{
    (void)state;
    expect("(null)", "%s", (char *)NULL);
    expect("%", "%");
    expect("a%", "a%");
    expect("%-5", "%-5");
    expect("%f", "%f");
    expect("%5.2q|1", "%5.2q|%d", 1);
    char text[8];
    int length = lib_snprintf(text, sizeof text, "%99999999999d", 1);
    assert_true(length > 1000);
    assert_string_equal(text, "       ");
}

static void collect(void *context, const char *text, size_t length)
{
    strncat(context, text, length);
}

static int format_to(char *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = lib_format_to(collect, to, format, arguments);
    va_end(arguments);
    return length;
}

static void test_format_to(void **state)
{
    char text[256] = "", expected[256];
    (void)state;
    int length = format_to(text, "%s: %-100d%#x", "name", 5, 255);
    snprintf(expected, sizeof expected, "%s: %-100d%#x", "name", 5, 255);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),   cmocka_unit_test(test_texts),
        cmocka_unit_test(test_arguments),  cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_open_cases), cmocka_unit_test(test_format_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
