/*
 * The line editor: keys in, and what a terminal then shows. The terminal here
 * knows what a VT100 does with the bytes the editor sends, the wait at the
 * right margin included, and fails on any other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/terminal/edit.h"
#include "lib/bits.h"
#include "tests/unit/host_kernel.h"

#define ROWS    12
#define COLUMNS 20

static struct terminal {
    char cells[ROWS][COLUMNS][5];
    unsigned row, column, last_row, last_column;
    bool waits; /* the last column is filled */
    bool hasty; /* a terminal that does not wait there */
    bool dumb;  /* one that knows no sequences, and whose width nobody tells */
    char sequence[16];
    unsigned sequence_length, bells;
    size_t sent;
} terminal;

static void clear_from(unsigned row, unsigned column)
{
    for (; row < ROWS; row++, column = 0)
        for (; column < COLUMNS; column++)
            strcpy(terminal.cells[row][column], " ");
}

static void next_row(void)
{
    if (++terminal.row < ROWS)
        return;
    memmove(terminal.cells[0], terminal.cells[1], sizeof terminal.cells[0] * (ROWS - 1));
    terminal.row = ROWS - 1;
    terminal.last_row -= terminal.last_row > 0;
    clear_from(ROWS - 1, 0);
}

static void run_sequence(const char *sequence)
{
    unsigned count = (unsigned)atoi(sequence + 2);
    char what = sequence[strlen(sequence) - 1];
    count = count ? count : 1;
    terminal.waits = false;
    if (!strcmp(sequence, "\033[J")) {
        clear_from(terminal.row, terminal.column);
    } else if (!strcmp(sequence, "\033[2J")) {
        clear_from(0, 0);
    } else if (!strcmp(sequence, "\033[H")) {
        terminal.row = terminal.column = 0;
    } else if (what == 'A') {
        assert_true(count <= terminal.row);
        terminal.row -= count;
    } else if (what == 'B') {
        assert_true(terminal.row + count < ROWS);
        terminal.row += count;
    } else if (what == 'C') {
        assert_true(terminal.column + count < COLUMNS);
        terminal.column += count;
    } else {
        fail_msg("unknown sequence %s", sequence + 1);
    }
}

/* U+0300 to U+033F combine with what is there. */
static bool continues(unsigned char c)
{
    return (c & 0xC0) == 0x80 || c == 0xCC;
}

/* U+4000 to U+9FFF are wide: the second of their cells is empty. */
static bool is_wide(unsigned char c)
{
    return c >= 0xE4 && c <= 0xE9;
}

static void show(char c)
{
    if (continues((unsigned char)c)) {
        char *cell = terminal.cells[terminal.last_row][terminal.last_column];
        assert_true(strlen(cell) < 4);
        strncat(cell, &c, 1);
        return;
    }
    unsigned width = is_wide((unsigned char)c) ? 2 : 1;
    assert_true(terminal.waits || terminal.column + width <= COLUMNS);
    if (terminal.waits) {
        terminal.column = 0;
        next_row();
    }
    terminal.waits = false;
    terminal.last_row = terminal.row;
    terminal.last_column = terminal.column;
    snprintf(terminal.cells[terminal.row][terminal.column], 5, "%c", c);
    if (width == 2)
        strcpy(terminal.cells[terminal.row][++terminal.column], "");
    if (terminal.column + 1 < COLUMNS) {
        terminal.column++;
    } else if (terminal.hasty) {
        terminal.column = 0;
        next_row();
    } else {
        terminal.waits = true;
    }
}

static void put(void *context, const char *bytes, size_t length)
{
    (void)context;
    terminal.sent += length;
    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];
        assert_false(terminal.dumb && c == '\033');
        if (terminal.sequence_length || c == '\033') {
            assert_true(terminal.sequence_length < sizeof terminal.sequence - 1);
            terminal.sequence[terminal.sequence_length++] = c;
            terminal.sequence[terminal.sequence_length] = 0;
            if (terminal.sequence_length > 2 && c >= '@') {
                terminal.sequence_length = 0;
                run_sequence(terminal.sequence);
            }
        } else if (c == '\b') {
            assert_true(terminal.column > 0);
            terminal.column--;
            terminal.waits = false;
        } else if (c == '\r' || c == '\n') {
            terminal.column = 0;
            terminal.waits = false;
            if (c == '\n')
                next_row();
        } else if (c == '\a') {
            terminal.bells++;
        } else {
            show(c);
        }
    }
}

