/*
 * The kernel's address space (SDM volume 3, section 4.5):
 *
 *     0                       nothing: the lower half is empty
 *     ffff8000'00000000       direct map of RAM, not executable; the kernel's own
 *                             text and constants are read-only here too
 *     ffffc000'00000000       windows: device registers, tables of the firmware
 *     ffffffff'80000000       the kernel: text r-x, constants r--, data rw-
 */
#ifndef KERNEL_MEM_PAGING_H
#define KERNEL_MEM_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/handover.h"

/* Builds the kernel's own tables and leaves the loader's. Needs frames_start(). */
void paging_start(const struct handover *handover);

/* The same address space on another processor, by that processor. */
void paging_start_other(void);

/*
 * Tables for the way there: the kernel's half, and in the lower one a single page at its own
 * address, to execute and not to write. Their physical address, which fits into 32 bits; 0 without
 * memory.
 */
uint64_t paging_way_in(uint64_t page);

enum memory_type {
    MEMORY_CACHED,
    MEMORY_DEVICE /* uncached, strongly ordered */
};

/*
 * A window on physical addresses that need not be RAM; with unmapped pages on
 * both sides. NULL when there is no memory for tables, or no such address, which
 * a table of the firmware may name all the same. paging_unmap() takes
 * the same pointer and size. For the boot processor. No address is used twice:
 * no other processor has to be told to forget one.
 */
void *paging_map(uint64_t physical, size_t bytes, enum memory_type type);
void paging_unmap(void *window, size_t bytes);

/*
 * Takes a page out of the address space for a reason, its contents kept; GUARD_NONE puts it back.
 * Whoever touches it meanwhile is told the reason, in a panic. False without memory for tables. On
 * the boot processor; others may see what was there before, until they forget it by themselves.
 */
enum guard {
    GUARD_NONE,
    GUARD_STACK, /* below one */
    GUARD_HEAP,  /* behind an object */
    GUARD_FREED,
};
bool paging_guard(void *page, enum guard guard);

/* May the kernel itself write to all of it? */
bool paging_is_writable(const void *memory, size_t bytes);

/* Could a device be there? Not where RAM is, nor beyond the last physical address. */
bool paging_may_be_device(uint64_t physical, uint64_t bytes);

/* What lies at an address, in words. For a panic: everything else may be broken. */
const char *paging_describe(uint64_t address);

/* The physical address of a pointer into the direct map or the kernel's image; 0 for others. */
uint64_t paging_physical(const void *pointer);

#endif
