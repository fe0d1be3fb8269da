/*
 * A host for the NVMe driver over the software controller. Time passes only in
 * wait(), which jumps to the next thing that can happen; a data buffer's pages
 * are scattered over the bus, last first, with a hole behind each.
 *
 * Whoever breaks a rule fails the test. The software controller watches what
 * reaches the device. This host watches what the driver asks of it:
 *
 *   - DMA memory comes back, once, all of it, with the length it was taken
 *     with; none is taken for I/O;
 *   - the interrupt handler and ready() call nobody, and done() is not called
 *     from there; done() does not wait while a reset runs;
 *   - registers are aligned, and left alone once the controller was stopped or
 *     cut off, which happens once; handlers are detached.
 *
 * There is no lock to be left held: the driver has none. And since it does not
 * get control inside of bus_address(), nothing can be called from there.
 */
#ifndef TESTS_UNIT_NVME_HOST_H
#define TESTS_UNIT_NVME_HOST_H

#include "drivers/nvme/nvme.h"
#include "drivers/nvmevirt/nvmevirt.h"
#include "tests/unit/prp_oracle.h"

#define MS 1000000ull

enum {
    TESTHOST_PAGE = 4096,
    TESTHOST_VECTORS = 16
};

struct testhost_region;

struct testhost {
    struct nvmevirt virt;
    struct nvme_host ops;
    struct nvme_controller nvme;
    uint64_t now;

    /* Handles to pull; take effect at the next call. */
    unsigned vectors;       /* offered to the driver; testhost_polled() for none at all */
    long allocations_left;  /* until dma_alloc fails, once; -1: never */
    long translations_left; /* until bus_address fails, once; -1: never */
    bool whole_runs;        /* bus_address does not stop at a page's end if the next follows */
    bool attach_fails;
    bool manages;     /* the driver may take memory, as nvme_attach() does */
    unsigned in_done; /* set by done() of tests that call back into the driver */
    void (*identify)(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data);
    bool (*read)(struct testhost *host, uint32_t offset, uint32_t *value); /* true: use value */
    void *context;                                                         /* of those two */

    /* What happened. */
    unsigned violations, violations_expected;
    char violation[200];
    long dma_live, dma_allocations;
    unsigned isolated, attached, interrupts;
    uint64_t waits, reads, writes;
    unsigned completions; /* done() of all struct testio */
    char log[16384];
    size_t log_length;

    struct handler {
        void (*function)(void *argument);
        void *argument;
    } handlers[TESTHOST_VECTORS];
    bool woken;
    const char *inside; /* whose callback runs; NULL: nobody's */

    struct nvmevirt_fault faults[4];
    size_t fault_count;

    struct testhost_region *regions;
    struct testhost_frame *frames; /* of the bus, by number */
    size_t frame_count, frame_capacity;
};

/* Defaults: one namespace of 4096 blocks of 512 bytes. */
struct nvmevirt_config testhost_config(void);

/* Ready for nvme_start(); MSI-X and isolate() are there. NULL: the configuration above. */
struct testhost *testhost_new(const struct nvmevirt_config *config);
void testhost_polled(struct testhost *host); /* no interrupts: vectors and attach are NULL */

int testhost_start(struct testhost *host, const struct nvme_options *options);

/* new and start, which has to succeed. */
struct testhost *testhost_live(const struct nvmevirt_config *config,
                               const struct nvme_options *options);

/* Stops the controller if it lives; fails on violations and on DMA memory that is still out. */
void testhost_free(struct testhost *host);

/* Stops it and looks for what was not given back, but `kept` allocations; frees nothing. */
void testhost_stop(struct testhost *host, long kept);

/* As testhost_free(), where `kept` allocations stay away for ever. */
void testhost_free_kept(struct testhost *host, long kept);

/* The device works on what it was told. */
void testhost_work(struct testhost *host);

/* Calls the vector's handler, as the device would. */
void testhost_interrupt(struct testhost *host, unsigned vector);

/* For the audit: `function` was called by the driver. */
void testhost_called(struct testhost *host, const char *function);

/* Adds to the device's script of faults; forgets it. */
void testhost_fault(struct testhost *host, struct nvmevirt_fault fault);
void testhost_no_faults(struct testhost *host);

/* The same from its parts. */
void testhost_meets(struct testhost *host, uint16_t queue, uint16_t opcode, uint32_t nth,
                    enum nvmevirt_fault_kind kind, uint64_t argument);

/* For host->read: the device is gone with the nth read, where host->context has n (unsigned). */
bool testhost_vanish(struct testhost *host, uint32_t offset, uint32_t *value);

/* The last violations: `count` since the last call, the latest has `text` in it. */
void testhost_expect(struct testhost *host, unsigned count, const char *text);

/* Did the driver log a line with `text` in it? */
bool testhost_logged(const struct testhost *host, const char *text);

/*
 * Data that starts `offset` bytes into a page, in chunks of `chunk` pages that are contiguous and
 * aligned to the chunk's size on the bus. Lives as long as the host does.
 */
uint8_t *testhost_chunks(struct testhost *host, size_t offset, size_t bytes, size_t chunk);
uint8_t *testhost_data(struct testhost *host, size_t bytes); /* page aligned, all pages apart */

/* The bus address of one byte, 0 if it has none; and the way back for a granted range. */
uint64_t testhost_bus(struct testhost *host, const void *memory);
void *testhost_at(struct testhost *host, uint64_t bus, size_t length);

/* The same as the oracle wants it: one entry of a list; where the bytes of `segments` are, in at
 * most `most` pieces that do not leave a page of the host. */
bool testhost_read_qword(void *host, uint64_t bus, uint64_t *value);
size_t testhost_pieces(struct testhost *host, const struct nvme_segment *segments, unsigned count,
                       struct prp_segment *pieces, size_t most);

/* A request that counts how often it was completed. */
struct testio {
    struct nvme_request request;
    struct nvme_segment segment;
    struct testhost *host;
    struct nvme_queue *queue;
    unsigned done;
    unsigned order; /* of completion, over all requests of the host, from 1 */
};

/* Prepares a read or write and puts it into the queue; nvme_submit()'s answer. */
int testio_submit(struct testhost *host, struct nvme_queue *queue, struct testio *io, bool write,
                  uint64_t lba, uint32_t blocks, void *data);
int testio_again(struct testio *io, uint64_t lba); /* one that has ended, on the same queue */
int testio_flush(struct testhost *host, struct nvme_queue *queue, struct testio *io);

/* Makes the completion of a request that was written by hand count. */
void testio_watch(struct testhost *host, struct nvme_queue *queue, struct testio *io);

/* Polls until nothing is in flight. */
void testhost_drain(struct testhost *host, struct nvme_queue *queue);

/* One request on the first I/O queue and the first namespace, to its end: its result. */
int testhost_rw(struct testhost *host, bool write, uint64_t lba, uint32_t blocks, void *data);

/* Writes a pattern to a few blocks and reads it back: does the controller work? */
void testhost_works(struct testhost *host);

/* Bytes that tell where they are. */
void testhost_fill(void *data, size_t bytes, unsigned seed);

#endif
