/*
 * Requests on their way to a driver. One is held back until the next one comes
 * or the submitter polls: if the next continues it, in blocks and in memory,
 * both become one command. Streams of small requests so cost what large ones
 * do, and who submits need not know.
 *
 * A command that fails does not tell which of its requests is to blame, so each
 * of them is sent once more, by itself, unless nobody waits for them any more.
 */
#include "kernel/block/block.h"
#include "kernel/console.h"
#include "kernel/x86/cpus.h"
#include "lib/status.h"

/* What a processor has submitted and the driver has not got yet. Lists are linked by `merged`. */
struct plug {
    struct block_request *held; /* goes as one command with those that continue it ... */
    struct block_request *last; /* ... up to this one, if there are any */
    struct block_request *alone;
} __attribute__((aligned(64)));

static struct plug plugs[CPUS_MOST];

/* Kept out of line, so that the way of a request that stays alone is short. */
#define RARE __attribute__((noinline, cold))

static int send(struct block_request *request)
{
    return request->device->operations->submit(request->device, request);
}

/* Of one whose first block is the one behind. */
static bool continues(const struct block_request *held, const struct block_request *request)
{
    return held->operation == request->operation && held->device == request->device &&
           held->polled == request->polled && held->operation <= BLOCK_WRITE &&
           held->segment_count == 1 && request->segment_count == 1 &&
           (uint8_t *)held->segments->base + held->segments->length == request->segments->base &&
           held->blocks + request->blocks <= held->device->max_blocks;
}

/* False: they do not go together. */
static __attribute__((noinline)) bool merge(struct block_request *request)
{
    struct plug *plug = &plugs[cpu_current()];
    struct block_request *first = plug->held;
    if (!continues(first, request))
        return false;
    if (!first->merged) {
        first->own_blocks = first->blocks;
        first->own_segments = first->segments;
        first->merged_segment = *first->segments;
        first->segments = &first->merged_segment;
        plug->last = first;
    }
    first->blocks += request->blocks;
    first->merged_segment.length += request->segments->length;
    plug->last->merged = request;
    plug->last = request;
    return true;
}

/* The first of several is again what its submitter made it, who may submit it once more. */
static void restore(struct block_request *first)
{
    first->blocks = first->own_blocks;
    first->segments = first->own_segments;
}

/*
 * Takes apart what goes together: each request is again what its submitter made it, and is, by its
 * status, to be sent by itself or has ended.
 */
static RARE void take_apart(struct plug *plug, struct block_request *first, int status)
{
    if (first->merged)
        restore(first);
    for (struct block_request *request = first, *next; request; request = next) {
        next = request->merged;
        request->status = status;
        request->merged = plug->alone;
        plug->alone = request;
    }
}

void block_complete_merged(struct block_request *first)
{
    int status = first->status;
    if (status != OK && status != ERR_NO_DEVICE && !console_interrupted()) {
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

/* What is held stays where it is while the driver can take no more. */
static RARE int not_sent(int status)
{
    struct plug *plug = &plugs[cpu_current()];
    struct block_request *held = plug->held;
    if (status != ERR_AGAIN) {
        plug->held = NULL;
        /* Refused: each will hear of it where done() may be called. */
        take_apart(plug, held, status);
    }
    return ERR_AGAIN;
}

int block_submit(struct block_device *device, struct block_request *request)
{
    struct plug *plug = &plugs[cpu_current()];
    struct block_request *held = plug->held;
    request->device = device;
    request->merged = NULL;
    if (plug->alone)
        return ERR_AGAIN;
    if (held) {
        if (held->lba + held->blocks == request->lba && merge(request))
            return OK;
        int status = send(held);
        if (status != OK)
            return not_sent(status);
    }
    plug->held = request;
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

static void send_held(struct plug *plug)
{
    int status = send(plug->held);
    if (status == OK)
        plug->held = NULL;
    else
        not_sent(status);
}

/* Something is left that another device has to take, or that goes alone, or there was no room. */
static RARE void poll_with_rest(struct plug *plug, struct block_device *device, uint64_t deadline)
{
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

void block_poll(struct block_device *device, uint64_t deadline)
{
    struct plug *plug = &plugs[cpu_current()];
    if (plug->held && plug->held->device == device)
        send_held(plug);
    if (plug->held || plug->alone)
        poll_with_rest(plug, device, deadline);
    else
        device->operations->poll(device, deadline);
}
