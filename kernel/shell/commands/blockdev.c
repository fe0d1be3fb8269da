/* blockdev: the sizes and limits of block devices, one line for each question. */
#include "kernel/block/block.h"
#include "kernel/command/command.h"

#define SECTOR 512u /* what Linux counts in, whatever the device's blocks are */

enum question {
    GET_SIZE_64 = 256,
    GET_SECTORS,
    GET_LOGICAL,
    GET_PHYSICAL,
    GET_LEAST,
    GET_BEST,
    GET_OFFSET,
    GET_MOST,
    GET_AHEAD,
    GET_ZEROES,
    GET_READ_ONLY,
    FLUSH,
    REPORT
};

static const struct option options[] = {
    {GET_SIZE_64, "getsize64", NULL, "size in bytes"},
    {GET_SECTORS, "getsz", NULL, "size in sectors of 512 bytes"},
    {GET_SECTORS, "getsize", NULL, "the same, as it was called once"},
    {GET_LOGICAL, "getss", NULL, "logical block size"},
    {GET_LOGICAL, "getbsz", NULL, "the same: nothing larger is made of them"},
    {GET_PHYSICAL, "getpbsz", NULL, "physical block size"},
    {GET_LEAST, "getiomin", NULL, "smallest good transfer, in bytes"},
    {GET_BEST, "getioopt", NULL, "best transfer, in bytes; 0: none is named"},
    {GET_OFFSET, "getalignoff", NULL, "bytes in front of the first aligned block"},
    {GET_MOST, "getmaxsect", NULL, "most sectors in one command"},
    {GET_AHEAD, "getra", NULL, "sectors that are read ahead: 0, nothing is cached"},
    {GET_AHEAD, "getfra", NULL, "the same for files"},
    {GET_ZEROES, "getdiscardzeroes", NULL, "0: what is discarded may read as anything"},
    {GET_READ_ONLY, "getro", NULL, "1 if the device cannot be written"},
    {FLUSH, "flushbufs", NULL, "make durable what was written"},
    {REPORT, "report", NULL, "a table of the given, or of all devices"},
    {0}};

static uint64_t answer(const struct block_device *device, int question)
{
    switch (question) {
    case GET_SIZE_64:
        return block_bytes(device);
    case GET_SECTORS:
        return block_bytes(device) / SECTOR;
    case GET_LOGICAL:
    case GET_PHYSICAL:
    case GET_LEAST:
        return device->block_size;
    case GET_MOST:
        return (uint64_t)device->max_blocks * (device->block_size / SECTOR);
    case GET_READ_ONLY:
        return device->read_only;
    }
    return 0;
}

static void report(struct invocation *self, const struct block_device *device)
{
    out(self, "%s %5u %5u %5u %15u %15llu   /dev/%s\n", device->read_only ? "ro" : "rw", 0,
        device->block_size, device->block_size, 0, (unsigned long long)block_bytes(device),
        device->name);
}

/* Does what all the options ask for to one device. */
static int ask(struct invocation *self, const char *name, struct file *file,
               const struct block_device *device)
{
    self->next = 0;
    for (int key; (key = option_next(self));) {
        int status = key == FLUSH ? file_sync(file) : OK;
        if (status != OK)
            return complain(self, "%s: %s", name, status_text(status));
        if (key == REPORT)
            report(self, device);
        else if (key != FLUSH)
            out(self, "%llu\n", (unsigned long long)answer(device, key));
    }
    return 0;
}

static int ask_one(struct invocation *self, const char *name)
{
    struct file *file;
    int status = file_open(name, O_READ, &file);
    if (status != OK)
        return complain(self, "cannot open %s: %s", name, status_text(status));
    const struct block_device *device = file_block_device(file, O_READ);
    if (device)
        status = ask(self, name, file, device);
    else
        status = complain(self, "%s: not a block device", name);
    file_close(file);
    return status;
}

static int blockdev(struct invocation *self)
{
    int questions = 0, worst = 0;
    bool table = false;
    for (int key; (key = option_next(self)); questions++) {
        if (key < 0)
            return 1;
        table |= key == REPORT;
    }
    int first = self->next;
    if (!questions)
        return usage(self, "no command specified");
    if (first == self->argc && !table)
        return usage(self, "no device specified");
    if (table)
        out(self, "RO    RA   SSZ   BSZ        StartSec            Size   Device\n");
    if (first == self->argc)
        LIST_FOR_EACH(node, &block_devices)
        {
            report(self, CONTAINER_OF(node, struct block_device, node));
        }
    for (int i = first; i < self->argc; i++)
        worst |= ask_one(self, self->argv[i]);
    return worst;
}

COMMAND(blockdev, .summary = "tell sizes and limits of block devices", .operands = "[DEVICE]...",
        .options = options, .usage_status = 1, .lists_devices = true, .run = blockdev)
