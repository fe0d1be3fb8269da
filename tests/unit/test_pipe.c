/*
 * Coroutines and the pipes between them: what goes in comes out, whatever the
 * pieces; both ends learn of each other's end; nothing is lost without memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console.h"
#include "kernel/fs/fs.h"
#include "kernel/x86/coroutine.h"
#include "lib/bits.h"
#include "tests/unit/host_kernel.h"

static char turns[100];

static void take_turns(void *argument)
{
    for (int i = 0; i < 3; i++) {
        strcat(turns, argument);
        coroutine_yield();
    }
}

static void test_turns(void **state)
{
    (void)state;
    coroutine_yield();
    struct coroutine *a = coroutine_start(take_turns, "a"), *b = coroutine_start(take_turns, "b");
    assert_string_equal(turns, "");
    coroutine_yield();
    strcat(turns, "-");
    coroutine_finish(b);
    coroutine_finish(a);
    assert_string_equal(turns, "ab-abab");
    coroutine_yield();
}

#define TOTAL 1000000

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 7 + i / 251);
}

/* Writes TOTAL bytes in pieces of up to `most`; notes how that went. */
struct writer {
    struct file *file;
    size_t most, written;
    int64_t last;
};

static void run_writer(void *argument)
{
    struct writer *self = argument;
    uint8_t *bytes = malloc(self->most);
    for (self->last = 1; self->last > 0 && self->written < TOTAL;) {
        size_t length = MIN((size_t)rand() % self->most + 1, TOTAL - self->written);
        for (size_t i = 0; i < length; i++)
            bytes[i] = pattern(self->written + i);
        self->last = file_write(self->file, bytes, length);
        self->written += self->last > 0 ? (size_t)self->last : 0;
    }
    free(bytes);
    file_close(self->file);
}

static void test_bytes_arrive(void **state)
{
    (void)state;
    static const size_t sizes[] = {7, 1000, 65536, 200000};
    static uint8_t buffer[200000];
    for (size_t i = 0; i < ARRAY_SIZE(sizes) * ARRAY_SIZE(sizes); i++) {
        struct file *ends[2];
        size_t most = sizes[i / ARRAY_SIZE(sizes)], read = 0;
        int64_t count;
        assert_int_equal(fs_pipe(ends), OK);
        assert_int_equal(file_seek(ends[0], 0), ERR_NOT_SEEKABLE);
        struct writer writer = {.file = ends[1], .most = sizes[i % ARRAY_SIZE(sizes)]};
        struct coroutine *coroutine = coroutine_start(run_writer, &writer);
        while ((count = file_read(ends[0], buffer, (size_t)rand() % most + 1)) > 0)
            for (int64_t j = 0; j < count; j++)
                assert_int_equal(buffer[j], pattern(read++));
        assert_int_equal(count, 0);
        assert_int_equal(read, TOTAL);
        coroutine_finish(coroutine);
        file_close(ends[0]);
    }
}

static void test_a_reader_that_goes(void **state)
{
    (void)state;
    struct file *ends[2];
    char byte;
    assert_int_equal(fs_pipe(ends), OK);
    struct writer writer = {.file = file_share(ends[1]), .most = 5000};
    struct coroutine *coroutine = coroutine_start(run_writer, &writer);
    assert_int_equal(file_read(ends[0], &byte, 1), 1);
    assert_false(file_is_broken(ends[1]));
    file_close(ends[0]);
    coroutine_finish(coroutine);
    assert_true(file_is_broken(ends[1]));
    assert_int_equal(writer.last, ERR_PIPE);
    assert_in_range(writer.written, 1, 65537 + 5000);
    file_close(ends[1]);
}

static void test_ctrl_c_ends_the_wait(void **state)
{
    (void)state;
    struct file *ends[2];
    char byte;
    static char much[70000];
    assert_int_equal(fs_pipe(ends), OK);
    host_console_feed("\3", 1);
    console_get(0);
    assert_int_equal(file_read(ends[0], &byte, 1), ERR_INTERRUPTED);
    assert_int_equal(file_write(ends[1], much, sizeof much), 65536);
    assert_int_equal(file_write(ends[1], much, 1), ERR_INTERRUPTED);
    console_clear_interrupt();
    file_close(ends[1]);
    file_close(ends[0]);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    long base = host_allocations_live;
    struct file *ends[2];
    for (long left = 0; left < 5; left++) {
        host_allocations_left = left;
        assert_int_equal(fs_pipe(ends), ERR_NO_MEMORY);
        assert_int_equal(host_allocations_live, base);
    }
    host_allocations_left = 5;
    assert_int_equal(fs_pipe(ends), OK);
    file_close(ends[0]);
    file_close(ends[1]);
    host_allocations_left = 1;
    assert_null(coroutine_start(take_turns, ""));
    host_allocations_left = -1;
    assert_int_equal(host_allocations_live, base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_bytes_arrive),
        cmocka_unit_test(test_a_reader_that_goes),
        cmocka_unit_test(test_ctrl_c_ends_the_wait),
        cmocka_unit_test(test_out_of_memory),
    };
    if (fs_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