/* All that is on the screen, rows without blanks at their ends, ended by '|'. */
static const char *screen(void)
{
    static char text[ROWS * (COLUMNS * 4 + 1) + 1];
    char *at = text, *last = text;
    for (unsigned row = 0; row < ROWS; row++) {
        char *end = at;
        for (unsigned column = 0; column < COLUMNS; column++) {
            at = stpcpy(at, terminal.cells[row][column]);
            if (strcmp(terminal.cells[row][column], " "))
                end = at;
        }
        if (end != at - COLUMNS || end[0] != ' ')
            last = end + 1;
        at = stpcpy(end, "|");
    }
    *last = 0;
    return text;
}

static struct history history;
static struct editor editor;

static void begin_on(struct editor *on)
{
    terminal = (struct terminal){.hasty = terminal.hasty, .dumb = terminal.dumb};
    clear_from(0, 0);
    editor_begin(on, "$ ", terminal.dumb ? 0 : COLUMNS);
}

static void begin(void)
{
    begin_on(&editor);
}

static enum edit_result keys(const char *bytes)
{
    enum edit_result result = EDIT_MORE;
    for (; *bytes && result == EDIT_MORE; bytes++)
        result = editor_take(&editor, (unsigned char)*bytes);
    assert_int_equal(*bytes, 0);
    return result;
}

/* Types `bytes` into a new line; checks the line, and the screen against a fresh drawing of it. */
static void expect(const char *bytes, const char *line)
{
    char drawn[1200];
    begin();
    keys(bytes);
    assert_int_equal(editor.length, strlen(line));
    assert_memory_equal(editor.line, line, strlen(line));
    snprintf(drawn, sizeof drawn, "%s", screen());
    struct terminal before = terminal;
    struct editor fresh = {.put = put};
    begin_on(&fresh);
    editor_insert(&fresh, line, strlen(line));
    size_t right = 0;
    for (size_t i = editor.cursor; i < editor.length; i++)
        right += ((unsigned char)line[i] & 0xC0) != 0x80;
    while (right--)
        editor_take(&fresh, 2);
    assert_string_equal(drawn, screen());
    assert_int_equal(before.row, terminal.row);
    assert_int_equal(before.column, terminal.column);
    editor_free(&fresh);
}

#define UP    "\033[A"
#define DOWN  "\033[B"
#define RIGHT "\033[C"
#define LEFT  "\033[D"

static void test_typing(void **state)
{
    (void)state;
    begin();
    assert_string_equal(screen(), "$|");
    size_t sent = terminal.sent;
    keys("echo hi");
    assert_int_equal(terminal.sent - sent, 7);
    assert_string_equal(screen(), "$ echo hi|");
    assert_int_equal(keys("\r"), EDIT_DONE);
    assert_string_equal(editor.line, "echo hi");
    begin();
    assert_int_equal(keys("\r"), EDIT_DONE);
    assert_string_equal(editor.line, "");
}

static void test_movement(void **state)
{
    (void)state;
    expect("abc" LEFT LEFT "X", "aXbc");
    expect("abc\001X", "Xabc");
    expect("abc\001\005X", "abcX");
    expect("abc\002\002\006X", "abXc");
    expect("abc\033[HX\033[FY", "XabcY");
    expect("abc\033[1~X\033[4~Y", "XabcY");
    expect("abc\033[7~X\033[8~Y", "XabcY");
    expect("abc\033OHX\033OFY", "XabcY");
    expect("abc\033OD\033ODX\033OCY", "aXbYc");
    expect("abc" RIGHT RIGHT "d", "abcd");
    expect("a" LEFT LEFT LEFT "b", "ba");
}

static void test_erasing(void **state)
{
    (void)state;
    expect("abc\177", "ab");
    expect("abc\b\b\b\b", "");
    expect("abc" LEFT "\177", "ac");
    expect("abc\001\033[3~", "bc");
    expect("abc\001\004", "bc");
    expect("abc\033[3~\004", "abc");
    expect("one two\013", "one two");
    expect("one two\001\013", "");
    expect("one two" LEFT LEFT LEFT "\013", "one ");
    expect("one two" LEFT LEFT LEFT "\025", "two");
    expect("one two  \027", "one ");
    expect("one two" LEFT "\027", "one o");
    expect("\027\025\013\177", "");
}

static void test_unknown_sequences_are_ignored(void **state)
{
    (void)state;
    expect("a\033[200~b\033[201~c", "abc");
    expect("a\033[1;5Zb\033[?25lc", "abc");
    expect("a\033xb", "ab");
    expect("a\033\033[Db", "ba");
    expect("a\033[2~\033[5~\033[99999999999~b", "ab");
    expect("a\001\000\034\035b", "a");
    expect("a\034\035\036\037b", "ab");
}

