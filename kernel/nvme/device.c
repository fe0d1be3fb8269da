/*
 * NVMe controllers on the PCI bus: finding, starting and stopping them, and how
 * a command of the shell gets at one. This folder is the glue between the
 * driver, which knows no kernel, and the kernel, which knows no NVMe.
 */
#include "kernel/nvme/device.h"
#include "kernel/cmdline.h"
#include "kernel/fs/fs.h"
#include "kernel/log.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/paging.h"
#include "kernel/nvme/nvme.h"
#include "lib/printf.h"
#include "lib/status.h"
#include "lib/string.h"

#define REGISTERS_LEAST 0x1010   /* up to the doorbells of one I/O queue pair */
#define TIMEOUT_MOST_MS 86400000 /* a day */
#define DEVICE_PAGE     65536    /* all buffers are contiguous: the fewer PRPs, the better */
#define RETRIES         5
#define RETRIES_MOST    1000

static struct list devices = LIST_EMPTY(devices);
static struct list kept = LIST_EMPTY(kept); /* gone, but somebody may still speak of them */
static unsigned keepers;

static void discard(struct device *device)
{
    kfree(device->paths);
    kfree(device);
}

void device_release(struct device *device)
{
    if (--device->references)
        return;
    if (keepers)
        list_insert(&kept, &device->node);
    else
        discard(device);
}

void nvme_devices_keep(bool keep)
{
    keepers += keep ? 1 : -1u;
    while (!keepers && !list_is_empty(&kept)) {
        struct device *device = CONTAINER_OF(kept.next, struct device, node);
        list_remove(&device->node);
        discard(device);
    }
}

static void node_released(struct node *node)
{
    device_release(node->data);
}

/* The controller's own node: nothing to read or write, but something to name. */
static const struct node_operations controller_operations = {.release = node_released};

static void add_controller_node(struct device *device)
{
    struct node *node = node_new(NODE_CHARACTER, &controller_operations, device);
    device->references += node != NULL;
    int error = node ? fs_add_device(device->name, node) : ERR_NO_MEMORY;
    if (error)
        log_line(LOG_ERROR, "/dev/%s: %s", device->name, status_text(error));
}

/* ---- Finding and starting ------------------------------------------------------------------ */

static const char *const data_words[] = {
    [NVME_DATA_AUTO] = "auto", [NVME_DATA_PRP] = "prp", [NVME_DATA_SGL] = "sgl"};
static const char *const shadow_words[] = {
    [NVME_SHADOW_AUTO] = "auto", [NVME_SHADOW_ON] = "on", [NVME_SHADOW_OFF] = "off"};
static const char *const wait_words[] = {
    [WAIT_HYBRID] = "hybrid", [WAIT_INTERRUPT] = "interrupt", [WAIT_POLL] = "poll"};

/* What the command line wishes. Each processor gets a queue with an interrupt and a polled one. */
static struct nvme_options options_for(const struct device *device)
{
    unsigned retries = (unsigned)cmdline_number("nvme.retries", 0, RETRIES_MOST, RETRIES);
    unsigned queues = (unsigned)cmdline_number("nvme.queues", 1, CPUS_MOST, cpus_count());
    unsigned polled = (unsigned)cmdline_number("nvme.poll_queues", 0, CPUS_MOST, cpus_count());
    return (struct nvme_options){
        .io_queues = queues + polled,
        .polled_queues = polled,
        .io_timeout_ms = (unsigned)cmdline_number("nvme.timeout", 1, TIMEOUT_MOST_MS, 0),
        .queue_entries = (unsigned)cmdline_number("nvme.queue_entries", 2, 65536, 0),
        .retries = retries ? (int)retries : -1,
        .data = (enum nvme_data)cmdline_choice("nvme.data", data_words, ARRAY_SIZE(data_words)),
        .shadow_doorbells =
            (enum nvme_shadow)cmdline_choice("nvme.shadow", shadow_words, ARRAY_SIZE(shadow_words)),
        .page_size = (uint32_t)cmdline_number("nvme.page_size", 4096, 1u << 27, DEVICE_PAGE),
        .pci_vendor = device->function->vendor_id,
        .pci_device = device->function->device_id,
    };
}

