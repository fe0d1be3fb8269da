/*
 * Byte access to block devices. A range of bytes is at most a partial block, a
 * run of whole blocks and another partial block. The run goes between the
 * device and the caller's memory directly; a partial block is read into memory
 * of our own and, to write, changed there and written back, so that its other
 * bytes stay what they were.
 */
#include "kernel/block/block.h"
#include "kernel/mem/heap.h"
#include "lib/bits.h"
#include "lib/status.h"
#include "lib/string.h"

#define PAGE 4096u

/* `length` bytes at `within` the block; OK, or an error and nothing is moved. */
static int move_partial(struct block_device *device, enum block_operation operation, uint64_t lba,
                        size_t within, uint8_t *buffer, size_t length)
{
    int status;
    uint8_t *block = kmalloc(MAX(device->block_size, PAGE)); /* a page's alignment suits all */
    if (!block)
        return ERR_NO_MEMORY;
    block_transfer(device, BLOCK_READ, lba, 1, block, &status);
    if (status == OK && operation == BLOCK_READ) {
        memcpy(buffer, block + within, length);
    } else if (status == OK) {
        memcpy(block + within, buffer, length);
        block_transfer(device, BLOCK_WRITE, lba, 1, block, &status);
    }
    kfree(block);
    return status;
}

/* The range lies inside the device, so nothing here can overflow. */
static int64_t move(struct block_device *device, enum block_operation operation, uint8_t *buffer,
                    size_t length, uint64_t offset)
{
    size_t size = device->block_size, done = 0;
    int status = OK;
    while (done < length && status == OK) {
        uint64_t lba = (offset + done) / size;
        size_t within = (offset + done) % size, left = length - done;
        if (within || left < size) {
            size_t piece = MIN(left, size - within);
            status = move_partial(device, operation, lba, within, buffer + done, piece);
            if (status == OK)
                done += piece;
        } else {
            done +=
                size * block_transfer(device, operation, lba, left / size, buffer + done, &status);
        }
    }
    return done ? (int64_t)done : status;
}

int64_t block_read(struct block_device *device, void *buffer, size_t length, uint64_t offset)
{
    uint64_t size = block_bytes(device);
    if (offset >= size)
        return 0;
    return move(device, BLOCK_READ, buffer, MIN(length, size - offset), offset);
}

int64_t block_write(struct block_device *device, const void *buffer, size_t length, uint64_t offset)
{
    uint64_t size = block_bytes(device);
    if (device->read_only)
        return ERR_READ_ONLY;
    if (length == 0)
        return 0;
    if (offset >= size)
        return ERR_NO_SPACE;
    /* BLOCK_WRITE only reads from it. */
    return move(device, BLOCK_WRITE, (uint8_t *)(uintptr_t)buffer, MIN(length, size - offset),
                offset);
}
