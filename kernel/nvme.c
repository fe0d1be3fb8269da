/*
 * The one file that knows both the NVMe driver and this kernel: the driver's
 * host functions over PCI, page frames, MSI-X and clock on one side, block
 * devices over the driver's queues on the other.
 */
#include "kernel/nvme.h"

#include "drivers/nvme/nvme.h"
#include "drivers/pci/pci.h"
#include "kernel/block/block.h"
#include "kernel/cmdline.h"
#include "kernel/fs/fs.h"
#include "kernel/log.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/paging.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/interrupts.h"
#include "lib/printf.h"
#include "lib/string.h"

#define REGISTERS_LEAST 0x1010   /* up to the doorbells of one I/O queue pair */
#define TIMEOUT_MOST_MS 86400000 /* a day */
#define VECTORS_MOST    64
#define IN_FLIGHT_MOST  256 /* per controller */
#define RETRIES         5
#define DEVICE_PAGE     65536 /* all buffers are contiguous: the fewer PRPs, the better */
#define RETRIES_MOST    1000
#define FIRST_DISK      "my_nvme0n1" /* second name of the first namespace that is there */

/* A block request on its way through the driver. */
struct transfer {
    struct nvme_request request;
    struct block_request *block;
    struct disk *disk;
    struct transfer *next_free;
};

/* The driver's segments are the block layer's. */
_Static_assert(sizeof(struct nvme_segment) == sizeof(struct block_segment) &&
                   offsetof(struct nvme_segment, length) == offsetof(struct block_segment, length),
               "block segments are handed down as they are");

/*
 * A namespace as it was when it came. When it changes or goes, its disk is retired and keeps what
 * it said, since a transfer may be under way whose buffers are cut by that; the namespace gets a
 * new one.
 */
struct disk {
    struct block_device block;
    struct device *device;
    const struct nvme_namespace *ns;
    bool retired;
    struct disk *next_retired;
};

struct device {
    struct list node;
    char name[16]; /* "nvme0" */
    const struct pci_function *function;
    volatile uint8_t *registers;
    uint64_t registers_size;
    struct pci_msix msix;
    unsigned vectors[VECTORS_MOST]; /* processor vectors; 0: not attached */
    struct nvme_host host;
    struct nvme_controller controller;
    struct disk *retired;
    struct transfer *transfers, *free_transfers;
};

static struct list devices = LIST_EMPTY(devices);
static const struct nvme_namespace *first; /* the one that is FIRST_DISK too */

/* ---- The driver's host -------------------------------------------------------------------- */

static uint32_t host_read32(void *context, uint32_t offset)
{
    struct device *device = context;
    if (offset + 4ULL > device->registers_size)
        return UINT32_MAX;
    return *(volatile uint32_t *)(device->registers + offset);
}

/* The mapping is uncached: x86 lets no earlier store pass a store to it (SDM volume 3, 8.2.5). */
static void host_write32(void *context, uint32_t offset, uint32_t value)
{
    struct device *device = context;
    if (offset + 4ULL <= device->registers_size)
        *(volatile uint32_t *)(device->registers + offset) = value;
}

static void *host_dma_alloc(void *context, size_t bytes, size_t alignment, uint64_t *bus)
{
    (void)context;
    unsigned order = frames_order(MAX(bytes, alignment)); /* blocks are aligned to their size */
    void *memory = order > FRAMES_ORDER_MOST ? NULL : frames_allocate(order);
    if (memory)
        *bus = frames_physical(memory);
    return memory;
}

static void host_dma_free(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    frames_free(memory, frames_order_of(memory));
}

static uint64_t host_bus_address(void *context, const void *memory, size_t *bytes)
{
    (void)context;
    uint64_t bus = paging_physical(memory);
    /* Heap and kernel image are contiguous; nothing else may be handed to a device. */
    if (!bus)
        *bytes = 0;
    return bus;
}

static uint64_t host_now(void *context)
{
    (void)context;
    return clock_ns();
}

static void host_wait(void *context, bool (*ready)(void *argument), void *argument,
                      uint64_t deadline)
{
    (void)context;
    clock_wait(ready, argument, deadline);
}

static void host_log(void *context, enum nvme_log_level level, const char *format,
                     va_list arguments)
{
    static const enum log_level levels[] = {LOG_ERROR, LOG_WARNING, LOG_NOTE};
    struct device *device = context;
    char text[200];
    vsnprintf(text, sizeof text, format, arguments);
    log_line(levels[level], "%s: %s", device->name, text);
}

static unsigned host_vectors(void *context, unsigned wanted)
{
    struct device *device = context;
    int error = pci_msix_start(&device->msix, device->function);
    if (error) {
        log_line(LOG_WARNING, "%s: no MSI-X (%s): polling", device->name, status_text(error));
        return 0;
    }
    wanted = MIN(wanted, device->msix.count);
    return MIN(wanted, (unsigned)VECTORS_MOST);
}

