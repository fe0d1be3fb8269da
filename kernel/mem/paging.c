/* See paging.h for the map that is made here. */
#include "kernel/mem/paging.h"

#include "kernel/mem/frames.h"
#include "kernel/panic.h"
#include "kernel/x86/cpu.h"
#include "lib/bits.h"
#include "lib/string.h"

#define ENTRIES      512
#define PTE_PRESENT  BIT(0)
#define PTE_WRITABLE BIT(1)
#define PTE_UNCACHED (BIT(3) | BIT(4)) /* PWT and PCD: PAT entry 3 */
#define PTE_LARGE    BIT(7)
#define PTE_GUARD    0x0e00ULL /* ours to use (SDM volume 3, table 4-20): an enum guard */
#define PTE_NX       BIT(63)
#define PTE_ADDRESS  0x000ffffffffff000ULL

/* SDM volume 3, 12.12.4: entry 0 is write-back, entry 3 uncacheable. */
#define MSR_PAT         0x277u
#define PAT_AFTER_RESET 0x0007040600070406ULL

/* SDM volume 3, 2.5; CPUID leaf 7 says which there are. */
#define CR4_UMIP   BIT(11)
#define CR4_SMEP   BIT(20)
#define CR4_SMAP   BIT(21)
#define CPUID_SMEP BIT(7)  /* EBX */
#define CPUID_SMAP BIT(20) /* EBX */
#define CPUID_UMIP BIT(2)  /* ECX */

/* EAX, bits 7:0: how many bits a physical address has. */
#define CPUID_SIZES 0x80000008u

#define LEVEL_PAGE  0
#define LEVEL_LARGE 1 /* 2 MiB */
#define LEVEL_TOP   3
#define LARGE_SIZE  (2ULL << 20)

#define WINDOWS     (DIRECT_MAP + DIRECT_MAP_SIZE)
#define WINDOWS_END 0xffffd00000000000ULL

extern char kernel_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];

static uint64_t *top;
static uint64_t next_window = WINDOWS;

static uint64_t level_size(unsigned level)
{
    return PAGE_SIZE << (9 * level);
}

static unsigned level_index(uint64_t address, unsigned level)
{
    return (address >> (PAGE_SHIFT + 9 * level)) % ENTRIES;
}

static uint64_t *table_new(void)
{
    uint64_t *table = frames_allocate(0);
    if (table)
        memset(table, 0, PAGE_SIZE);
    return table;
}

/* A large page's entry becomes a table of small ones that mean the same. Other processors may be
 * using it: the table is complete before it is seen. */
static bool split(uint64_t *entry)
{
    uint64_t *table = frames_allocate(0);
    if (!table)
        return false;
    for (unsigned i = 0; i < ENTRIES; i++)
        table[i] = (*entry & ~PTE_LARGE) + i * PAGE_SIZE;
    __atomic_store_n(entry, frames_physical(table) | PTE_PRESENT | PTE_WRITABLE, __ATOMIC_RELEASE);
    return true;
}

/* The entry for `address` at `level`, making tables on the way; NULL without memory. */
static uint64_t *entry_for(uint64_t address, unsigned level)
{
    uint64_t *table = top;
    for (unsigned at = LEVEL_TOP; at > level; at--) {
        uint64_t *entry = &table[level_index(address, at)];
        if (!*entry) {
            uint64_t *next = table_new();
            if (!next)
                return NULL;
            *entry = frames_physical(next) | PTE_PRESENT | PTE_WRITABLE;
        }
        if (*entry & PTE_LARGE && !split(entry))
            return NULL;
        table = frames_pointer(*entry & PTE_ADDRESS);
    }
    return &table[level_index(address, level)];
}

/* Maps whole pages, large ones where both addresses allow. */
static bool map(uint64_t address, uint64_t physical, uint64_t bytes, uint64_t flags)
{
    while (bytes) {
        unsigned level = LEVEL_LARGE;
        if (bytes < level_size(level) || !IS_ALIGNED(address | physical, level_size(level)))
            level = LEVEL_PAGE;
        uint64_t *entry = entry_for(address, level);
        if (!entry)
            return false;
        *entry = physical | flags | PTE_PRESENT | (level == LEVEL_LARGE ? PTE_LARGE : 0);
        address += level_size(level);
        physical += level_size(level);
        bytes -= level_size(level);
    }
    return true;
}

