/*
 * The kernel heap. All memory comes from the direct map: an allocation is
 * physically contiguous and a device may be pointed at it. Small sizes are
 * aligned to 16 bytes, sizes of a page and more to a page. For the boot
 * processor, and not for interrupt handlers.
 */
#ifndef KERNEL_MEM_HEAP_H
#define KERNEL_MEM_HEAP_H

#include <stdbool.h>
#include <stddef.h>

void heap_start(void);

/* NULL when there is not enough memory; that is for the caller to report. Size 0 gives a valid,
 * distinct pointer. */
void *kmalloc(size_t size);

/* The same, filled with zeros; NULL also when count * size overflows. */
void *kcalloc(size_t count, size_t size);

/* Grows or shrinks, moving if it has to. On NULL the old allocation stands; shrinking never
 * fails. */
void *krealloc(void *pointer, size_t size);

/* NULL is allowed. */
void kfree(void *pointer);

/* Only a sixteenth of memory is left. Files do not grow into it, so that whoever has filled them
 * finds room for a command that removes some. */
bool heap_is_short(void);

#endif
