/*
 * What the tests of the file system share: a tree at the start, and the check
 * after each test that it left the tree as it was and no memory behind.
 */
#ifndef TESTS_UNIT_FS_CHECK_H
#define TESTS_UNIT_FS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console.h"
#include "kernel/fs/fs.h"
#include "lib/bits.h"
#include "tests/unit/host_kernel.h"

static long live_at_start;

static inline int start(void **state)
{
    (void)state;
    int status = fs_start();
    live_at_start = host_allocations_live;
    return status;
}

static inline int check_left(void **state)
{
    char name[FS_NAME_MAX + 1];
    (void)state;
    console_clear_interrupt();
    host_console_clear();
    host_allocations_left = -1;
    assert_int_equal(fs_change_directory("/"), OK);
    assert_int_equal(fs_entry("/", 0, name), OK);
    assert_string_equal(name, "dev");
    assert_int_equal(fs_entry("/", 1, name), ERR_NOT_FOUND);
    assert_int_equal(host_allocations_live, live_at_start);
    return 0;
}

static inline void write_file(const char *path, const char *text)
{
    struct file *file;
    assert_int_equal(file_open(path, O_WRITE | O_CREATE | O_TRUNCATE, &file), OK);
    assert_int_equal(file_write(file, text, strlen(text)), strlen(text));
    file_close(file);
}

static inline void expect_file(const char *path, const char *text)
{
    char found[256] = "";
    struct file *file;
    assert_int_equal(file_open(path, O_READ, &file), OK);
    int64_t length = file_read(file, found, sizeof found - 1);
    assert_in_range(length, 0, sizeof found - 1);
    assert_string_equal(found, text);
    assert_int_equal(file_size(file), strlen(text));
    file_close(file);
}

static inline bool exists(const char *path)
{
    struct file_information information;
    return fs_information(path, &information) == OK;
}

#define TEST(function) cmocka_unit_test_teardown(function, check_left)

#endif
