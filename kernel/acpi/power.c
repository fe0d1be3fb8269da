/*
 * FADT: clocks, power-off and reset (ACPI 5.2.9). What to
 * write for power-off stands in the object \_S5 of the DSDT, in AML (ACPI
 * 20.2); of AML we understand just this one package.
 */
#include "kernel/acpi/acpi.h"
#include "kernel/log.h"
#include "kernel/mem/paging.h"
#include "kernel/x86/cpu.h"
#include "lib/bits.h"
#include "lib/string.h"

/* Offsets in the FADT, ACPI 5.2.9. */
#define FADT_DSDT          40
#define FADT_SMI_COMMAND   48
#define FADT_ACPI_ENABLE   52
#define FADT_PM1A_CONTROL  64
#define FADT_PM1B_CONTROL  68
#define FADT_PM_TIMER      76
#define FADT_PM_TIMER_SIZE 91
#define FADT_CENTURY       108
#define FADT_FLAGS         112
#define FADT_RESET         116 /* generic address: space, width, offset, access, address */
#define FADT_RESET_VALUE   128
#define FADT_X_DSDT        140

#define FLAG_TIMER_32_BITS BIT(8)
#define FLAG_RESET         BIT(10)

#define PM1_SCI_ENABLE   BIT(0)
#define PM1_SLEEP_TYPE   0x1c00u
#define PM1_SLEEP_ENABLE BIT(13)

#define AML_NAME_OP    0x08
#define AML_PACKAGE_OP 0x12
#define AML_BYTE       0x0a
#define AML_WORD       0x0b
#define AML_DWORD      0x0c
#define AML_ONE        0x01

#define SPACE_MEMORY 0
#define SPACE_IO     1

static const uint8_t *fadt(void)
{
    static const struct acpi_table *table;
    if (!table)
        table = acpi_find("FACP");
    return (const uint8_t *)table;
}

/* A field of the FADT; 0 where the table is too short to have it. */
static uint64_t field(unsigned offset, unsigned bytes)
{
    uint64_t value = 0;
    const struct acpi_table *table = (const void *)fadt();
    if (table && offset + bytes <= table->length)
        memcpy(&value, fadt() + offset, bytes);
    return value;
}

uint16_t acpi_pm_timer(bool *is_32_bits)
{
    *is_32_bits = field(FADT_FLAGS, 4) & FLAG_TIMER_32_BITS;
    return field(FADT_PM_TIMER_SIZE, 1) == 4 ? (uint16_t)field(FADT_PM_TIMER, 4) : 0;
}

uint8_t acpi_century_register(void)
{
    return (uint8_t)field(FADT_CENTURY, 1);
}

/* One small integer of a package; NULL if it is something else. */
static const uint8_t *integer(const uint8_t *at, const uint8_t *end, unsigned *value)
{
    static const uint8_t extra[] = {[AML_BYTE] = 1, [AML_WORD] = 2, [AML_DWORD] = 4};
    if (at >= end)
        return NULL;
    uint8_t op = *at++;
    if (op <= AML_ONE) {
        *value = op;
        return at;
    }
    if (op >= sizeof extra || !extra[op] || end - at < extra[op])
        return NULL;
    *value = *at;
    return at + extra[op];
}

/* Finds Name (_S5_, Package {a, b, ...}) and takes a and b: SLP_TYPa and SLP_TYPb. */
static bool find_s5(unsigned *type_a, unsigned *type_b)
{
    uint64_t physical = field(FADT_X_DSDT, 8);
    if (!physical)
        physical = field(FADT_DSDT, 4);
    if (!physical)
        return false;
    const struct acpi_table *dsdt = acpi_map(physical);
    if (!dsdt)
        return false;
    const uint8_t *aml = (const uint8_t *)dsdt, *end = aml + dsdt->length;
    for (const uint8_t *at = aml + sizeof *dsdt; end - at > 8; at++) {
        if (memcmp(at, "_S5_", 4) != 0 || at[4] != AML_PACKAGE_OP)
            continue;
        if (at[-1] != AML_NAME_OP && !(at[-2] == AML_NAME_OP && at[-1] == '\\'))
            continue;
        /* Package length (its two top bits count further bytes), element count. */
        const uint8_t *element = at + 5 + (at[5] >> 6) + 2;
        element = integer(element, end, type_a);
        return element && integer(element, end, type_b);
    }
    return false;
}

static void sleep_by(uint16_t port, unsigned type)
{
    if (!port)
        return;
    uint16_t value = in16(port) & (uint16_t) ~(PM1_SLEEP_TYPE | PM1_SLEEP_ENABLE);
    out16(port, (uint16_t)(value | FIELD_SET(PM1_SLEEP_TYPE, type) | PM1_SLEEP_ENABLE));
}

/* ACPI 4.8.2.5: in legacy mode the control registers are not ours until this was asked for. */
static void take_ownership(uint16_t control)
{
    uint8_t enable = (uint8_t)field(FADT_ACPI_ENABLE, 1);
    if (!control || in16(control) & PM1_SCI_ENABLE || !field(FADT_SMI_COMMAND, 4) || !enable)
        return;
    out8((uint16_t)field(FADT_SMI_COMMAND, 4), enable);
    for (unsigned tries = 0; tries < 1000000 && !(in16(control) & PM1_SCI_ENABLE); tries++)
        cpu_pause();
}

void acpi_power_off(void)
{
    unsigned type_a, type_b;
    if (!find_s5(&type_a, &type_b)) {
        log_line(LOG_ERROR, "ACPI: no way to power off: there is no \\_S5 object");
        return;
    }
    take_ownership((uint16_t)field(FADT_PM1A_CONTROL, 4));
    sleep_by((uint16_t)field(FADT_PM1A_CONTROL, 4), type_a);
    sleep_by((uint16_t)field(FADT_PM1B_CONTROL, 4), type_b);
}

void acpi_reset(void)
{
    if (!(field(FADT_FLAGS, 4) & FLAG_RESET))
        return;
    uint64_t address = field(FADT_RESET + 4, 8);
    uint8_t value = (uint8_t)field(FADT_RESET_VALUE, 1);
    if (field(FADT_RESET, 1) == SPACE_IO) {
        out8((uint16_t)address, value);
    } else if (field(FADT_RESET, 1) == SPACE_MEMORY) {
        volatile uint8_t *reg = paging_map(address, 1, MEMORY_DEVICE);
        if (reg)
            *reg = value;
    }
}
