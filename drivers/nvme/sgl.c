/*
 * Scatter gather lists: how a command says where its data is, as runs of bytes
 * of any length (Base 4.1.2). One run is a Data Block descriptor in the command
 * itself. For more, the command has a descriptor of the list, which is called a
 * segment: Last Segment if it is the only one; a list that is full leads, by
 * its last descriptor, to the next.
 *
 * Lists come from the queue's pool, like those of PRPs.
 */
#include "internal.h"

/* Fills lists one after the other, each when the one before is full. */
struct writer {
    struct nvme_queue *queue;
    struct nvme_request *request;
    struct nvme_sgl *link; /* what points to the list: its length and type are known at its end */
    struct nvme_sgl *list;
    unsigned used;        /* of the list */
    unsigned lists;       /* taken */
    unsigned count, most; /* descriptors, of all kinds */
};

static void finish_list(const struct writer *writer, uint8_t type)
{
    writer->link->length = (uint32_t)(writer->used * sizeof *writer->list);
    writer->link->type = type;
}

/* Points `link` to an empty list from the pool. All of them not being enough is no reason to wait.
 */
static int begin_list(struct writer *writer, struct nvme_sgl *link)
{
    struct nvme_queue *queue = writer->queue;
    if (!nvme_lists_take(queue, writer->request, 1))
        return writer->lists == queue->list_count ? NVME_ERR_INVALID : NVME_ERR_BUSY;
    size_t offset = (size_t)writer->request->list_first * queue->list_bytes;
    *link = (struct nvme_sgl){.address = queue->lists_bus + offset};
    writer->link = link;
    writer->list = (struct nvme_sgl *)(void *)(queue->lists + offset);
    writer->used = 0;
    writer->lists++;
    writer->count++;
    return NVME_OK;
}

/* The last descriptor of a full list moves to the next one, and its place leads there. */
static int put(struct writer *writer, const struct nvme_sgl *descriptor)
{
    const unsigned capacity = writer->queue->list_bytes / sizeof *descriptor;
    if (writer->used == capacity) {
        struct nvme_sgl *last = &writer->list[capacity - 1], moved = *last;
        finish_list(writer, NVME_SGL_SEGMENT);
        int error = begin_list(writer, last);
        if (error)
            return error;
        writer->list[writer->used++] = moved;
    }
    writer->list[writer->used++] = *descriptor;
    return ++writer->count > writer->most ? NVME_ERR_INVALID : NVME_OK;
}

/* Takes the next run off the cursor, all that follows one another on the bus; none: length 0. */
static int next_run(struct nvme_cursor *cursor, bool dwords, struct nvme_sgl *run)
{
    bool more;
    *run = (struct nvme_sgl){.type = NVME_SGL_DATA};
    while ((more = nvme_cursor_fill(cursor))) {
        if (run->length == 0)
            run->address = cursor->run_bus;
        else if (cursor->run_bus != run->address + run->length)
            break;
        run->length += (uint32_t)cursor->run; /* max_transfer is far below 4 GiB */
        cursor->run = 0;
    }
    if (!more && cursor->left)
        return NVME_ERR_INVALID; /* the host has no address for what follows */
    return dwords && (run->address % 4 || run->length % 4) ? NVME_ERR_INVALID : NVME_OK;
}

/* `run` and all that follow it, behind `first`. */
static int fill_lists(struct writer *writer, struct nvme_cursor *cursor, bool dwords,
                      const struct nvme_sgl *first, struct nvme_sgl *run)
{
    int error = put(writer, first);
    while (!error && run->length) {
        error = put(writer, run);
        if (!error)
            error = next_run(cursor, dwords, run);
    }
    if (!error)
        finish_list(writer, NVME_SGL_LAST_SEGMENT);
    return error;
}

int nvme_sgl_build(struct nvme_queue *queue, struct nvme_request *request, unsigned most)
{
    struct nvme_command *command = &request->command;
    uint32_t sgls = queue->controller->identify->sgls;
    bool dwords = NVME_GET(NVME_SGLS_SUPPORT, sgls) == NVME_SGLS_DWORDS;
    struct nvme_cursor cursor = nvme_cursor_start(queue->controller, request);
    struct nvme_sgl first, second, root;
    int error = next_run(&cursor, dwords, &first);
    if (!error)
        error = next_run(&cursor, dwords, &second);
    if (error)
        return error;
    root = first;
    if (second.length) {
        struct writer writer = {.queue = queue, .request = request, .most = most};
        error = begin_list(&writer, &root);
        if (!error)
            error = fill_lists(&writer, &cursor, dwords, &first, &second);
        if (error) {
            nvme_data_release(queue, request);
            return error;
        }
    }
    _Static_assert(offsetof(struct nvme_command, prp2) == offsetof(struct nvme_command, prp1) + 8,
                   "DPTR is 16 bytes, Base figure 87");
    __builtin_memcpy(&command->prp1, &root, sizeof command->prp1);
    __builtin_memcpy(&command->prp2, (uint8_t *)&root + 8, sizeof command->prp2);
    command->flags |= NVME_FLAGS_PSDT_SGL;
    return NVME_OK;
}
