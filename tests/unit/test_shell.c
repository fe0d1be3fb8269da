/*
 * The shell on its own: what it says and does where dash is no measure for it
 * (messages, limits, memory, Ctrl-C, the prompt). What it shares with dash is
 * in shell_cases/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console.h"
#include "kernel/shell/shell.h"
#include "kernel/terminal/terminal.h"
#include "tests/unit/host_kernel.h"

static char output[65536], errors[65536];

static void collect(struct file *file, char *to, size_t size)
{
    file_seek(file, 0);
    int64_t count = file_read(file, to, size - 1);
    to[count < 0 ? 0 : count] = 0;
    file_close(file);
}

/* Runs a script in a shell of its own; leaves what it printed in `output` and `errors`. */
static int run(const char *script)
{
    struct file *in, *out = file_temporary(), *error = file_temporary();
    assert_non_null(out);
    assert_non_null(error);
    assert_int_equal(file_open("/dev/null", O_READ, &in), OK);
    struct shell *shell = shell_new(in, out, error);
    assert_non_null(shell);
    int status = shell_run_text(shell, "sh", script, strlen(script));
    shell_free(shell);
    file_close(in);
    collect(out, output, sizeof output);
    collect(error, errors, sizeof errors);
    return status;
}

static void test_syntax_errors(void **state)
{
    (void)state;
    static const struct {
        const char *script, *output, *message;
    } cases[] = {
        {"fi", "", "sh: line 1: syntax error near `fi'\n"},
        {"echo a\necho b\nfi\necho c\n", "a\nb\n", "sh: line 3: syntax error near `fi'\n"},
        {"echo a; fi", "", "sh: line 1: syntax error near `fi'\n"},
        {"if true\nthen\ndone\n", "", "sh: line 3: syntax error near `done'\n"},
        {"echo a ;; echo", "", "sh: line 1: syntax error near `;;'\n"},
        {"echo a &\n", "", "sh: line 1: syntax error near `&'\n"},
        {"echo >\n", "", "sh: line 1: syntax error near `newline'\n"},
        {"f() { echo; }", "", "sh: line 1: syntax error near `('\n"},
        {"echo $(\necho a\ndo)\n", "", "sh: line 3: syntax error near `do'\n"},
        {"echo `fi`", "", "sh: line 1: syntax error near `fi'\n"},
        {"echo a\necho 'b", "a\n", "sh: line 2: syntax error: unexpected end of file\n"},
        {"while true; do", "", "sh: line 1: syntax error: unexpected end of file\n"},
        {"echo a\n\necho ${x!}\n", "a\n", "sh: line 3: bad substitution\n"},
        {"cat <<E | (\nx\nE\nfi", "", "sh: line 4: syntax error near `fi'\n"},
        {"\\\n\\\nfi", "", "sh: line 3: syntax error near `fi'\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(run(cases[i].script), 2);
        assert_string_equal(output, cases[i].output);
        assert_string_equal(errors, cases[i].message);
    }
}

static void test_messages(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int status;
        const char *message;
    } cases[] = {
        {"nothere", 127, "sh: line 1: nothere: not found\n"},
        {"\n./nothere", 127, "sh: line 2: ./nothere: not found\n"},
        {"/dev", 126, "/dev: cannot read /dev: Is a directory\n"},
        {"echo < nothere", 2, "sh: line 1: cannot open nothere: No such file or directory\n"},
        {"echo >&3", 2, "sh: line 1: cannot open 3: Bad file descriptor\n"},
        {"echo $((1/0))", 2, "sh: line 1: arithmetic: division by zero\n"},
        {"x=abc; echo $((x))", 2, "sh: line 1: arithmetic: illegal number: abc\n"},
        {": ${x:?is missing}", 2, "sh: line 1: x: is missing\n"},
        {"break x", 2, "break: illegal number: x\n"},
        {"set -x; x=1; echo $x b 2>/dev/null", 0, "+ x=1\n+ echo 1 b\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int status = run(cases[i].script);
        if (!strstr(errors, cases[i].message))
            assert_string_equal(errors, cases[i].message);
        assert_int_equal(status, cases[i].status);
    }
}

static void test_time(void **state)
{
    (void)state;
    unsigned minutes, seconds, ms;
    assert_int_equal(run("time { echo a; false; } | cat"), 0);
    assert_string_equal(output, "a\n");
    assert_int_equal(sscanf(errors, "real\t%um%u.%03us\n", &minutes, &seconds, &ms), 3);
    assert_int_equal(run("time false"), 1);
    assert_int_equal(run("x=1 time echo a"), 0);
    assert_string_equal(output, "a\n");
    assert_non_null(strstr(errors, "real\t0m0."));
}

static void test_help(void **state)
{
    (void)state;
    assert_int_equal(run("help"), 0);
    const char *cd = strstr(output, "\ncd "), *shift = strstr(output, "\nshift ");
    assert_non_null(cd);
    assert_non_null(shift);
    assert_true(cd < shift);
    assert_int_equal(run("help read"), 0);
    assert_non_null(strstr(output, "usage: read [-r] [-p PROMPT] NAME...\n"));
    assert_non_null(strstr(output, "  -r  "));
    assert_int_equal(run("help nothere"), 1);
    assert_int_equal(run("cd a b"), 2);
    assert_non_null(strstr(errors, "usage: cd [DIR|-]\n"));
}

/* `before` and `after`, each `count` times, around `middle`. */
static char *nest(const char *before, const char *middle, const char *after, size_t count)
{
    size_t a = strlen(before), m = strlen(middle), b = strlen(after);
    char *text = malloc(count * (a + b) + m + 1);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * a, before, a);
    memcpy(text + count * a, middle, m);
    for (size_t i = 0; i < count; i++)
        memcpy(text + count * a + m + i * b, after, b);
    text[count * (a + b) + m] = 0;
    return text;
}

