/*
 * The block layer over a device that is made up (fake_block.h). What the layer
 * makes of a range of blocks or bytes is compared with plain memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/block/block.h"
#include "kernel/console.h"
#include "kernel/mem/heap.h"
#include "lib/bits.h"
#include "lib/status.h"
#include "tests/unit/fake_block.h"
#include "tests/unit/host_kernel.h"

static void test_register(void **state)
{
    struct fake fake, second;
    (void)state;
    fake_start(&fake, 512, 8, 4);
    assert_ptr_equal(block_find("fake"), &fake.device);
    assert_null(block_find("fak"));
    second = fake;
    assert_int_equal(block_register(&second.device), ERR_EXISTS);
    strcpy(second.device.name, "second");
    assert_int_equal(block_register(&second.device), OK);
    assert_ptr_equal(block_devices.next, &fake.device.node);
    assert_ptr_equal(block_devices.previous, &second.device.node);
    block_unregister(&second.device);

    const struct {
        uint32_t block_size;
        uint64_t block_count;
        uint32_t max_blocks, dma_alignment;
        int status;
    } limits[] = {
        {512, 1, 1, 1, OK},
        {4096, INT64_MAX / 4096, 1, 4096, OK},
        {256, 1, 1, 1, ERR_INVALID},
        {0, 1, 1, 1, ERR_INVALID},
        {520, 1, 1, 1, ERR_INVALID},
        {512, 0, 1, 1, ERR_INVALID},
        {512, UINT64_MAX / 512, 1, 1, ERR_INVALID},
        {512, UINT64_MAX, 1, 1, ERR_INVALID},
        {512, 1, 0, 1, ERR_INVALID},
        {512, 1, 1, 0, ERR_INVALID},
        {512, 1, 1, 3, ERR_INVALID},
        {512, 1, 1, 1024, ERR_INVALID},
        {16384, 1, 1, 8192, ERR_INVALID},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
        second.device.block_size = limits[i].block_size;
        second.device.block_count = limits[i].block_count;
        second.device.max_blocks = limits[i].max_blocks;
        second.device.dma_alignment = limits[i].dma_alignment;
        assert_int_equal(block_register(&second.device), limits[i].status);
        if (limits[i].status == OK)
            block_unregister(&second.device);
    }
    memset(second.device.name, 'n', sizeof second.device.name);
    assert_int_equal(block_register(&second.device), ERR_INVALID);
    second.device.name[0] = 0;
    assert_int_equal(block_register(&second.device), ERR_INVALID);
    fake_end(&fake);
}

static void test_order_of_names(void **state)
{
    static const char *const names[] = {"nvme0n10", "nvme1n1", "nvme0n9", "nvme0n1", "nvme",
                                        "nvme10n1", "nvme0",   "nvme2n1", "b",       "nvme0n"};
    static const char *const order[] = {"b",       "nvme",     "nvme0",   "nvme0n",  "nvme0n1",
                                        "nvme0n9", "nvme0n10", "nvme1n1", "nvme2n1", "nvme10n1"};
    static struct block_device devices[ARRAY_SIZE(names)];
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        devices[i] = (struct block_device){
            .block_size = 512, .block_count = 1, .max_blocks = 1, .dma_alignment = 1};
        strcpy(devices[i].name, names[i]);
        assert_int_equal(block_register(&devices[i]), OK);
    }
    /* One goes and comes back. */
    block_unregister(&devices[3]);
    assert_int_equal(block_register(&devices[3]), OK);
    unsigned place = 0;
    LIST_FOR_EACH(node, &block_devices)
    {
        assert_string_equal(CONTAINER_OF(node, struct block_device, node)->name, order[place++]);
    }
    assert_int_equal(place, ARRAY_SIZE(order));
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        block_unregister(&devices[i]);
}

