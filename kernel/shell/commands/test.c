/*
 * test and [: conditions over files, strings and numbers. The number of
 * arguments decides what is an operator, as POSIX has it: of three, the one in
 * the middle comes first.
 */
#include "kernel/command/command.h"
#include "lib/number.h"
#include "lib/string.h"

#define TEST_DEPTH 32

struct test {
    struct invocation *invocation;
    char **next, **end;
    unsigned depth;
    bool failed;
};

static bool either(struct test *test);

static bool fail(struct test *test, const char *problem, const char *text)
{
    if (!test->failed)
        complain(test->invocation, "%s%s", text, problem);
    test->failed = true;
    return false;
}

static int64_t integer(struct test *test, const char *text)
{
    const char *digits = text, *end;
    uint64_t magnitude;
    while (*digits == ' ')
        digits++;
    bool negative = *digits == '-';
    digits += negative || *digits == '+';
    if (number_prefix(digits, 10, &magnitude, &end) != OK || magnitude > INT64_MAX) {
        fail(test, ": bad number", text);
        return 0;
    }
    while (*end == ' ')
        end++;
    if (*end)
        fail(test, ": bad number", text);
    return negative ? -(int64_t)magnitude : (int64_t)magnitude;
}

static int find(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

static int binary_operator(const char *text)
{
    static const char *const names[] = {"=",   "!=",  "<",   ">",   "-eq", "-ne",
                                        "-lt", "-le", "-gt", "-ge", "-ef", NULL};
    return find(names, text);
}

static bool same_file(const char *left, const char *right)
{
    struct file_information a, b;
    return fs_information(left, &a) == OK && fs_information(right, &b) == OK &&
           a.number == b.number;
}

static bool binary(struct test *test, const char *left, int operation, const char *right)
{
    int order = strcmp(left, right);
    int64_t a = operation >= 4 && operation <= 9 ? integer(test, left) : 0;
    int64_t b = operation >= 4 && operation <= 9 ? integer(test, right) : 0;
    switch (operation) {
    case 0:
        return order == 0;
    case 1:
        return order != 0;
    case 2:
        return order < 0;
    case 3:
        return order > 0;
    case 4:
        return a == b;
    case 5:
        return a != b;
    case 6:
        return a < b;
    case 7:
        return a <= b;
    case 8:
        return a > b;
    case 9:
        return a >= b;
    }
    return same_file(left, right);
}

static bool is_unary(const char *text)
{
    return text[0] == '-' && text[1] && !text[2] && strchr("nzefdbcsrwxt", text[1]);
}

static bool terminal(struct test *test, const char *text)
{
    struct invocation *self = test->invocation;
    struct file *files[] = {self->in, self->out, self->error};
    int64_t descriptor = integer(test, text);
    return descriptor >= 0 && descriptor < 3 && file_is_console(files[descriptor]);
}

/* One user, who may read and write everything; nothing here is executable but a directory. */
static bool unary(struct test *test, char operation, const char *text)
{
    struct file_information information;
    if (operation == 'n' || operation == 'z')
        return (operation == 'z') == !*text;
    if (operation == 't')
        return terminal(test, text);
    if (fs_information(text, &information) != OK)
        return false;
    switch (operation) {
    case 'f':
        return information.type == NODE_FILE;
    case 'x':
    case 'd':
        return information.type == NODE_DIRECTORY;
    case 'b':
        return information.type == NODE_BLOCK;
    case 'c':
        return information.type == NODE_CHARACTER;
    case 's':
        return information.size > 0;
    }
    return true;
}

static bool primary(struct test *test)
{
    char **at = test->next;
    ptrdiff_t left = test->end - at;
    if (left <= 0)
        return fail(test, "argument expected", "");
    int operation = left > 2 ? binary_operator(at[1]) : -1;
    if (operation >= 0) {
        test->next += 3;
        return binary(test, at[0], operation, at[2]);
    }
    if (!strcmp(at[0], "(") && left > 2) {
        if (test->depth++ == TEST_DEPTH)
            return fail(test, "nested too deeply", "");
        test->next++;
        bool value = either(test);
        test->depth--;
        if (test->next == test->end || strcmp(*test->next++, ")"))
            return fail(test, "closing paren expected", "");
        return value;
    }
    test->next++;
    if (!is_unary(at[0]) || left < 2)
        return *at[0] != 0;
    test->next++;
    return unary(test, at[0][1], at[1]);
}

static bool negation(struct test *test)
{
    bool inverted = false;
    while (test->end - test->next > 1 && !strcmp(*test->next, "!") &&
           !(test->end - test->next > 2 && binary_operator(test->next[1]) >= 0)) {
        inverted = !inverted;
        test->next++;
    }
    return primary(test) != inverted;
}

static bool both(struct test *test)
{
    bool value = negation(test);
    while (!test->failed && test->next < test->end && !strcmp(*test->next, "-a")) {
        test->next++;
        value &= negation(test);
    }
    return value;
}

static bool either(struct test *test)
{
    bool value = both(test);
    while (!test->failed && test->next < test->end && !strcmp(*test->next, "-o")) {
        test->next++;
        value |= both(test);
    }
    return value;
}

static int evaluate(struct invocation *self, int count)
{
    struct test test = {self, self->argv + 1, self->argv + 1 + count, 0, false};
    if (!count)
        return 1;
    bool value = either(&test);
    if (!test.failed && test.next < test.end)
        fail(&test, ": unexpected operator", *test.next);
    return test.failed ? 2 : !value;
}

static int run_test(struct invocation *self)
{
    return evaluate(self, self->argc - 1);
}

static int run_bracket(struct invocation *self)
{
    if (self->argc < 2 || strcmp(self->argv[self->argc - 1], "]")) {
        complain(self, "missing ]");
        return 2;
    }
    return evaluate(self, self->argc - 2);
}

#define DETAILS                                                                     \
    "-e -f -d -b -c -s -r -w FILE   exists, is a file, directory, block or\n"       \
    "                               character device, is not empty, can be read,\n" \
    "                               written\n"                                      \
    "-n -z TEXT                     is not empty, is empty\n"                       \
    "A = B, A != B, A < B, A > B    as texts\n"                                     \
    "A -eq -ne -lt -le -gt -ge B    as numbers\n"                                   \
    "! X, X -a Y, X -o Y, ( X )     not, and, or"

COMMAND(test, .summary = "check a condition", .operands = "EXPRESSION", .details = DETAILS,
        .literal = true, .run = run_test)
COMMAND_NAMED(bracket, "[", .summary = "check a condition", .operands = "EXPRESSION ]",
              .details = DETAILS, .literal = true, .run = run_bracket)
