/* See dd_ring.h. */
#include "kernel/shell/commands/dd_ring.h"

#include "kernel/block/block.h"
#include "kernel/fs/fs.h"
#include "kernel/idle.h"
#include "kernel/mem/heap.h"
#include "kernel/x86/clock.h"
#include "lib/bits.h"

#define PAGE          4096u
#define RING_BYTES    (4u << 20)
#define MOST_REQUESTS 1024u

struct dd_request {
    struct block_request request; /* first, for it leads back here */
    struct block_segment segment;
    struct dd_record *record;
};

/* Requests for a record, at most; 0: this side is synchronous. */
static size_t pieces(struct dd_side *side, size_t size)
{
    const struct block_device *device = side->device;
    if (device && !IS_ALIGNED(size, device->block_size))
        device = side->device = NULL;
    if (!device)
        return 0;
    uint64_t last = size / device->block_size - 1, zones = device->zone_blocks;
    return last / device->max_blocks + 1 + (zones ? last / zones + 1 : 0);
}

bool dd_ring_start(struct dd_ring *ring, struct dd_side in, struct dd_side out, size_t size,
                   uint64_t most)
{
    size_t each = MAX(pieces(&in, size), pieces(&out, size));
    uint64_t room = each ? MIN(RING_BYTES / size, MOST_REQUESTS / each) : 1;
    uint64_t count = MIN(room, most);
    *ring = (struct dd_ring){.size = size};
    if (count > 1) {
        ring->records = kmalloc(count * sizeof *ring->records);
        ring->requests = kmalloc(count * each * sizeof *ring->requests);
        /* A page's alignment suits every device. */
        ring->memory = kmalloc(MAX(count * size, (size_t)PAGE));
        if (ring->records && ring->requests && ring->memory) {
            ring->in = in;
            ring->out = out;
            ring->count = ring->window = (unsigned)count;
            ring->batch = MAX(ring->count / 4, 1u);
            ring->pieces = (unsigned)each;
            block_ended_init(&ring->ended);
            return true;
        }
        dd_ring_end(ring);
    }
    *ring = (struct dd_ring){.size = size, .count = 1, .memory = kmalloc(size)};
    return ring->memory != NULL;
}

void dd_ring_end(struct dd_ring *ring)
{
    dd_ring_drop(ring);
    kfree(ring->memory);
    kfree(ring->requests);
    kfree(ring->records);
}

uint8_t *dd_ring_buffer(const struct dd_ring *ring)
{
    return ring->memory + ring->current % ring->count * ring->size;
}

/* How many requests of a record have not ended, by what is known now. */
static unsigned left(struct dd_ring *ring, const struct dd_record *record)
{
    for (struct block_request *request = block_ended_take(&ring->ended, NULL); request;
         request = request->next) {
        struct dd_record *its = CONTAINER_OF(request, struct dd_request, request)->record;
        if (request->status != OK)
            its->status = request->status;
        its->left--;
    }
    return record->left;
}

/* At most a second: a device that says nothing has deadlines of its own. */
static void poll(struct block_device *device)
{
    idle_glance();
    block_poll(device, clock_ns() + NS_PER_SEC);
}

/* Submits a record in as many requests as the device wants. */
static void submit(struct dd_ring *ring, struct block_device *device,
                   enum block_operation operation, uint64_t number, uint64_t offset)
{
    uint64_t slot = number % ring->count;
    struct dd_record *record = &ring->records[slot];
    struct dd_request *piece = &ring->requests[slot * ring->pieces];
    uint8_t *base = ring->memory + slot * ring->size;
    record->left = 0;
    record->status = OK;
    for (size_t done = 0, length; done < ring->size; done += length, piece++) {
        uint64_t lba = (offset + done) / device->block_size;
        length = MIN(ring->size - done, (size_t)block_most(device, lba) * device->block_size);
        piece->segment = (struct block_segment){base + done, length};
        piece->request = (struct block_request){.operation = operation,
                                                .lba = lba,
                                                .blocks = (uint32_t)(length / device->block_size),
                                                .segment_count = 1,
                                                .segments = &piece->segment,
                                                .ended = &ring->ended};
        piece->record = record;
        record->left++;
        while (block_submit(device, &piece->request) == ERR_AGAIN)
            poll(device);
    }
}

static void wait(struct dd_ring *ring, uint64_t number, struct block_device *device)
{
    const struct dd_record *record = &ring->records[number % ring->count];
    while (left(ring, record))
        poll(device);
}

