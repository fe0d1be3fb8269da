/*
 * A disk in memory for fio to work on. It counts what happens to it, completes
 * in an order of its own, and can lose, tear and fail what it is given. All
 * static, as in run_command.h.
 */
#ifndef TESTS_UNIT_FIO_DISK_H
#define TESTS_UNIT_FIO_DISK_H

#include "tests/unit/run_command.h"

#include <stdio.h>

#include "kernel/block/block.h"
#include "kernel/shell/commands/fio/fio.h"
#include "kernel/x86/clock.h"

#define BLOCK  512u
#define BLOCKS 8192u /* 4 MiB */

static struct {
    struct block_device device;
    uint8_t data[BLOCKS * BLOCK];
    unsigned reads[BLOCKS], writes[BLOCKS], discards[BLOCKS];
    struct block_request *queue[64];
    unsigned queued, most_queued, capacity;
    unsigned lazy, polls; /* so many polls are in vain before one that is not */
    unsigned requests, flushes, largest;
    bool last_memory;          /* the first request finds none left */
    unsigned lose, tear, fail; /* the n-th request from now, 0: none */
    uint64_t last_lba;
    bool ascending, polled;
} disk;

static void count(const struct block_request *request)
{
    unsigned *counts = request->operation == BLOCK_READ    ? disk.reads
                       : request->operation == BLOCK_WRITE ? disk.writes
                                                           : disk.discards;
    for (uint32_t i = 0; i < request->blocks; i++)
        counts[request->lba + i]++;
    disk.ascending &= request->lba >= disk.last_lba;
    disk.last_lba = request->lba;
    disk.largest = MAX(disk.largest, request->blocks);
    disk.polled = request->polled;
    disk.requests++;
}

static int disk_take(struct block_device *device, struct block_request *request)
{
    (void)device;
    if (disk.queued == disk.capacity)
        return ERR_AGAIN;
    assert_true(request->lba + request->blocks <= BLOCKS);
    if (disk.last_memory)
        host_allocations_left = 0;
    disk.queue[disk.queued++] = request;
    disk.most_queued = MAX(disk.most_queued, disk.queued);
    return OK;
}

static int disk_submit(struct block_device *device, struct block_request **list)
{
    return host_submit_each(device, list, disk_take);
}

static bool is_due(unsigned *counter)
{
    return *counter && --*counter == 0;
}

static void transfer(struct block_request *request)
{
    uint8_t *at = disk.data + request->lba * BLOCK;
    request->status = OK;
    if (request->operation == BLOCK_FLUSH) {
        disk.flushes++;
        return;
    }
    count(request);
    if (is_due(&disk.fail))
        request->status = ERR_IO;
    else if (is_due(&disk.lose) || request->operation == BLOCK_DISCARD)
        return;
    else if (is_due(&disk.tear))
        memcpy(at, request->segments->base, BLOCK);
    else
        host_block_copy(request, at);
}

/* The newest first, but for one: a device owes nobody an order. */
static void disk_poll(struct block_device *device, uint64_t deadline)
{
    (void)device, (void)deadline;
    struct block_request *done[64];
    if (disk.polls++ % (disk.lazy + 1) != disk.lazy)
        return;
    unsigned some = disk.queued > 4 ? disk.queued - 1 : disk.queued;
    for (unsigned i = 0; i < some; i++)
        transfer(disk.queue[i]);
    memcpy(done, disk.queue, sizeof done);
    disk.queued -= some;
    memmove(disk.queue, disk.queue + some, disk.queued * sizeof *disk.queue);
    while (some--)
        block_complete(done[some]);
}

static const struct block_operations operations = {.submit = disk_submit, .poll = disk_poll};

__attribute__((unused)) static int prepare(void **state)
{
    (void)state;
    if (fs_start() != OK)
        return -1;
    disk.device = (struct block_device){.name = "disk",
                                        .block_size = BLOCK,
                                        .block_count = BLOCKS,
                                        .max_blocks = 256,
                                        .discard_blocks = 256,
                                        .dma_alignment = 4,
                                        .volatile_cache = true,
                                        .operations = &operations};
    if (block_register(&disk.device) != OK)
        return -1;
    return fs_add_device("disk", node_new_block(&disk.device));
}

static int setup(void **state)
{
    (void)state;
    struct block_device device = disk.device;
    memset(&disk, 0, sizeof disk);
    disk.device = device;
    disk.device.read_only = false;
    disk.device.discard_blocks = 256;
    disk.capacity = 64;
    disk.ascending = true;
    host_cpus = 1;
    host_interrupt_after = -1;
    return 0;
}

__attribute__((unused)) static int fio(const char *arguments)
{
    char line[500];
    snprintf(line, sizeof line, "fio --name=a --filename=/dev/disk --eta=never %s", arguments);
    return run(line);
}

__attribute__((unused)) static void expect_counts(const unsigned *counts, unsigned from,
                                                  unsigned to, unsigned wanted)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        assert_int_equal(counts[i], i >= from && i < to ? wanted : 0);
}

/* What stands behind a word in the report. */
__attribute__((unused)) static unsigned long reported(const char *before)
{
    const char *at = strstr(run_out, before);
    assert_non_null(at);
    return strtoul(at + strlen(before), NULL, 10);
}

#endif
