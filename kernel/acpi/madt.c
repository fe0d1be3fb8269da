/*
 * MADT (ACPI 5.2.12): a list of entries of many types, of which we read the
 * processors, the I/O APICs and the ISA interrupts that these do not get as
 * they are. Lengths in it are checked before anything behind them is.
 */
#include "kernel/acpi/acpi.h"
#include "lib/bits.h"
#include "lib/string.h"

struct madt {
    struct acpi_table header;
    uint32_t local_apic;
    uint32_t flags;
} __attribute__((packed));

enum {
    MADT_LOCAL_APIC = 0,
    MADT_IO_APIC = 1,
    MADT_OVERRIDE = 2,
    MADT_LOCAL_X2APIC = 9,
};
#define MADT_CPU_ENABLED 1u
#define NO_PROCESSOR     UINT32_MAX

struct madt_entry {
    uint8_t type, length;
    uint8_t bytes[];
};

#define MPS_POLARITY   0x3u
#define MPS_ACTIVE_LOW 0x3u
#define MPS_TRIGGER    0xcu
#define MPS_LEVEL      0xcu

static uint64_t number(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    memcpy(&value, at, bytes);
    return value;
}

/* The next entry behind `entry` (NULL: the first), NULL at the end or where lengths go wrong. */
static const struct madt_entry *madt_next(const struct madt *madt, const struct madt_entry *entry)
{
    const uint8_t *end = (const uint8_t *)madt + madt->header.length;
    const uint8_t *at =
        entry ? (const uint8_t *)entry + entry->length : (const uint8_t *)(madt + 1);
    if (end - at < 2)
        return NULL;
    const struct madt_entry *next = (const void *)at;
    /* What is read from an entry behind these is checked where its type is known. */
    return next->length >= 6 && next->length <= end - at ? next : NULL;
}

static const struct madt *madt(void)
{
    static const struct madt *found;
    if (!found)
        found = (const void *)acpi_find("APIC");
    return found && found->header.length >= sizeof *found ? found : NULL;
}

/* No entry says how many pins there are: the one that begins closest below has it, if any does. */
struct acpi_io_apic acpi_io_apic(uint32_t global_interrupt)
{
    struct acpi_io_apic result = {0};
    const struct madt *table = madt();
    for (const struct madt_entry *e = NULL; table && (e = madt_next(table, e));) {
        if (e->type != MADT_IO_APIC || e->length < 12)
            continue;
        uint32_t base = (uint32_t)number(e->bytes + 6, 4);
        if (base <= global_interrupt && (!result.address || base > result.base))
            result = (struct acpi_io_apic){.address = number(e->bytes + 2, 4), .base = base};
    }
    return result;
}

/* The APIC ID of an entry that stands for a processor in working order (ACPI 5.2.12.2, 5.2.12.12);
 * NO_PROCESSOR for any other. One that could be switched on later ("online capable") is not. */
static uint32_t processor_of(const struct madt_entry *e)
{
    if (e->type == MADT_LOCAL_APIC && e->length >= 8 && number(e->bytes + 2, 4) & MADT_CPU_ENABLED)
        return e->bytes[1] == 0xff ? NO_PROCESSOR : e->bytes[1];
    if (e->type == MADT_LOCAL_X2APIC && e->length >= 16 &&
        number(e->bytes + 6, 4) & MADT_CPU_ENABLED)
        return (uint32_t)number(e->bytes + 2, 4);
    return NO_PROCESSOR;
}

bool acpi_processor(unsigned index, uint32_t *apic_id)
{
    const struct madt *table = madt();
    for (const struct madt_entry *e = NULL; table && (e = madt_next(table, e));) {
        uint32_t id = processor_of(e);
        if (id != NO_PROCESSOR && index-- == 0) {
            *apic_id = id;
            return true;
        }
    }
    return false;
}

struct acpi_isa_route acpi_isa_route(uint8_t irq)
{
    struct acpi_isa_route route = {.global_interrupt = irq}; /* ISA: edge, active high */
    const struct madt *table = madt();
    for (const struct madt_entry *e = NULL; table && (e = madt_next(table, e));) {
        if (e->type != MADT_OVERRIDE || e->length < 10 || e->bytes[1] != irq)
            continue;
        uint64_t flags = number(e->bytes + 6, 2);
        route.global_interrupt = (uint32_t)number(e->bytes + 2, 4);
        route.active_low = (flags & MPS_POLARITY) == MPS_ACTIVE_LOW;
        route.level = (flags & MPS_TRIGGER) == MPS_LEVEL;
    }
    return route;
}
