/*
 * Regular expressions beside the C library's: random patterns, right and wrong
 * ones, over random text. tests/unit/test_gnu.py compares grep as a whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <regex.h>

#include "lib/regex.h"

#include "lib/bits.h"

static struct regex ours;

static void random_text(char *text, size_t most, const char *from)
{
    size_t length = (size_t)rand() % most;
    for (size_t i = 0; i < length; i++)
        text[i] = from[(size_t)rand() % strlen(from)];
    text[length] = 0;
}

static void compare(const char *pattern, const char *text, regex_t *theirs)
{
    regmatch_t match;
    bool expected = regexec(theirs, text, 1, &match, 0) == 0;
    size_t start = 0, end = 0;
    bool got = regex_search(&ours, text, strlen(text), &start, &end);
    if (got != expected || (got && (start != (size_t)match.rm_so || end != (size_t)match.rm_eo)))
        fail_msg("'%s' in '%s': %d %zu..%zu and not %d %d..%d", pattern, text, got, start, end,
                 expected, match.rm_so, match.rm_eo);
    assert_int_equal(regex_matches(&ours, text, strlen(text)), expected);
}

static void test_beside_libc(void **state)
{
    unsigned compiled = 0;
    (void)state;
    srand(5);
    for (unsigned round = 0; round < 20000; round++) {
        char pattern[16], text[24];
        bool extended = rand() % 2;
        random_text(pattern, sizeof pattern, extended ? "aabc.[](|)()*+?^$-b" : "aab.[]*^$-bc");
        /* Where POSIX leaves the meaning open: an operator that has nothing in front of it. */
        if (extended && (strpbrk(pattern, "*+?") || strchr(pattern, '^')))
            if (strchr("*+?", pattern[0]) || strstr(pattern, "(*") || strstr(pattern, "(+") ||
                strstr(pattern, "(?") || strstr(pattern, "|*") || strstr(pattern, "|+") ||
                strstr(pattern, "|?") || strstr(pattern, "^*") || strstr(pattern, "^+") ||
                strstr(pattern, "^?") || strstr(pattern, "$*") || strstr(pattern, "$+") ||
                strstr(pattern, "$?"))
                continue;
        regex_t theirs;
        bool good = regcomp(&theirs, pattern, extended ? REG_EXTENDED : 0) == 0;
        regex_start(&ours, extended ? REGEX_EXTENDED : 0);
        const char *problem = regex_add(&ours, pattern);
        if (!good)
            continue; /* whatever it was taken for */
        if (problem)
            fail_msg("'%s': %s", pattern, problem);
        compiled++;
        for (unsigned i = 0; i < 4; i++) {
            random_text(text, sizeof text, "aabbc-]x");
            compare(pattern, text, &theirs);
        }
        regfree(&theirs);
    }
    assert_true(compiled > 5000);
}

/* What cannot be is told, and nothing is written where nothing is. */
static void test_limits(void **state)
{
    static const char *const wrong[] = {"(",
                                        "a)(",
                                        "[a",
                                        "[[:x:]]",
                                        "[b-a]",
                                        "a{2,1}",
                                        "a{256}",
                                        "\\",
                                        "((a{200}){200})",
                                        "\\1",
                                        "((((((((((((((((((((((a))))))))))))))))))))))"};
    char large[2 * REGEX_STEPS];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        regex_start(&ours, REGEX_EXTENDED);
        assert_non_null(regex_add(&ours, wrong[i]));
    }
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = 0;
    regex_start(&ours, REGEX_FIXED);
    assert_non_null(regex_add(&ours, large));
    for (size_t i = 0; i + 2 < sizeof large; i += 3)
        memcpy(large + i, "[a]", 3);
    regex_start(&ours, 0);
    assert_non_null(regex_add(&ours, large));

    large[0] = 0;
    for (unsigned i = 0; i < 20000; i++) {
        random_text(large, 40, "a(){}[]\\,12|*+?^$-:.[:alpha:]");
        regex_start(&ours, i % 2 ? REGEX_EXTENDED : REGEX_IGNORE_CASE);
        if (!regex_add(&ours, large) && !regex_add(&ours, "b*"))
            assert_true(regex_matches(&ours, "a1,(b", 5));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_beside_libc),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
