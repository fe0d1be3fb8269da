/*
 * What does not depend on how the heap is made: that of a debug build has it
 * too.
 */
#include "kernel/mem/frames.h"
#include "kernel/mem/heap.h"
#include "lib/string.h"

void *kcalloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *pointer = kmalloc(bytes);
    if (pointer)
        memset(pointer, 0, bytes);
    return pointer;
}

bool heap_is_short(void)
{
    struct frames_usage memory = frames_usage();
    return memory.free < memory.usable / 16;
}
