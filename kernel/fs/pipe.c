/*
 * Pipes: a bounded buffer between coroutines. Who finds it empty or full lets
 * the others go on; a read at the end of what was written, and a write that
 * nobody will read, learn from the other end's release that there is no more
 * to wait for.
 */
#include "kernel/console.h"
#include "kernel/fs/fs.h"
#include "kernel/mem/heap.h"
#include "kernel/x86/coroutine.h"
#include "lib/bits.h"
#include "lib/string.h"

#define PIPE_SIZE 65536

struct pipe {
    struct node *reader, *writer; /* NULL: closed */
    bool broken;                  /* something was written behind the reader's end */
    uint64_t written, taken;
    uint8_t bytes[PIPE_SIZE];
};

static bool wait(void)
{
    if (console_interrupted())
        return false;
    coroutine_yield();
    return true;
}

static int64_t pipe_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    (void)offset;
    struct pipe *pipe = node->data;
    while (pipe->taken == pipe->written && pipe->writer && length)
        if (!wait())
            return ERR_INTERRUPTED;
    size_t first = pipe->taken % PIPE_SIZE, there = pipe->written - pipe->taken;
    size_t straight = MIN(there, PIPE_SIZE - first), count = MIN(length, straight);
    memcpy(buffer, pipe->bytes + first, count);
    pipe->taken += count;
    return (int64_t)count;
}

static int64_t pipe_write(struct node *node, const void *buffer, size_t length, uint64_t offset)
{
    (void)offset;
    struct pipe *pipe = node->data;
    while (pipe->written - pipe->taken == PIPE_SIZE && pipe->reader)
        if (!wait())
            return ERR_INTERRUPTED;
    pipe->broken = !pipe->reader;
    if (pipe->broken)
        return ERR_PIPE;
    size_t end = pipe->written % PIPE_SIZE, room = pipe->taken + PIPE_SIZE - pipe->written;
    size_t straight = MIN(room, PIPE_SIZE - end), count = MIN(length, straight);
    memcpy(pipe->bytes + end, buffer, count);
    pipe->written += count;
    return (int64_t)count;
}

static void pipe_release(struct node *node)
{
    struct pipe *pipe = node->data;
    *(node == pipe->reader ? &pipe->reader : &pipe->writer) = NULL;
    if (!pipe->reader && !pipe->writer)
        kfree(pipe);
}

static const struct node_operations reader_operations = {.read = pipe_read,
                                                         .release = pipe_release};
static const struct node_operations writer_operations = {.write = pipe_write,
                                                         .release = pipe_release};

int fs_pipe(struct file *ends[2])
{
    struct pipe *pipe = kcalloc(1, sizeof *pipe);
    if (!pipe)
        return ERR_NO_MEMORY;
    pipe->reader = node_new(NODE_CHARACTER, &reader_operations, pipe);
    pipe->writer = pipe->reader ? node_new(NODE_CHARACTER, &writer_operations, pipe) : NULL;
    if (!pipe->reader) {
        kfree(pipe);
        return ERR_NO_MEMORY;
    }
    if (!pipe->writer) {
        node_release(pipe->reader);
        return ERR_NO_MEMORY;
    }
    if (file_open_node(pipe->reader, O_READ, &ends[0]) != OK) {
        node_release(pipe->writer);
        return ERR_NO_MEMORY;
    }
    if (file_open_node(pipe->writer, O_WRITE, &ends[1]) != OK) {
        file_close(ends[0]);
        return ERR_NO_MEMORY;
    }
    return OK;
}

bool file_is_pipe(const struct file *file)
{
    const struct node_operations *operations = file->node->operations;
    return operations == &reader_operations || operations == &writer_operations;
}

bool file_is_broken(const struct file *file)
{
    const struct pipe *pipe = file->node->data;
    return file->node->operations == &writer_operations && pipe->broken;
}
