/*
 * The few things that ACPI tables tell us (ACPI 6.4). Every table's length and
 * checksum is verified before use; a bad one is reported and treated as absent.
 */
#ifndef KERNEL_ACPI_ACPI_H
#define KERNEL_ACPI_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `rsdp` is its physical address, 0 for none. */
void acpi_start(uint64_t rsdp);

/* System description table header, ACPI 5.2.6. */
struct acpi_table {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem[6];
    char oem_table[8];
    uint32_t oem_revision;
    uint32_t creator;
    uint32_t creator_revision;
} __attribute__((packed));

/* A table by its signature, checked and mapped for good; NULL when there is none. */
const struct acpi_table *acpi_find(const char *signature);

/* The table at a physical address, checked and mapped; NULL, and a line in the log, if unsound. */
const struct acpi_table *acpi_map(uint64_t physical);

/* MADT, ACPI 5.2.12: the I/O APIC that has a pin for a global interrupt. */
struct acpi_io_apic {
    uint64_t address; /* of its registers; 0: none */
    uint32_t base;    /* its first global interrupt */
};
struct acpi_io_apic acpi_io_apic(uint32_t global_interrupt);

/* The local APIC ID of the index-th processor in working order, as the table has it: one may be
 * named twice. False behind the last. */
bool acpi_processor(unsigned index, uint32_t *apic_id);

/* Where an ISA interrupt goes (ACPI 5.2.12.5). */
struct acpi_isa_route {
    uint32_t global_interrupt;
    bool active_low, level;
};
struct acpi_isa_route acpi_isa_route(uint8_t irq);

/* MCFG: ECAM ranges (PCI Firmware Specification 3.3, 4.1.2). False behind the last. */
struct acpi_ecam {
    uint64_t base;
    uint16_t segment;
    uint8_t first_bus, last_bus;
};
bool acpi_ecam(unsigned index, struct acpi_ecam *ecam);

/* The HPET's registers, 0 without one. */
uint64_t acpi_hpet(void);

/* The power management timer's I/O port (ACPI 4.8.3.3), 0 without one. */
uint16_t acpi_pm_timer(bool *is_32_bits);

/* Where in CMOS memory the clock's century is, 0: nowhere. */
uint8_t acpi_century_register(void);

/* Leaves the machine: S5, or a reset. Both return only if the machine has no such means. */
void acpi_power_off(void);
void acpi_reset(void);

#endif
