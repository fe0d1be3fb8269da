/*
 * Runs a command as the shell would, with RAM files around it, and holds what
 * it printed. For tests of commands; all static, each test has its own.
 */
#ifndef TESTS_UNIT_RUN_COMMAND_H
#define TESTS_UNIT_RUN_COMMAND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/command/command.h"
#include "kernel/console.h"
#include "kernel/fs/fs.h"
#include "tests/unit/host_kernel.h"

static char run_out[1 << 17], run_error[1 << 16]; /* NUL-terminated */
static size_t run_out_length;

static struct file *run_file(const void *content, size_t length)
{
    struct file *file;
    assert_int_equal(file_open_node(node_new_file(), O_READ | O_WRITE, &file), OK);
    assert_int_equal(file_write(file, content, length), length);
    file_seek(file, 0);
    return file;
}

static size_t run_collect(struct file *file, char *to, size_t size)
{
    file_seek(file, 0);
    int64_t length = file_read(file, to, size - 1);
    assert_true(length >= 0);
    to[length] = 0;
    return (size_t)length;
}

static struct file *run_messages; /* where messages go instead of to run_error, if set */

/* `line` is cut at its blanks; `in` and `out` NULL: an empty file, run_out. */
static int run_with(const char *line, struct file *in, struct file *out)
{
    char words[512], *argv[32];
    int argc = 0;
    assert_true(strlen(line) < sizeof words);
    strcpy(words, line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    const struct command *command = command_find(argv[0]);
    assert_non_null(command);
    struct file *empty = run_file("", 0), *text = run_file("", 0), *error = run_file("", 0);
    struct invocation self = {.command = command,
                              .argc = argc,
                              .argv = argv,
                              .in = in ? in : empty,
                              .out = out ? out : text,
                              .error = run_messages ? run_messages : error};
    int status = command_run(&self);
    run_out_length = run_collect(text, run_out, sizeof run_out);
    run_collect(error, run_error, sizeof run_error);
    file_close(empty);
    file_close(text);
    file_close(error);
    return status;
}

__attribute__((unused)) static int run(const char *line)
{
    return run_with(line, NULL, NULL);
}

__attribute__((unused)) static void make_file(const char *path, const void *content, size_t length)
{
    struct file *file;
    assert_int_equal(file_open(path, O_WRITE | O_CREATE | O_TRUNCATE, &file), OK);
    assert_int_equal(file_write(file, content, length), length);
    file_close(file);
}

__attribute__((unused)) static void expect_file(const char *path, const void *content,
                                                size_t length)
{
    struct file *file;
    assert_int_equal(file_open(path, O_READ, &file), OK);
    assert_int_equal(file_size(file), length);
    uint8_t *bytes = malloc(length + 1);
    assert_int_equal(file_read(file, bytes, length + 1), length);
    assert_memory_equal(bytes, content, length);
    free(bytes);
    file_close(file);
}

/* Ctrl-C, as if typed. */
__attribute__((unused)) static void interrupt(void)
{
    host_console_feed("\3", 1);
    assert_int_equal(console_get(0), CONSOLE_CTRL_C);
}

/* Set-up and teardown of a test that has to give back all memory. */
static long memory_before;

__attribute__((unused)) static int note_memory(void **state)
{
    (void)state;
    memory_before = host_allocations_live;
    return 0;
}

__attribute__((unused)) static int check_memory(void **state)
{
    (void)state;
    return host_allocations_live == memory_before ? 0 : -1;
}

#endif