static bool host_attach(void *context, unsigned vector, void (*handler)(void *argument),
                        void *argument)
{
    struct device *device = context;
    if (device->vectors[vector]) {
        pci_msix_mask(&device->msix, vector, true);
        interrupt_release(device->vectors[vector]);
        device->vectors[vector] = 0;
    }
    if (!handler)
        return true;
    int allocated = interrupt_allocate(handler, argument);
    if (allocated < 0)
        return false;
    device->vectors[vector] = (unsigned)allocated;
    pci_msix_set(&device->msix, vector, apic_message_address(),
                 apic_message_data((unsigned)allocated));
    return true;
}

static void host_isolate(void *context)
{
    struct device *device = context;
    pci_command(device->function, 0, PCI_COMMAND_BUS_MASTER);
    (void)pci_read16(device->function, PCI_COMMAND); /* writes may be posted: it has arrived */
}

static const struct nvme_host host_functions = {
    .read32 = host_read32,
    .write32 = host_write32,
    .dma_alloc = host_dma_alloc,
    .dma_free = host_dma_free,
    .bus_address = host_bus_address,
    .now_ns = host_now,
    .wait = host_wait,
    .log = host_log,
    .vectors = host_vectors,
    .attach = host_attach,
    .isolate = host_isolate,
};

/* ---- Block devices over it ----------------------------------------------------------------- */

static const char *operation_name(enum block_operation operation)
{
    static const char *const names[] = {"read", "write", "flush"};
    return names[operation];
}

/* What the outcome means to a user of the block device; the details go to the log. */
static int block_status(const struct transfer *transfer)
{
    const struct nvme_request *request = &transfer->request;
    const struct block_request *block = transfer->block;
    if (request->result == NVME_OK)
        return OK;
    if (request->result == NVME_ERR_STATUS)
        log_line(LOG_ERROR, "%s: %s of %u blocks at LBA %llu: %s (SCT %xh, SC %02xh)",
                 transfer->disk->block.name, operation_name(block->operation), block->blocks,
                 (unsigned long long)block->lba, nvme_status_text(request->status),
                 (unsigned)NVME_GET(NVME_STATUS_SCT, request->status),
                 (unsigned)NVME_GET(NVME_STATUS_SC, request->status));
    else
        log_line(LOG_ERROR, "%s: %s of %u blocks at LBA %llu: %s", transfer->disk->block.name,
                 operation_name(block->operation), block->blocks, (unsigned long long)block->lba,
                 nvme_error_text(request->result));
    return request->result == NVME_ERR_DEAD ? ERR_NO_DEVICE : ERR_IO;
}

static void disk_done(struct nvme_request *request)
{
    struct transfer *transfer = request->context;
    struct block_request *block = transfer->block;
    block->status = block_status(transfer);
    transfer->next_free = transfer->disk->device->free_transfers;
    transfer->disk->device->free_transfers = transfer;
    block->done(block);
}

static int prepare(struct transfer *transfer)
{
    const struct block_request *block = transfer->block;
    const struct nvme_namespace *ns = transfer->disk->ns;
    transfer->request.segments = (const struct nvme_segment *)block->segments;
    transfer->request.segment_count = block->segment_count;
    if (block->operation != BLOCK_FLUSH)
        return nvme_prepare_rw(&transfer->request, ns, block->operation == BLOCK_WRITE, block->lba,
                               block->blocks);
    nvme_prepare_flush(&transfer->request, ns);
    return NVME_OK;
}

static int disk_submit(struct block_device *block, struct block_request *request)
{
    struct disk *disk = block->driver;
    struct device *device = disk->device;
    struct transfer *transfer = device->free_transfers;
    if (disk->retired)
        return ERR_NO_DEVICE;
    if (!transfer)
        return ERR_AGAIN;
    *transfer = (struct transfer){
        .request = {.done = disk_done, .context = transfer},
        .block = request,
        .disk = disk,
        .next_free = transfer->next_free,
    };
    int error = prepare(transfer);
    if (!error)
        error = nvme_submit(&device->controller.io[0], &transfer->request);
    switch (error) {
    case NVME_OK:
        device->free_transfers = transfer->next_free;
        return OK;
    case NVME_ERR_BUSY:
        return ERR_AGAIN;
    case NVME_ERR_INVALID:
        return ERR_INVALID;
    default:
        return ERR_NO_DEVICE;
    }
}

static void disk_poll(struct block_device *block, uint64_t deadline)
{
    struct disk *disk = block->driver;
    nvme_poll(&disk->device->controller.io[0], deadline);
}

