/*
 * What the targets above the driver share: RAM files that are all gone after
 * each input, and no memory with them.
 */
#ifndef TESTS_FUZZ_KERNEL_H
#define TESTS_FUZZ_KERNEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console.h"
#include "kernel/fs/fs.h"
#include "tests/unit/host_kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                    \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "fuzz: %s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                        \
        }                                                                                   \
    } while (0)

/* "/dev" stays, which is the only name at the root that does. */
static void remove_below(const char *path)
{
    char name[FS_NAME_MAX + 1], below[2 * FS_PATH_MAX];
    bool root = strcmp(path, "/") == 0;
    for (unsigned skip = 0; fs_entry(path, skip, name) == OK;) {
        if (root && strcmp(name, "dev") == 0) {
            skip++;
            continue;
        }
        snprintf(below, sizeof below, "%s/%s", root ? "" : path, name);
        if (fs_remove(below) != OK) {
            remove_below(below);
            CHECK(fs_remove_directory(below) == OK);
        }
    }
}

/* Before the first input, and after each. */
static void fuzz_kernel_clean(void)
{
    static long live = -1;
    host_allocations_left = -1;
    host_interrupt_after = -1;
    console_clear_interrupt();
    host_console_clear();
    if (live < 0) {
        CHECK(fs_start() == OK);
        live = host_allocations_live;
        return;
    }
    CHECK(fs_change_directory("/") == OK);
    remove_below("/");
    CHECK(host_allocations_live == live);
}

#endif