static int start(struct device *device)
{
    const struct nvme_options options = options_for(device);
    device->wait = (enum wait_kind)cmdline_choice("nvme.wait", wait_words, ARRAY_SIZE(wait_words));
    device->registers = pci_bar_map(device->function, 0, REGISTERS_LEAST, &device->registers_size);
    if (!device->registers)
        return ERR_NO_DEVICE;
    cpus_hold();
    pci_enable(device->function);
    cpus_let_go();
    int error = nvme_start(&device->controller, &device->host, &options);
    if (error) {
        log_line(LOG_ERROR, "%s: does not start: %s", device->name, nvme_error_text(error));
        return ERR_IO;
    }
    device->paths = kcalloc(MAX(device->controller.io_capacity, 1u), sizeof *device->paths);
    if (!device->paths) {
        nvme_stop(&device->controller);
        return ERR_NO_MEMORY;
    }
    for (unsigned i = 0; i < device->controller.io_capacity; i++)
        device->paths[i].queue = &device->controller.io[i];
    paths_map(device);
    return OK;
}

/* What start() has taken of the function. */
static void let_go(struct device *device)
{
    pci_msix_stop(&device->msix);
    cpus_hold();
    pci_command(device->function, 0, PCI_COMMAND_BUS_MASTER);
    cpus_let_go();
    if (device->registers)
        paging_unmap((void *)device->registers, device->registers_size);
    device->registers_size = 0;
}

/* Deadlines and events, while nothing waits for the device. */
static uint64_t look_after(struct idle_work *work)
{
    return nvme_check(&CONTAINER_OF(work, struct device, idle)->controller);
}

static bool has_event(struct idle_work *work)
{
    return nvme_has_completion(&CONTAINER_OF(work, struct device, idle)->controller.admin);
}

/* In the order of their numbers; `*number` is the next that is free. */
static struct list *place_for(unsigned *number, unsigned least)
{
    struct list *place;
    *number = least;
    for (place = devices.next; place != &devices; place = place->next) {
        unsigned taken = CONTAINER_OF(place, struct device, node)->number;
        if (taken > *number)
            break;
        *number = MAX(*number, taken + 1);
    }
    return place;
}

static void add_device(const struct pci_function *function, unsigned least)
{
    unsigned number;
    struct list *place = place_for(&number, least);
    struct device *device = kcalloc(1, sizeof *device);
    if (!device)
        return;
    device->number = number;
    snprintf(device->name, sizeof device->name, "nvme%u", number);
    device->function = function;
    device->host = host_functions;
    device->host.context = device;
    int error = start(device);
    if (error) {
        let_go(device);
        discard(device);
        return;
    }
    device->references = 1;
    list_insert(place, &device->node);
    const struct nvme_controller *c = &device->controller;
    log_line(LOG_NOTE,
             "%s: %s, serial %s, firmware %s, %u namespace%s, %u queue%s of %u, %zu KiB a command",
             device->name, c->model, c->serial, c->firmware, c->namespace_count,
             c->namespace_count == 1 ? "" : "s", c->io_count, c->io_count == 1 ? "" : "s",
             c->io_count ? c->io[0].size : 0, c->max_transfer / 1024);
    add_controller_node(device);
    for (struct nvme_namespace *ns = c->namespaces; ns; ns = ns->next)
        disk_add(device, ns);
    device->host.namespace_changed = disk_changed;
    device->idle = (struct idle_work){.run = look_after, .pending = has_event};
    idle_register(&device->idle);
}

static bool is_ours(const struct pci_function *f)
{
    return f->class == PCI_CLASS_NVME && f->prog_if == PCI_PROG_IF_NVME;
}

void nvme_devices_start(void)
{
    unsigned number = 0;
    LIST_FOR_EACH(node, &pci_functions)
    {
        const struct pci_function *f = CONTAINER_OF(node, struct pci_function, node);
        if (is_ours(f)) /* one that does not start keeps its number */
            add_device(f, number++);
    }
    if (!number)
        log_line(LOG_WARNING, "nvme: no controller found");
}

/* ---- Coming and going ---------------------------------------------------------------------- */

void nvme_function_added(const struct pci_function *function)
{
    if (is_ours(function))
        add_device(function, 0);
}

/*
 * Whoever has a node of it open keeps what is left of the device, in which no request gets
 * anywhere. Those in flight end here.
 */
static void stop(struct device *device)
{
    device->removed = true;
    paths_close();
    device->host.namespace_changed = NULL;
    disks_retire(device);
    nvme_stop(&device->controller);
    paths_cut(device);
    paths_open();
}

