/*
 * A block device as a file of fixed size.
 */
#include "kernel/block/block.h"
#include "kernel/fs/fs.h"

static int64_t device_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    return block_read(node->data, buffer, length, offset);
}

static int64_t device_write(struct node *node, const void *buffer, size_t length, uint64_t offset)
{
    return block_write(node->data, buffer, length, offset);
}

/* A device keeps its size; tools that truncate what they write to need not care. */
static int device_truncate(struct node *node, uint64_t size)
{
    (void)node, (void)size;
    return OK;
}

static int device_sync(struct node *node)
{
    return block_flush(node->data);
}

static uint64_t device_size(struct node *node)
{
    return block_bytes(node->data);
}

static void device_release(struct node *node)
{
    struct block_device *device = node->data;
    if (--device->nodes == 0 && device->unused)
        device->unused(device);
}

static const struct node_operations block_operations = {.read = device_read,
                                                        .write = device_write,
                                                        .truncate = device_truncate,
                                                        .sync = device_sync,
                                                        .size = device_size,
                                                        .release = device_release};

struct node *node_new_block(struct block_device *device)
{
    struct node *node = node_new(NODE_BLOCK, &block_operations, device);
    if (node)
        device->nodes++;
    return node;
}

struct block_device *file_block_device(const struct file *file, unsigned mode)
{
    bool open = file->flags & mode && !(mode & O_WRITE && file->flags & O_APPEND);
    return open && file->node->operations == &block_operations ? file->node->data : NULL;
}
