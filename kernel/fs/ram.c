/*
 * RAM files: pages in a radix tree of fan-out 512, as a processor's page table
 * is one. The tree is as high as the file needs; pages never written do not
 * exist and read as zeros; appending allocates only.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/nodes.h"
#include "kernel/mem/heap.h"
#include "lib/bits.h"
#include "lib/string.h"

#define PAGE       4096u
#define FAN_OUT    512u
#define FAN_BITS   9u
#define MOST_LEVEL 4u
#define MOST_BYTES ((uint64_t)PAGE << (FAN_BITS * MOST_LEVEL))

struct table {
    void *slot[FAN_OUT]; /* pages in a table of level 1, tables of one level less above */
};

struct ram {
    bool temporary; /* may take the last memory: it will be given back soon */
    uint64_t size;
    void *root;     /* the only page at level 0, or a table; NULL while nothing was written */
    unsigned level; /* how many tables lie above a page */
};

/* How many pages a subtree of this level can hold. */
static uint64_t pages_below(unsigned level)
{
    return 1ULL << (FAN_BITS * level);
}

/* NULL for a hole. */
static uint8_t *page_find(const struct ram *ram, uint64_t index)
{
    if (index >= pages_below(ram->level))
        return NULL;
    void *at = ram->root;
    for (unsigned level = ram->level; at && level > 0; level--) {
        const struct table *table = at;
        at = table->slot[index / pages_below(level - 1) % FAN_OUT];
    }
    return at;
}

static bool grow(struct ram *ram)
{
    if (ram->root) {
        struct table *table = kcalloc(1, sizeof *table);
        if (!table)
            return false;
        table->slot[0] = ram->root;
        ram->root = table;
    }
    ram->level++;
    return true;
}

/* The slot of a page, its tables made where there were none; NULL without memory. */
static void **slot_make(struct ram *ram, uint64_t index)
{
    while (index >= pages_below(ram->level))
        if (!grow(ram))
            return NULL;
    void **slot = &ram->root;
    for (unsigned level = ram->level; level > 0; level--) {
        if (!*slot)
            *slot = kcalloc(1, sizeof(struct table));
        struct table *table = *slot;
        if (!table)
            return NULL;
        slot = &table->slot[index / pages_below(level - 1) % FAN_OUT];
    }
    return slot;
}

/* Frees the pages from `first` on, counted within this subtree, and the tables that they leave. */
static void prune(void **slot, unsigned level, uint64_t first)
{
    if (!*slot || first >= pages_below(level))
        return;
    if (level > 0) {
        struct table *table = *slot;
        uint64_t each = pages_below(level - 1);
        for (uint64_t i = first / each; i < FAN_OUT; i++)
            prune(&table->slot[i], level - 1, i == first / each ? first % each : 0);
    }
    if (first == 0) {
        kfree(*slot);
        *slot = NULL;
    }
}

static int64_t ram_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    const struct ram *ram = node->data;
    if (offset >= ram->size)
        return 0;
    length = MIN(length, ram->size - offset);
    for (size_t done = 0, piece; done < length; done += piece) {
        size_t within = (offset + done) % PAGE;
        piece = MIN(length - done, PAGE - within);
        const uint8_t *page = page_find(ram, (offset + done) / PAGE);
        if (page)
            memcpy((uint8_t *)buffer + done, page + within, piece);
        else
            memset((uint8_t *)buffer + done, 0, piece);
    }
    return (int64_t)length;
}

static bool write_in_page(struct ram *ram, const uint8_t *from, size_t length, uint64_t offset)
{
    void **slot = slot_make(ram, offset / PAGE);
    if (!slot)
        return false;
    if (!*slot) {
        *slot = heap_is_short() && !ram->temporary ? NULL : kmalloc(PAGE);
        if (!*slot)
            return false;
        if (length < PAGE)
            memset(*slot, 0, PAGE);
    }
    memcpy((uint8_t *)*slot + offset % PAGE, from, length);
    return true;
}

static int64_t ram_write(struct node *node, const void *buffer, size_t length, uint64_t offset)
{
    struct ram *ram = node->data;
    if (length == 0)
        return 0;
    if (offset >= MOST_BYTES)
        return ERR_TOO_LARGE;
    length = MIN(length, MOST_BYTES - offset);
    size_t done = 0;
    while (done < length) {
        size_t piece = MIN(length - done, PAGE - (offset + done) % PAGE);
        if (!write_in_page(ram, (const uint8_t *)buffer + done, piece, offset + done))
            break;
        done += piece;
    }
    if (!done)
        return ERR_NO_SPACE;
    ram->size = MAX(ram->size, offset + done);
    return (int64_t)done;
}

static int ram_truncate(struct node *node, uint64_t size)
{
    struct ram *ram = node->data;
    if (size > MOST_BYTES)
        return ERR_TOO_LARGE;
    if (size < ram->size) {
        prune(&ram->root, ram->level, (size + PAGE - 1) / PAGE);
        /* What lies behind the end must read as zeros should the file grow again. */
        uint8_t *last = size % PAGE ? page_find(ram, size / PAGE) : NULL;
        if (last)
            memset(last + size % PAGE, 0, PAGE - size % PAGE);
    }
    ram->size = size;
    return OK;
}

static uint64_t ram_size(struct node *node)
{
    const struct ram *ram = node->data;
    return ram->size;
}

static void ram_release(struct node *node)
{
    struct ram *ram = node->data;
    prune(&ram->root, ram->level, 0);
    kfree(ram);
}

static const struct node_operations ram_operations = {.read = ram_read,
                                                      .write = ram_write,
                                                      .truncate = ram_truncate,
                                                      .size = ram_size,
                                                      .release = ram_release};

static struct node *make(bool temporary)
{
    struct ram *ram = kcalloc(1, sizeof *ram);
    if (!ram)
        return NULL;
    ram->temporary = temporary;
    struct node *node = node_new(NODE_FILE, &ram_operations, ram);
    if (!node)
        kfree(ram);
    return node;
}

struct node *node_new_file(void)
{
    return make(false);
}

struct node *node_new_temporary(void)
{
    return make(true);
}
