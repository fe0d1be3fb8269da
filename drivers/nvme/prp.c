/*
 * Physical region pages: how a command says where its data is (Base 4.1.1).
 * PRP1 may point into a page, every further entry to the start of one. One page
 * fits PRP1, a second one PRP2; for more, PRP2 points to a list, whose last
 * entry points to a further list when it is full and entries remain.
 *
 * Lists come from a pool of the queue, so the I/O path allocates nothing.
 * A list is as long as the largest transfer needs, at most a page; lists
 * shorter than a page share one, and no list crosses a page's end, since their
 * size is a power of two.
 */
#include "internal.h"

/*
 * The bus address of the next piece that one PRP entry can describe, and its
 * end taken off the cursor. The piece ends where its page ends or where the
 * data does; data that ends inside a page and goes on elsewhere cannot be
 * described.
 */
static int cursor_next(struct nvme_cursor *cursor, bool first, uint64_t *bus)
{
    const uint32_t page = cursor->controller->page_size;
    if (!nvme_cursor_fill(cursor))
        return NVME_ERR_INVALID;
    *bus = cursor->run_bus;
    if (first ? *bus % 4 : *bus % page)
        return NVME_ERR_INVALID;
    size_t room = page - *bus % page;
    uint64_t expected = *bus;
    while (room && nvme_cursor_fill(cursor)) {
        if (cursor->run_bus != expected)
            return NVME_ERR_INVALID;
        size_t step = cursor->run < room ? cursor->run : room;
        cursor->run -= step;
        cursor->run_bus += step;
        expected += step;
        room -= step;
    }
    return room && cursor->left ? NVME_ERR_INVALID : NVME_OK;
}

unsigned nvme_prp_lists(unsigned entries, uint32_t list_bytes)
{
    unsigned capacity = list_bytes / sizeof(uint64_t);
    if (entries <= 2)
        return 0; /* PRP1 and PRP2 */
    if (entries - 1 <= capacity)
        return 1;
    return (entries - 2 + capacity - 2) / (capacity - 1); /* all but the last give one to a link */
}

static uint64_t *list_at(struct nvme_queue *queue, uint16_t index)
{
    return (uint64_t *)(void *)(queue->lists + (size_t)index * queue->list_bytes);
}

static uint64_t list_bus(struct nvme_queue *queue, uint16_t index)
{
    return queue->lists_bus + (uint64_t)index * queue->list_bytes;
}

/* `entries` of them, into the lists that the request has been given. */
static int fill_lists(struct nvme_queue *queue, struct nvme_request *request,
                      struct nvme_cursor *cursor, size_t entries)
{
    const size_t capacity = queue->list_bytes / sizeof(uint64_t);
    uint16_t index = request->list_first;
    uint64_t *list = list_at(queue, index);
    size_t at = 0;
    for (; entries; entries--) {
        if (at == capacity - 1 && entries > 1) {
            index = queue->list_next[index];
            list[at] = list_bus(queue, index);
            list = list_at(queue, index);
            at = 0;
        }
        int error = cursor_next(cursor, false, &list[at++]);
        if (error)
            return error;
    }
    return NVME_OK;
}

int nvme_prp_build(struct nvme_queue *queue, struct nvme_request *request)
{
    struct nvme_command *command = &request->command;
    struct nvme_cursor cursor = nvme_cursor_start(queue->controller, request);
    command->prp2 = 0;
    int error = cursor_next(&cursor, true, &command->prp1);
    if (error)
        return error;
    const uint32_t page = queue->controller->page_size;
    size_t entries = (command->prp1 % page + request->data_bytes + page - 1) / page;
    if (entries == 1)
        return NVME_OK;
    if (entries == 2)
        return cursor_next(&cursor, false, &command->prp2);

    if (!nvme_lists_take(queue, request, nvme_prp_lists((unsigned)entries, queue->list_bytes)))
        return NVME_ERR_BUSY;
    command->prp2 = list_bus(queue, request->list_first);
    error = fill_lists(queue, request, &cursor, entries - 1);
    if (error)
        nvme_data_release(queue, request);
    return error;
}