static const struct block_operations disk_operations = {.submit = disk_submit, .poll = disk_poll};

static void add_node(const char *name, struct block_device *block)
{
    struct node *node = node_new_block(block);
    int error = node ? fs_add_device(name, node) : ERR_NO_MEMORY;
    if (error)
        log_line(LOG_ERROR, "/dev/%s: %s", name, status_text(error));
}

static struct disk *new_disk(struct device *device, const struct nvme_namespace *ns)
{
    struct disk *disk = kcalloc(1, sizeof *disk);
    if (!disk)
        return NULL;
    disk->device = device;
    disk->ns = ns;
    disk->block = (struct block_device){
        .block_size = ns->block_size,
        .block_count = ns->block_count,
        .max_blocks = (uint32_t)MIN(device->controller.max_transfer / ns->block_size,
                                    (size_t)NVME_RW_BLOCKS_MOST),
        .dma_alignment = 4,
        .read_only = ns->write_protected,
        .volatile_cache = device->controller.volatile_cache,
        .operations = &disk_operations,
        .driver = disk,
        .model = device->controller.model,
    };
    return disk;
}

static void add_disk(struct device *device, struct nvme_namespace *ns)
{
    char name[sizeof(((struct block_device *)NULL)->name)];
    snprintf(name, sizeof name, "%sn%u", device->name, ns->id);
    if (ns->metadata_size) {
        log_line(LOG_WARNING, "%s: %u bytes of metadata per block: left out", name,
                 ns->metadata_size);
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
        kfree(disk);
        return;
    }
    ns->context = disk;
    log_line(LOG_NOTE, "%s: %llu blocks of %u bytes", name, (unsigned long long)ns->block_count,
             ns->block_size);
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
    fs_remove_device(disk->block.name);
    if (first == ns)
        fs_remove_device(FIRST_DISK);
    block_unregister(&disk->block);
    disk->retired = true;
    disk->next_retired = disk->device->retired;
    disk->device->retired = disk;
}

static void host_namespace_changed(void *context, struct nvme_namespace *ns,
                                   enum nvme_namespace_change change)
{
    struct device *device = context;
    retire_disk(ns);
    if (change == NVME_NAMESPACE_GONE)
        log_line(LOG_WARNING, "%sn%u: is gone", device->name, ns->id);
    else
        add_disk(device, ns);
}

/* The controller's own node: nothing to read or write, but something to name. */
static const struct node_operations controller_operations;

static void add_controller_node(struct device *device)
{
    struct node *node = node_new(NODE_CHARACTER, &controller_operations, device);
    int error = node ? fs_add_device(device->name, node) : ERR_NO_MEMORY;
    if (error)
        log_line(LOG_ERROR, "/dev/%s: %s", device->name, status_text(error));
}

/* ---- Finding and starting ------------------------------------------------------------------ */

/* The word nvme.data: PRPs or SGLs for all I/O, or what the driver thinks best for each command. */
static enum nvme_data wished_data(void)
{
    static const char *const names[] = {
        [NVME_DATA_AUTO] = "auto", [NVME_DATA_PRP] = "prp", [NVME_DATA_SGL] = "sgl"};
    const char *value;
    long length = cmdline_value("nvme.data", &value);
    for (unsigned i = 0; length >= 0 && i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == (size_t)length && !memcmp(names[i], value, (size_t)length))
            return (enum nvme_data)i;
    if (length >= 0)
        log_line(LOG_WARNING, "nvme.data=%.*s: not auto, prp or sgl", (int)length, value);
    return NVME_DATA_AUTO;
}

static int start(struct device *device)
{
    uint64_t retries = cmdline_number("nvme.retries", 0, RETRIES_MOST, RETRIES);
    const struct nvme_options options = {
        .io_timeout_ms = (unsigned)cmdline_number("nvme.timeout", 1, TIMEOUT_MOST_MS, 0),
        .queue_entries = (unsigned)cmdline_number("nvme.queue_entries", 2, 65536, 0),
        .retries = retries ? (int)retries : -1,
        .data = wished_data(),
        .page_size = (uint32_t)cmdline_number("nvme.page_size", 4096, 1u << 27, DEVICE_PAGE),
        .pci_vendor = device->function->vendor_id,
        .pci_device = device->function->device_id,
    };
    device->registers = pci_bar_map(device->function, 0, REGISTERS_LEAST, &device->registers_size);
    if (!device->registers)
        return ERR_NO_DEVICE;
    pci_command(device->function, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER, 0);
    int error = nvme_start(&device->controller, &device->host, &options);
    if (error) {
        log_line(LOG_ERROR, "%s: does not start: %s", device->name, nvme_error_text(error));
        return ERR_IO;
    }
    device->transfers = kcalloc(IN_FLIGHT_MOST, sizeof *device->transfers);
    if (!device->transfers) {
        nvme_stop(&device->controller);
        return ERR_NO_MEMORY;
    }
    for (unsigned i = 0; i < IN_FLIGHT_MOST; i++) {
        device->transfers[i].next_free = device->free_transfers;
        device->free_transfers = &device->transfers[i];
    }
    return OK;
}

