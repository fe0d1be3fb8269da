/*
 * Requests on their way to a driver. They are collected until the submitter
 * polls, or there are many, and go together: what is done once for all of them
 * is cheap. One that continues the one before it, in blocks and in memory,
 * becomes a part of its command: streams of small requests so cost what large
 * ones do, and who submits need not know.
 *
 * A command that fails does not tell which of its requests is to blame, so each
 * of them is sent once more, by itself, unless nobody waits for them any more.
 */
#include "kernel/block/block.h"
#include "kernel/console.h"
#include "kernel/x86/cpus.h"
#include "lib/status.h"

#define TOGETHER_MOST 32u /* commands; from then on the driver gets them without being polled */

/* What a processor has submitted and the driver has not got yet. Of a size that makes an index of
 * them a shift. */
struct plug {
    struct block_device *device; /* whose requests these are */
    unsigned room;               /* for so many more of them */
    struct block_request *last;  /* one command each, linked by `next` behind `head`, and by */
    struct block_request *part;  /* `merged` what goes with it: with the last up to this one */
    struct block_request *alone; /* of any device, linked by `merged` */
    struct block_request head;   /* none: only its `next` counts, and nothing continues it */
} __attribute__((aligned(512)));

static struct plug plugs[CPUS_MOST];

/* Kept out of line, so that the way of a request that stays alone is short. */
#define RARE __attribute__((noinline, cold))

/* Is there something that the driver has not got? */
static inline bool holds_any(const struct plug *plug)
{
    return ((uintptr_t)plug->head.next | (uintptr_t)plug->alone) != 0;
}

/* Of one whose first block is the one behind. */
static bool continues(const struct block_request *last, const struct block_request *request)
{
    return last->operation == request->operation && last->operation <= BLOCK_WRITE &&
           last->polled == request->polled && !last->fixed && !request->fixed &&
           last->segment_count == 1 && request->segment_count == 1 &&
           (uint8_t *)last->segments->base + last->segments->length == request->segments->base &&
           last->blocks + request->blocks <= block_most(last->device, last->lba);
}

/* False: they do not go together. */
static __attribute__((noinline)) bool merge(struct plug *plug, struct block_request *request)
{
    struct block_request *last = plug->last;
    if (!continues(last, request))
        return false;
    if (!last->merged) {
        last->own_blocks = last->blocks;
        last->own_segments = last->segments;
        last->merged_segment = *last->segments;
        last->segments = &last->merged_segment;
        plug->part = last;
    }
    last->blocks += request->blocks;
    last->merged_segment.length += request->segments->length;
    plug->part->merged = request;
    plug->part = request;
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
    struct block_request **end = &plug->alone;
    plug->room = 0; /* for nothing else before these are through */
    if (first->merged)
        restore(first);
    while (*end)
        end = &(*end)->merged;
    *end = first; /* in order, as zones want it */
    for (struct block_request *request = first; request; request = request->merged)
        request->status = status;
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
        block_end(request);
    }
}

/* The first of the rest is refused, or stays where it is for want of room. */
static RARE void not_all_sent(struct plug *plug, int status)
{
    if (status == ERR_AGAIN)
        return;
    struct block_request *refused = plug->head.next;
    plug->head.next = refused->next;
    /* They end where their submitters look for that: in a poll. */
    take_apart(plug, refused, status);
}

/* Hands the driver what there is for it. False: that is not all. */
static bool send(struct plug *plug)
{
    if (plug->head.next) {
        int status = plug->device->operations->submit(plug->device, &plug->head.next);
        if (status != OK)
            not_all_sent(plug, status);
        if (plug->head.next)
            return false;
    }
    plug->last = &plug->head;
    plug->room = TOGETHER_MOST;
    return true;
}

/* When there is no room, or something else has to go before. */
static __attribute__((noinline)) int submit_behind(struct plug *plug, struct block_device *device,
                                                   struct block_request *request)
{
    plug->head.lba = UINT64_MAX;
    if (plug->alone || !send(plug) || plug->alone) {
        plug->room = 0;
        return ERR_AGAIN;
    }
    plug->device = device;
    return block_submit(device, request);
}

int block_submit(struct block_device *device, struct block_request *request)
{
    struct plug *plug = &plugs[cpu_current()];
    if (plug->device != device || plug->room == 0)
        return submit_behind(plug, device, request);
    struct block_request *last = plug->last;
    request->device = device;
    request->next = request->merged = NULL;
    if (last->lba + last->blocks == request->lba && merge(plug, request))
        return OK;
    last->next = request;
    plug->last = request;
    plug->room--;
    return OK;
}

static __attribute__((noinline)) int submit_each(struct block_device *device,
                                                 struct block_request **list)
{
    for (struct block_request *next; *list; *list = next) {
        next = (*list)->next;
        int status = block_submit(device, *list);
        if (status != OK)
            return status;
    }
    return OK;
}

static RARE int submit_fixed_behind(struct block_device *device, struct block_request **list)
{
    struct plug *plug = &plugs[cpu_current()];
    bool sent = send(plug);
    return sent && !plug->alone ? device->operations->submit(device, list) : ERR_AGAIN;
}

/* What is fixed goes with nothing else, and need not be collected. */
int block_submit_list(struct block_device *device, struct block_request **list)
{
    if (!(*list)->fixed)
        return submit_each(device, list);
    if (holds_any(&plugs[cpu_current()]))
        return submit_fixed_behind(device, list);
    return device->operations->submit(device, list);
}

/* True if one of them has ended. */
static bool send_alone(struct plug *plug)
{
    bool ended = false;
    struct block_request *request;
    while ((request = plug->alone)) {
        struct block_request *behind = request->merged, *list = request;
        int status = request->status;
        request->next = request->merged = NULL;
        if (status == OK)
            status = request->device->operations->submit(request->device, &list);
        if (status == ERR_AGAIN) {
            request->merged = behind;
            break;
        }
        plug->alone = behind;
        if (status != OK) {
            request->status = status;
            block_end(request);
            ended = true;
        }
    }
    return ended;
}

/* Another device whose requests stand before what is submitted to this one; NULL: none. */
static struct block_device *in_the_way(const struct plug *plug, const struct block_device *device)
{
    if (plug->head.next && plug->device != device)
        return plug->device;
    return plug->alone && plug->alone->device != device ? plug->alone->device : NULL;
}

/* Something is left that another device has to take, or that goes alone, or there was no room. */
static RARE void poll_with_rest(struct plug *plug, struct block_device *device, uint64_t deadline)
{
    struct block_device *other = in_the_way(plug, device);
    send(plug);
    if (plug->alone && send_alone(plug))
        deadline = 0;
    /* It may be full, and then this one gets nothing; there may be nothing to sleep for. */
    if (other) {
        other->operations->poll(other, 0);
        deadline = 0;
    }
    device->operations->poll(device, deadline);
}

static __attribute__((noinline)) void send_and_poll(struct block_device *device, uint64_t deadline)
{
    struct plug *plug = &plugs[cpu_current()];
    if (plug->head.next && plug->device == device)
        send(plug);
    if (holds_any(plug))
        poll_with_rest(plug, device, deadline);
    else
        device->operations->poll(device, deadline);
}

void block_poll(struct block_device *device, uint64_t deadline)
{
    if (holds_any(&plugs[cpu_current()]))
        send_and_poll(device, deadline);
    else
        device->operations->poll(device, deadline);
}
