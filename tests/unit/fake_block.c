/* See fake_block.h. */
#include "tests/unit/fake_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console.h"
#include "lib/bits.h"
#include "lib/status.h"
#include "tests/unit/host_kernel.h"

const int bad_status[2] = {ERR_IO, ERR_TIMED_OUT};

static int fake_take(struct block_device *device, struct block_request *request)
{
    struct fake *fake = device->driver;
    if (fake->busy || fake->in_flight == fake->depth)
        return ERR_AGAIN;
    if (++fake->submitted == fake->refuse_at)
        return ERR_NO_DEVICE;
    if (fake->submitted == fake->interrupt_at) {
        host_console_feed("\3", 1);
        assert_int_equal(console_get(0), CONSOLE_CTRL_C);
    }
    size_t length = 0;
    for (unsigned i = 0; i < request->segment_count; i++) {
        assert_true(IS_ALIGNED((uintptr_t)request->segments[i].base, device->dma_alignment));
        assert_true(IS_ALIGNED(request->segments[i].length, device->dma_alignment));
        length += request->segments[i].length;
    }
    assert_int_equal(length, (size_t)request->blocks * device->block_size);
    assert_true(request->blocks <= device->max_blocks);
    assert_true((request->blocks == 0) == (request->operation == BLOCK_FLUSH));
    assert_true(request->lba <= device->block_count);
    assert_true(request->blocks <= device->block_count - request->lba);
    assert_true(request->blocks <= block_most(device, request->lba));
    fake->queue[fake->in_flight++] = request;
    fake->most_in_flight = MAX(fake->most_in_flight, fake->in_flight);
    return OK;
}

static int fake_submit(struct block_device *device, struct block_request **list)
{
    return host_submit_each(device, list, fake_take);
}

static int carry_out(struct fake *fake, struct block_request *request)
{
    for (unsigned i = 0; i < 2; i++)
        if (fake->bad_lba[i] - request->lba < request->blocks)
            return bad_status[i];
    host_block_copy(request, fake->data + request->lba * fake->device.block_size);
    return OK;
}

static void count(struct fake *fake, const struct block_request *request)
{
    if (request->status != OK) {
        fake->errors++;
    } else if (request->operation == BLOCK_READ) {
        fake->reads++;
        fake->blocks_read += request->blocks;
    } else if (request->operation == BLOCK_WRITE) {
        fake->writes++;
        fake->blocks_written += request->blocks;
    } else {
        fake->flushes++;
    }
}

/* Completes one or more, whichever. */
static void fake_poll(struct block_device *device, uint64_t deadline)
{
    struct fake *fake = device->driver;
    const unsigned before = fake->in_flight;
    fake->polls++;
    if (fake->busy) {
        fake->busy--;
        return;
    }
    assert_true(fake->in_flight > 0 || deadline == 0);
    while (fake->in_flight && (fake->in_flight == before || rand() % 3)) {
        unsigned chosen = (unsigned)rand() % fake->in_flight;
        struct block_request *request = fake->queue[chosen];
        fake->queue[chosen] = fake->queue[--fake->in_flight];
        request->status = carry_out(fake, request);
        count(fake, request);
        block_complete(request);
    }
}

static const struct block_operations fake_operations = {fake_submit, fake_poll};

void fake_start_named(struct fake *fake, const char *name, uint64_t block_count,
                      uint32_t block_size, uint32_t max_blocks, unsigned depth)
{
    *fake = (struct fake){.device = {.block_size = block_size,
                                     .block_count = block_count,
                                     .max_blocks = max_blocks,
                                     .dma_alignment = 4,
                                     .volatile_cache = true,
                                     .operations = &fake_operations},
                          .data = malloc(block_count * block_size),
                          .depth = depth,
                          .bad_lba = {NOWHERE, NOWHERE}};
    strcpy(fake->device.name, name);
    fake->device.driver = fake;
    for (size_t i = 0; i < block_count * block_size; i++)
        fake->data[i] = (uint8_t)rand();
    assert_int_equal(block_register(&fake->device), OK);
}

void fake_start(struct fake *fake, uint32_t block_size, uint32_t max_blocks, unsigned depth)
{
    fake_start_named(fake, "fake", BLOCKS, block_size, max_blocks, depth);
}

void fake_end(struct fake *fake)
{
    assert_int_equal(fake->in_flight, 0);
    block_unregister(&fake->device);
    assert_null(block_find(fake->device.name));
    free(fake->data);
    console_clear_interrupt();
    host_allocations_left = -1;
    assert_int_equal(host_allocations_live, 0);
}
