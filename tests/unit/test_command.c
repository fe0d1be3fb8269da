/*
 * What every command stands on, kernel/command/command.c: options, the usage
 * line, and output, to a full device and a closed pipe too.
 */
#include <stdio.h>

#include "tests/unit/run_command.h"

#define ONLY_LONG 256

static const struct option options[] = {
    {'a', "all", NULL, "everything"},     {'n', "number", "NUM", "how many"},
    {'x', NULL, NULL, "no long name"},    {'q', "quiet", NULL, "silent"},
    {'r', "quick", NULL, "not slow"},     {ONLY_LONG, "only-long", "WORD", "no letter"},
    {'u', "numbering", NULL, "prefixed"}, {0}};

static int nothing(struct invocation *self)
{
    (void)self;
    return 0;
}

static const struct command probe = {.name = "probe",
                                     .summary = "takes options",
                                     .operands = "FILE...",
                                     .options = options,
                                     .run = nothing};

#define USAGE "usage: probe [-a] [-n NUM] [-x] [-q] [-r] [--only-long WORD] [-u] FILE...\n"

static const struct option other_options[] = {{'f', "flags", "NUM", "bits"},
                                              {'n', "namespace-id", "NUM", "which"},
                                              {ONLY_LONG, "force", NULL, "no questions"},
                                              {'I', "iso", "[KIND]", "its argument may be missing"},
                                              {0}};

static const struct command long_only = {
    .name = "probe", .options = other_options, .long_only = true, .run = nothing};

static const struct command *probed = &probe;

