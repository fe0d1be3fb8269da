/*
 * Namespaces as block devices: their requests become the driver's, its answers
 * become statuses, and nodes in /dev come and go with them.
 */
#include "kernel/fs/fs.h"
#include "kernel/log.h"
#include "kernel/mem/heap.h"
#include "kernel/nvme/device.h"
#include "lib/bits.h"
#include "lib/printf.h"
#include "lib/status.h"
#include "lib/string.h"

#define FIRST_DISK "my_nvme0n1" /* second name of the first namespace that is there */

/*
 * A namespace as it was when it came. When it changes or goes, its disk is retired and keeps what
 * it said for as long as somebody has it open, since a transfer may be under way whose buffers are
 * cut by that; the namespace gets a new one.
 */
struct disk {
    struct block_device block;
    struct device *device;
    const struct nvme_namespace *ns;
    bool retired;
    bool writing; /* a zoned one, on any processor */
};

/* The driver's segments are the block layer's. */
_Static_assert(sizeof(struct nvme_segment) == sizeof(struct block_segment) &&
                   offsetof(struct nvme_segment, length) == offsetof(struct block_segment, length),
               "block segments are handed down as they are");
_Static_assert(sizeof(struct transfer) <= BLOCK_DRIVER_BYTES, "a transfer lies in its request");

static const struct nvme_namespace *first; /* the one that is FIRST_DISK too */

/* ---- Requests ------------------------------------------------------------------------------ */

static struct block_request *block_of(const struct transfer *transfer)
{
    return CONTAINER_OF((void *)transfer, struct block_request, driver);
}

static const char *operation_name(enum block_operation operation)
{
    static const char *const names[] = {"read", "write", "flush", "discard", "write zeroes"};
    return names[operation];
}

/* What an error means to a user of the block device; the details go to the log. */
static int error_status(const struct transfer *transfer)
{
    const struct nvme_request *request = &transfer->request;
    const struct block_request *block = block_of(transfer);
    if (((const struct disk *)block->device->driver)->retired)
        return ERR_NO_DEVICE; /* that has been said */
    if (request->result == NVME_ERR_STATUS)
        log_line(LOG_ERROR, "%s: %s of %u blocks at LBA %llu: %s (SCT %xh, SC %02xh)",
                 block->device->name, operation_name(block->operation), block->blocks,
                 (unsigned long long)block->lba, nvme_status_text(request->status),
                 (unsigned)NVME_GET(NVME_STATUS_SCT, request->status),
                 (unsigned)NVME_GET(NVME_STATUS_SC, request->status));
    else
        log_line(LOG_ERROR, "%s: %s of %u blocks at LBA %llu: %s", block->device->name,
                 operation_name(block->operation), block->blocks, (unsigned long long)block->lba,
                 nvme_error_text(request->result));
    return request->result == NVME_ERR_DEAD ? ERR_NO_DEVICE : ERR_IO;
}

static __attribute__((noinline, cold)) void failed(struct transfer *transfer)
{
    struct block_request *block = block_of(transfer);
    block->status = error_status(transfer);
    block_complete(block);
}

void transfer_ended(struct transfer *transfer)
{
    struct block_request *block = block_of(transfer);
    block->status = OK;
    if (transfer->request.result == NVME_OK)
        block_complete(block);
    else
        failed(transfer);
}

static void transfer_done(struct nvme_request *request)
{
    struct transfer *transfer = CONTAINER_OF(request, struct transfer, request);
    if (transfer_cpu(transfer) == cpu_current())
        transfer_ended(transfer);
    else
        path_ended_elsewhere(transfer);
}

void requests_ended(struct nvme_request *chain, unsigned cpu)
{
    const void *const home = transfer_home(cpu, true);
    while (chain) {
        struct nvme_request *request = chain;
        struct block_request *block = block_of(CONTAINER_OF(request, struct transfer, request));
        chain = request->next;
        if (__builtin_expect(request->context == home && request->result == NVME_OK, true)) {
            block->status = OK;
            block_end(block);
        } else {
            request->done(request);
        }
    }
}

static bool is_write(const struct block_request *block)
{
    return block->operation == BLOCK_WRITE || block->operation == BLOCK_WRITE_ZEROES;
}

/* Of a zoned disk. */
static void zoned_transfer_done(struct nvme_request *request)
{
    const struct block_request *block = block_of(CONTAINER_OF(request, struct transfer, request));
    struct disk *disk = block->device->driver;
    if (is_write(block))
        __atomic_store_n(&disk->writing, false, __ATOMIC_RELEASE);
    transfer_done(request);
}

/* What is neither read nor written. */
static __attribute__((noinline)) int prepare_other(struct transfer *transfer,
                                                   const struct block_request *block,
                                                   const struct nvme_namespace *ns)
{
    struct nvme_request *request = &transfer->request;
    switch (block->operation) {
    case BLOCK_DISCARD:
        transfer->range = (struct nvme_dataset_range){.blocks = block->blocks, .lba = block->lba};
        return nvme_prepare_dataset(request, ns, NVME_DATASET_DEALLOCATE, &transfer->range, 1);
    case BLOCK_WRITE_ZEROES:
        return nvme_prepare_write_zeroes(request, ns, block->lba, block->blocks, false);
    default:
        return nvme_prepare_flush(request, ns);
    }
}

