/*
 * Configuration space: memory of 4 KiB a function where the MCFG table names
 * such a range (PCI Express 7.2.2), else two I/O ports that reach the first
 * 256 bytes (PCI 3.2.2.3.2). Each range is mapped whole.
 */
#include "drivers/pci/config.h"

#include "kernel/acpi/acpi.h"
#include "kernel/log.h"
#include "kernel/mem/paging.h"
#include "kernel/x86/cpu.h"
#include "lib/bits.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc
#define PORT_ENABLE  BIT(31)
#define PORT_SPACE   256u

#define BUS_BYTES      (1u << 20)
#define FUNCTION_SPACE 4096u
#define ECAM_MOST      8

static struct range {
    struct acpi_ecam ecam;
    uint8_t *window; /* on the buses from the first one on */
} ranges[ECAM_MOST];
static unsigned range_count;

static struct range *range_of(uint16_t segment, uint8_t bus)
{
    for (unsigned i = 0; i < range_count; i++) {
        const struct acpi_ecam *ecam = &ranges[i].ecam;
        if (ecam->segment == segment && bus >= ecam->first_bus && bus <= ecam->last_bus)
            return &ranges[i];
    }
    return NULL;
}

/* Where a function's 4 KiB are; NULL if ECAM does not reach it. */
static volatile uint8_t *ecam_space(const struct pci_function *f)
{
    struct range *range = range_of(f->segment, f->bus);
    if (!range)
        return NULL;
    return range->window + (uint64_t)(f->bus - range->ecam.first_bus) * BUS_BYTES +
           (f->device << 3 | f->function) * FUNCTION_SPACE;
}

static bool select_port(const struct pci_function *f, unsigned offset)
{
    if (f->segment || offset >= PORT_SPACE)
        return false;
    out32(PORT_ADDRESS,
          (uint32_t)(PORT_ENABLE | (uint32_t)f->bus << 16 | (uint32_t)f->device << 11 |
                     (uint32_t)f->function << 8 | (offset & 0xfc)));
    return true;
}

uint32_t pci_read32(const struct pci_function *f, unsigned offset)
{
    volatile uint8_t *space = ecam_space(f);
    if (space)
        return *(volatile uint32_t *)(space + offset);
    return select_port(f, offset) ? in32(PORT_DATA) : UINT32_MAX;
}

uint16_t pci_read16(const struct pci_function *f, unsigned offset)
{
    return (uint16_t)(pci_read32(f, offset & ~3u) >> 8 * (offset & 2));
}

uint8_t pci_read8(const struct pci_function *f, unsigned offset)
{
    return (uint8_t)(pci_read32(f, offset & ~3u) >> 8 * (offset & 3));
}

void pci_write32(const struct pci_function *f, unsigned offset, uint32_t value)
{
    volatile uint8_t *space = ecam_space(f);
    if (space)
        *(volatile uint32_t *)(space + offset) = value;
    else if (select_port(f, offset))
        out32(PORT_DATA, value);
}

/* Not by way of 32 bits: the other half may be the status register, where writing a 1 clears. */
void pci_write16(const struct pci_function *f, unsigned offset, uint16_t value)
{
    volatile uint8_t *space = ecam_space(f);
    if (space)
        *(volatile uint16_t *)(space + offset) = value;
    else if (select_port(f, offset))
        out16((uint16_t)(PORT_DATA + (offset & 2)), value);
}

/* The table's address is that of bus 0, also where the range starts with another. */
static bool map_range(struct range *range)
{
    uint64_t buses = range->ecam.last_bus - range->ecam.first_bus + 1u;
    range->window = paging_map(range->ecam.base + (uint64_t)range->ecam.first_bus * BUS_BYTES,
                               buses * BUS_BYTES, MEMORY_DEVICE);
    if (!range->window)
        log_line(LOG_ERROR, "pci: segment %u cannot be mapped", range->ecam.segment);
    return range->window;
}

void config_buses(void (*scan)(uint16_t segment, uint8_t first_bus, uint8_t last_bus))
{
    struct acpi_ecam ecam;
    for (unsigned i = 0; i < ECAM_MOST && acpi_ecam(i, &ecam); i++) {
        ranges[range_count].ecam = ecam;
        if (map_range(&ranges[range_count]))
            range_count++;
    }
    if (range_count == 0)
        scan(0, 0, 255);
    for (unsigned i = 0; i < range_count; i++)
        scan(ranges[i].ecam.segment, ranges[i].ecam.first_bus, ranges[i].ecam.last_bus);
}