/* Parses `line` and writes down what came: keys, arguments, then the operands. */
static const char *parse(const char *line)
{
    static char seen[512];
    char words[256], *argv[32];
    int argc = 0;
    strcpy(words, line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    struct file *error = run_file("", 0);
    struct invocation self = {.command = probed, .argc = argc, .argv = argv, .error = error};
    char *at = seen;
    *at = 0;
    for (int key; (key = option_next(&self));) {
        if (key < 0) {
            at += sprintf(at, "!");
            self.next = argc;
            break;
        }
        at += key < 256 ? sprintf(at, "%c", key) : sprintf(at, "#");
        if (self.argument)
            at += sprintf(at, "(%s)", self.argument);
        at += sprintf(at, " ");
    }
    for (int i = self.next; i < argc; i++)
        at += sprintf(at, "[%s]", argv[i]);
    run_collect(error, run_error, sizeof run_error);
    file_close(error);
    return seen;
}

static void test_options(void **state)
{
    static const struct {
        const char *line, *seen;
    } good[] = {
        {"probe", ""},
        {"probe -", "[-]"},
        {"probe --", ""},
        {"probe -- -a", "[-a]"},
        {"probe -a b -x", "a x [b]"},
        {"probe b -n 5 c -a", "n(5) a [b][c]"},
        {"probe b -an 5 c --number 6 -", "a n(5) n(6) [b][c][-]"},
        {"probe b --only w c -- -a d", "#(w) [b][c][-a][d]"},
        {"probe b c -n -a d", "n(-a) [b][c][d]"},
        {"probe -ax -q", "a x q "},
        {"probe -n5 -n 6", "n(5) n(6) "},
        {"probe -an5", "a n(5) "},
        {"probe -an 5 f", "a n(5) [f]"},
        {"probe -n -a", "n(-a) "},
        {"probe -n --", "n(--) "},
        {"probe --all", "a "},
        {"probe --al --a", "a a "},
        {"probe --number=5 --number 6", "n(5) n(6) "},
        {"probe --number= x", "n() [x]"},
        {"probe --number=a=b", "n(a=b) "},
        {"probe --quie", "q "},
        {"probe --only=w --o w", "#(w) #(w) "},
        {"probe --numberi", "u "},
        {"probe -a -- -n", "a [-n]"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_string_equal(parse(good[i].line), good[i].seen);
        assert_string_equal(run_error, "");
    }
}

static void test_wrong_options(void **state)
{
    static const struct {
        const char *line, *seen, *message;
    } wrong[] = {
        {"probe -z", "!", "probe: invalid option -- 'z'\n" USAGE},
        {"probe -az", "a !", "probe: invalid option -- 'z'\n" USAGE},
        {"probe -n", "!", "probe: option requires an argument -- 'n'\n" USAGE},
        {"probe -an", "a !", "probe: option requires an argument -- 'n'\n" USAGE},
        {"probe --number", "!", "probe: option '--number' requires an argument\n" USAGE},
        {"probe --all=x", "!", "probe: option '--all' doesn't allow an argument\n" USAGE},
        {"probe --qui", "!", "probe: option '--qui' is ambiguous\n" USAGE},
        {"probe --none", "!", "probe: unrecognized option '--none'\n" USAGE},
        {"probe --none=5", "!", "probe: unrecognized option '--none=5'\n" USAGE},
        {"probe --alll", "!", "probe: unrecognized option '--alll'\n" USAGE},
        {"probe -\xFF", "!", "probe: invalid option -- '\xFF'\n" USAGE},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_string_equal(parse(wrong[i].line), wrong[i].seen);
        assert_string_equal(run_error, wrong[i].message);
    }
}

static void test_usage_status(void **state)
{
    struct command command = probe;
    struct file *error = run_file("", 0);
    struct invocation self = {.command = &command, .error = error};
    (void)state;
    assert_int_equal(usage(&self, NULL), STATUS_USAGE);
    command.usage_status = 1;
    command.options = NULL;
    command.operands = "";
    assert_int_equal(usage(&self, "%d is wrong", 7), 1);
    run_collect(error, run_error, sizeof run_error);
    assert_string_equal(run_error, USAGE "probe: 7 is wrong\nusage: probe\n");
    file_close(error);
}

static unsigned writes;

static int64_t counting_write(struct node *node, const void *buffer, size_t length, uint64_t offset)
{
    (void)node;
    (void)buffer;
    (void)offset;
    writes++;
    return (int64_t)length;
}

/* A line is one write, a long one as few as its length asks for. */
static void test_output_is_gathered(void **state)
{
    static const struct node_operations counting = {.write = counting_write};
    struct file *file;
    char text[1001];
    (void)state;
    memset(text, 'x', 1000);
    text[1000] = 0;
    file_open_node(node_new(NODE_CHARACTER, &counting, NULL), O_WRITE, &file);
    struct invocation self = {.command = &probe, .out = file, .error = file};
    writes = 0;
    out(&self, "%s %d %c%%\n", "word", 5, 'c');
    assert_int_equal(writes, 1);
    complain(&self, "%s: %s", "file", "reason");
    assert_int_equal(writes, 2);
    out(&self, "%s", text);
    assert_in_range(writes, 3, 6);
    assert_false(self.output_failed);
    file_close(file);
}

static void test_failing_output(void **state)
{
    struct file *full, *error = run_file("", 0);
    (void)state;
    assert_int_equal(file_open("/dev/full", O_WRITE, &full), OK);
    struct invocation self = {.command = &probe, .out = full, .error = error};
    out(&self, "%s", "");
    assert_false(self.output_failed);
    out(&self, "x");
    assert_true(self.output_failed);
    out(&self, "y");
    out_bytes(&self, "z", 1);
    run_collect(error, run_error, sizeof run_error);
    assert_string_equal(run_error, "probe: write error: No space left on device\n");
    file_close(error);

    /* Commands that could print for ever end, each after one message. */
    static const char *const lines[] = {"seq 1000000000",
                                        "cat /dev/zero",
                                        "xxd /dev/zero",
                                        "hexdump -v /dev/zero",
                                        "xxd -p /dev/zero",
                                        "head -c 1E /dev/zero",
                                        "ls /dev",
                                        "echo a b c",
                                        "tail -n +1 /dev/zero",
                                        "cmp -l /dev/zero /dev/urandom"};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        run_with(lines[i], NULL, full);
        const char *message = strstr(run_error, ": write error: No space left on device\n");
        assert_non_null(message);
        assert_null(strstr(message + strlen(": write"), "write error"));
    }
    file_close(full);
}

static int64_t broken_write(struct node *node, const void *buffer, size_t length, uint64_t offset)
{
    (void)node;
    (void)buffer;
    (void)length;
    (void)offset;
    return ERR_PIPE;
}

static void test_broken_pipe_is_silent(void **state)
{
    static const struct node_operations broken = {.write = broken_write};
    struct file *file;
    (void)state;
    file_open_node(node_new(NODE_CHARACTER, &broken, NULL), O_WRITE, &file);
    run_with("seq 1000000000", NULL, file);
    assert_string_equal(run_error, "");
    file_close(file);
}

static void test_one_dash_and_optional_arguments(void **state)
{
    static const char *const cases[][2] = {
        {"probe -force x", "# [x]"},
        {"probe -fo", "# "},
        {"probe -f 3", "f(3) "},
        {"probe -f3", "f(3) "},
        {"probe -flags=4", "f(4) "},
        {"probe x -namespace-id 5", "n(5) [x]"},
        {"probe -name=6 x", "n(6) [x]"},
        {"probe -nosuch x", "n(osuch) [x]"},
        {"probe -I x", "I [x]"},
        {"probe -Ix", "I(x) "},
        {"probe --iso=y x", "I(y) [x]"},
        {"probe x --iso y", "I [x][y]"},
        {"probe -x", "!"},
    };
    (void)state;
    probed = &long_only;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(parse(cases[i][0]), cases[i][1]);
    probed = &probe;
    assert_string_equal(parse("probe -only-long=1"), "!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_usage_status),
        cmocka_unit_test(test_output_is_gathered),
        cmocka_unit_test_setup_teardown(test_failing_output, note_memory, check_memory),
        cmocka_unit_test_setup_teardown(test_broken_pipe_is_silent, note_memory, check_memory),
        cmocka_unit_test(test_one_dash_and_optional_arguments),
    };
    if (fs_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