typedef void done_function(struct nvme_request *request);

static inline int prepare(struct transfer *transfer, const struct block_request *block,
                          const struct nvme_namespace *ns, done_function *done)
{
    struct nvme_request *request = &transfer->request;
    request->timeout_ns = 0;
    request->once = false;
    request->done = done;
    if (block->operation > BLOCK_WRITE)
        return prepare_other(transfer, block, ns);
    request->segments = (const struct nvme_segment *)block->segments;
    request->segment_count = block->segment_count;
    int error =
        nvme_prepare_rw(request, ns, block->operation == BLOCK_WRITE, block->lba, block->blocks);
    transfer->prepared = block->fixed && !error;
    return error;
}

static __attribute__((noinline, cold)) int submit_status(int error)
{
    switch (error) {
    case NVME_ERR_BUSY:
        return ERR_AGAIN;
    case NVME_ERR_INVALID:
        return ERR_INVALID;
    case NVME_ERR_NO_SUPPORT:
        return ERR_NOT_SUPPORTED;
    default:
        return ERR_NO_DEVICE;
    }
}

static struct transfer *transfer_of(struct block_request *block)
{
    return (struct transfer *)(void *)block->driver;
}

static __attribute__((noinline)) int submit_new(const struct nvme_namespace *ns,
                                                struct nvme_queue *queue,
                                                struct block_request **list, unsigned cpu,
                                                done_function *done)
{
    struct transfer *transfer = transfer_of(*list);
    transfer->request.context = transfer_home(cpu, (*list)->fixed && done == transfer_done);
    int error = prepare(transfer, *list, ns, done);
    if (!error)
        error = nvme_submit(queue, &transfer->request);
    if (!error)
        *list = (*list)->next;
    return error;
}

/* Those at the front of the list, the first at least, that only go to another LBA than before. */
static inline int submit_prepared(struct nvme_queue *queue, struct block_request **list,
                                  unsigned cpu, done_function *done)
{
    struct block_request *block = *list;
    struct nvme_request *chain = &transfer_of(block)->request, *last = chain;
    void *const home = transfer_home(cpu, done == transfer_done);
    for (;;) {
        last->context = home;
        nvme_set_lba(last, block->lba);
        block = block->next;
        if (!block || !transfer_of(block)->prepared)
            break;
        last = last->next = &transfer_of(block)->request;
    }
    last->next = NULL;
    struct nvme_request *rest = nvme_submit_again(queue, chain);
    *list = rest ? block_of(CONTAINER_OF(rest, struct transfer, request)) : block;
    return rest ? rest->result : NVME_OK;
}

static inline int submit_some(const struct nvme_namespace *ns, struct nvme_queue *queue,
                              struct block_request **list, unsigned cpu, done_function *done)
{
    return transfer_of(*list)->prepared ? submit_prepared(queue, list, cpu, done)
                                        : submit_new(ns, queue, list, cpu, done);
}

static __attribute__((noinline)) int submit_locked(const struct nvme_namespace *ns,
                                                   struct path *path, struct block_request **list,
                                                   unsigned cpu, done_function *done)
{
    uint64_t flags = path_lock(path);
    int error = submit_some(ns, path->queue, list, cpu, done);
    path_unlock(path, flags);
    return error;
}

static inline __attribute__((always_inline)) int
submit_list(struct block_device *block, struct block_request **list, done_function *done)
{
    const struct disk *disk = block->driver;
    const unsigned cpu = cpu_current();
    paths_enter(cpu);
    struct path *const *paths = disk->device->path_of[cpu];
    int error = disk->retired ? NVME_ERR_GONE : NVME_OK;
    while (*list && !error) {
        struct path *path = paths[(*list)->polled];
        error = path->shared ? submit_locked(disk->ns, path, list, cpu, done)
                             : submit_some(disk->ns, path->queue, list, cpu, done);
    }
    paths_leave(cpu);
    return error ? submit_status(error) : OK;
}

static int disk_submit(struct block_device *block, struct block_request **list)
{
    return submit_list(block, list, transfer_done);
}

/*
 * A device may execute commands in any order, and in a zone only one order is right: a write waits
 * for the end of the one before it, wherever that was submitted, and all that is behind waits too.
 */
static int zoned_submit(struct block_device *block, struct block_request **list)
{
    struct disk *disk = block->driver;
    int status = OK;
    while (*list && status == OK) {
        struct block_request *rest = (*list)->next, *next = *list;
        bool writes = is_write(next);
        if (writes && __atomic_exchange_n(&disk->writing, true, __ATOMIC_ACQUIRE))
            return ERR_AGAIN;
        next->next = NULL;
        status = submit_list(block, list, zoned_transfer_done);
        next->next = rest;
        if (status == OK)
            *list = rest;
        else if (writes)
            __atomic_store_n(&disk->writing, false, __ATOMIC_RELEASE);
    }
    return status;
}

