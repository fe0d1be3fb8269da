/*
 * Open files: a node, a position, and what the opener may do.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/nodes.h"
#include "kernel/mem/heap.h"
#include "kernel/x86/clock.h"
#include "lib/bits.h"

int file_open_node(struct node *node, unsigned flags, struct file **file)
{
    struct file *opened = kmalloc(sizeof *opened);
    if (!opened) {
        node_release(node);
        return ERR_NO_MEMORY;
    }
    *opened = (struct file){.node = node, .flags = flags, .references = 1};
    *file = opened;
    return OK;
}

static int create(struct place *place)
{
    if (place->directory_meant)
        return ERR_IS_DIRECTORY;
    struct node *node = heap_is_short() ? NULL : node_new_file();
    if (!node)
        return ERR_NO_SPACE;
    int status = fs_enter(place, node);
    if (status == OK)
        place->node = node;
    else
        node_release(node);
    return status;
}

int file_open(const char *path, unsigned flags, struct file **file)
{
    struct place place;
    int status = fs_locate(path, &place);
    if (status != OK)
        return status;
    if (!place.node) {
        status = flags & O_CREATE ? create(&place) : ERR_NOT_FOUND;
        if (status != OK)
            return status;
    }
    struct node *node = place.node;
    if (node->type == NODE_DIRECTORY && flags & (O_WRITE | O_CREATE | O_TRUNCATE))
        return ERR_IS_DIRECTORY;
    node->references++;
    status = file_open_node(node, flags, file);
    if (status == OK && flags & O_TRUNCATE && node->type == NODE_FILE) {
        node->operations->truncate(node, 0);
        node->changed = clock_ns();
    }
    return status;
}

struct file *file_temporary(void)
{
    struct node *node = node_new_temporary();
    struct file *file = NULL;
    return node && file_open_node(node, O_READ | O_WRITE, &file) == OK ? file : NULL;
}

int file_holding(const void *bytes, size_t length, struct file **file)
{
    *file = file_temporary();
    if (*file && file_write(*file, bytes, length) == (int64_t)length)
        return file_seek(*file, 0);
    file_close(*file);
    return ERR_NO_MEMORY;
}

struct file *file_share(struct file *file)
{
    file->references++;
    return file;
}

void file_close(struct file *file)
{
    if (!file || --file->references)
        return;
    node_release(file->node);
    kfree(file);
}

int64_t file_read(struct file *file, void *buffer, size_t length)
{
    struct node *node = file->node;
    if (!(file->flags & O_READ))
        return ERR_BAD_FILE;
    if (node->type == NODE_DIRECTORY)
        return ERR_IS_DIRECTORY;
    if (!node->operations->read)
        return ERR_INVALID;
    int64_t count =
        node->operations->read(node, buffer, MIN(length, (size_t)INT64_MAX), file->position);
    if (count > 0)
        file->position += (uint64_t)count;
    return count;
}

int64_t file_write(struct file *file, const void *buffer, size_t length)
{
    struct node *node = file->node;
    if (!(file->flags & O_WRITE))
        return ERR_BAD_FILE;
    if (!node->operations->write)
        return ERR_INVALID;
    length = MIN(length, (size_t)INT64_MAX);
    if (file->flags & O_APPEND)
        file->position = file_size(file);

    size_t done = 0;
    int64_t count = 0;
    while (done < length) {
        count = node->operations->write(node, (const char *)buffer + done, length - done,
                                        file->position);
        if (count <= 0)
            break;
        done += (size_t)count;
        file->position += (uint64_t)count;
    }
    if (done)
        node->changed = clock_ns();
    if (done || !length)
        return (int64_t)done;
    return count < 0 ? count : ERR_IO; /* a node that takes nothing would never get done */
}

int file_seek(struct file *file, uint64_t position)
{
    if (node_is_stream(file->node))
        return ERR_NOT_SEEKABLE;
    file->position = position;
    return OK;
}

int file_truncate(struct file *file, uint64_t size)
{
    struct node *node = file->node;
    if (!(file->flags & O_WRITE) || !node->operations->truncate)
        return ERR_INVALID;
    int status = node->operations->truncate(node, size);
    if (status == OK)
        node->changed = clock_ns();
    return status;
}

int file_sync(struct file *file)
{
    struct node *node = file->node;
    return node->operations->sync ? node->operations->sync(node) : OK;
}

uint64_t file_size(struct file *file)
{
    struct node *node = file->node;
    return node->operations->size ? node->operations->size(node) : 0;
}

bool file_is_console(struct file *file)
{
    return node_is_console(file->node);
}
