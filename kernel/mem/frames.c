/*
 * A buddy allocator. Each order has a bitmap with one bit for each of its
 * blocks, set while the block is free; a freed block joins its buddy, the block
 * whose number differs in the lowest bit, as long as that is free too. The
 * lowest block is given out first. Free memory itself is not touched: in a
 * virtual machine the first touch of a page is what costs.
 */
#include "kernel/mem/frames.h"

#include "kernel/panic.h"
#include "kernel/x86/cpus.h"
#include "lib/string.h"

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

#define ORDERS    (FRAMES_ORDER_MOST + 1)
#define WORD_BITS 64
#define NO_ORDER  0xff

static struct {
    uint64_t *free; /* the bitmap */
    uint64_t words; /* its length */
    uint64_t first; /* no word before this one has a bit set */
    uint64_t count; /* bits set */
} orders[ORDERS];

static uint8_t *allocated; /* for each page the order of the block that begins there */
static uint64_t page_count;
static uint64_t tables_physical, tables_size;
static struct frames_usage usage;

static const struct efi_memory_descriptor *next_range(const struct handover *handover,
                                                      const struct efi_memory_descriptor *range)
{
    const uint8_t *map = frames_pointer(handover->memory_map),
                  *end = map + handover->memory_map_size;
    const uint8_t *at = range ? (const uint8_t *)range + handover->memory_descriptor_size : map;
    return at + sizeof *range <= end ? (const void *)at : NULL;
}

static bool is_usable(const struct efi_memory_descriptor *range)
{
    return range->type == EFI_CONVENTIONAL || range->type == EFI_BOOT_SERVICES_DATA;
}

/* Firmware may name memory twice: what is something else as well, or was ours before, is not
 * usable. */
static bool is_named_twice(const struct handover *handover,
                           const struct efi_memory_descriptor *range)
{
    for (const struct efi_memory_descriptor *other = NULL; (other = next_range(handover, other));)
        if ((other < range || !is_usable(other)) && other->pages &&
            other->physical < range->physical + range->pages * PAGE_SIZE &&
            range->physical < other->physical + other->pages * PAGE_SIZE)
            return true;
    return false;
}

void frames_for_each_range(const struct handover *handover,
                           void (*each)(uint64_t physical, uint64_t bytes, bool usable))
{
    for (const struct efi_memory_descriptor *range = NULL; (range = next_range(handover, range));) {
        if (!range->pages || (is_usable(range) && is_named_twice(handover, range)))
            continue;
        switch (range->type) {
        case EFI_CONVENTIONAL:
        case EFI_BOOT_SERVICES_DATA:
            each(range->physical, range->pages * PAGE_SIZE, true);
            break;
        /* Free, but left alone: a page stays a hundred times slower to write, in QEMU's translator,
         * for as long as there is code in it that was once executed. */
        case EFI_BOOT_SERVICES_CODE:
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

static void put(uint64_t page, unsigned order)
{
    uint64_t block = page >> order;
    orders[order].free[block / WORD_BITS] |= BIT(block % WORD_BITS);
    orders[order].first = MIN(orders[order].first, block / WORD_BITS);
    orders[order].count++;
}

static bool is_free(uint64_t page, unsigned order)
{
    uint64_t block = page >> order;
    return block / WORD_BITS < orders[order].words &&
           orders[order].free[block / WORD_BITS] & BIT(block % WORD_BITS);
}

static void take(uint64_t page, unsigned order)
{
    uint64_t block = page >> order;
    orders[order].free[block / WORD_BITS] &= ~BIT(block % WORD_BITS);
    orders[order].count--;
}

/* Takes the lowest free block of an order that has one; returns its page. */
static uint64_t take_lowest(unsigned order)
{
    uint64_t word = orders[order].first;
    while (!orders[order].free[word])
        word++;
    orders[order].first = word;
    uint64_t block = word * WORD_BITS + (uint64_t)__builtin_ctzll(orders[order].free[word]);
    take(block << order, order);
    return block << order;
}

static void find_end(uint64_t physical, uint64_t bytes, bool usable)
{
    usage.total += bytes;
    if (usable && (physical + bytes) >> PAGE_SHIFT > page_count)
        page_count = (physical + bytes) >> PAGE_SHIFT;
}

static void place_tables(uint64_t physical, uint64_t bytes, bool usable)
{
    if (usable && !tables_physical && physical >= LOWEST_USABLE && bytes >= tables_size)
        tables_physical = physical;
}

/* Puts a range into the free lists, in the largest blocks that its ends allow. */
static void add_range(uint64_t physical, uint64_t bytes, bool usable)
{
    uint64_t end = physical + bytes;
    if (physical < LOWEST_USABLE)
        physical = LOWEST_USABLE;
    if (physical == tables_physical)
        physical += tables_size;
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

/* How many words the bitmap of an order has. */
static uint64_t bitmap_words(unsigned order)
{
    return (page_count >> order) / WORD_BITS + 1;
}

void frames_start(const struct handover *handover)
{
    frames_for_each_range(handover, find_end);
    tables_size = page_count;
    for (unsigned order = 0; order < ORDERS; order++)
        tables_size += bitmap_words(order) * sizeof(uint64_t);
    tables_size = ROUND_UP(tables_size, PAGE_SIZE);
    frames_for_each_range(handover, place_tables);
    if (!tables_physical)
        panic("no memory for the page frame allocator");

    uint64_t *table = frames_pointer(tables_physical);
    memset(table, 0, tables_size);
    for (unsigned order = 0; order < ORDERS; order++) {
        orders[order].free = table;
        orders[order].words = orders[order].first = bitmap_words(order);
        table += bitmap_words(order);
    }
    allocated = (uint8_t *)table;
    memset(allocated, NO_ORDER, page_count);
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
    ASSERT(cpu_current() == 0);
    unsigned have = order;
    while (have < ORDERS && orders[have].count == 0)
        have++;
    if (have >= ORDERS)
        return NULL;
    uint64_t page = take_lowest(have);
    /* The upper halves go back, one of each order. */
    while (have > order) {
        have--;
        put(page + (1ULL << have), have);
    }
    allocated[page] = (uint8_t)order;
    usage.free -= PAGE_SIZE << order;
    return frames_pointer(page << PAGE_SHIFT);
}

unsigned frames_order_of(const void *memory)
{
    uint64_t page = frames_physical(memory) >> PAGE_SHIFT;
    ASSERT(page < page_count && allocated[page] != NO_ORDER);
    return allocated[page];
}

void frames_free(void *memory, unsigned order)
{
    uint64_t page = frames_physical(memory) >> PAGE_SHIFT;
    ASSERT(cpu_current() == 0 && frames_order_of(memory) == order);
    allocated[page] = NO_ORDER;
    usage.free += PAGE_SIZE << order;
    while (order < FRAMES_ORDER_MOST && is_free(page ^ 1ULL << order, order)) {
        take(page ^ 1ULL << order, order);
        page &= ~(1ULL << order);
        order++;
    }
    put(page, order);
}

struct frames_usage frames_usage(void)
{
    return usage;
}
