/*
 * The list of block devices, and the transfer of whole blocks: a range is cut
 * into requests of the device's size, as many of them in flight as it takes.
 *
 * Requests are issued in order and may end in any. After the first that fails
 * nothing more is issued, but what is in flight is waited for: its memory is
 * the caller's. The result is then known exactly, since everything below the
 * lowest failure was issued and has succeeded.
 */
#include "kernel/block/block.h"

#include "kernel/console.h"
#include "kernel/idle.h"
#include "kernel/mem/heap.h"
#include "kernel/x86/clock.h"
#include "lib/bits.h"
#include "lib/number.h"
#include "lib/status.h"
#include "lib/string.h"

#define PAGE             4096u
#define MOST_IN_FLIGHT   16u
#define BOUNCE_BYTES     (128u * 1024)
#define POLL_NANOSECONDS NS_PER_SEC /* at most this long between two looks at Ctrl-C */

struct slot {
    struct block_request request; /* first, for it leads back here */
    struct block_segment segment;
};

struct transfer {
    struct block_device *device;
    unsigned in_flight;
    int status;                 /* of the failure at the lowest block, or why issuing stopped */
    uint64_t failed;            /* its block; UINT64_MAX without one */
    unsigned touched;           /* slots[0..touched) are in use or on the free list */
    struct block_request *free; /* slots, by their requests */
    struct block_ended ended;
    struct slot slots[MOST_IN_FLIGHT];
};

struct list block_devices = LIST_EMPTY(block_devices);

static bool is_power_of_two(uint32_t n)
{
    return n && (n & (n - 1)) == 0;
}

/* In the order of names, in which digits are numbers: nvme0n10 is behind nvme0n9. */
static bool is_behind(const char *a, const char *b)
{
    for (;; a++, b++) {
        uint64_t x, y;
        const char *a_end, *b_end;
        if (number_prefix(a, 10, &x, &a_end) == OK && number_prefix(b, 10, &y, &b_end) == OK) {
            if (x != y)
                return x > y;
            a = a_end;
            b = b_end;
        }
        if (*a != *b || !*a)
            return *a > *b;
    }
}

int block_register(struct block_device *device)
{
    size_t name_length = strnlen(device->name, sizeof device->name);
    if (name_length == 0 || name_length == sizeof device->name)
        return ERR_INVALID;
    if (!is_power_of_two(device->block_size) || device->block_size < 512)
        return ERR_INVALID;
    if (device->block_count == 0 || device->block_count > INT64_MAX / device->block_size)
        return ERR_INVALID;
    if (device->max_blocks == 0)
        return ERR_INVALID;
    /* A bounce buffer is as aligned as the heap's pages are, and blocks follow it. */
    if (!is_power_of_two(device->dma_alignment) ||
        device->dma_alignment > MIN(device->block_size, PAGE))
        return ERR_INVALID;
    if (block_find(device->name))
        return ERR_EXISTS;
    struct list *next = block_devices.next;
    while (next != &block_devices &&
           is_behind(device->name, CONTAINER_OF(next, struct block_device, node)->name))
        next = next->next;
    list_insert(next, &device->node);
    return OK;
}

void block_unregister(struct block_device *device)
{
    list_remove(&device->node);
}

struct block_device *block_find(const char *name)
{
    LIST_FOR_EACH(node, &block_devices)
    {
        struct block_device *device = CONTAINER_OF(node, struct block_device, node);
        if (strcmp(device->name, name) == 0)
            return device;
    }
    return NULL;
}

/* The slots are filled in as they are taken. */
static void start(struct transfer *transfer, struct block_device *device)
{
    transfer->device = device;
    transfer->in_flight = transfer->touched = 0;
    transfer->status = OK;
    transfer->failed = UINT64_MAX;
    transfer->free = NULL;
    block_ended_init(&transfer->ended);
}

static void fail(struct transfer *transfer, uint64_t lba, int status)
{
    if (lba < transfer->failed) {
        transfer->failed = lba;
        transfer->status = status;
    }
}

static void poll(struct transfer *transfer)
{
    struct block_request *free = transfer->free;
    idle_glance();
    block_poll(transfer->device, clock_ns() + POLL_NANOSECONDS);
    transfer->free = block_ended_take(&transfer->ended, free);
    for (struct block_request *request = transfer->free; request != free; request = request->next) {
        if (request->status != OK)
            fail(transfer, request->lba, request->status);
        transfer->in_flight--;
    }
}

