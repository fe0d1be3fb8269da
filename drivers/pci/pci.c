/* Finding functions, and what every function has: command register, BARs, capabilities. */
#include "drivers/pci/pci.h"

#include "drivers/pci/config.h"
#include "kernel/log.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/paging.h"
#include "lib/bits.h"

#define DEVICES_PER_BUS      32
#define FUNCTIONS_PER_DEVICE 8
#define NO_VENDOR            0xffff
#define MULTIFUNCTION        0x80
#define CLASS_HOST_BRIDGE    0x0600
#define HEADER_BRIDGE        1
#define BARS_BRIDGE          2

#define STATUS_CAPABILITIES BIT(4)
#define CAPABILITIES_MOST   48 /* 192 bytes behind the header, 4 each */
#define CAPABILITIES_FIRST  0x40

#define MSI_CONTROL 2 /* in the capability */
#define MSI_ENABLE  0x0001u

#define BAR_IO           BIT(0)
#define BAR_TYPE         0x6u
#define BAR_TYPE_64      0x4u
#define BAR_PREFETCHABLE BIT(3)
#define BAR_MEMORY_MASK  0xfffffff0u
#define BAR_IO_MASK      0xfffffffcu
#define BAR_MAPPED_MOST  (1ULL << 30) /* bytes; more would only be page tables */

struct list pci_functions = LIST_EMPTY(pci_functions);

/* Which bits of a BAR can be written: those that are not fixed by its size, or for no reason. */
static uint32_t writable_bits(const struct pci_function *f, unsigned offset)
{
    uint32_t value = pci_read32(f, offset);
    pci_write32(f, offset, UINT32_MAX);
    uint32_t bits = pci_read32(f, offset);
    pci_write32(f, offset, 0);
    bits &= ~pci_read32(f, offset);
    pci_write32(f, offset, value);
    return bits;
}

/* Reads and sizes the BAR at `index`; returns how many registers it takes. */
static unsigned read_bar(const struct pci_function *f, unsigned index, bool last,
                         struct pci_bar *bar)
{
    unsigned offset = PCI_BAR0 + 4 * index;
    uint32_t low = pci_read32(f, offset);
    bool is_io = low & BAR_IO;
    bool wide = !is_io && (low & BAR_TYPE) == BAR_TYPE_64 && !last;
    uint32_t mask = is_io ? BAR_IO_MASK : BAR_MEMORY_MASK;
    uint64_t address = low & mask, bits = writable_bits(f, offset) & mask;
    if (wide) {
        address |= (uint64_t)pci_read32(f, offset + 4) << 32;
        bits |= (uint64_t)writable_bits(f, offset + 4) << 32;
    }
    uint64_t size = bits & -bits; /* the lowest writable bit; all above it are */
    *bar = (struct pci_bar){.address = address,
                            .size = (bits + size) & bits ? 0 : size,
                            .is_io = is_io,
                            .is_64_bits = wide,
                            .is_prefetchable = !is_io && (low & BAR_PREFETCHABLE)};
    return wide ? 2 : 1;
}