/* A record that has ended, with what became of it. */
static const struct dd_record *result(struct dd_ring *ring, uint64_t number,
                                      struct block_device *device)
{
    uint64_t slot = number % ring->count;
    struct dd_record *record = &ring->records[slot];
    wait(ring, number, device);
    record->moved = ring->size;
    if (record->status == OK)
        return record;
    const struct dd_request *piece = &ring->requests[slot * ring->pieces];
    for (record->moved = 0; piece->request.status == OK; piece++)
        record->moved += piece->segment.length;
    record->status = piece->request.status;
    return record;
}

static void drop_ahead(struct dd_ring *ring)
{
    while (ring->ahead > ring->current)
        wait(ring, --ring->ahead, ring->in.device);
}

void dd_ring_drop(struct dd_ring *ring)
{
    drop_ahead(ring);
    while (ring->sent > ring->behind)
        wait(ring, --ring->sent, ring->out.device);
    ring->behind = ring->sent = ring->current;
}

/* Whether records fit at the position of a side, and if so how many more the device has. */
static uint64_t records_there(const struct dd_ring *ring, const struct dd_side *side)
{
    const struct block_device *device = side->device;
    if (!device || !IS_ALIGNED(side->file->position, device->block_size))
        return 0;
    uint64_t end = block_bytes(device);
    return side->file->position < end ? (end - side->file->position) / ring->size : 0;
}

/* Not one by one as buffers become free: several that follow one another can be one command. */
static void read_ahead(struct dd_ring *ring, uint64_t wanted)
{
    uint64_t at_hand = ring->ahead - ring->current;
    uint64_t room = ring->count - (ring->ahead - ring->behind);
    if (at_hand && room < ring->batch)
        return;
    uint64_t most = MIN(wanted, records_there(ring, &ring->in));
    most = MIN(most, (uint64_t)ring->window);
    most = MIN(most, at_hand + room);
    if (at_hand >= most)
        return;
    for (; at_hand < most; at_hand++)
        submit(ring, ring->in.device, BLOCK_READ, ring->ahead++,
               ring->in.file->position + at_hand * ring->size);
    block_poll(ring->in.device, 0);
}

/* The current record as far as it can be read. Nobody says which block of a request was bad. */
static int64_t read_singly(const struct dd_ring *ring)
{
    size_t done = 0;
    int64_t part;
    do {
        part = file_read(ring->in.file, dd_ring_buffer(ring) + done, ring->in.device->block_size);
        done += part > 0 ? (size_t)part : 0;
    } while (part > 0 && done < ring->size);
    return done ? (int64_t)done : part;
}

int64_t dd_ring_read(struct dd_ring *ring, uint64_t wanted)
{
    read_ahead(ring, wanted);
    if (ring->ahead == ring->current)
        return 0;
    const struct dd_record *record = result(ring, ring->current, ring->in.device);
    if (record->status == OK) {
        file_seek(ring->in.file, ring->in.file->position + record->moved);
        ring->window = MIN(2 * ring->window, ring->count);
        return (int64_t)record->moved;
    }
    /* Where one block is bad, others are: reading far ahead begins anew, slowly. */
    drop_ahead(ring);
    ring->window = 1;
    return read_singly(ring);
}

static void send(struct dd_ring *ring)
{
    struct file *file = ring->out.file;
    for (; ring->sent < ring->current; ring->sent++)
        submit(ring, ring->out.device, BLOCK_WRITE, ring->sent,
               file->position - (ring->current - ring->sent) * ring->size);
    file->node->changed = clock_ns();
    block_poll(ring->out.device, 0);
}

static void step(struct dd_ring *ring)
{
    ring->current++;
    ring->ahead = MAX(ring->ahead, ring->current);
}

bool dd_ring_write(struct dd_ring *ring, const struct dd_mark *mark)
{
    if (!records_there(ring, &ring->out) || ring->out.device->read_only)
        return false;
    ring->records[ring->current % ring->count].mark = *mark;
    step(ring);
    file_seek(ring->out.file, ring->out.file->position + ring->size);
    if (ring->current - ring->sent >= ring->batch)
        send(ring);
    return true;
}

const struct dd_record *dd_ring_written(struct dd_ring *ring, uint64_t most)
{
    if (most == 0 && ring->sent < ring->current)
        send(ring);
    if (ring->sent == ring->behind)
        return NULL;
    const struct dd_record *record = &ring->records[ring->behind % ring->count];
    if (left(ring, record) && ring->current - ring->behind <= most)
        return NULL;
    return result(ring, ring->behind, ring->out.device);
}

void dd_ring_release(struct dd_ring *ring)
{
    ring->behind++;
}

void dd_ring_pass(struct dd_ring *ring)
{
    step(ring);
    ring->behind = ring->sent = ring->current;
}
