/*
 * A buddy allocator. For every page there is one byte which says, for the first
 * page of a block, whether the block is free and of what order; free blocks are
 * linked through their own memory. A freed block joins its buddy, the block
 * whose address differs in the one bit of its order, as long as that is free.
 */
#include "kernel/mem/frames.h"

#include "kernel/panic.h"
#include "lib/list.h"
#include "lib/string.h"

/* States of a page: an order if it begins a free block, else one of these. */
#define BEGINS_ALLOCATED 0x40 /* | order */
#define WITHIN           0xff

/* UEFI 2.9, table 7-6 */
enum {
    EFI_LOADER_CODE = 1,
    EFI_LOADER_DATA = 2,
    EFI_BOOT_SERVICES_CODE = 3,
    EFI_BOOT_SERVICES_DATA = 4,
    EFI_RUNTIME_CODE = 5,
    EFI_RUNTIME_DATA = 6,
    EFI_CONVENTIONAL = 7,
    EFI_ACPI_RECLAIM = 9,
    EFI_ACPI_NVS = 10,
};

struct efi_memory_descriptor {
    uint32_t type;
    uint64_t physical;
    uint64_t virtual;
    uint64_t pages;
    uint64_t attribute;
};

/* Below 1 MiB lie things that no map names; and page 0 shall never be an address. */
#define LOWEST_USABLE (1ULL << 20)

static struct list free_blocks[FRAMES_ORDER_MOST + 1];
static uint8_t *states;
static uint64_t page_count; /* that `states` has bytes for */
static struct frames_usage usage;

void frames_for_each_range(const struct handover *handover,
                           void (*each)(uint64_t physical, uint64_t bytes, bool usable))
{
    const uint8_t *map = frames_pointer(handover->memory_map);
    for (uint64_t at = 0; at + sizeof(struct efi_memory_descriptor) <= handover->memory_map_size;
         at += handover->memory_descriptor_size) {
        const struct efi_memory_descriptor *range = (const void *)(map + at);
        switch (range->type) {
        case EFI_CONVENTIONAL:
        case EFI_BOOT_SERVICES_CODE:
        case EFI_BOOT_SERVICES_DATA:
            each(range->physical, range->pages * PAGE_SIZE, true);
            break;
        case EFI_LOADER_CODE:
        case EFI_LOADER_DATA:
        case EFI_RUNTIME_CODE:
        case EFI_RUNTIME_DATA:
        case EFI_ACPI_RECLAIM:
        case EFI_ACPI_NVS:
            each(range->physical, range->pages * PAGE_SIZE, false);
            break;
        }
    }
}

static uint64_t page_of(const void *block)
{
    return frames_physical(block) >> PAGE_SHIFT;
}

static void *block_at(uint64_t page)
{
    return frames_pointer(page << PAGE_SHIFT);
}

static void put(uint64_t page, unsigned order)
{
    states[page] = (uint8_t)order;
    list_insert(&free_blocks[order], block_at(page));
}

static void take(uint64_t page)
{
    list_remove(block_at(page));
    states[page] = WITHIN;
}

static void find_end(uint64_t physical, uint64_t bytes, bool usable)
{
    usage.total += bytes;
    if (usable && (physical + bytes) >> PAGE_SHIFT > page_count)
        page_count = (physical + bytes) >> PAGE_SHIFT;
}

static uint64_t states_physical;

static void place_states(uint64_t physical, uint64_t bytes, bool usable)
{
    if (usable && !states_physical && physical >= LOWEST_USABLE && bytes >= page_count)
        states_physical = physical;
}

/* Puts a range into the free lists, in the largest blocks that its ends allow. */
static void add_range(uint64_t physical, uint64_t bytes, bool usable)
{
    uint64_t end = physical + bytes;
    if (physical < LOWEST_USABLE)
        physical = LOWEST_USABLE;
    if (physical == states_physical)
        physical += ROUND_UP(page_count, PAGE_SIZE);
    if (!usable || physical >= end)
        return;
    usage.usable += end - physical;
    usage.free += end - physical;
    for (uint64_t page = physical >> PAGE_SHIFT; page < end >> PAGE_SHIFT;) {
        unsigned order = 0;
        while (order < FRAMES_ORDER_MOST && IS_ALIGNED(page, 2ULL << order) &&
               page + (2ULL << order) <= end >> PAGE_SHIFT)
            order++;
        put(page, order);
        page += 1ULL << order;
    }
}

void frames_start(const struct handover *handover)
{
    for (unsigned order = 0; order <= FRAMES_ORDER_MOST; order++)
        list_init(&free_blocks[order]);
    frames_for_each_range(handover, find_end);
    frames_for_each_range(handover, place_states);
    if (!states_physical)
        panic("no memory for the page frame allocator");
    states = frames_pointer(states_physical);
    memset(states, WITHIN, page_count);
    frames_for_each_range(handover, add_range);
}

unsigned frames_order(size_t bytes)
{
    unsigned order = 0;
    while (order <= FRAMES_ORDER_MOST && (PAGE_SIZE << order) < bytes)
        order++;
    return order;
}

void *frames_allocate(unsigned order)
{
    unsigned have = order;
    while (have <= FRAMES_ORDER_MOST && list_is_empty(&free_blocks[have]))
        have++;
    if (have > FRAMES_ORDER_MOST)
        return NULL;
    uint64_t page = page_of(free_blocks[have].next);
    take(page);
    /* The upper halves go back, one of each order. */
    while (have > order) {
        have--;
        put(page + (1ULL << have), have);
    }
    states[page] = (uint8_t)(BEGINS_ALLOCATED | order);
    usage.free -= PAGE_SIZE << order;
    return block_at(page);
}

void frames_free(void *memory, unsigned order)
{
    uint64_t page = page_of(memory);
    ASSERT(page < page_count && states[page] == (BEGINS_ALLOCATED | order));
    usage.free += PAGE_SIZE << order;
    states[page] = WITHIN;
    while (order < FRAMES_ORDER_MOST) {
        uint64_t buddy = page ^ 1ULL << order;
        if (buddy + (1ULL << order) > page_count || states[buddy] != order)
            break;
        take(buddy);
        page = MIN(page, buddy);
        order++;
    }
    put(page, order);
}

unsigned frames_order_of(const void *memory)
{
    uint64_t page = page_of(memory);
    ASSERT(page < page_count && states[page] != WITHIN && (states[page] & BEGINS_ALLOCATED));
    return states[page] & ~BEGINS_ALLOCATED;
}

struct frames_usage frames_usage(void)
{
    return usage;
}