static void discard(struct device *device)
{
    pci_msix_stop(&device->msix);
    if (device->registers)
        paging_unmap((void *)device->registers, device->registers_size);
    kfree(device->transfers);
    kfree(device);
}

static bool add_device(const struct pci_function *function, unsigned number)
{
    struct device *device = kcalloc(1, sizeof *device);
    if (!device)
        return false;
    snprintf(device->name, sizeof device->name, "nvme%u", number);
    device->function = function;
    device->host = host_functions;
    device->host.context = device;
    int error = start(device);
    if (error) {
        discard(device);
        return false;
    }
    list_insert(&devices, &device->node);
    const struct nvme_controller *c = &device->controller;
    log_line(LOG_NOTE,
             "%s: %s, serial %s, firmware %s, %u namespace%s, queue of %u, %zu KiB a command",
             device->name, c->model, c->serial, c->firmware, c->namespace_count,
             c->namespace_count == 1 ? "" : "s", c->io[0].size, c->max_transfer / 1024);
    add_controller_node(device);
    for (struct nvme_namespace *ns = c->namespaces; ns; ns = ns->next)
        add_disk(device, ns);
    device->host.namespace_changed = host_namespace_changed;
    return true;
}

unsigned nvme_devices_start(void)
{
    unsigned number = 0, working = 0;
    LIST_FOR_EACH(node, &pci_functions)
    {
        const struct pci_function *f = CONTAINER_OF(node, struct pci_function, node);
        if (f->class == PCI_CLASS_NVME && f->prog_if == PCI_PROG_IF_NVME)
            working += add_device(f, number++);
    }
    if (!number)
        log_line(LOG_WARNING, "nvme: no controller found");
    return working;
}

void nvme_devices_stop(void)
{
    LIST_FOR_EACH(node, &devices)
    {
        struct device *device = CONTAINER_OF(node, struct device, node);
        nvme_stop(&device->controller);
    }
}

/* ---- For commands of the shell --------------------------------------------------------------- */

static struct device *device_of(const struct nvme_controller *controller)
{
    return CONTAINER_OF(controller, struct device, controller);
}

struct nvme_controller *nvme_device_at(unsigned index)
{
    LIST_FOR_EACH(node, &devices)
    {
        if (index-- == 0)
            return &CONTAINER_OF(node, struct device, node)->controller;
    }
    return NULL;
}

const char *nvme_device_name(const struct nvme_controller *controller)
{
    return device_of(controller)->name;
}

/* By what the node leads to, so that every name of it will do. */
static int node_target(const struct node *node, struct nvme_controller **controller, uint32_t *nsid)
{
    const struct block_device *block = node->type == NODE_BLOCK ? node->data : NULL;
    if (block && block->operations == &disk_operations) {
        const struct disk *disk = block->driver;
        *controller = &disk->device->controller;
        *nsid = disk->ns->id;
        return OK;
    }
    if (node->operations != &controller_operations)
        return ERR_INVALID;
    *controller = &((struct device *)node->data)->controller;
    *nsid = 0;
    return OK;
}

int nvme_device_find(const char *path, struct nvme_controller **controller, uint32_t *nsid)
{
    char in_dev[FS_NAME_MAX + 1];
    struct file *file;
    int status = file_open(path, O_READ, &file);
    if (status == ERR_NOT_FOUND && !strchr(path, '/') && strlen(path) < sizeof in_dev - 5) {
        snprintf(in_dev, sizeof in_dev, "/dev/%s", path);
        status = file_open(in_dev, O_READ, &file);
    }
    if (status != OK)
        return status;
    status = node_target(file->node, controller, nsid);
    file_close(file);
    return status;
}

/* Called by commands, which are not beneath a transfer: nothing is under way on these any more. */
static void free_retired(struct device *device)
{
    for (struct disk *disk = device->retired, *next; disk; disk = next) {
        next = disk->next_retired;
        kfree(disk);
    }
    device->retired = NULL;
}

int nvme_device_execute(struct nvme_controller *controller, bool io, struct nvme_request *request)
{
    free_retired(device_of(controller));
    int error = nvme_execute(io ? &controller->io[0] : &controller->admin, request);
    nvme_check(controller); /* an event may have come with the answer */
    return error;
}

uint32_t nvme_device_register(struct nvme_controller *controller, uint32_t offset)
{
    return host_read32(device_of(controller), offset);
}