static void test_depth(void **state)
{
    (void)state;
    static const char *const constructs[][3] = {
        {"(", "echo deep", ")"},
        {"{ ", "echo deep", "; }"},
        {"if true; then ", "echo deep", "; fi"},
        {"for i in 1; do ", "echo deep", "; done"},
        {"while true; do ", "echo deep", "; break; done"},
        {"case a in a) ", "echo deep", ";; esac"},
        {"echo $(", "echo deep", ")"},
        {"echo \"$(", "echo deep", ")\""},
        {"echo ${x:-", "echo deep", "}"},
        {"echo $((", "1", "))"},
        {"echo $(", "echo deep", ")"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(constructs); i++) {
        const char *const *c = constructs[i];
        char *shallow = nest(c[0], c[1], c[2], strchr(c[0], '$') ? 15 : 31); /* as README says */
        char *deep = nest(c[0], c[1], c[2], 40);
        char *absurd = nest(c[0], c[1], c[2], 20000);
        if (i < 8) {
            assert_int_equal(run(shallow), 0);
            assert_string_equal(output, "deep\n");
        }
        assert_int_equal(run(deep), 2);
        assert_int_equal(run(absurd), 2);
        assert_non_null(strstr(errors, "nested too deeply"));
        free(shallow);
        free(deep);
        free(absurd);
    }
    char *sum = nest("1+(", "1", ")", 10), *ten = nest("echo $((", sum, "))", 1);
    assert_int_equal(run(ten), 0);
    assert_string_equal(output, "11\n");
    free(ten);
    free(sum);
    char *parentheses = nest("(", "1", ")", 5000), *script = nest("echo $((", parentheses, "))", 1);
    assert_int_equal(run(script), 2);
    assert_non_null(strstr(errors, "nested too deeply"));
    free(script);
    script = nest("~", "1", "", 5000);
    char *tildes = nest("echo $((", script, "))", 1);
    assert_int_equal(run(tildes), 2);
    free(tildes);
    free(script);
    free(parentheses);
}

static void test_recursion(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "echo 'sh /again' > /again; sh /again",  "echo '/again' > /again; /again",
        "echo '. /again' > /again; . /again",    "x='eval \"$x\"'; eval \"$x\"",
        "export x='sh -c \"$x\"'; sh -c \"$x\"", "echo 'echo $(. /again)' > /again; . /again",
    };
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        run(scripts[i]);
        assert_non_null(strstr(errors, "nested too deeply"));
    }
    fs_remove("/again");
}

