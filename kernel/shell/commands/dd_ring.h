/*
 * The records of a copy in a ring of buffers, one behind the other in memory.
 * Where a side of the copy is a block device, records are read ahead of their
 * turn, or written behind it, several commands at a time, out of and into these
 * buffers; and records that are small become one command in the block layer.
 *
 * All this concerns whole records that lie in the device and fill its blocks.
 * Whatever else there is, the caller does the synchronous way. What becomes of
 * a record with a bad block is the same in both: it is read up to that block; it
 * is written up to the first request that failed, and both cut it in the same way.
 */
#ifndef KERNEL_SHELL_COMMANDS_DD_RING_H
#define KERNEL_SHELL_COMMANDS_DD_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/block/block.h"

struct file;

/* Where the copy stood when the turn of a record came that is written. */
struct dd_mark {
    uint64_t full_in, partial_in, position;
};

struct dd_record {
    unsigned left;       /* requests that have not ended */
    int status;          /* OK, or what the first of them to fail, in place, failed with */
    size_t moved;        /* bytes in front of that */
    struct dd_mark mark; /* of one that is written */
};

/* One side of the copy: `device` is NULL where it is synchronous. */
struct dd_side {
    struct file *file;
    struct block_device *device;
};

/* Records are numbered; number n is the buffer n % count. */
struct dd_ring {
    struct dd_side in, out;
    size_t size; /* of a record, in bytes */
    unsigned count;
    unsigned batch;  /* so many are submitted at a time */
    unsigned window; /* so many are read ahead at most */
    unsigned pieces; /* requests that a record may take */
    uint8_t *memory;
    struct dd_record *records;
    struct dd_request *requests;
    struct block_ended ended; /* of these, what their records do not know of yet */

    /* behind <= sent <= current <= ahead <= behind + count */
    uint64_t behind;  /* the oldest whose write the caller has not heard of */
    uint64_t sent;    /* the first whose write was not submitted */
    uint64_t current; /* the one whose turn it is */
    uint64_t ahead;   /* the first whose read was not submitted */
};

/* Gets memory for up to `most` records of `size` bytes, one if both sides are synchronous. False:
 * there is not enough for a single one. */
bool dd_ring_start(struct dd_ring *ring, struct dd_side in, struct dd_side out, size_t size,
                   uint64_t most);

/* Waits for what is in flight; gives the memory back. A ring of zeros is allowed. */
void dd_ring_end(struct dd_ring *ring);

/* The buffer of the current record. */
uint8_t *dd_ring_buffer(const struct dd_ring *ring);

/* Reads the current record, and ahead of it as many as `wanted` are, itself included. As
 * file_read(), but for 0: read it synchronously. */
int64_t dd_ring_read(struct dd_ring *ring, uint64_t wanted);

/* Takes the current record to write it; the next one becomes the current. False: write it
 * synchronously, after dd_ring_written(ring, 0) has returned NULL. The caller keeps room: no more
 * than half of the ring may wait for dd_ring_release(). */
bool dd_ring_write(struct dd_ring *ring, const struct dd_mark *mark);

/* The oldest record of dd_ring_write(), when its write has ended; waits for that while there are
 * more than `most`. NULL: none. */
const struct dd_record *dd_ring_written(struct dd_ring *ring, uint64_t most);
void dd_ring_release(struct dd_ring *ring); /* the caller has heard of it */

/* The current record was dealt with, and none before it is being written. */
void dd_ring_pass(struct dd_ring *ring);

/* Waits for what is in flight and forgets of it. */
void dd_ring_drop(struct dd_ring *ring);

#endif
