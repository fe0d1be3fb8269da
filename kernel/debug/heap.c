/*
 * The heap of a debug build, in place of kernel/mem/heap.c. Each object has
 * pages of its own and ends where they end, as far as its alignment allows; the
 * page behind it is taken out of the address space. What is left of its pages
 * is filled, and looked at when it is freed.
 *
 * A small object that was freed is taken out of the address space as well,
 * until QUARANTINE others were freed behind it. A device asks no page table: so
 * the object is filled too, and has to be the same when it comes out.
 *
 * Beyond some size it would be a waste: objects of BIG_ORDER and more are just
 * page frames.
 */
#include "kernel/mem/heap.h"

#include <stdbool.h>
#include <stdint.h>

#include "kernel/mem/frames.h"
#include "kernel/mem/paging.h"
#include "kernel/panic.h"
#include "lib/string.h"

#define ALIGNMENT  16
#define BIG_ORDER  10 /* 4 MiB */
#define QUARANTINE 256
#define FILL       0xa5
#define POISON     0x6b /* an address of this is none */

/* At the start of the block's last page, which is the guard or lies behind it. */
struct object {
    size_t size;
    bool freed;
};

static uint8_t *quarantine[QUARANTINE]; /* the first page of each */
static unsigned quarantine_next;

static uint8_t *block_of(const void *pointer)
{
    return (uint8_t *)ROUND_DOWN((uint64_t)pointer, PAGE_SIZE);
}

static struct object *last_page(uint8_t *block)
{
    return (void *)(block + (PAGE_SIZE << frames_order_of(block)) - PAGE_SIZE);
}

static size_t pages_size(size_t size)
{
    return MAX(ROUND_UP(size, PAGE_SIZE), PAGE_SIZE);
}

static uint8_t *start_of(uint8_t *block, size_t size)
{
    return size < PAGE_SIZE ? block + PAGE_SIZE - ROUND_UP(MAX(size, 1ul), ALIGNMENT) : block;
}

/* What is known of an object; its guard is gone until close_object(). */
static struct object *open_object(uint8_t *block)
{
    struct object *object = last_page(block);
    paging_guard(object, GUARD_NONE); /* its tables are there */
    return object;
}

static bool close_object(uint8_t *block, struct object *object)
{
    uint8_t *behind = block + pages_size(object->size);
    return paging_guard(behind, GUARD_HEAP) &&
           (behind == (uint8_t *)object || paging_guard(object, GUARD_HEAP));
}

static void check(const uint8_t *from, const uint8_t *to, uint8_t value, const char *what)
{
    for (; from < to; from++)
        if (*from != value)
            panic("heap: address %016llx, %s, was written to", (unsigned long long)from, what);
}

static void give_back(uint8_t *block)
{
    struct object *object = open_object(block);
    for (size_t at = 0; at <= pages_size(object->size); at += PAGE_SIZE)
        paging_guard(block + at, GUARD_NONE);
    check(block, block + pages_size(object->size), POISON, "which was freed");
    frames_free(block, frames_order_of(block));
}

/* Of a small object. */
static void put_into_quarantine(uint8_t *block)
{
    paging_guard(block, GUARD_FREED);
    paging_guard(block + PAGE_SIZE, GUARD_FREED);
    uint8_t *oldest = quarantine[quarantine_next];
    quarantine[quarantine_next] = block;
    quarantine_next = (quarantine_next + 1) % QUARANTINE;
    if (oldest)
        give_back(oldest);
}

/* With a full quarantine, so that as much memory is free later as before. */
void heap_start(void)
{
    void *objects[QUARANTINE];
    for (unsigned i = 0; i < QUARANTINE; i++)
        objects[i] = kmalloc(0);
    for (unsigned i = 0; i < QUARANTINE; i++)
        kfree(objects[i]);
}

void *kmalloc(size_t size)
{
    if (size > PAGE_SIZE << FRAMES_ORDER_MOST)
        return NULL;
    unsigned order = frames_order(pages_size(size) + PAGE_SIZE);
    if (order >= BIG_ORDER)
        return frames_allocate(MAX(frames_order(size), (unsigned)BIG_ORDER));
    uint8_t *block = frames_allocate(order);
    if (!block)
        return NULL;
    struct object *object = last_page(block);
    *object = (struct object){.size = size};
    memset(block, FILL, pages_size(size));
    if (!close_object(block, object)) {
        paging_guard(block + pages_size(size), GUARD_NONE);
        frames_free(block, order);
        return NULL;
    }
    return start_of(block, size);
}

void kfree(void *pointer)
{
    if (!pointer)
        return;
    uint8_t *block = block_of(pointer);
    if (frames_order_of(block) >= BIG_ORDER) {
        frames_free(block, frames_order_of(block));
        return;
    }
    struct object *object = open_object(block);
    size_t size = object->size;
    uint8_t *start = start_of(block, size);
    if (object->freed || pointer != start)
        panic("heap: %016llx is freed and is no object, or none any more",
              (unsigned long long)pointer);
    check(block, start, FILL, "in front of a heap object");
    check(start + size, block + pages_size(size), FILL, "behind the end of a heap object");
    memset(block, POISON, pages_size(size));
    object->freed = true;
    if (size > PAGE_SIZE)
        give_back(block);
    else
        put_into_quarantine(block);
}

static size_t size_of(void *pointer)
{
    uint8_t *block = block_of(pointer);
    if (frames_order_of(block) >= BIG_ORDER)
        return PAGE_SIZE << frames_order_of(block);
    struct object *object = open_object(block);
    size_t size = object->size;
    close_object(block, object);
    return size;
}

/* It always moves, which who keeps the old pointer finds out. */
void *krealloc(void *pointer, size_t size)
{
    size_t have = pointer ? size_of(pointer) : 0;
    void *moved = kmalloc(size);
    if (!moved)
        return size <= have ? pointer : NULL;
    if (pointer)
        memcpy(moved, pointer, MIN(size, have));
    kfree(pointer);
    return moved;
}