static void test_long_lists_do_not_nest(void **state)
{
    (void)state;
    char *list = nest("true; ", "echo end", "", 5000);
    assert_int_equal(run(list), 0);
    assert_string_equal(output, "end\n");
    free(list);
    list = nest("true && ", "echo end", "", 5000);
    assert_int_equal(run(list), 0);
    assert_string_equal(output, "end\n");
    free(list);
    list = nest("if false; then :\nel", "if true; then echo end; fi", "", 3000);
    assert_int_equal(run(list), 0);
    assert_string_equal(output, "end\n");
    free(list);
    list = nest("echo a | ", "cat", "", 1000);
    assert_int_equal(run(list), 0);
    assert_string_equal(output, "a\n");
    free(list);
}

/* Whatever allocation fails, the script ends with a status and nothing is lost. */
static void test_out_of_memory(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "echo hello world",
        "x=1; y=$x$x; export z=3; echo ${x:-1} \"$y\" ${#z} ${y%1} $((x+y))",
        "echo a b c | cat | while read x y; do echo $y; done",
        "x=$(echo a; echo `echo b`); echo $x",
        "for i in a b c; do case $i in a|b) (x=$i; cd /dev; echo $x);; *) break;; esac; done",
        "if [ -e /dev/null ] && ! false; then { echo yes; } 2>&1; fi",
        "set -- a 'b c' \"$@\"; shift; echo \"$*\" $#; unset x; eval 'echo $1'",
        "cat <<E\n$HOME text $(echo in)\nE\nx=1 y=2 sh -c 'echo $x $y'",
        "echo /dev/n* /d*/z*; IFS=:; x=a:b; echo $x",
        "echo 'unclosed",
        "until true; do :; done; time true; pwd; help cd",
    };
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        assert_int_equal(run(scripts[i]) != 126, 1);
        struct file *null;
        assert_int_equal(file_open("/dev/null", O_READ | O_WRITE, &null), OK);
        long base = host_allocations_live, used = 0;
        bool failed = true;
        for (long left = 0; failed; left++) {
            assert_true(left < 100000);
            host_allocations_left = left;
            struct shell *shell = shell_new(null, null, null);
            if (shell)
                shell_run_text(shell, "sh", scripts[i], strlen(scripts[i]));
            shell_free(shell);
            used = left;
            failed = host_allocations_left == 0;
            host_allocations_left = -1;
            assert_int_equal(host_allocations_live, base);
            assert_string_equal(fs_working_directory(), "/");
        }
        assert_true(used > 3);
        file_close(null);
    }
}

static void test_out_of_memory_is_said(void **state)
{
    (void)state;
    struct file *in, *error = file_temporary();
    assert_int_equal(file_open("/dev/null", O_READ, &in), OK);
    struct shell *shell = shell_new(in, error, error);
    file_write(error, "          room for the message                                        ", 70);
    file_seek(error, 0);
    host_allocations_left = 3;
    int status = shell_run_text(shell, "sh", "x=$(echo a)", 11);
    host_allocations_left = -1;
    assert_int_equal(status, 2);
    collect(file_share(error), errors, sizeof errors);
    assert_non_null(strstr(errors, "Cannot allocate memory"));
    assert_int_equal(shell_run_text(shell, "sh", "true", 4), 0);
    shell_free(shell);
    file_close(error);
    file_close(in);
}

/* A file that presses Ctrl-C when it is written to for the third time. */
static unsigned writes;

static int64_t interrupting_write(struct node *node, const void *buffer, size_t length,
                                  uint64_t offset)
{
    (void)node;
    (void)buffer;
    (void)offset;
    if (++writes == 3) {
        host_interrupt_after = 0;
        console_interrupted();
        host_interrupt_after = -1;
    }
    return (int64_t)length;
}