static void random_transfers(struct fake *fake)
{
    size_t size = fake->device.block_size;
    uint8_t *oracle = malloc(BLOCKS * size), *memory = malloc(BLOCKS * size + 64);
    memcpy(oracle, fake->data, BLOCKS * size);
    for (unsigned round = 0; round < 12; round++) {
        uint64_t lba = (uint64_t)rand() % BLOCKS;
        uint64_t count = (uint64_t)rand() % (BLOCKS - lba + 1);
        uint8_t *buffer = memory + (rand() % 2 ? 0 : rand() % 64);
        int status = -99;
        memset(memory, 0xEE, BLOCKS * size + 64);
        if (rand() % 2) {
            assert_int_equal(block_transfer(&fake->device, BLOCK_READ, lba, count, buffer, &status),
                             count);
            assert_memory_equal(buffer, oracle + lba * size, count * size);
            assert_int_equal(buffer[count * size], 0xEE);
        } else {
            for (size_t i = 0; i < count * size; i++)
                buffer[i] = oracle[lba * size + i] = (uint8_t)rand();
            assert_int_equal(
                block_transfer(&fake->device, BLOCK_WRITE, lba, count, buffer, &status), count);
            assert_memory_equal(fake->data, oracle, BLOCKS * size);
        }
        assert_int_equal(status, OK);
        assert_int_equal(fake->in_flight, 0);
    }
    free(oracle);
    free(memory);
}

static void test_transfer(void **state)
{
    static const uint32_t block_sizes[] = {512, 4096}, max_blocks[] = {1, 3, 8, 128, 65536};
    static const unsigned depths[] = {1, 2, 31, MOST_DEPTH};
    struct fake fake;
    (void)state;
    for (unsigned s = 0; s < ARRAY_SIZE(block_sizes); s++)
        for (unsigned m = 0; m < ARRAY_SIZE(max_blocks); m++)
            for (unsigned d = 0; d < ARRAY_SIZE(depths); d++) {
                fake_start(&fake, block_sizes[s], max_blocks[m], depths[d]);
                fake.device.dma_alignment = 1u << (rand() % 10);
                random_transfers(&fake);
                fake.device.zone_blocks = 1 + (uint64_t)rand() % 40;
                random_transfers(&fake);
                fake_end(&fake);
            }
}

/* As many requests as needed and no more, as many in flight as the device takes. */
static void test_splitting(void **state)
{
    static const unsigned depths[] = {1, 5, 16, MOST_DEPTH};
    uint8_t *buffer = aligned_alloc(4096, 1000 * 512);
    int status;
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(depths); i++) {
        struct fake fake;
        fake_start(&fake, 512, 7, depths[i]);
        fake.busy = 3;
        assert_int_equal(block_transfer(&fake.device, BLOCK_READ, 24, 1000, buffer, &status), 1000);
        assert_int_equal(fake.submitted, 143);
        assert_int_equal(fake.most_in_flight, MIN(depths[i], 16u));
        assert_int_equal(fake.reads, 143);
        assert_int_equal(fake.blocks_read, 1000);
        assert_int_equal(block_transfer(&fake.device, BLOCK_WRITE, 0, 14, buffer, &status), 14);
        assert_int_equal(fake.writes, 2);
        assert_int_equal(fake.blocks_written, 14);
        assert_int_equal(fake.errors, 0);
        assert_int_equal(block_transfer(&fake.device, BLOCK_READ, 5, 0, buffer, &status), 0);
        assert_int_equal(status, OK);
        assert_int_equal(fake.submitted, 145);
        fake_end(&fake);
    }
    free(buffer);
}

