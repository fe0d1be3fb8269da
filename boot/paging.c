/*
 * The page tables with which the kernel starts (SDM volume 3, section 4.5):
 * large pages for all of physical memory, small ones for the kernel's
 * segments. The kernel replaces them as soon as it can allocate memory.
 */
#include "boot/loader.h"

#define ENTRIES      512
#define LARGE_PAGE   (2ULL << 20)
#define PTE_PRESENT  (1ULL << 0)
#define PTE_WRITABLE (1ULL << 1)
#define PTE_LARGE    (1ULL << 7)
#define PTE_NX       (1ULL << 63)
#define PTE_ADDRESS  0x000ffffffffff000ULL

/* Level 3 is the PML4, level 0 a page table. */
static unsigned table_index(uint64_t address, unsigned level)
{
    return (address >> (12 + 9 * level)) % ENTRIES;
}

/* The entry that maps `address` at `level`; tables above it are made where missing. */
static uint64_t *entry_for(uint64_t *table, uint64_t address, unsigned level)
{
    for (unsigned at = 3; at > level; at--) {
        uint64_t *entry = &table[table_index(address, at)];
        if (!*entry) {
            void *next = allocate(PAGE_SIZE);
            if (!next)
                return NULL;
            *entry = (uint64_t)next | PTE_PRESENT | PTE_WRITABLE;
        }
        table = (uint64_t *)(*entry & PTE_ADDRESS);
    }
    return &table[table_index(address, level)];
}

static EFI_STATUS map_segment(uint64_t *pml4, const struct segment *segment)
{
    uint64_t flags =
        PTE_PRESENT | (segment->writable ? PTE_WRITABLE : 0) | (segment->executable ? 0 : PTE_NX);
    for (uint64_t at = 0; at < segment->size; at += PAGE_SIZE) {
        uint64_t *entry = entry_for(pml4, segment->virtual_address + at, 0);
        if (!entry)
            return EFI_OUT_OF_RESOURCES;
        *entry = (segment->physical_address + at) | flags;
    }
    return EFI_SUCCESS;
}

EFI_STATUS paging_build(const struct kernel *kernel, uint64_t memory_end, uint64_t *cr3)
{
    EFI_STATUS status = EFI_OUT_OF_RESOURCES;
    uint64_t *pml4 = allocate(PAGE_SIZE);
    if (!pml4)
        goto out;
    for (uint64_t at = 0; at < memory_end; at += LARGE_PAGE) {
        uint64_t *entry = entry_for(pml4, at, 1);
        if (!entry)
            goto out;
        *entry = at | PTE_PRESENT | PTE_WRITABLE | PTE_LARGE;
    }
    /* The direct map shares the identity map's tables. */
    for (unsigned i = 0; i < ENTRIES / 2; i++)
        pml4[table_index(DIRECT_MAP, 3) + i] = pml4[i];

    status = EFI_SUCCESS;
    for (unsigned i = 0; i < kernel->segment_count && !EFI_ERROR(status); i++)
        status = map_segment(pml4, &kernel->segments[i]);
    *cr3 = (uint64_t)pml4;
out:
    return EFI_ERROR(status) ? fail(status, L"no memory for page tables") : status;
}