static void test_interrupt(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "while true; do echo a; done; echo b",
        "until false; do echo a; done",
        "for i in 1 2 3 4 5 6; do echo a; done; echo b",
        "while :; do (while :; do echo a; done); done",
        "while :; do x=$(while :; do echo a >&2; done); done",
        "while :; do echo a >&2 | cat; done",
        "while :; do echo a >&2; done | cat",
        "while :; do echo a >&2; done | while read x; do :; done",
        "(while :; do echo a; done) | while read x; do echo a >&2; done",
        "while :; do sh -c 'while :; do echo a; done'; done",
        "while :; do eval 'while :; do echo a; done'; done || echo b",
    };
    static const struct node_operations operations = {.write = interrupting_write};
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        struct file *file;
        struct node *node = node_new(NODE_CHARACTER, &operations, NULL);
        assert_int_equal(file_open_node(node, O_READ | O_WRITE, &file), OK);
        struct shell *shell = shell_new(file, file, file);
        writes = 0;
        assert_int_equal(shell_run_text(shell, "sh", scripts[i], strlen(scripts[i])), 130);
        assert_true(writes <= 4);
        console_clear_interrupt();
        assert_int_equal(shell_run_text(shell, "sh", "true", 4), 0);
        shell_free(shell);
        file_close(file);
    }
}

/* A command whose words were cut short by Ctrl-C does not run, wherever they stand. */
static void test_interrupt_in_words(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "mkdir /deed$(seq 1000000)",
        "x=$(seq 1000000); mkdir /deed",
        "x=$(seq 1000000) mkdir /deed",
        "mkdir /deed > /dev/null$(seq 1000000)",
        "for i in /deed$(seq 1000000); do mkdir $i; done",
        "case /deed$(seq 1000000) in *) mkdir /deed;; esac",
        "mkdir /deed${x:-$(seq 1000000)}",
        "mkdir /deed$(echo $(seq 1000000))",
        "x=aaaaaaaaaaaaaaaaaaaa; mkdir /deed${x##*/}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        host_interrupt_after = 10;
        assert_int_equal(run(scripts[i]), 130);
        host_interrupt_after = -1;
        console_clear_interrupt();
        assert_int_equal(fs_remove_directory("/deed"), ERR_NOT_FOUND);
    }
}

/* What has appeared behind the question for the terminal's width, which comes once and first. */
static const char *shown(void)
{
    static const char question[] = "\033[999C\033[6n\r";
    const char *text = host_console_text();
    assert_memory_equal(text, question, sizeof question - 1);
    return text + sizeof question - 1;
}

/* Types at the prompt; what appears is in shown(). */
static int type(const char *keys)
{
    struct file *console;
    long base = host_allocations_live;
    assert_int_equal(file_open("/dev/console", O_READ | O_WRITE, &console), OK);
    struct shell *shell = shell_new(console, console, console);
    host_console_clear();
    host_console_feed(keys, strlen(keys));
    int status = terminal_run(shell);
    shell_free(shell);
    file_close(console);
    assert_int_equal(host_allocations_live, base);
    console_clear_interrupt();
    return status;
}

static void test_prompt(void **state)
{
    (void)state;
    assert_int_equal(type("echo hello\rexit 3\r"), 3);
    assert_string_equal(shown(), "nvmetal:/# echo hello\nhello\nnvmetal:/# exit 3\n");
    assert_int_equal(type("cd /dev\r"), 0);
    assert_string_equal(shown(), "nvmetal:/# cd /dev\nnvmetal:/dev# \n");
    assert_int_equal(fs_change_directory("/"), OK);
    assert_int_equal(type("false\r\r\r"), 1);
    assert_string_equal(shown(), "nvmetal:/# false\nnvmetal:/# \nnvmetal:/# \nnvmetal:/# \n");
}

static void test_prompt_continues(void **state)
{
    (void)state;
    type("for i in 1 2\rdo echo $i\rdone\r");
    assert_string_equal(shown(), "nvmetal:/# for i in 1 2\n> do echo $i\n> done\n"
                                 "1\n2\nnvmetal:/# \n");
    type("echo 'a\rb'\r");
    assert_string_equal(shown(), "nvmetal:/# echo 'a\n> b'\na\nb\nnvmetal:/# \n");
    type("echo a\\\rb\r");
    assert_string_equal(shown(), "nvmetal:/# echo a\\\n> b\nab\nnvmetal:/# \n");
    type("cat <<E\rx\rE\r");
    assert_string_equal(shown(), "nvmetal:/# cat <<E\n> x\n> E\nx\nnvmetal:/# \n");
    type("true &&\recho b\r");
    assert_string_equal(shown(), "nvmetal:/# true &&\n> echo b\nb\nnvmetal:/# \n");
    type("echo \"a");
    assert_int_equal(type("(\r\4echo b\r"), 0);
    assert_non_null(strstr(shown(), "unexpected end of file\nnvmetal:/# echo b\nb\n"));
}