static void map_or_panic(uint64_t address, uint64_t physical, uint64_t bytes, uint64_t flags)
{
    if (!map(address, physical, bytes, flags))
        panic("no memory for page tables");
}

static uint64_t kernel_physical; /* where the kernel was loaded */

static void map_direct(uint64_t physical, uint64_t bytes, uint64_t flags)
{
    if (bytes)
        map_or_panic(DIRECT_MAP + physical, physical, bytes, flags | PTE_NX);
}

/* A range of RAM. The part of it that is the kernel's text and constants stays read-only. */
static void map_range(uint64_t physical, uint64_t bytes, bool usable)
{
    (void)usable;
    uint64_t end = physical + bytes;
    uint64_t from = kernel_physical;
    uint64_t to = kernel_physical + (uint64_t)(kernel_rodata_end - kernel_start);
    if (from < physical || to > end) {
        map_direct(physical, bytes, PTE_WRITABLE);
        return;
    }
    map_direct(physical, from - physical, PTE_WRITABLE);
    map_direct(from, to - from, 0);
    map_direct(to, end - to, PTE_WRITABLE);
}

static void map_kernel(const char *from, const char *to, uint64_t flags)
{
    map_or_panic((uint64_t)from, kernel_physical + (uint64_t)(from - kernel_start),
                 (uint64_t)(to - from), flags);
}

/* No page is a user's, ever; should an entry be damaged so that one is, it is of no use. */
static uint64_t protections(void)
{
    if (cpuid(0, 0).eax < 7)
        return 0;
    struct cpuid offered = cpuid(7, 0);
    return (offered.ebx & CPUID_SMEP ? CR4_SMEP : 0) | (offered.ebx & CPUID_SMAP ? CR4_SMAP : 0) |
           (offered.ecx & CPUID_UMIP ? CR4_UMIP : 0);
}

void paging_start(const struct handover *handover)
{
    kernel_physical = handover->kernel_base;
    top = table_new();
    if (!top)
        panic("no memory for page tables");
    map_kernel(kernel_start, kernel_text_end, 0);
    map_kernel(kernel_text_end, kernel_rodata_end, PTE_NX);
    map_kernel(kernel_rodata_end, kernel_end, PTE_NX | PTE_WRITABLE);
    frames_for_each_range(handover, map_range);
    paging_start_other();
    write_cr4(read_cr4() | protections());
}

void paging_start_other(void)
{
    write_msr(MSR_PAT, PAT_AFTER_RESET); /* the firmware may have had other ideas */
    write_cr3(frames_physical(top));
}

uint64_t paging_way_in(uint64_t page)
{
    uint64_t entry = page | PTE_PRESENT, *table = NULL;
    for (unsigned level = LEVEL_PAGE; level <= LEVEL_TOP; level++) {
        table = table_new();
        if (!table)
            return 0;
        table[level_index(page, level)] = entry;
        entry = frames_physical(table) | PTE_PRESENT | PTE_WRITABLE;
    }
    memcpy(table + ENTRIES / 2, top + ENTRIES / 2, PAGE_SIZE / 2);
    return frames_physical(table) <= UINT32_MAX ? frames_physical(table) : 0;
}

/* An entry with an address that the processor does not have is a fault when it is used. */
static bool is_address(uint64_t physical, uint64_t bytes)
{
    uint64_t limit = BIT(cpuid(CPUID_SIZES, 0).eax & 0xff);
    return bytes <= limit && physical <= limit - bytes;
}

void *paging_map(uint64_t physical, size_t bytes, enum memory_type type)
{
    uint64_t offset = physical % PAGE_SIZE;
    uint64_t length = ROUND_UP(offset + bytes, PAGE_SIZE);
    /* The kernel never runs out of 16 TiB unless a device's size is nonsense. */
    if (bytes == 0 || !is_address(physical, bytes) ||
        length > WINDOWS_END - next_window - 2 * LARGE_SIZE)
        return NULL;
    uint64_t window = next_window + PAGE_SIZE;
    /* Placed so that large pages fit, where the window is large enough for one. */
    if (length >= LARGE_SIZE)
        window = ROUND_UP(window, LARGE_SIZE) + ROUND_DOWN(physical, PAGE_SIZE) % LARGE_SIZE;
    uint64_t flags = PTE_WRITABLE | PTE_NX | (type == MEMORY_DEVICE ? PTE_UNCACHED : 0);
    next_window = window + length;
    if (!map(window, physical - offset, length, flags)) {
        paging_unmap((void *)window, length);
        return NULL;
    }
    return (void *)(window + offset);
}