/* Two bad blocks: what counts is the lower one, whichever completes first. */
static void test_failing_blocks(void **state)
{
    uint8_t *buffer = aligned_alloc(4096, BLOCKS * 512);
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct fake fake;
        uint32_t max_blocks = 1 + (uint32_t)rand() % 9;
        fake_start(&fake, 512, max_blocks, 1 + (unsigned)rand() % MOST_DEPTH);
        uint64_t lba = (uint64_t)rand() % 100;
        unsigned lower = (unsigned)rand() % 2;
        fake.bad_lba[lower] = lba + (uint64_t)rand() % 300;
        fake.bad_lba[!lower] = fake.bad_lba[lower] + max_blocks + (uint64_t)rand() % 40;
        uint64_t good = fake.bad_lba[lower] - lba;
        good -= good % max_blocks;
        int status;
        memset(buffer, 0, BLOCKS * 512);
        assert_int_equal(block_transfer(&fake.device, BLOCK_READ, lba, 600, buffer, &status), good);
        assert_int_equal(status, bad_status[lower]);
        assert_memory_equal(buffer, fake.data + lba * 512, good * 512);
        assert_in_range(fake.errors, 1, 2);
        fake_end(&fake);
    }
    free(buffer);
}

static void test_failing_bounced(void **state)
{
    struct fake fake;
    uint8_t *buffer = malloc(900 * 512 + 1);
    int status;
    (void)state;
    fake_start(&fake, 512, 16, 8);
    fake.bad_lba[0] = 500;
    memset(buffer, 0xEE, 900 * 512 + 1);
    assert_int_equal(block_transfer(&fake.device, BLOCK_READ, 0, 900, buffer + 1, &status), 496);
    assert_int_equal(status, ERR_IO);
    assert_memory_equal(buffer + 1, fake.data, 496 * 512);
    assert_int_equal(buffer[1 + 496 * 512], 0xEE);
    host_allocations_left = 0;
    assert_int_equal(block_transfer(&fake.device, BLOCK_READ, 0, 9, buffer + 1, &status), 0);
    assert_int_equal(status, ERR_NO_MEMORY);
    fake_end(&fake);
    free(buffer);
}

static void test_refused(void **state)
{
    uint8_t *buffer = aligned_alloc(4096, BLOCKS * 512);
    (void)state;
    for (unsigned at = 1; at < 60; at++) {
        struct fake fake;
        int status;
        fake_start(&fake, 512, 4, 16);
        fake.refuse_at = at;
        assert_int_equal(block_transfer(&fake.device, BLOCK_WRITE, 0, 400, buffer, &status),
                         (at - 1) * 4);
        assert_int_equal(status, ERR_NO_DEVICE);
        /* What was submitted together with it has gone its way. */
        assert_in_range(fake.submitted, at, at + 16);
        fake_end(&fake);
    }
    free(buffer);
}

static void test_interrupt(void **state)
{
    uint8_t *buffer = aligned_alloc(4096, BLOCKS * 512);
    struct fake fake;
    int status;
    (void)state;
    fake_start(&fake, 512, 4, 16);
    fake.interrupt_at = 50;
    uint64_t moved = block_transfer(&fake.device, BLOCK_READ, 0, 800, buffer, &status);
    assert_int_equal(status, ERR_INTERRUPTED);
    assert_in_range(fake.submitted, 50, 50 + 16); /* some had been submitted together with it */
    assert_int_equal(moved, fake.submitted * 4);
    assert_memory_equal(buffer, fake.data, moved * 512);
    /* The flag stays up until the shell takes it down. */
    assert_int_equal(block_read(&fake.device, buffer, 512, 0), ERR_INTERRUPTED);
    fake.busy = UINT32_MAX;
    assert_int_equal(block_flush(&fake.device), ERR_INTERRUPTED);
    console_clear_interrupt();
    fake.busy = 0;
    assert_int_equal(block_read(&fake.device, buffer, 512, 0), 512);
    fake_end(&fake);
    free(buffer);
}

