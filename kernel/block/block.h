/*
 * Block devices. A driver registers a device with its limits and two
 * functions; everyone else reads and writes it here, in requests, in blocks or
 * in bytes.
 *
 * Requests carry many segments and several are in flight at once. Nothing
 * runs behind the caller's back: completions are reaped by whoever waits, in
 * block_poll(), never by an interrupt handler, and are put on a list of the
 * submitter's. Who polls then looks at his list, where requests may be that he
 * did not wait for.
 */
#ifndef KERNEL_BLOCK_BLOCK_H
#define KERNEL_BLOCK_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/list.h"
#include "lib/status.h"

enum block_operation {
    BLOCK_READ,
    BLOCK_WRITE,
    BLOCK_FLUSH,
    BLOCK_DISCARD,      /* the blocks' contents are of no interest any more */
    BLOCK_WRITE_ZEROES, /* they read as zeros, without a transfer */
};

struct block_segment {
    void *base; /* heap memory, aligned to the device's dma_alignment */
    size_t length;
};

/* What a driver may keep in a request while it has it. */
#define BLOCK_DRIVER_BYTES 224

struct block_device;

/*
 * Requests of one submitter that have ended, in the order in which they did. It is the submitter's,
 * on whose processor alone it grows; where it lies it stays while requests are in flight.
 */
struct block_ended {
    struct block_request *first; /* linked by `next`; the last one's says nothing */
    struct block_request **end;  /* where the next goes */
    unsigned count;              /* of them */
    unsigned failed;             /* how many had a status that is not OK, since it was 0 */
};

/*
 * Filled in by the submitter and its property, but not to be touched from block_submit() until it
 * is on the list. For BLOCK_DISCARD it lies in heap memory itself: the device may read from it.
 */
struct block_request {
    /* Behind it, in what is submitted together or has ended; it is the submitter's while the
     * request is. The first member, so that the address of both is one. */
    struct block_request *next;
    enum block_operation operation;
    bool polled;            /* wanted from a queue without interrupts, where the device has such */
    bool fixed;             /* the LBA alone changes from one time it is submitted to the next: the
                               driver keeps what it knows of the rest, and so this stays. All zeros
                               at first, but for what the submitter fills in, which here includes
                               `device` */
    uint64_t lba;           /* first logical block */
    uint32_t blocks;        /* how many; 0 for BLOCK_FLUSH */
    unsigned segment_count; /* 0 for operations without data */
    const struct block_segment *segments; /* their lengths sum up to blocks * block_size */
    struct block_ended *ended;            /* the list it is put on */
    int status;                           /* when it is there: OK or an error */

    /* The block layer's. */
    struct block_device *device;
    struct block_request *merged; /* the next that goes with this one in a single command */
    const struct block_segment *own_segments; /* what the first of several had alone */
    struct block_segment merged_segment;
    uint32_t own_blocks;

    _Alignas(8) unsigned char driver[BLOCK_DRIVER_BYTES]; /* zeros at first, of any request */
};

/* What a driver does. Called from ordinary context only. */
struct block_operations {
    /* Takes requests from the front of a list that `next` links (of fixed ones all are `polled` or
     * none), on a queue of this processor's: block_complete() will be called exactly once for each,
     * on the same processor: from poll(), or where the boot processor looks after its devices.
     * *list is then what it has not taken. OK: that is nothing; ERR_AGAIN: the queue is full,
     * poll() first. Any other error: the first of the rest is refused. */
    int (*submit)(struct block_device *device, struct block_request **list);

    /* Tells the hardware of all that was submitted, completes what it has finished, and, when
     * nothing had been, sleeps until something may be or until `deadline` (as clock_ns; 0: do not
     * sleep). Deadlines of the requests themselves are the driver's business. */
    void (*poll)(struct block_device *device, uint64_t deadline);
};

/* Makes it empty, whatever is on it. */
static inline void block_ended_clear(struct block_ended *ended)
{
    ended->end = &ended->first;
    ended->count = 0;
}

static inline void block_ended_init(struct block_ended *ended)
{
    block_ended_clear(ended);
    ended->failed = 0;
}

/* Takes all there are, in front of `behind` (NULL, or a list that they are to join), which is what
 * it returns if there are none. */
static inline struct block_request *block_ended_take(struct block_ended *ended,
                                                     struct block_request *behind)
{
    *ended->end = behind;
    block_ended_clear(ended);
    return ended->first;
}

/* Puts a request on its list, with its status. */
static inline void block_end(struct block_request *request)
{
    struct block_ended *ended = request->ended;
    if (request->status != OK)
        ended->failed++;
    *ended->end = request;
    ended->end = &request->next;
    ended->count++;
}