/* The entry that decides what an address is, and at which level it stands. */
static uint64_t *deciding_entry(uint64_t address, unsigned *level)
{
    uint64_t *entry = &top[level_index(address, LEVEL_TOP)];
    for (*level = LEVEL_TOP;
         *level > LEVEL_PAGE && *entry & PTE_PRESENT && !(*entry & PTE_LARGE);) {
        uint64_t *table = frames_pointer(*entry & PTE_ADDRESS);
        entry = &table[level_index(address, --*level)];
    }
    return entry;
}

/* The first address that an entry at `level` does not decide any more. */
static uint64_t behind(uint64_t address, unsigned level)
{
    return ROUND_DOWN(address, level_size(level)) + level_size(level);
}

void paging_unmap(void *window, size_t bytes)
{
    uint64_t address = ROUND_DOWN((uint64_t)window, PAGE_SIZE);
    uint64_t end = ROUND_UP((uint64_t)window + bytes, PAGE_SIZE);
    while (address < end) {
        unsigned level;
        *deciding_entry(address, &level) = 0;
        invalidate_page((void *)address);
        address = behind(address, level);
    }
}

uint64_t paging_physical(const void *pointer)
{
    uint64_t address = (uint64_t)pointer;
    if (address >= DIRECT_MAP && address < WINDOWS)
        return address - DIRECT_MAP;
    if (address >= (uint64_t)kernel_start && address < (uint64_t)kernel_end)
        return address - (uint64_t)kernel_start + kernel_physical;
    return 0;
}

bool paging_guard(void *page, enum guard guard)
{
    uint64_t *entry = entry_for((uint64_t)page, LEVEL_PAGE);
    if (!entry)
        return false;
    *entry &= ~(PTE_GUARD | PTE_PRESENT);
    *entry |= guard == GUARD_NONE ? PTE_PRESENT : FIELD_SET(PTE_GUARD, guard);
    invalidate_page(page);
    return true;
}

bool paging_is_writable(const void *memory, size_t bytes)
{
    uint64_t end = (uint64_t)memory + bytes;
    for (uint64_t at = (uint64_t)memory; at < end;) {
        unsigned level;
        uint64_t entry = *deciding_entry(at, &level);
        if ((entry & (PTE_PRESENT | PTE_WRITABLE)) != (PTE_PRESENT | PTE_WRITABLE))
            return false;
        at = behind(at, level);
    }
    return end >= (uint64_t)memory;
}

bool paging_may_be_device(uint64_t physical, uint64_t bytes)
{
    if (!is_address(physical, bytes))
        return false;
    /* All RAM is in the direct map, and be it as a guard. */
    unsigned level;
    uint64_t end = DIRECT_MAP + MIN(physical + bytes, DIRECT_MAP_SIZE);
    for (uint64_t at = DIRECT_MAP + physical; at < end; at = behind(at, level))
        if (*deciding_entry(at, &level))
            return false;
    return true;
}

const char *paging_describe(uint64_t address)
{
    static const char *const guards[] = {
        [GUARD_NONE] = "unused space",
        [GUARD_STACK] = "the guard below a stack (too much on it)",
        [GUARD_HEAP] = "the guard behind a heap object (an overrun)",
        [GUARD_FREED] = "freed heap memory (a use after free)",
    };
    unsigned level;
    if (address < PAGE_SIZE)
        return "page 0 (a null pointer)";
    uint64_t entry = top ? *deciding_entry(address, &level) : 0;
    if (!(entry & PTE_PRESENT))
        return guards[FIELD_GET(PTE_GUARD, entry)];
    uint64_t physical = paging_physical((const void *)address);
    uint64_t kernel = physical - kernel_physical; /* the image is in the direct map as well */
    if (physical && kernel < (uint64_t)(kernel_end - kernel_start))
        return kernel < (uint64_t)(kernel_text_end - kernel_start)     ? "the kernel's text"
               : kernel < (uint64_t)(kernel_rodata_end - kernel_start) ? "the kernel's constants"
                                                                       : "the kernel's data";
    return physical ? "RAM" : "a window on a device or a table";
}
