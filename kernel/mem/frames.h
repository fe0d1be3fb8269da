/*
 * Page frames: physical memory in blocks of 2^order pages. All of it is mapped
 * in the direct map, so a physical address and a pointer differ by a constant.
 * For the boot processor, and not for interrupt handlers.
 */
#ifndef KERNEL_MEM_FRAMES_H
#define KERNEL_MEM_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/handover.h"

#define PAGE_SIZE  4096ULL
#define PAGE_SHIFT 12

#define FRAMES_ORDER_MOST 18 /* 1 GiB */

/* Takes over the memory that the UEFI map calls free. */
void frames_start(const struct handover *handover);

/* 2^order contiguous pages, aligned to their size; the contents are arbitrary. NULL when there are
 * none. */
void *frames_allocate(unsigned order);
void frames_free(void *memory, unsigned order);
unsigned frames_order_of(const void *memory); /* of an allocated block */

/* The smallest order whose blocks hold `bytes`; above FRAMES_ORDER_MOST if none does. */
unsigned frames_order(size_t bytes);

static inline void *frames_pointer(uint64_t physical)
{
    return (void *)(DIRECT_MAP + physical);
}

/* Of a pointer into the direct map. */
static inline uint64_t frames_physical(const void *pointer)
{
    return (uint64_t)pointer - DIRECT_MAP;
}

struct frames_usage {
    uint64_t total;  /* bytes of RAM that the UEFI map names */
    uint64_t usable; /* of them, ours to allocate */
    uint64_t free;
};
struct frames_usage frames_usage(void);

/*
 * The ranges of the UEFI map, one call each: `usable` memory is free after
 * boot services, other memory is RAM all the same.
 */
void frames_for_each_range(const struct handover *handover,
                           void (*each)(uint64_t physical, uint64_t bytes, bool usable));

#endif