/* A terminal of 20 columns that has said so, one that has not, and one that talks nonsense. */
static void test_width_by_answer(void **state)
{
    (void)state;
    begin();
    keys("\033[5;12R0123456789");
    assert_int_equal(editor.columns, 11);
    assert_int_equal(terminal.row, 1);
    keys("\033[1;1R\033[;R\033[7R\033[1;9Rx");
    assert_int_equal(editor.columns, 11);
    editor_begin(&editor, "> ", 0);
    assert_int_equal(editor.columns, 11);
    editor.told = 0;
    editor_begin(&editor, "> ", 0);
    assert_true(editor.columns > 1000);
}

static void test_wrapping(void **state)
{
    (void)state;
    for (int hasty = 0; hasty < 2; hasty++) {
        terminal.hasty = hasty;
        /* With the prompt this fills all columns but the last, which stays empty. */
        expect("0123456789abcdefg", "0123456789abcdefg");
        assert_int_equal(terminal.row, 1);
        assert_int_equal(terminal.column, 0);
        expect("0123456789abcdefgh", "0123456789abcdefgh");
        expect("0123456789abcdefghi", "0123456789abcdefghi");
        expect("0123456789abcdefghi\177\177\177", "0123456789abcdef");
        expect("0123456789abcdefghi\001X", "X0123456789abcdefghi");
        expect("0123456789abcdefg\001X", "X0123456789abcdefg");
        expect("0123456789abcdefgh\001\004", "123456789abcdefgh");
        expect("0123456789abcdefgh\002\002X\006\006\006Y", "0123456789abcdefXghY");
        expect("0123456789abcdefghij0123456789abcdefghij0123\001\033[3~\005\027x", "x");
        expect("0123456789abcdefghij0123456789abcdefghij0123\001\013", "");
        expect("0123456789 abcdefghij 0123456789 abcdefghij\027\027", "0123456789 abcdefghij ");
    }
    terminal.hasty = false;
}

static void test_dumb_terminal(void **state)
{
    (void)state;
    size_t told = editor.told;
    editor.told = 0;
    terminal.dumb = true;
    test_typing(state);
    test_movement(state);
    test_erasing(state);
    expect("\303\244\342\202\254" LEFT LEFT "x", "x\303\244\342\202\254");
    expect("a\303\244b" LEFT LEFT LEFT "\005c\177", "a\303\244b");
    begin();
    keys("abc" LEFT LEFT "\014");
    assert_string_equal(screen(), "$ abc|$ abc|");
    assert_int_equal(terminal.column, 3);
    terminal.dumb = false;
    editor.told = told;
}

static void test_utf8(void **state)
{
    (void)state;
    expect("a\303\244\342\202\254\360\237\230\200b", "a\303\244\342\202\254\360\237\230\200b");
    expect("\303\244\342\202\254\177", "\303\244");
    expect("\303\244\342\202\254" LEFT LEFT "x", "x\303\244\342\202\254");
    expect("\303\244b\001\004", "b");
    expect("0123456789abcdefg\303\244\303\266", "0123456789abcdefg\303\244\303\266");
    expect("a\244\244b\303c", "abc");
}

#define WIDE "\346\274\242" /* U+6F22 */

static void test_wide_characters(void **state)
{
    (void)state;
    expect("a" WIDE "b", "a" WIDE "b");
    assert_int_equal(terminal.column, 6);
    expect("a" WIDE WIDE "b" LEFT LEFT "x", "a" WIDE "x" WIDE "b");
    expect(WIDE WIDE "\177", WIDE);
    assert_int_equal(terminal.column, 4);
    expect("abc\001" WIDE, WIDE "abc");
    expect("e\314\201x" LEFT "y", "e\314\201yx");
    assert_int_equal(terminal.column, 4);
    for (int lead = 0; lead < 3; lead++) { /* one that would begin in the last column */
        char text[200], line[100];
        snprintf(line, sizeof line, "%.*s%s", 15 + lead, "0123456789abcdefghij", WIDE WIDE "end");
        expect(line, line);
        snprintf(text, sizeof text, "%s\001\004\004", line);
        expect(text, line + 2);
        snprintf(text, sizeof text, "%s\001X", line);
        snprintf(line, sizeof line, "X%.*s%s", 15 + lead, "0123456789abcdefghij", WIDE WIDE "end");
        expect(text, line);
        snprintf(text, sizeof text, "%s" LEFT LEFT LEFT LEFT "\177!", line);
        snprintf(line, sizeof line, "X%.*s%s", 15 + lead, "0123456789abcdefghij", "!" WIDE "end");
        expect(text, line);
    }
}