static void test_limits(void **state)
{
    uint8_t buffer[4 * 512] __attribute__((aligned(16)));
    struct fake fake;
    int status;
    (void)state;
    fake_start(&fake, 512, 8, 4);
    assert_int_equal(block_transfer(&fake.device, BLOCK_READ, BLOCKS - 2, 4, buffer, &status), 2);
    assert_int_equal(status, ERR_NO_SPACE);
    assert_int_equal(block_transfer(&fake.device, BLOCK_READ, BLOCKS, 1, buffer, &status), 0);
    assert_int_equal(status, ERR_NO_SPACE);
    assert_int_equal(
        block_transfer(&fake.device, BLOCK_READ, UINT64_MAX, UINT64_MAX, buffer + 1, &status), 0);
    assert_int_equal(status, ERR_NO_SPACE);
    assert_int_equal(block_transfer(&fake.device, BLOCK_FLUSH, 0, 1, buffer, &status), 0);
    assert_int_equal(status, ERR_INVALID);
    fake.device.read_only = true;
    assert_int_equal(block_transfer(&fake.device, BLOCK_WRITE, 0, 1, buffer, &status), 0);
    assert_int_equal(status, ERR_READ_ONLY);
    assert_int_equal(block_write(&fake.device, buffer, 100, 0), ERR_READ_ONLY);
    assert_int_equal(fake.writes + fake.errors, 0);
    fake_end(&fake);
}

static void test_flush(void **state)
{
    struct fake fake;
    (void)state;
    fake_start(&fake, 512, 8, 4);
    fake.busy = 2;
    assert_int_equal(block_flush(&fake.device), OK);
    assert_int_equal(fake.flushes, 1);
    fake.refuse_at = 2;
    assert_int_equal(block_flush(&fake.device), ERR_NO_DEVICE);
    assert_int_equal(fake.errors, 0);
    fake.device.volatile_cache = false;
    assert_int_equal(block_flush(&fake.device), OK);
    assert_int_equal(fake.submitted, 2);
    fake_end(&fake);
}

/* Offsets and lengths that like the edges of blocks, or of nothing. */
static uint64_t random_bytes_count(size_t size, size_t most)
{
    uint64_t count = (uint64_t)rand() % (most + 1);
    if (rand() % 2)
        count = ROUND_DOWN(count, size) + (uint64_t)(rand() % 3) - 1;
    if (rand() % 3 == 0)
        count = (uint64_t)rand() % (2 * size);
    return MIN(count, (uint64_t)most);
}

static void random_bytes_access(struct fake *fake)
{
    size_t size = fake->device.block_size, total = BLOCKS * size;
    uint8_t *oracle = malloc(total), *memory = malloc(total + 64);
    memcpy(oracle, fake->data, total);
    for (unsigned round = 0; round < 60; round++) {
        uint64_t offset = random_bytes_count(size, total);
        size_t length = random_bytes_count(size, rand() % 4 ? 20 * size : total);
        size_t within = MIN(length, total - offset);
        uint8_t *buffer = memory + rand() % 64;
        memset(memory, 0xEE, total + 64);
        if (rand() % 2) {
            assert_int_equal(block_read(&fake->device, buffer, length, offset), within);
            assert_memory_equal(buffer, oracle + offset, within);
            assert_int_equal(buffer[within], 0xEE);
        } else {
            int64_t expected = length && offset == total ? ERR_NO_SPACE : (int64_t)within;
            for (size_t i = 0; i < within; i++)
                buffer[i] = oracle[offset + i] = (uint8_t)rand();
            assert_int_equal(block_write(&fake->device, buffer, length, offset), expected);
            assert_memory_equal(fake->data, oracle, total);
        }
    }
    free(oracle);
    free(memory);
}

static void test_bytes(void **state)
{
    static const uint32_t block_sizes[] = {512, 4096}, max_blocks[] = {1, 8, 1000};
    struct fake fake;
    (void)state;
    for (unsigned s = 0; s < ARRAY_SIZE(block_sizes); s++)
        for (unsigned m = 0; m < ARRAY_SIZE(max_blocks); m++)
            for (unsigned depth = 1; depth < MOST_DEPTH; depth += 20) {
                fake_start(&fake, block_sizes[s], max_blocks[m], depth);
                random_bytes_access(&fake);
                fake_end(&fake);
            }
}

