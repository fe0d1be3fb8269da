/* blkdiscard: tells a device that the contents of blocks are of no interest, or zeroes them. */
#include "kernel/block/block.h"
#include "kernel/command/command.h"
#include "kernel/console.h"
#include "kernel/mem/heap.h"
#include "kernel/x86/clock.h"
#include "lib/number.h"
#include "lib/string.h"

#define STEP   (1u << 30) /* bytes in a request, so that progress and Ctrl-C have a chance */
#define ZEROES (1u << 20) /* where they have to be written */

struct discard {
    struct invocation *self;
    const char *name;
    struct block_device *device;
    uint64_t offset, length, step; /* bytes */
    bool zero, verbose;
};

/* One request, to its end. */
static int carry_out(struct discard *discard, struct block_request *request, uint64_t lba,
                     uint64_t blocks)
{
    struct block_device *device = discard->device;
    struct block_ended ended;
    block_ended_init(&ended);
    *request =
        (struct block_request){.operation = discard->zero ? BLOCK_WRITE_ZEROES : BLOCK_DISCARD,
                               .lba = lba,
                               .blocks = (uint32_t)blocks,
                               .ended = &ended};
    int status;
    while ((status = block_submit(device, request)) == ERR_AGAIN)
        block_poll(device, clock_ns() + NS_PER_SEC);
    if (status != OK)
        return status;
    while (ended.count == 0)
        block_poll(device, clock_ns() + NS_PER_SEC);
    return request->status;
}

/* Zeros as data, for a device without a command for them. */
static int write_zeros(struct discard *discard, void *zeros, uint64_t lba, uint64_t blocks)
{
    int status;
    block_transfer(discard->device, BLOCK_WRITE, lba, blocks, zeros, &status);
    return status;
}

static int work(struct discard *discard, void *memory, uint64_t most)
{
    uint64_t size = discard->device->block_size, lba = discard->offset / size;
    uint64_t count = discard->length / size;
    bool as_data = discard->zero && !discard->device->zeroes_blocks;
    for (uint64_t done = 0, part; done < count; done += part) {
        progress(discard->self, done * size, discard->length);
        part = MIN(count - done, most);
        part = MIN(part, block_zone_left(discard->device, lba + done));
        int status = console_interrupted() ? ERR_INTERRUPTED
                     : as_data             ? write_zeros(discard, memory, lba + done, part)
                                           : carry_out(discard, memory, lba + done, part);
        if (status == ERR_INTERRUPTED)
            return STATUS_INTERRUPTED;
        if (status != OK)
            return complain(discard->self, "%s: %s: %s", discard->name,
                            discard->zero ? "zeroing failed" : "discard failed",
                            status_text(status));
    }
    if (discard->verbose)
        out(discard->self, "%s: %s %llu bytes from the offset %llu\n", discard->name,
            discard->zero ? "Zero-filled" : "Discarded", (unsigned long long)discard->length,
            (unsigned long long)discard->offset);
    return 0;
}

/* With what the device offers, in pieces that it takes. */
static int choose(struct discard *discard)
{
    const struct block_device *device = discard->device;
    uint64_t limit = discard->zero ? device->zeroes_blocks : device->discard_blocks;
    bool as_data = discard->zero && !limit;
    if (!limit && !as_data)
        return complain(discard->self, "%s: BLKDISCARD: %s", discard->name,
                        status_text(ERR_NOT_SUPPORTED));
    if (device->read_only)
        return complain(discard->self, "%s: %s", discard->name, status_text(ERR_READ_ONLY));
    uint64_t bytes = as_data ? ZEROES : discard->step ? discard->step : STEP;
    uint64_t most = MAX(bytes / device->block_size, (uint64_t)1);
    if (!as_data)
        most = MIN(most, limit);
    void *memory = as_data ? kcalloc(1, MAX(ZEROES, device->block_size))
                           : kmalloc(sizeof(struct block_request));
    if (!memory)
        return complain(discard->self, "%s", status_text(ERR_NO_MEMORY));
    int status = work(discard, memory, most);
    kfree(memory);
    return status;
}

static bool aligned(struct discard *discard, uint64_t value, const char *what)
{
    uint32_t size = discard->device->block_size;
    if (IS_ALIGNED(value, size))
        return true;
    complain(discard->self, "%s: %s %llu is not aligned to sector size %u", discard->name, what,
             (unsigned long long)value, size);
    return false;
}

static int check(struct discard *discard)
{
    uint64_t size = block_bytes(discard->device);
    if (discard->offset >= size)
        return complain(discard->self, "%s: offset is greater than device size", discard->name);
    discard->length = MIN(discard->length, size - discard->offset);
    if (!aligned(discard, discard->offset, "offset") ||
        !aligned(discard, discard->length, "length") || !aligned(discard, discard->step, "step"))
        return 1;
    return choose(discard);
}

static const struct option options[] = {{'f', "force", NULL, "do not ask (never done anyway)"},
                                        {'l', "length", "NUM", "so many bytes (to the end)"},
                                        {'o', "offset", "NUM", "from this byte on (0)"},
                                        {'p', "step", "NUM", "bytes at a time"},
                                        {'v', "verbose", NULL, "tell what was done"},
                                        {'z', "zeroout", NULL, "make them zeros"},
                                        {0}};

static int parse(struct discard *discard)
{
    struct invocation *self = discard->self;
    for (int key; (key = option_next(self));) {
        uint64_t *number = key == 'l'   ? &discard->length
                           : key == 'o' ? &discard->offset
                                        : &discard->step;
        if (key < 0)
            return 1;
        if (strchr("lop", key) && size_parse(self->argument, number) != OK)
            return complain(self, "failed to parse %s: '%s'",
                            key == 'l'   ? "length"
                            : key == 'o' ? "offset"
                                         : "step",
                            self->argument);
        discard->zero |= key == 'z';
        discard->verbose |= key == 'v';
    }
    if (self->next == self->argc)
        return usage(self, "no device specified");
    if (self->argc - self->next > 1)
        return usage(self, "unexpected number of arguments");
    return 0;
}

static int blkdiscard(struct invocation *self)
{
    struct discard discard = {.self = self, .length = UINT64_MAX};
    int status = parse(&discard);
    if (status)
        return status;
    struct file *file;
    discard.name = self->argv[self->next];
    status = file_open(discard.name, O_READ | O_WRITE, &file);
    if (status != OK)
        return complain(self, "cannot open %s: %s", discard.name, status_text(status));
    discard.device = file_block_device(file, O_WRITE);
    status =
        discard.device ? check(&discard) : complain(self, "%s: not a block device", discard.name);
    file_close(file);
    return status;
}

COMMAND(blkdiscard, .summary = "discard or zero the blocks of a device", .operands = "DEVICE",
        .options = options, .usage_status = 1, .run = blkdiscard)
