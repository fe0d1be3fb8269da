/*
 * Any text as a number, as a size, and as operands of dd. Numbers are held
 * against the C library's; of sizes and operands the form is checked.
 */
#include "tests/fuzz/kernel.h"

#include <ctype.h>
#include <errno.h>

#include "kernel/shell/commands/dd.h"
#include "lib/number.h"

enum {
    MOST_TEXT = 256,
    MOST_WORDS = 16
};

static void check_number(const char *text)
{
    for (unsigned base = 2; base <= 16; base += base == 2 ? 6 : base == 8 ? 2 : 6) {
        uint64_t value = 7;
        const char *end = NULL;
        int status = number_prefix(text, base, &value, &end);
        if (!isxdigit((unsigned char)*text) || (base == 16 && tolower(text[1]) == 'x'))
            continue; /* strtoull takes signs, blanks and prefixes, which we do not */
        char *its_end;
        errno = 0;
        unsigned long long its = strtoull(text, &its_end, (int)base);
        CHECK(end == its_end);
        CHECK(status == (end == text ? ERR_INVALID : errno == ERANGE ? ERR_RANGE : OK));
        CHECK(value == (status ? 7 : its));
        uint64_t whole = 7;
        int parsed = number_parse(text, base, &whole);
        CHECK(parsed == (*end ? ERR_INVALID : status) && whole == (parsed ? 7 : its));
    }
}

static void check_size(const char *text)
{
    uint64_t bytes = 7, number;
    int status = size_parse(text, &bytes);
    CHECK(status == OK || status == ERR_INVALID || status == ERR_RANGE);
    CHECK(status == OK || bytes == 7);
    if (number_parse(text, 10, &number) == OK)
        CHECK(status == OK && bytes == number);
    if (status == OK)
        CHECK(isdigit((unsigned char)text[0]) &&
              strspn(text, "0123456789cwbkKMGTPEiBx") == strlen(text));
}

static void check_operands(char *text)
{
    char *argv[MOST_WORDS + 2] = {"dd"};
    int argc = 1;
    for (char *word = strtok(text, " \n"); word && argc <= MOST_WORDS; word = strtok(NULL, " \n"))
        argv[argc++] = word;
    struct file *said; /* a complaint, or the help that "--help" asks for */
    CHECK(file_open_node(node_new_file(), O_READ | O_WRITE, &said) == OK);
    struct invocation self = {
        .command = command_find("dd"), .argc = argc, .argv = argv, .out = said, .error = said};
    struct dd dd = {.self = &self};
    int status = dd_operands(&dd);
    CHECK(status == 0 || file_size(said) > 0);
    if (status == 0)
        CHECK(dd.ibs && dd.obs && (!dd.bs || (dd.ibs == dd.bs && dd.obs == dd.bs)));
    file_close(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started)
        fuzz_kernel_clean();
    started = true;
    char text[MOST_TEXT];
    if (size >= sizeof text)
        size = sizeof text - 1;
    memcpy(text, data, size);
    text[size] = 0;
    check_number(text);
    check_size(text);
    check_operands(text);
    fuzz_kernel_clean();
    return 0;
}