/* Once, before anybody uses the function: it must not decode meanwhile (PCI 6.2.5.1). */
static void read_bars(struct pci_function *f)
{
    unsigned count = f->header_type == HEADER_BRIDGE ? BARS_BRIDGE : PCI_BARS;
    /* A host bridge that does not decode may cut off memory itself. */
    if (f->header_type > HEADER_BRIDGE || f->class == CLASS_HOST_BRIDGE)
        return;
    uint16_t command = pci_read16(f, PCI_COMMAND);
    pci_command(f, 0, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
    for (unsigned i = 0; i < count;)
        i += read_bar(f, i, i == count - 1, &f->bars[i]);
    pci_write16(f, PCI_COMMAND, command);
}

static void add_function(const struct pci_function *at)
{
    struct pci_function *f = kmalloc(sizeof *f);
    if (!f) {
        log_line(LOG_ERROR, "pci: no memory for %02x:%02x.%x", at->bus, at->device, at->function);
        return;
    }
    *f = *at;
    uint32_t class = pci_read32(f, PCI_REVISION);
    f->device_id = pci_read16(f, PCI_DEVICE);
    f->revision = (uint8_t) class;
    f->prog_if = (uint8_t)(class >> 8);
    f->class = (uint16_t)(class >> 16);
    f->header_type = pci_read8(f, PCI_HEADER_TYPE) & (uint8_t)~MULTIFUNCTION;
    read_bars(f);
    list_insert(&pci_functions, &f->node);
}

/* Function 0 has to be there; the others may have gaps, and are there only if it says so. */
static void scan_device(uint16_t segment, uint8_t bus, uint8_t device)
{
    uint8_t functions = 1;
    for (uint8_t function = 0; function < functions; function++) {
        struct pci_function at = {
            .segment = segment, .bus = bus, .device = device, .function = function};
        at.vendor_id = pci_read16(&at, PCI_VENDOR);
        if (at.vendor_id == NO_VENDOR)
            continue;
        if (function == 0 && pci_read8(&at, PCI_HEADER_TYPE) & MULTIFUNCTION)
            functions = FUNCTIONS_PER_DEVICE;
        add_function(&at);
    }
}

void pci_bus_scan(uint16_t segment, uint8_t bus)
{
    scan_device(segment, bus, 0);
}

void pci_bus_forget(uint16_t segment, uint8_t bus)
{
    for (struct list *node = pci_functions.next, *next; node != &pci_functions; node = next) {
        struct pci_function *f = CONTAINER_OF(node, struct pci_function, node);
        next = node->next;
        if (f->segment == segment && f->bus == bus) {
            list_remove(node);
            kfree(f);
        }
    }
}

/* All buses: those that no bridge leads to belong to further roots, and which these are only ACPI's
 * AML knows. So what bridges claim to lead to need not be believed. */
static void scan_range(uint16_t segment, uint8_t first_bus, uint8_t last_bus)
{
    for (unsigned bus = first_bus; bus <= last_bus; bus++)
        for (uint8_t device = 0; device < DEVICES_PER_BUS; device++)
            scan_device(segment, (uint8_t)bus, device);
}

void pci_start(void)
{
    config_buses(scan_range);
    LIST_FOR_EACH(node, &pci_functions)
    {
        const struct pci_function *f = CONTAINER_OF(node, struct pci_function, node);
        log_line(LOG_NOTE, "pci: %02x:%02x.%x class %04x %04x:%04x", f->bus, f->device, f->function,
                 f->class, f->vendor_id, f->device_id);
    }
}

void pci_command(const struct pci_function *f, uint16_t set, uint16_t clear)
{
    uint16_t command = pci_read16(f, PCI_COMMAND);
    pci_write16(f, PCI_COMMAND, (uint16_t)((command | set) & ~clear));
}

static bool leads_to(const struct pci_function *bridge, const struct pci_function *f)
{
    return bridge->header_type == HEADER_BRIDGE && bridge->segment == f->segment &&
           f->bus > bridge->bus && f->bus >= pci_read8(bridge, PCI_SECONDARY) &&
           f->bus <= pci_read8(bridge, PCI_SUBORDINATE);
}

void pci_enable(const struct pci_function *f)
{
    unsigned msi = pci_capability(f, PCI_CAPABILITY_MSI, 0);
    if (msi)
        pci_write16(f, msi + MSI_CONTROL, pci_read16(f, msi + MSI_CONTROL) & (uint16_t)~MSI_ENABLE);
    pci_command(f, PCI_COMMAND_NO_INTX, 0);
    LIST_FOR_EACH(node, &pci_functions)
    {
        const struct pci_function *other = CONTAINER_OF(node, struct pci_function, node);
        if (other == f || leads_to(other, f))
            pci_command(other, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER, 0);
    }
}

bool pci_restore(const struct pci_function *f)
{
    if (pci_read16(f, PCI_VENDOR) != f->vendor_id)
        return false;
    for (unsigned i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *bar = &f->bars[i];
        if (!bar->address)
            continue;
        pci_write32(f, PCI_BAR0 + 4 * i, (uint32_t)bar->address); /* its low bits are read-only */
        if (bar->is_64_bits)
            pci_write32(f, PCI_BAR0 + 4 * i + 4, (uint32_t)(bar->address >> 32));
    }
    return true;
}

const char *pci_bar_problem(const struct pci_bar *bar)
{
    if (bar->size == 0 || bar->is_io)
        return "is no memory";
    if (bar->address == 0)
        return "was given no address by the firmware";
    if (!IS_ALIGNED(bar->address, bar->size) || !paging_may_be_device(bar->address, bar->size))
        return "is where no device can be";
    return NULL;
}

void *pci_bar_map(const struct pci_function *f, unsigned index, uint64_t least, uint64_t *size)
{
    const struct pci_bar *bar = &f->bars[index];
    const char *problem = pci_bar_problem(bar);
    if (!problem && bar->size < least)
        problem = "is too small";
    *size = MIN(bar->size, BAR_MAPPED_MOST);
    void *window = problem ? NULL : paging_map(bar->address, *size, MEMORY_DEVICE);
    if (!window) {
        log_line(LOG_ERROR, "pci: %02x:%02x.%x: BAR %u %s", f->bus, f->device, f->function, index,
                 problem ? problem : "cannot be mapped");
        return NULL;
    }
    return window;
}

unsigned pci_capability(const struct pci_function *f, uint8_t id, unsigned after)
{
    if (!(pci_read16(f, PCI_STATUS) & STATUS_CAPABILITIES))
        return 0;
    unsigned at = pci_read8(f, after ? after + 1 : PCI_CAPABILITIES) & ~3u;
    for (unsigned i = 0; i < CAPABILITIES_MOST && at >= CAPABILITIES_FIRST; i++) {
        if (!id || pci_read8(f, at) == id)
            return at;
        at = pci_read8(f, at + 1) & ~3u;
    }
    return 0;
}
