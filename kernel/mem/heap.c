/*
 * The heap: blocks of a few fixed sizes cut from pages, and whole page frames
 * for everything larger. A page that is cut carries a header that says for
 * which size; what begins on a page boundary is therefore never a small block.
 */
#include "kernel/mem/heap.h"

#include <stdint.h>

#include "kernel/mem/frames.h"
#include "kernel/panic.h"
#include "kernel/x86/cpus.h"
#include "lib/list.h"
#include "lib/string.h"

/* Block sizes; the last three fill a page, less its header, with 3, 2 and 1 of them. */
static const uint16_t sizes[] = {16, 32, 64, 128, 256, 512, 1024, 1344, 2016, 4064};

struct page {
    uint16_t class; /* index of its size */
    uint16_t used;  /* blocks */
    uint32_t reserved;
    struct list node;          /* in partial[class], while any block is free */
    struct free_block *blocks; /* free ones */
};
#define HEADER_SIZE 32
_Static_assert(sizeof(struct page) == HEADER_SIZE, "blocks stay aligned to 16 bytes");

struct free_block {
    struct free_block *next;
};

static struct list partial[ARRAY_SIZE(sizes)];

/* Which size to cut for `size` bytes; ARRAY_SIZE(sizes) when it takes whole pages. */
static unsigned class_for(size_t size)
{
    unsigned class = 0;
    while (class < ARRAY_SIZE(sizes) && sizes[class] < size)
        class ++;
    return class;
}

static struct page *page_new(unsigned class)
{
    struct page *page = frames_allocate(0);
    if (!page)
        return NULL;
    *page = (struct page){.class = (uint16_t) class};
    uint8_t *end = (uint8_t *)page + PAGE_SIZE;
    for (uint8_t *at = (uint8_t *)page + HEADER_SIZE; at + sizes[class] <= end;
         at += sizes[class]) {
        struct free_block *block = (void *)at;
        block->next = page->blocks;
        page->blocks = block;
    }
    list_insert(partial[class].next, &page->node);
    return page;
}

void heap_start(void)
{
    for (unsigned class = 0; class < ARRAY_SIZE(sizes); class ++)
        list_init(&partial[class]);
}

void *kmalloc(size_t size)
{
    ASSERT(cpu_current() == 0);
    unsigned class = class_for(size);
    if (class == ARRAY_SIZE(sizes)) {
        unsigned order = frames_order(size);
        return order > FRAMES_ORDER_MOST ? NULL : frames_allocate(order);
    }
    struct page *page = list_is_empty(&partial[class])
                            ? page_new(class)
                            : CONTAINER_OF(partial[class].next, struct page, node);
    if (!page)
        return NULL;
    struct free_block *block = page->blocks;
    page->blocks = block->next;
    page->used++;
    if (!page->blocks)
        list_remove(&page->node);
    return block;
}

void kfree(void *pointer)
{
    ASSERT(cpu_current() == 0);
    if (!pointer)
        return;
    if (IS_ALIGNED((uint64_t)pointer, PAGE_SIZE)) {
        frames_free(pointer, frames_order_of(pointer));
        return;
    }
    struct page *page = (void *)ROUND_DOWN((uint64_t)pointer, PAGE_SIZE);
    ASSERT(page->class < ARRAY_SIZE(sizes) && page->used);
    if (!page->blocks)
        list_insert(partial[page->class].next, &page->node);
    struct free_block *block = pointer;
    block->next = page->blocks;
    page->blocks = block;
    if (--page->used == 0) {
        list_remove(&page->node);
        frames_free(page, 0);
    }
}

static size_t size_of(const void *pointer)
{
    if (IS_ALIGNED((uint64_t)pointer, PAGE_SIZE))
        return PAGE_SIZE << frames_order_of(pointer);
    const struct page *page = (const void *)ROUND_DOWN((uint64_t)pointer, PAGE_SIZE);
    return sizes[page->class];
}

void *krealloc(void *pointer, size_t size)
{
    size_t have = pointer ? size_of(pointer) : 0;
    /* A block that is more than twice too large is not worth keeping. */
    if (pointer && size <= have && size > have / 2)
        return pointer;
    void *moved = kmalloc(size);
    if (!moved)
        return size <= have ? pointer : NULL;
    if (pointer)
        memcpy(moved, pointer, MIN(size, have));
    kfree(pointer);
    return moved;
}