static void remove_device(struct device *device)
{
    list_remove(&device->node);
    idle_unregister(&device->idle);
    fs_remove_device(device->name);
    stop(device);
    let_go(device);
    log_line(LOG_WARNING, "%s: is gone", device->name);
    device_release(device);
}

void nvme_function_removed(const struct pci_function *function)
{
    LIST_FOR_EACH(node, &devices)
    {
        struct device *device = CONTAINER_OF(node, struct device, node);
        if (device->function == function) {
            remove_device(device);
            return;
        }
    }
}

void nvme_devices_stop(void)
{
    LIST_FOR_EACH(node, &devices)
    {
        struct device *device = CONTAINER_OF(node, struct device, node);
        idle_unregister(&device->idle);
        stop(device);
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
    const struct nvme_namespace *ns = node->type == NODE_BLOCK ? disk_namespace(node->data) : NULL;
    if (ns) {
        *controller = ns->controller;
        *nsid = ns->id;
        return OK;
    }
    if (node->operations != &controller_operations)
        return ERR_INVALID;
    if (((struct device *)node->data)->removed)
        return ERR_NO_DEVICE;
    *controller = &((struct device *)node->data)->controller;
    *nsid = 0;
    return OK;
}

/* A namespace that is no disk here, by the name that its node would have. */
static bool find_without_node(const char *name, struct nvme_controller **controller, uint32_t *nsid)
{
    char own[FS_NAME_MAX + 1];
    LIST_FOR_EACH(node, &devices)
    {
        struct device *device = CONTAINER_OF(node, struct device, node);
        for (struct nvme_namespace *ns = device->controller.namespaces; ns; ns = ns->next) {
            snprintf(own, sizeof own, "%sn%u", device->name, ns->id);
            if (device->removed || ns->gone || ns->context || strcmp(name, own))
                continue;
            *controller = &device->controller;
            *nsid = ns->id;
            return true;
        }
    }
    return false;
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
    const char *name = strncmp(path, "/dev/", 5) ? path : path + 5;
    if (status == ERR_NOT_FOUND && find_without_node(name, controller, nsid))
        return OK;
    if (status != OK)
        return status;
    status = node_target(file->node, controller, nsid);
    file_close(file);
    return status;
}

/*
 * What one controller has done to a namespace concerns all of its subsystem. Not all devices tell
 * the others: QEMU 7.2 does not, of a format.
 */
static void look_at_namespaces(uint8_t opcode)
{
    if (opcode != NVME_ADMIN_FORMAT && opcode != NVME_ADMIN_NAMESPACE_ATTACHMENT &&
        opcode != NVME_ADMIN_NAMESPACE_MANAGEMENT && opcode != NVME_ADMIN_SANITIZE)
        return;
    LIST_FOR_EACH(node, &devices)
    {
        nvme_rescan(&CONTAINER_OF(node, struct device, node)->controller);
    }
}

int nvme_device_execute(struct nvme_controller *controller, bool io, struct nvme_request *request)
{
    if (device_of(controller)->removed)
        return NVME_ERR_DEAD;
    /* Nobody else's turn, if the queue is others' too. */
    if (io && !controller->io_capacity)
        return NVME_ERR_NO_SUPPORT;
    const bool shared = io && device_of(controller)->paths[0].shared;
    if (shared)
        paths_close();
    int error = nvme_execute(io ? &controller->io[0] : &controller->admin, request);
    if (shared)
        paths_open();
    if (!io && !error)
        look_at_namespaces(request->command.opcode);
    nvme_check(controller); /* an event may have come with the answer */
    return error;
}

void nvme_device_address(const struct nvme_controller *controller, char *text, size_t size)
{
    const struct pci_function *f = device_of(controller)->function;
    snprintf(text, size, "%04x:%02x:%02x.%x", f->segment, f->bus, f->device, f->function);
}

/* "NVMe" (Base 3.1.3.6) */
#define SUBSYSTEM_RESET 0x4e564d65u

void nvme_device_subsystem_reset(struct nvme_controller *controller)
{
    controller->host->write32(controller->host->context, NVME_REG_NSSR, SUBSYSTEM_RESET);
}

uint32_t nvme_device_register(struct nvme_controller *controller, uint32_t offset)
{
    return host_read32(device_of(controller), offset);
}