/* NULL when all are in flight. */
static struct slot *slot_take(struct transfer *transfer)
{
    struct block_request *request = transfer->free;
    if (request) {
        transfer->free = request->next;
        return CONTAINER_OF(request, struct slot, request);
    }
    return transfer->touched < MOST_IN_FLIGHT ? &transfer->slots[transfer->touched++] : NULL;
}

/* Issues one request; false when the device or we can take no more at the moment. */
static bool issue(struct transfer *transfer, enum block_operation operation, uint64_t lba,
                  uint32_t blocks, void *buffer)
{
    struct block_device *device = transfer->device;
    struct slot *slot = slot_take(transfer);
    if (!slot)
        return false;
    slot->segment = (struct block_segment){buffer, (size_t)blocks * device->block_size};
    slot->request = (struct block_request){.operation = operation,
                                           .lba = lba,
                                           .blocks = blocks,
                                           .segments = &slot->segment,
                                           .segment_count = blocks ? 1 : 0,
                                           .ended = &transfer->ended};
    transfer->in_flight++;
    int status = block_submit(device, &slot->request);
    if (status == OK)
        return true;

    transfer->in_flight--;
    slot->request.next = transfer->free;
    transfer->free = &slot->request;
    if (status == ERR_AGAIN)
        return false;
    fail(transfer, lba, status);
    return true;
}

/* `buffer` is aligned as the device wants it. */
static uint64_t transfer_aligned(struct block_device *device, enum block_operation operation,
                                 uint64_t lba, uint64_t count, uint8_t *buffer, int *status)
{
    struct transfer transfer;
    start(&transfer, device);

    uint64_t issued = 0;
    while (issued < count && transfer.status == OK) {
        if (console_interrupted()) {
            fail(&transfer, lba + issued, ERR_INTERRUPTED);
            break;
        }
        uint32_t blocks = (uint32_t)MIN(count - issued, (uint64_t)block_most(device, lba + issued));
        if (issue(&transfer, operation, lba + issued, blocks, buffer + issued * device->block_size))
            issued += blocks;
        else
            poll(&transfer);
    }
    while (transfer.in_flight)
        poll(&transfer);
    *status = transfer.status;
    return transfer.status == OK ? count : transfer.failed - lba;
}

/* Through memory of our own, a piece at a time; with little memory the pieces are small. */
static uint64_t transfer_bounced(struct block_device *device, enum block_operation operation,
                                 uint64_t lba, uint64_t count, uint8_t *buffer, int *status)
{
    size_t size = device->block_size;
    uint64_t piece = MIN(count, MAX(BOUNCE_BYTES / size, 1ul));
    uint8_t *bounce = kmalloc(MAX(piece * size, PAGE));
    if (!bounce) {
        piece = 1;
        bounce = kmalloc(MAX(size, PAGE));
    }
    if (!bounce) {
        *status = ERR_NO_MEMORY;
        return 0;
    }
    uint64_t done = 0;
    *status = OK;
    while (done < count && *status == OK) {
        uint64_t blocks = MIN(piece, count - done);
        if (operation == BLOCK_WRITE)
            memcpy(bounce, buffer + done * size, blocks * size);
        uint64_t moved = transfer_aligned(device, operation, lba + done, blocks, bounce, status);
        if (operation == BLOCK_READ)
            memcpy(buffer + done * size, bounce, moved * size);
        done += moved;
    }
    kfree(bounce);
    return done;
}

uint64_t block_transfer(struct block_device *device, enum block_operation operation, uint64_t lba,
                        uint64_t count, void *buffer, int *status)
{
    *status = OK;
    if (operation == BLOCK_FLUSH)
        *status = ERR_INVALID;
    else if (operation != BLOCK_READ && device->read_only)
        *status = ERR_READ_ONLY;
    if (*status != OK || count == 0)
        return 0;

    uint64_t there = lba < device->block_count ? device->block_count - lba : 0;
    uint64_t within = MIN(count, there), done;
    if (IS_ALIGNED((uintptr_t)buffer, device->dma_alignment))
        done = transfer_aligned(device, operation, lba, within, buffer, status);
    else
        done = transfer_bounced(device, operation, lba, within, buffer, status);
    if (*status == OK && within < count)
        *status = ERR_NO_SPACE;
    return done;
}

int block_flush(struct block_device *device)
{
    if (!device->volatile_cache)
        return OK;
    struct transfer transfer;
    start(&transfer, device);
    if (console_interrupted())
        return ERR_INTERRUPTED;
    while (!issue(&transfer, BLOCK_FLUSH, 0, 0, NULL))
        poll(&transfer);
    while (transfer.in_flight)
        poll(&transfer);
    return transfer.status;
}