static void test_prompt_survives_errors(void **state)
{
    (void)state;
    assert_int_equal(type("fi\recho $?\r"), 0);
    assert_string_equal(shown(), "nvmetal:/# fi\nsh: line 1: syntax error near `fi'\n"
                                 "nvmetal:/# echo $?\n2\nnvmetal:/# \n");
    type("nothere\recho $((1/0))\recho ok\r");
    assert_string_equal(shown(), "nvmetal:/# nothere\nsh: nothere: not found\n"
                                 "nvmetal:/# echo $((1/0))\nsh: arithmetic: division by zero\n"
                                 "nvmetal:/# echo ok\nok\nnvmetal:/# \n");
}

/* The tests' console stays interrupted until the shell clears it. */
static void test_prompt_interrupt(void **state)
{
    (void)state;
    assert_int_equal(type("echo a\3echo $?\r"), 0);
    assert_string_equal(shown(), "nvmetal:/# echo a^C\nnvmetal:/# echo $?\n130\nnvmetal:/# \n");
    type("if true\r\3echo b\r");
    assert_string_equal(shown(), "nvmetal:/# if true\n> ^C\nnvmetal:/# echo b\nb\nnvmetal:/# \n");
}

static void test_prompt_out_of_memory(void **state)
{
    (void)state;
    struct file *console;
    assert_int_equal(file_open("/dev/console", O_READ | O_WRITE, &console), OK);
    for (long left = 0; left < 60; left++) {
        long base = host_allocations_live;
        struct shell *shell = shell_new(console, console, console);
        host_console_feed("echo a b\rx=1\r\033[A\r", 16);
        host_allocations_left = left;
        terminal_run(shell);
        host_allocations_left = -1;
        while (console_get(0) >= 0)
            ;
        shell_free(shell);
        assert_int_equal(host_allocations_live, base);
    }
    file_close(console);
}

static void test_completion(void **state)
{
    (void)state;
    run("mkdir /some; > /some/thing.txt; > '/some/with blank'; > /some/thing.c");
    type("unse\t\r");
    assert_string_equal(shown(), "nvmetal:/# unset \nnvmetal:/# \n");
    type("echo /som\tw\t\r");
    assert_string_equal(shown(),
                        "nvmetal:/# echo /some/with\\ blank \n/some/with blank\nnvmetal:/# \n");
    type("echo /some/t\t\t\3");
    assert_string_equal(shown(), "nvmetal:/# echo /some/thing.\nthing.c     thing.txt   \n"
                                 "nvmetal:/# echo /some/thing.^C\nnvmetal:/# \n");
    type("nosuch\t\3");
    assert_string_equal(shown(), "nvmetal:/# nosuch\a^C\nnvmetal:/# \n");
    type("cd /so\t\rtrue;unse\t\3");
    assert_string_equal(shown(), "nvmetal:/# cd /some/\nnvmetal:/some# true;unset ^C\n"
                                 "nvmetal:/some# \n");
    fs_change_directory("/");
    run("mkdir /odd; > '/odd/a\nreboot'; > '/odd/b\33c'; > '/odd/c\177'; > /odd/c1");
    type("echo /odd/a\t\3");
    assert_string_equal(shown(), "nvmetal:/# echo /odd/a\a^C\nnvmetal:/# \n");
    type("echo /odd/b\t\3");
    assert_string_equal(shown(), "nvmetal:/# echo /odd/b\a^C\nnvmetal:/# \n");
    type("echo /odd/\t\r");
    assert_string_equal(shown(), "nvmetal:/# echo /odd/c1 \n/odd/c1\nnvmetal:/# \n");
    run("> '/odd/d\244'; > '/odd/d\266'"); /* no UTF-8 */
    type("echo /odd/d\t\r");
    assert_string_equal(shown(), "nvmetal:/# echo /odd/d\a\n/odd/d\nnvmetal:/# \n");
}

