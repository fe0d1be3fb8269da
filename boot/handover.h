/*
 * What the loader hands to the kernel. The kernel is entered in 64-bit mode
 * with interrupts off, the physical address of this structure in RDI, and
 * page tables in which
 *   - the kernel's segments stand at their link addresses, each with its own
 *     permissions,
 *   - all physical memory is mapped twice, at its own address and, by the same
 *     tables, at DIRECT_MAP,
 * so that kernel code needs no identity mapping from its first instruction on.
 * The loader's allocations are of type EfiLoaderData, the image that holds the
 * kernel's ELF file and the initial files is of type EfiLoaderCode; neither is
 * free memory. All addresses in here are physical.
 */
#ifndef BOOT_HANDOVER_H
#define BOOT_HANDOVER_H

#include <stdint.h>

#define HANDOVER_MAGIC 0x6c6174656d766eULL /* "nvmetal" */

#define DIRECT_MAP      0xffff800000000000ULL
#define DIRECT_MAP_SIZE 0x0000400000000000ULL

struct handover {
    uint64_t magic;
    uint64_t exit_tsc; /* time stamp counter right behind ExitBootServices */

    uint64_t kernel_base; /* where the kernel's lowest segment was loaded */
    uint64_t kernel_size; /* bytes in memory, whole pages */
    uint64_t elf;         /* its ELF file, for the symbol table */
    uint64_t elf_size;

    uint64_t initrd; /* cpio archive (newc) of initial files */
    uint64_t initrd_size;

    uint64_t command_line; /* NUL-terminated ASCII */

    uint64_t rsdp; /* 0: the firmware has no ACPI tables */

    uint64_t memory_map; /* UEFI 2.9, section 7.2.3: EFI_MEMORY_DESCRIPTORs */
    uint64_t memory_map_size;
    uint64_t memory_descriptor_size;

    uint8_t random_seed[32]; /* from EFI_RNG_PROTOCOL; zeros without one */
};

#endif
