/*
 * Requests on their way to a driver. One is held back until the next one comes
 * or the submitter polls: if the next continues it, in blocks and in memory,
 * both become one command. Streams of small requests so cost what large ones
 * do, and who submits need not know.
 *
 * A command that fails does not tell which of its requests is to blame, so each
 * of them is sent once more, by itself.
 */
#include "kernel/block/block.h"
#include "kernel/x86/cpus.h"
#include "lib/status.h"

/* What a processor has submitted and the driver has not got yet. Lists are linked by `merged`. */
struct plug {
    struct block_request *held; /* goes as one command with those that continue it ... */
    struct block_request *last; /* ... up to this one */
    struct block_request *alone;
} __attribute__((aligned(64)));

static struct plug plugs[CPUS_MOST];

static int send(struct block_request *request)
{
    return request->device->operations->submit(request->device, request);
}

static bool continues(const struct block_request *held, const struct block_request *request)
{
    return held->lba + held->blocks == request->lba && held->operation == request->operation &&
           held->device == request->device && held->polled == request->polled &&
           held->operation <= BLOCK_WRITE && held->segment_count == 1 &&
           request->segment_count == 1 &&
           (uint8_t *)held->segments->base + held->segments->length == request->segments->base &&
           held->blocks + request->blocks <= held->device->max_blocks;
}

static void merge(struct plug *plug, struct block_request *request)
{
    struct block_request *first = plug->held;
    if (!first->merged) {
        first->own_blocks = first->blocks;
        first->own_segments = first->segments;
        first->merged_segment = *first->segments;
        first->segments = &first->merged_segment;
    }
    first->blocks += request->blocks;
    first->merged_segment.length += request->segments->length;
    plug->last->merged = request;
    plug->last = request;
}

/* The first of several is again what its submitter made it, who may submit it once more. */
static void restore(struct block_request *first)
{
    if (!first->merged)
        return;
    first->blocks = first->own_blocks;
    first->segments = first->own_segments;
}

/*
 * Takes apart what goes together: each request is again what its submitter made it, and is, by its
 * status, to be sent by itself or has ended.
 */
static void take_apart(struct plug *plug, struct block_request *first, int status)
{
    restore(first);
    for (struct block_request *request = first, *next; request; request = next) {
        next = request->merged;
        request->status = status;
        request->merged = plug->alone;
        plug->alone = request;
    }
}

void block_complete(struct block_request *first)
{
    int status = first->status;
    if (!first->merged) {
        first->done(first);
        return;
    }
    if (status != OK && status != ERR_NO_DEVICE) {
        take_apart(&plugs[cpu_current()], first, OK);
        return;
    }
    restore(first);
    for (struct block_request *request = first, *next; request; request = next) {
        next = request->merged;
        request->status = status;
        request->done(request);
    }
}

/* False while the driver can take no more. */
static bool send_held(struct plug *plug)
{
    struct block_request *held = plug->held;
    int status = send(held);
    if (status == ERR_AGAIN)
        return false;
    plug->held = NULL;
    /* Refused: each will hear of it where done() may be called. */
    if (status != OK)
        take_apart(plug, held, status);
    return true;
}

int block_submit(struct block_device *device, struct block_request *request)
{
    struct plug *plug = &plugs[cpu_current()];
    request->device = device;
    request->merged = NULL;
    if (plug->alone)
        return ERR_AGAIN;
    if (plug->held) {
        if (continues(plug->held, request)) {
            merge(plug, request);
            return OK;
        }
        if (!send_held(plug) || plug->alone)
            return ERR_AGAIN;
    }
    plug->held = plug->last = request;
    return OK;
}

/* True if one of them has ended. */
static bool send_alone(struct plug *plug)
{
    bool ended = false;
    struct block_request *request;
    while ((request = plug->alone)) {
        struct block_request *next = request->merged;
        request->merged = NULL;
        int status = request->status != OK ? request->status : send(request);
        if (status == ERR_AGAIN) {
            request->merged = next;
            break;
        }
        plug->alone = next;
        if (status != OK) {
            request->status = status;
            request->done(request);
            ended = true;
        }
    }
    return ended;
}

/* Another device whose requests stand before what is submitted to this one; NULL: none. */
static struct block_device *in_the_way(const struct plug *plug, const struct block_device *device)
{
    if (plug->held && plug->held->device != device)
        return plug->held->device;
    return plug->alone && plug->alone->device != device ? plug->alone->device : NULL;
}

void block_poll(struct block_device *device, uint64_t deadline)
{
    struct plug *plug = &plugs[cpu_current()];
    struct block_device *other = in_the_way(plug, device);
    if (plug->held)
        send_held(plug);
    if (plug->alone && send_alone(plug))
        deadline = 0;
    /* It may be full, and then this one gets nothing; there may be nothing to sleep for. */
    if (other) {
        other->operations->poll(other, 0);
        deadline = 0;
    }
    device->operations->poll(device, deadline);
}