static void disk_poll(struct block_device *block, uint64_t deadline)
{
    const struct disk *disk = block->driver;
    path_poll(disk->device, deadline);
}

static const struct block_operations disk_operations = {.submit = disk_submit, .poll = disk_poll},
                                     zoned_operations = {.submit = zoned_submit, .poll = disk_poll};

/* ---- Disks --------------------------------------------------------------------------------- */

static void add_node(const char *name, struct block_device *block)
{
    struct node *node = node_new_block(block);
    int error = node ? fs_add_device(name, node) : ERR_NO_MEMORY;
    if (error)
        log_line(LOG_ERROR, "/dev/%s: %s", name, status_text(error));
}

static void free_disk(struct disk *disk)
{
    device_release(disk->device);
    kfree(disk);
}

static void disk_unused(struct block_device *block)
{
    struct disk *disk = block->driver;
    if (disk->retired)
        free_disk(disk);
}

static struct disk *new_disk(struct device *device, const struct nvme_namespace *ns)
{
    struct disk *disk = kcalloc(1, sizeof *disk);
    if (!disk)
        return NULL;
    disk->device = device;
    disk->ns = ns;
    const struct nvme_limits *limits = &device->controller.limits;
    uint64_t zeroes = MIN(limits->zeroes_bytes / ns->block_size, (uint64_t)NVME_RW_BLOCKS_MOST);
    uint64_t discard = MIN(limits->dataset_range_blocks, limits->dataset_blocks);
    if (!nvme_offers(&device->controller, NVME_ONCS_WRITE_ZEROES))
        zeroes = 0;
    if (!nvme_offers(&device->controller, NVME_ONCS_DATASET))
        discard = 0;
    disk->block = (struct block_device){
        .block_size = ns->block_size,
        .block_count = ns->block_count,
        .max_blocks = ns->most_blocks,
        .zeroes_blocks = (uint32_t)zeroes,
        .discard_blocks = (uint32_t)MIN(discard, UINT32_MAX),
        .dma_alignment = 4,
        .zone_blocks = ns->zone_blocks,
        .read_only = ns->write_protected,
        .volatile_cache = device->controller.volatile_cache,
        .operations = ns->zone_blocks ? &zoned_operations : &disk_operations,
        .driver = disk,
        .model = device->controller.model,
        .unused = disk_unused,
    };
    device->references++;
    return disk;
}

void disk_add(struct device *device, struct nvme_namespace *ns)
{
    char name[sizeof(((struct block_device *)NULL)->name)];
    snprintf(name, sizeof name, "%sn%u", device->name, ns->id);
    if (ns->unusable) {
        log_line(LOG_WARNING, "%s: %s: left out", name, ns->unusable);
        return;
    }
    struct disk *disk = new_disk(device, ns);
    int error = ERR_NO_MEMORY;
    if (disk) {
        memcpy(disk->block.name, name, sizeof name);
        error = block_register(&disk->block);
    }
    if (error) {
        log_line(LOG_ERROR, "%s: %s", name, status_text(error));
        if (disk)
            free_disk(disk);
        return;
    }
    ns->context = disk;
    log_line(LOG_NOTE, "%s: %llu blocks of %u bytes%s", name, (unsigned long long)ns->block_count,
             ns->block_size,
             ns->zone_blocks     ? ", zoned"
             : ns->protection    ? ", with protection information"
             : ns->metadata_size ? ", with metadata"
                                 : "");
    add_node(name, &disk->block);
    if (!first)
        first = ns;
    if (first == ns)
        add_node(FIRST_DISK, &disk->block);
}

/* Its nodes go, and files that are open on them find nothing behind. */
static void retire_disk(struct nvme_namespace *ns)
{
    struct disk *disk = ns->context;
    if (!disk)
        return;
    ns->context = NULL;
    disk->block.nodes++; /* so that it stays until we are through */
    fs_remove_device(disk->block.name);
    if (first == ns)
        fs_remove_device(FIRST_DISK);
    block_unregister(&disk->block);
    disk->retired = true;
    if (--disk->block.nodes == 0)
        free_disk(disk);
}

void disks_retire(struct device *device)
{
    for (struct nvme_namespace *ns = device->controller.namespaces; ns; ns = ns->next) {
        retire_disk(ns);
        if (first == ns)
            first = NULL;
    }
}

void disk_changed(void *context, struct nvme_namespace *ns, enum nvme_namespace_change change)
{
    struct device *device = context;
    retire_disk(ns);
    if (change == NVME_NAMESPACE_GONE)
        log_line(LOG_WARNING, "%sn%u: is gone", device->name, ns->id);
    else
        disk_add(device, ns);
}

const struct nvme_namespace *disk_namespace(const struct block_device *block)
{
    const struct disk *disk = block->driver;
    return block->operations->poll == disk_poll && !disk->retired ? disk->ns : NULL;
}
