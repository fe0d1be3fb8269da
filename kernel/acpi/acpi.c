/* Finding tables, and reading MCFG and HPET. */
#include "kernel/acpi/acpi.h"

#include "kernel/log.h"
#include "kernel/mem/paging.h"
#include "lib/string.h"

/* ACPI 5.2.5.3 */
struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum;
    uint8_t reserved[3];
} __attribute__((packed));

#define RSDP_V1_LENGTH 20
#define TABLE_LONGEST  (1u << 24)

static const struct acpi_table *root; /* XSDT or RSDT */
static unsigned root_entry_size;

static bool sums_to_zero(const void *table, size_t length)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)table)[i]);
    return sum == 0;
}

const struct acpi_table *acpi_map(uint64_t physical)
{
    struct acpi_table *header = paging_map(physical, sizeof *header, MEMORY_CACHED);
    if (!header)
        return NULL;
    uint32_t length = header->length;
    paging_unmap(header, sizeof *header);
    if (length < sizeof *header || length > TABLE_LONGEST)
        return NULL;
    struct acpi_table *table = paging_map(physical, length, MEMORY_CACHED);
    if (table && !sums_to_zero(table, length)) {
        log_line(LOG_WARNING, "ACPI: table %.4s has a wrong checksum: ignored", table->signature);
        paging_unmap(table, length);
        return NULL;
    }
    return table;
}

void acpi_start(uint64_t physical)
{
    struct rsdp *rsdp = physical ? paging_map(physical, sizeof *rsdp, MEMORY_CACHED) : NULL;
    if (!rsdp || memcmp(rsdp->signature, "RSD PTR ", 8) != 0 ||
        !sums_to_zero(rsdp, RSDP_V1_LENGTH)) {
        log_line(LOG_WARNING, "ACPI: no tables");
        return;
    }
    bool extended = rsdp->revision >= 2 && rsdp->xsdt && sums_to_zero(rsdp, sizeof *rsdp);
    uint64_t table = extended ? rsdp->xsdt : rsdp->rsdt;
    root = table ? acpi_map(table) : NULL;
    root_entry_size = extended ? 8 : 4;
}

const struct acpi_table *acpi_find(const char *signature)
{
    if (!root)
        return NULL;
    const uint8_t *entries = (const uint8_t *)(root + 1);
    unsigned count = (unsigned)((root->length - sizeof *root) / root_entry_size);
    for (unsigned i = 0; i < count; i++) {
        uint64_t physical = 0;
        memcpy(&physical, entries + i * root_entry_size, root_entry_size);
        const struct acpi_table *table = acpi_map(physical);
        if (table && memcmp(table->signature, signature, 4) == 0)
            return table;
        if (table)
            paging_unmap((void *)table, table->length);
    }
    return NULL;
}

/* ---- MCFG and HPET ---- */

struct mcfg {
    struct acpi_table header;
    uint64_t reserved;
    struct {
        uint64_t base;
        uint16_t segment;
        uint8_t first_bus, last_bus;
        uint32_t reserved;
    } __attribute__((packed)) entries[];
} __attribute__((packed));

bool acpi_ecam(unsigned index, struct acpi_ecam *ecam)
{
    static const struct mcfg *table;
    if (!table && !(table = (const void *)acpi_find("MCFG")))
        return false;
    if (table->header.length < sizeof *table ||
        index >= (table->header.length - sizeof *table) / sizeof table->entries[0])
        return false;
    *ecam = (struct acpi_ecam){.base = table->entries[index].base,
                               .segment = table->entries[index].segment,
                               .first_bus = table->entries[index].first_bus,
                               .last_bus = table->entries[index].last_bus};
    return ecam->base && ecam->first_bus <= ecam->last_bus;
}

/* IA-PC HPET Specification 1.0a, 3.2.4: a generic address behind the event timer block id. */
#define HPET_ADDRESS_SPACE 40
#define HPET_ADDRESS       44
#define HPET_LENGTH        56

uint64_t acpi_hpet(void)
{
    const struct acpi_table *table = acpi_find("HPET");
    if (!table || table->length < HPET_LENGTH ||
        ((const uint8_t *)table)[HPET_ADDRESS_SPACE] != 0 /* memory */)
        return 0;
    uint64_t address;
    memcpy(&address, (const uint8_t *)table + HPET_ADDRESS, sizeof address);
    return address;
}
