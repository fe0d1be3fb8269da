/* The loader's parts. Each reports its own failures with fail() and returns an EFI_STATUS. */
#ifndef BOOT_LOADER_H
#define BOOT_LOADER_H

#include <efi.h>
#include <efilib.h>

#include "boot/handover.h"

#define PAGE_SIZE EFI_PAGE_SIZE

/* A piece of memory. */
struct span {
    const uint8_t *base;
    UINTN size;
};

/* A PT_LOAD segment, after checks and after it has been copied. */
struct segment {
    uint64_t virtual_address; /* page aligned */
    uint64_t physical_address;
    uint64_t size; /* whole pages */
    BOOLEAN writable, executable;
};

#define SEGMENTS_MAX 8

struct kernel {
    uint64_t entry;
    uint64_t base, size; /* physical, all segments together */
    struct segment segments[SEGMENTS_MAX];
    unsigned segment_count;
};

/* Prints "nvmetal: MESSAGE: STATUS" on every console that the firmware has; returns the status. */
EFI_STATUS fail(EFI_STATUS status, const CHAR16 *message);

/* Whole pages of zeroed memory that outlive boot services. NULL when there are none. */
void *allocate(UINTN bytes);

/* image.c: finds a section of the loader's own PE image. */
EFI_STATUS image_section(const EFI_LOADED_IMAGE *image, const char *name, struct span *section);

/* elf.c: checks the kernel's ELF file and copies its segments to memory. */
EFI_STATUS elf_load(struct span file, struct kernel *kernel);

/* cmdline.c: default, then fw_cfg, then UEFI load options, joined by blanks. */
EFI_STATUS command_line_collect(const EFI_LOADED_IMAGE *image, const char **line);

/* paging.c: the page tables that handover.h promises. `memory_end` is the end of physical memory.
 */
EFI_STATUS paging_build(const struct kernel *kernel, uint64_t memory_end, uint64_t *cr3);

#endif