static void test_finishing(void **state)
{
    (void)state;
    begin();
    keys("0123456789abcdefghijkl\001");
    assert_int_equal(keys("\n"), EDIT_DONE);
    assert_int_equal(terminal.row, 2);
    assert_int_equal(terminal.column, 0);
    begin();
    assert_int_equal(keys("\004"), EDIT_END);
    begin();
    keys("abc" LEFT LEFT);
    editor_cancel(&editor);
    assert_string_equal(screen(), "$ abc^C|");
    assert_int_equal(terminal.row, 1);
    begin();
    keys("abc" LEFT "\014");
    assert_string_equal(screen(), "$ abc|");
    assert_int_equal(terminal.column, 4);
}

static void test_history(void **state)
{
    (void)state;
    history_add(&history, "first");
    history_add(&history, "second command that is long");
    history_add(&history, "second command that is long");
    history_add(&history, "");
    history_add(&history, "third");
    assert_int_equal(history.count, 3);
    expect(UP, "third");
    expect(UP UP, "second command that is long");
    expect(UP UP UP UP UP, "first");
    expect("x" UP DOWN, "");
    expect(UP UP UP DOWN DOWN "y", "thirdy");
    expect("\020\020\016", "third");
    expect(DOWN "a", "a");
    for (int i = 0; i < 300; i++) {
        char line[24];
        snprintf(line, sizeof line, "line %d", i);
        history_add(&history, line);
    }
    assert_int_equal(history.count, HISTORY_LINES);
    expect(UP, "line 299");
    history_free(&history);
}

static void test_search(void **state)
{
    (void)state;
    history_add(&history, "dd if=x");
    history_add(&history, "echo one");
    history_add(&history, "echo two");
    expect("\022ech\005", "echo two");
    expect("\022ech\022\005", "echo one");
    expect("\022one\001X", "Xecho one");
    expect("\022zz\177\177dd\005 y", "dd if=x y");
    begin();
    keys("\022two");
    assert_string_equal(screen(), "(search)`two': echo| two|");
    assert_int_equal(keys("\r"), EDIT_DONE);
    assert_string_equal(editor.line, "echo two");
    history_free(&history);
}

static void test_paste(void **state)
{
    (void)state;
    static char text[65537];
    for (size_t i = 0; i < 65536; i++)
        text[i] = (char)('a' + i % 26);
    begin();
    assert_int_equal(keys(text), EDIT_MORE);
    assert_int_equal(keys("\r"), EDIT_DONE);
    assert_string_equal(editor.line, text);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    editor_free(&editor);
    begin();
    host_allocations_left = 0;
    keys("abc" LEFT "\177\013");
    assert_true(terminal.bells >= 3);
    assert_int_equal(editor.length, 0);
    host_allocations_left = -1;
    keys("abc");
    assert_int_equal(keys("\r"), EDIT_DONE);
    assert_string_equal(editor.line, "abc");
}

/* Any keys at all: the screen always shows the line, and the cursor where it is. */
static void test_random_keys(void **state)
{
    (void)state;
    static const char *const choices[] = {
        "a",    "b ",   "\303\244", "0123456789",   LEFT,   LEFT LEFT,  RIGHT,
        "\001", "\005", "\177",     "\004",         "\013", "\025",     "\027",
        UP,     DOWN,   "\033[3~",  "\342\202\254", "x",    "\022e\006"};
    history_add(&history, "short");
    history_add(&history, "a line that is longer than the others are");
    srand(7);
    for (int round = 0; round < 3000; round++) {
        char typed[400] = "a", line[2000];
        terminal.hasty = round & 1;
        for (int i = rand() % 25; i > 0; i--)
            strcat(typed, choices[(size_t)rand() % ARRAY_SIZE(choices)]);
        begin();
        const char *next = typed;
        while (*next && (*next != 4 || editor.length))
            editor_take(&editor, (unsigned char)*next++);
        typed[next - typed] = 0;
        if (editor.length > 150)
            continue;
        memcpy(line, editor.line, editor.length);
        line[editor.length] = 0;
        expect(typed, line);
    }
    terminal.hasty = false;
    history_free(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typing),        cmocka_unit_test(test_movement),
        cmocka_unit_test(test_erasing),       cmocka_unit_test(test_unknown_sequences_are_ignored),
        cmocka_unit_test(test_wrapping),      cmocka_unit_test(test_width_by_answer),
        cmocka_unit_test(test_dumb_terminal), cmocka_unit_test(test_wide_characters),
        cmocka_unit_test(test_utf8),          cmocka_unit_test(test_finishing),
        cmocka_unit_test(test_history),       cmocka_unit_test(test_search),
        cmocka_unit_test(test_paste),         cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_random_keys),
    };
    editor.put = put;
    editor.history = &history;
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    editor_free(&editor);
    return failures;
}
