/*
 * What the NVMe driver asks of its host (drivers/nvme/host.h), over PCI, page
 * frames, MSI-X and clock.
 */
#include "kernel/console.h"
#include "kernel/log.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/paging.h"
#include "kernel/nvme/device.h"
#include "kernel/panic.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/interrupts.h"
#include "kernel/x86/rtc.h"
#include "lib/printf.h"
#include "lib/status.h"

uint32_t host_read32(void *context, uint32_t offset)
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

/*
 * Heap and kernel image are contiguous; nothing else may be handed to a device, and of these
 * nothing that the kernel itself may not write to. It knows which memory that is without asking
 * here for the heap, but in a debug build.
 */
#ifdef DEBUG
#define KNOWN_MEMORY 0
#else
#define KNOWN_MEMORY DIRECT_MAP_SIZE
#endif

static uint64_t host_bus_address(void *context, const void *memory, size_t *bytes)
{
    const struct device *device = context;
    uint64_t bus = paging_physical(memory);
    if (!bus)
        *bytes = 0;
    else if (!paging_is_writable(memory, *bytes))
        panic("%s: a device may not be given %zu bytes at %016llx in %s", device->name, *bytes,
              (unsigned long long)memory, paging_describe((uint64_t)memory));
    return bus;
}

static uint64_t host_now(void *context)
{
    (void)context;
    return clock_ns();
}

static uint64_t host_wall_ms(void *context)
{
    (void)context;
    return rtc_time(clock_ns()) / NS_PER_MS;
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
    unsigned count = MIN(device->msix.count, (unsigned)VECTORS_MOST);
    return MIN(wanted, count);
}

/* It has woken one processor; of a vector or a queue that several share, it is for any of them. */
static void take_interrupt(void *argument)
{
    const struct vector *vector = argument;
    vector->handler(vector->argument);
    if (vector->for_several)
        paths_wake_others();
}

/* The vector of the n-th processor's queue comes to that processor. */
static unsigned vector_cpu(unsigned vector)
{
    return vector ? (vector - 1) % cpus_count() : 0;
}

static void set_message(struct device *device, unsigned number)
{
    pci_msix_set(&device->msix, number, apic_message_address(vector_cpu(number)),
                 apic_message_data(device->vectors[number].interrupt));
}

static bool host_attach(void *context, unsigned number, void (*handler)(void *argument),
                        void *argument)
{
    struct device *device = context;
    struct vector *vector = &device->vectors[number];
    if (vector->interrupt) {
        pci_msix_mask(&device->msix, number, true);
        interrupt_release(vector->interrupt);
    }
    *vector = (struct vector){.handler = handler, .argument = argument};
    if (!handler)
        return true;
    int allocated = interrupt_allocate(take_interrupt, vector);
    if (allocated < 0)
        return false;
    vector->interrupt = (unsigned)allocated;
    set_message(device, number);
    return true;
}

static void host_isolate(void *context)
{
    struct device *device = context;
    pci_command(device->function, 0, PCI_COMMAND_BUS_MASTER);
    (void)pci_read16(device->function, PCI_COMMAND); /* writes may be posted: it has arrived */
}

static void host_revive(void *context)
{
    struct device *device = context;
    cpus_hold();
    bool there = pci_restore(device->function);
    if (there)
        pci_enable(device->function);
    cpus_let_go();
    if (!there || !device->msix.table)
        return;
    pci_msix_restart(&device->msix);
    for (unsigned number = 0; number < VECTORS_MOST; number++)
        if (device->vectors[number].interrupt)
            set_message(device, number);
}

static bool host_impatient(void *context)
{
    (void)context;
    return console_interrupted();
}

static void host_exclusive(void *context, bool on)
{
    struct device *device = context;
    if (on) {
        paths_close();
        return;
    }
    if (device->paths) {
        paths_map(device);
        paths_reap(device);
    }
    paths_open();
}

const struct nvme_host host_functions = {
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
    .revive = host_revive,
    .impatient = host_impatient,
    .exclusive = host_exclusive,
    .wall_ms = host_wall_ms,
    .direct_start = DIRECT_MAP,
    .direct_length = KNOWN_MEMORY,
};