static const struct option options[] = {
    {'l', "lines", "NUM", ""}, {'q', "quick", NULL, ""}, {'z', NULL, NULL, ""}, {0}};
static const struct command tool_subs[] = {
    {.name = "tool sub-one", .options = options}, {.name = "tool sub-two"}, {.name = "tool other"}};

static const struct command *tool_sub(unsigned index)
{
    return index < ARRAY_SIZE(tool_subs) ? &tool_subs[index] : NULL;
}

COMMAND(tool, .summary = "", .options = options + 1, .subcommand = tool_sub)

static void test_completion_of_commands(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"tool o\t", "tool other "},
        {"tool s\tt\t", "tool sub-two "},
        {"tool sub-one --l\t", "tool sub-one --lines="},
        {"tool sub-one x --q\t", "tool sub-one x --quick "},
        {"tool --q\t", "tool --quick "},
        {"tool --l\t", "tool --l\a"},
        {"tool sub-two --l\t", "tool sub-two --l\a"},
        {"tool sub-one -z\t", "tool sub-one -z "},
        {"true; tool o\t", "true; tool other "},
        {"echo $(tool o\t", "echo $(tool other "},
        {"if ! x=1 too\t", "if ! x=1 tool "},
        {"while tool o\t", "while tool other "},
        {"echo too\t", "echo too\a"},
        {"tool other /de\t", "tool other /dev/"},
        {"cat </de\t", "cat </dev/"},
        {"tool sub-one -\t\t",
         "tool sub-one -\a\n--lines=  --quick   -z        \nnvmetal:/# tool sub-one -"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char expected[200];
        type(cases[i][0]);
        snprintf(expected, sizeof expected, "nvmetal:/# %s", cases[i][1]);
        if (strncmp(shown(), expected, strlen(expected)) != 0)
            assert_string_equal(shown(), expected);
    }
}

/* Random tokens: the parser ends, with a tree or without, and loses nothing. */
static void test_token_soup(void **state)
{
    (void)state;
    static const char *const tokens[] = {
        "if ",   "then ", "else ", "elif ",   "fi ",  "for ",  "in ",  "do ", "done ", "while ",
        "case ", "esac ", "{ ",    "} ",      "( ",   ")",     "; ",   ";; ", "\n",    "&& ",
        "|| ",   "| ",    "! ",    "a ",      "b=c ", "$x ",   "${x",  "}",   ":-",    "$(",
        "$((",   "))",    "`",     "\"",      "'",    "\\",    "<<E ", "E\n", "> ",    "2>&1 ",
        "#",     "\\\n",  "time ", "<<-'E' ", "*",    "${#x}", "\377", "$"};
    long base = host_allocations_live;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        char text[400];
        size_t length = 0;
        for (int i = rand() % 30; i >= 0; i--)
            length += (size_t)snprintf(text + length, sizeof text - length, "%s",
                                       tokens[(size_t)rand() % ARRAY_SIZE(tokens)]);
        struct arena arena = {0};
        struct parser *parser = calloc(1, sizeof *parser);
        char *copy = malloc(length);
        memcpy(copy, text, length);
        *parser = (struct parser){.source = {copy, copy + length, 1}, .arena = &arena};
        host_allocations_left = round % 4 ? -1 : rand() % 4;
        while (parse_command_line(parser))
            ;
        host_allocations_left = -1;
        assert_true(parser->problem || parser->source.next == parser->source.end);
        arena_free(&arena);
        free(copy);
        free(parser);
        assert_int_equal(host_allocations_live, base);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax_errors),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_recursion),
        cmocka_unit_test(test_long_lists_do_not_nest),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_out_of_memory_is_said),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_interrupt_in_words),
        cmocka_unit_test(test_prompt),
        cmocka_unit_test(test_prompt_continues),
        cmocka_unit_test(test_prompt_survives_errors),
        cmocka_unit_test(test_prompt_interrupt),
        cmocka_unit_test(test_prompt_out_of_memory),
        cmocka_unit_test(test_completion),
        cmocka_unit_test(test_completion_of_commands),
        cmocka_unit_test(test_token_soup),
    };
    if (fs_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