/* Whole blocks in the middle are not copied and not read before they are written. */
static void test_bytes_are_direct(void **state)
{
    uint8_t *buffer = aligned_alloc(4096, 64 * 512);
    struct fake fake;
    (void)state;
    fake_start(&fake, 512, 64, 4);
    assert_int_equal(block_write(&fake.device, buffer, 64 * 512, 512), 64 * 512);
    assert_int_equal(fake.writes, 1);
    assert_int_equal(fake.reads, 0);
    host_allocations_left = 0; /* nor is memory wanted */
    assert_int_equal(block_read(&fake.device, buffer, 64 * 512, 0), 64 * 512);
    assert_int_equal(fake.reads, 1);
    /* A partial block does want some: what came before it counts. */
    assert_int_equal(block_read(&fake.device, buffer, 10 * 512 + 1, 0), 10 * 512);
    assert_int_equal(block_read(&fake.device, buffer, 100, 1), ERR_NO_MEMORY);
    assert_int_equal(block_write(&fake.device, buffer, 100, 1), ERR_NO_MEMORY);
    host_allocations_left = -1;
    fake_end(&fake);
    free(buffer);
}

static void test_bytes_at_the_end(void **state)
{
    static const uint64_t behind[] = {BLOCKS * 512, BLOCKS * 512 + 1, 1ULL << 63, UINT64_MAX - 511,
                                      UINT64_MAX};
    uint8_t buffer[2048];
    struct fake fake;
    (void)state;
    fake_start(&fake, 512, 8, 4);
    for (unsigned i = 0; i < ARRAY_SIZE(behind); i++) {
        assert_int_equal(block_read(&fake.device, buffer, 1024, behind[i]), 0);
        assert_int_equal(block_read(&fake.device, buffer, SIZE_MAX, behind[i]), 0);
        assert_int_equal(block_write(&fake.device, buffer, 1024, behind[i]), ERR_NO_SPACE);
        assert_int_equal(block_write(&fake.device, buffer, SIZE_MAX, behind[i]), ERR_NO_SPACE);
        assert_int_equal(block_write(&fake.device, buffer, 0, behind[i]), 0);
    }
    assert_int_equal(fake.submitted, 0);
    assert_int_equal(block_read(&fake.device, buffer, SIZE_MAX, BLOCKS * 512 - 700), 700);
    assert_memory_equal(buffer, fake.data + BLOCKS * 512 - 700, 700);
    assert_int_equal(block_write(&fake.device, buffer, SIZE_MAX, BLOCKS * 512 - 1), 1);
    fake_end(&fake);
}

static void test_bytes_errors(void **state)
{
    uint8_t buffer[20 * 512] = {0};
    struct fake fake;
    (void)state;
    fake_start(&fake, 512, 2, 4);
    fake.bad_lba[0] = 10;
    uint8_t *was = malloc(BLOCKS * 512);
    memcpy(was, fake.data, BLOCKS * 512);
    assert_int_equal(block_read(&fake.device, buffer, 10, 10 * 512 + 5), ERR_IO);
    assert_int_equal(block_write(&fake.device, buffer, 10, 10 * 512 + 5), ERR_IO);
    assert_memory_equal(fake.data, was, BLOCKS * 512);
    assert_int_equal(block_read(&fake.device, buffer, sizeof buffer, 512), 8 * 512);
    assert_memory_equal(buffer, was + 512, 8 * 512);
    assert_int_equal(block_read(&fake.device, buffer, 3000, 7 * 512 + 100), 512 * 3 - 100);
    fake.bad_lba[1] = 0;
    assert_int_equal(block_read(&fake.device, buffer, 3000, 100), ERR_TIMED_OUT);
    free(was);
    fake_end(&fake);
}

int main(void)
{
    srand(4);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_register),
        cmocka_unit_test(test_order_of_names),
        cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_splitting),
        cmocka_unit_test(test_failing_blocks),
        cmocka_unit_test(test_failing_bounced),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_bytes_are_direct),
        cmocka_unit_test(test_bytes_at_the_end),
        cmocka_unit_test(test_bytes_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