/* For drivers: the request has ended, with request->status. */
void block_complete_merged(struct block_request *first); /* its part, where there are several */
static inline void block_complete(struct block_request *request)
{
    if (__builtin_expect(request->merged != NULL, false))
        block_complete_merged(request);
    else
        block_end(request);
}

struct block_device {
    char name[24];           /* "nvme0n1" */
    uint32_t block_size;     /* bytes, a power of two from 512 */
    uint64_t block_count;    /* capacity in logical blocks */
    uint32_t max_blocks;     /* most blocks that a single request with data may have */
    uint32_t discard_blocks; /* ... that is a BLOCK_DISCARD; 0: not offered */
    uint32_t zeroes_blocks;  /* ... that is a BLOCK_WRITE_ZEROES; 0: not offered */
    uint32_t dma_alignment;  /* of every segment's base and length, a power of two */
    uint64_t zone_blocks;    /* a request may not reach from one lot of so many blocks into the
                                next, and writes are done one by one, in order; 0: not zoned */
    bool read_only;
    bool volatile_cache; /* a flush is needed before data is durable */
    const struct block_operations *operations;
    void *driver;
    const char *model; /* for lsblk; printable, the driver's */

    /* Its last node has gone, and with it everybody who had it open. NULL: that is of no matter. */
    void (*unused)(struct block_device *device);

    struct list node; /* the block layer's */
    unsigned nodes;   /* those of files (kernel/fs/block_node.c) */
};

/* All devices, in the order of their names (LIST_FOR_EACH over `node`). */
extern struct list block_devices;

/* ERR_EXISTS when the name is taken, ERR_INVALID for senseless limits. The device stays the
 * driver's and must outlive its registration and its nodes. */
int block_register(struct block_device *device);
void block_unregister(struct block_device *device);
struct block_device *block_find(const char *name);

/* Between the two it stays where it is, registered or not. */
static inline void block_hold(struct block_device *device)
{
    device->nodes++;
}

static inline void block_let_go(struct block_device *device)
{
    if (--device->nodes == 0 && device->unused)
        device->unused(device);
}

static inline uint64_t block_bytes(const struct block_device *device)
{
    return device->block_count * device->block_size;
}

/* Blocks from this one on to where no request may reach beyond. */
static inline uint64_t block_zone_left(const struct block_device *device, uint64_t lba)
{
    return device->zone_blocks ? device->zone_blocks - lba % device->zone_blocks : UINT64_MAX;
}

/* The most blocks that a request with data may have from this one on. */
static inline uint32_t block_most(const struct block_device *device, uint64_t lba)
{
    uint64_t left = block_zone_left(device, lba);
    return left < device->max_blocks ? (uint32_t)left : device->max_blocks;
}

/* ---- Requests, for who keeps several in flight (queue.c) ------------------------------------ */

/*
 * Takes a request. The device hears of it by block_poll(), so that many cost one doorbell; what
 * continues the one before it, in blocks and in memory, goes into the same command. OK: it will
 * come to its list exactly once, on this processor, in block_poll() or another wait. ERR_AGAIN:
 * full, block_poll() first. Limits are the submitter's to respect; who does not gets a status.
 */
int block_submit(struct block_device *device, struct block_request *request);

/*
 * The same for one or more that `next` links, all of them `fixed` or none, and all `polled` or
 * none. *list is then what was not taken: nothing if OK; if ERR_AGAIN for want of room; else the
 * first of the rest is refused.
 */
int block_submit_list(struct block_device *device, struct block_request **list);

/*
 * Sends what was submitted on this processor, completes what the device has finished, and, if that
 * was nothing, sleeps until it has or until `deadline` (as clock_ns; 0: does not sleep).
 */
void block_poll(struct block_device *device, uint64_t deadline);

/* ---- Synchronous transfers (block.c) --------------------------------------------------------- */

/*
 * Whole blocks: split at max_blocks, as many requests in flight as the device
 * takes. Returns how many blocks from the first on were transferred without an error; if that is
 * less than `count`, *status says why (OK never). `buffer` may have any alignment.
 */
uint64_t block_transfer(struct block_device *device, enum block_operation operation, uint64_t lba,
                        uint64_t count, void *buffer, int *status);

/*
 * Bytes, at any offset and length. A block that is written in part is read, changed and written
 * back. Returns the bytes transferred, less than `length` at the end of the device or behind an
 * error; an error when none were: ERR_NO_SPACE for a write at or past the end (a read there
 * returns 0), ERR_READ_ONLY, ERR_IO, ERR_INTERRUPTED after Ctrl-C.
 */
int64_t block_read(struct block_device *device, void *buffer, size_t length, uint64_t offset);
int64_t block_write(struct block_device *device, const void *buffer, size_t length,
                    uint64_t offset);

/* Returns when all that was written is durable. */
int block_flush(struct block_device *device);

#endif
