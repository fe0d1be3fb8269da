/*
 * A block device that is made up: any block size, request size and queue depth,
 * completions in random order, blocks that fail. It checks each request against
 * the contract of block.h.
 */
#ifndef TESTS_UNIT_FAKE_BLOCK_H
#define TESTS_UNIT_FAKE_BLOCK_H

#include <stdint.h>

#include "kernel/block/block.h"

#define BLOCKS     1024u /* of fake_start() */
#define MOST_DEPTH 64u
#define NOWHERE    UINT64_MAX

struct fake {
    struct block_device device;
    uint8_t *data;
    unsigned depth, in_flight, most_in_flight;
    struct block_request *queue[MOST_DEPTH];
    unsigned submitted;
    uint64_t bad_lba[2]; /* requests that touch them fail, with a status for each */
    unsigned refuse_at;  /* the submission of this number is refused: ERR_NO_DEVICE */
    unsigned busy;       /* so often the queue is full though nothing of ours is in it */
    unsigned interrupt_at;
    unsigned polls;
    unsigned reads, writes, flushes, errors; /* as they ended */
    uint64_t blocks_read, blocks_written;
};

/* What a bad block fails with, by its place in bad_lba. */
extern const int bad_status[2];

/* Registers it as "fake", its blocks full of random bytes. */
void fake_start(struct fake *fake, uint32_t block_size, uint32_t max_blocks, unsigned depth);

/* The same with a name and a size. */
void fake_start_named(struct fake *fake, const char *name, uint64_t block_count,
                      uint32_t block_size, uint32_t max_blocks, unsigned depth);

/* What every test ends with: nothing of it is left anywhere. */
void fake_end(struct fake *fake);

#endif
