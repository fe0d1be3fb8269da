/*
 * What the fuzz targets share: the input as a stream of decisions, and a test
 * host whose patience ends. An input that has run out answers 0 for ever, so
 * that every prefix of an input is an input.
 */
#ifndef TESTS_FUZZ_HOST_H
#define TESTS_FUZZ_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/nvme_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

static inline uint64_t take(struct input *input, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && input->left; i++, input->left--)
        value |= (uint64_t)*input->at++ << 8 * i;
    return value;
}

/* One byte's worth of choice: 0 .. count - 1. */
static inline unsigned choose(struct input *input, unsigned count)
{
    return (unsigned)take(input, 1) % count;
}

/* Ends the process, which keeps the input. */
__attribute__((noreturn, format(printf, 1, 2))) void fuzz_fail(const char *format, ...);

#define CHECK(condition)                                                      \
    do {                                                                      \
        if (!(condition))                                                     \
            fuzz_fail("%s:%d: not true: %s", __FILE__, __LINE__, #condition); \
    } while (0)

/* Which broken rules that the device reports are the driver's fault. */
enum fuzz_blame {
    BLAME_NOTHING, /* the input lies to the driver */
    BLAME_DMA,     /* the input makes the device fail, not lie */
    BLAME_ALL,     /* the device is well */
};

struct fuzz_limits {
    uint64_t virtual_ns; /* that may pass in all */
    enum fuzz_blame blame;
    void (*before_wait)(struct testhost *host); /* NULL, or called by each wait() */
};

/*
 * A test host within limits, of which there is one at a time. A wait that ends with nothing to show
 * oversleeps by a tick, which keeps long time-outs short to compute; there is no DMA memory beyond
 * a megabyte in one piece.
 */
struct testhost *fuzz_host_new(const struct nvmevirt_config *config,
                               const struct fuzz_limits *limits);
void fuzz_blame(enum fuzz_blame blame);

/* Stops the controller: nothing may be left of it. */
void fuzz_host_free(struct testhost *host);

/* The defaults with one namespace of FUZZ_BLOCKS blocks of 512 bytes, all zeros. */
#define FUZZ_BLOCKS 128
struct nvmevirt_config fuzz_config(void);

#endif
