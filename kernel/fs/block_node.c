/*
 * A block device as a file of fixed size.
 */
#include "kernel/block/block.h"
#include "kernel/fs/fs.h"
#include "lib/bits.h"

/* Of a large request that failed nobody says which block was bad. Those before it are as good as
 * any, so they are read again, one by one. */
static int64_t device_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    struct block_device *device = node->data;
    uint64_t size = block_bytes(device), block = device->block_size;
    uint64_t end = offset < size ? MIN((uint64_t)length, size - offset) : 0;
    int64_t count = block_read(device, buffer, length, offset);
    if (count == (int64_t)end || end <= block)
        return count;

    uint64_t done = count > 0 ? (uint64_t)count : 0;
    end = MIN(end, done + device->max_blocks * block);
    while (done < end) {
        uint64_t piece = MIN(end - done, block - (offset + done) % block);
        count = block_read(device, (char *)buffer + done, piece, offset + done);
        if (count <= 0)
            break;
        done += (uint64_t)count;
    }
    return done ? (int64_t)done : count;
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
    block_let_go(node->data);
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
