/*
 * Physical region pages: how a command says where its data is (Base 4.1.1).
 * PRP1 may point into a page, every further entry to the start of one. One page
 * fits PRP1, a second one PRP2; for more, PRP2 points to a list, whose last
 * entry points to a further list when it is full and entries remain.
 *
 * List pages come from a pool of the queue, so the I/O path allocates nothing.
 * A list is as long as the largest transfer needs, at most a page; lists
 * shorter than a page share one, and no list crosses a page's end, since their
 * size is a power of two.
 */
#include "internal.h"

/* Walks the data of a request page by page. */
struct cursor {
    struct nvme_controller *controller;
    const struct nvme_segment *segment, *end;
    const uint8_t *at; /* in the segment */
    size_t left;       /* of the segment, behind the run */
    uint64_t run_bus;  /* bytes known to be contiguous on the bus */
    size_t run;
};

/* Makes sure that the run is not empty; false at the end of the data, or of what has an address. */
static bool cursor_fill(struct cursor *cursor)
{
    while (cursor->run == 0) {
        while (cursor->left == 0) {
            if (cursor->segment == cursor->end)
                return false;
            cursor->at = cursor->segment->base;
            cursor->left = cursor->segment->length;
            cursor->segment++;
        }
        const struct nvme_host *host = cursor->controller->host;
        cursor->run = cursor->left;
        cursor->run_bus = host->bus_address(host->context, cursor->at, &cursor->run);
        if (cursor->run == 0 || cursor->run > cursor->left)
            return false; /* the host has no address for it: `left` is not 0 */
        cursor->at += cursor->run;
        cursor->left -= cursor->run;
    }
    return true;
}

/*
 * The bus address of the next piece that one PRP entry can describe, and its
 * end taken off the cursor. The piece ends where its page ends or where the
 * data does; data that ends inside a page and goes on elsewhere cannot be
 * described.
 */
static int cursor_next(struct cursor *cursor, bool first, uint64_t *bus)
{
    const uint32_t page = cursor->controller->page_size;
    if (!cursor_fill(cursor))
        return NVME_ERR_INVALID;
    *bus = cursor->run_bus;
    if (first ? *bus % 4 : *bus % page)
        return NVME_ERR_INVALID;
    size_t room = page - *bus % page;
    uint64_t expected = *bus;
    while (room && cursor_fill(cursor)) {
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

/* Moves `count` lists from the pool to the request. */
static bool take_lists(struct nvme_queue *queue, struct nvme_request *request, unsigned count)
{
    if (count > queue->lists_free)
        return false;
    queue->lists_free -= (uint16_t)count;
    request->list_first = queue->list_first_free;
    uint16_t last = NVME_NO_LIST;
    while (count--) {
        last = queue->list_first_free;
        queue->list_first_free = queue->list_next[last];
    }
    queue->list_next[last] = NVME_NO_LIST;
    return true;
}

void nvme_prp_release(struct nvme_queue *queue, struct nvme_request *request)
{
    for (uint16_t index = request->list_first, next; index != NVME_NO_LIST; index = next) {
        next = queue->list_next[index];
        queue->list_next[index] = queue->list_first_free;
        queue->list_first_free = index;
        queue->lists_free++;
    }
    request->list_first = NVME_NO_LIST;
}

/* `entries` of them, into the lists that the request has been given. */
static int fill_lists(struct nvme_queue *queue, struct nvme_request *request, struct cursor *cursor,
                      size_t entries)
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
    struct cursor cursor = {.controller = queue->controller,
                            .segment = request->segments,
                            .end = request->segments + request->segment_count};
    request->list_first = NVME_NO_LIST;

    size_t bytes = 0;
    for (unsigned i = 0; i < request->segment_count; i++) {
        if (request->segments[i].length > request->data_bytes - bytes)
            return NVME_ERR_INVALID;
        bytes += request->segments[i].length;
    }
    if (bytes != request->data_bytes || bytes > queue->controller->max_transfer)
        return NVME_ERR_INVALID;
    if (bytes == 0)
        return NVME_OK; /* Create I/O Queue has a pointer in PRP1 all the same: it stays */
    command->prp2 = 0;

    int error = cursor_next(&cursor, true, &command->prp1);
    if (error)
        return error;
    const uint32_t page = queue->controller->page_size;
    size_t entries = (command->prp1 % page + bytes + page - 1) / page;
    if (entries == 1)
        return NVME_OK;
    if (entries == 2)
        return cursor_next(&cursor, false, &command->prp2);

    if (!take_lists(queue, request, nvme_prp_lists((unsigned)entries, queue->list_bytes)))
        return NVME_ERR_BUSY;
    command->prp2 = list_bus(queue, request->list_first);
    error = fill_lists(queue, request, &cursor, entries - 1);
    if (error)
        nvme_prp_release(queue, request);
    return error;
}
