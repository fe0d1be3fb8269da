/*
 * PCI: which functions there are, and access to their configuration space,
 * BARs, capabilities and MSI-X (PCI Local Bus 3.0, PCI Express Base 4.0). Not
 * for interrupt handlers.
 */
#ifndef DRIVERS_PCI_PCI_H
#define DRIVERS_PCI_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/list.h"

/* Offsets in configuration space, PCI 6.1. */
#define PCI_VENDOR       0x00
#define PCI_DEVICE       0x02
#define PCI_COMMAND      0x04
#define PCI_STATUS       0x06
#define PCI_REVISION     0x08
#define PCI_HEADER_TYPE  0x0e
#define PCI_BAR0         0x10
#define PCI_SECONDARY    0x19 /* bridges */
#define PCI_SUBORDINATE  0x1a
#define PCI_SUBSYSTEM    0x2c /* vendor; device behind it */
#define PCI_CAPABILITIES 0x34
#define PCI_SPACE        0x100 /* bytes that have capabilities in them */

#define PCI_COMMAND_IO         0x0001u
#define PCI_COMMAND_MEMORY     0x0002u
#define PCI_COMMAND_BUS_MASTER 0x0004u
#define PCI_COMMAND_NO_INTX    0x0400u

#define PCI_CAPABILITY_MSI     0x05
#define PCI_CAPABILITY_EXPRESS 0x10
#define PCI_CAPABILITY_MSIX    0x11

#define PCI_CLASS_NVME   0x0108
#define PCI_PROG_IF_NVME 0x02

struct pci_bar {
    uint64_t address; /* physical, or an I/O port */
    uint64_t size;    /* bytes; 0: there is no BAR here, or it is the upper half of the last */
    bool is_io, is_64_bits, is_prefetchable;
};

#define PCI_BARS 6

struct pci_function {
    struct list node; /* in pci_functions */
    uint16_t segment;
    uint8_t bus, device, function;
    uint16_t vendor_id, device_id;
    uint16_t class; /* base class << 8 | subclass */
    uint8_t prog_if, revision;
    uint8_t header_type; /* without the multifunction bit: 0 device, 1 bridge */
    struct pci_bar bars[PCI_BARS];
};

/* All functions, by segment, bus, device, function; behind them those that came later. */
extern struct list pci_functions;

/* Finds them all: through ECAM where the firmware names it, else through ports CF8h and CFCh. */
void pci_start(void);

/* Aligned accesses. Reading what is not there gives all-ones. */
uint8_t pci_read8(const struct pci_function *function, unsigned offset);
uint16_t pci_read16(const struct pci_function *function, unsigned offset);
uint32_t pci_read32(const struct pci_function *function, unsigned offset);
void pci_write16(const struct pci_function *function, unsigned offset, uint16_t value);
void pci_write32(const struct pci_function *function, unsigned offset, uint32_t value);

/* Sets and clears bits of the command register. */
void pci_command(const struct pci_function *function, uint16_t set, uint16_t clear);

/* Lets the function decode its memory and reach that of the machine, and the bridges above it pass
 * both on. Pins and MSI, which nobody here takes, are switched off. */
void pci_enable(const struct pci_function *function);

/* Writes the BARs' addresses again, which a reset of the function takes away. False: it is gone. */
bool pci_restore(const struct pci_function *function);

/* Maps a memory BAR for register access, or its first GiB; the size, of at least `least` bytes,
 * comes back in *size.
 * NULL, and a line in the log, if that cannot be. */
void *pci_bar_map(const struct pci_function *function, unsigned index, uint64_t least,
                  uint64_t *size);

/* The offset of the first capability with this id behind `after` (0: the first at all); 0 if there
 * is none. An id of 0 finds any. Ends on lists that loop. */
unsigned pci_capability(const struct pci_function *function, uint8_t id, unsigned after);

/* ---- Slots: PCI Express 6.7 ---- */

/*
 * From now on what is plugged into a slot that allows it is found, given addresses, and handed to
 * added(); removed() is called for what somebody wants to take out, before it loses its power, or
 * for what was torn out. Both are called from idle_run(). After pci_start().
 */
void pci_slots_start(void (*added)(const struct pci_function *function),
                     void (*removed)(const struct pci_function *function));

/* ---- MSI-X: PCI 6.8.2 ---- */

struct pci_msix {
    const struct pci_function *function;
    unsigned capability;
    unsigned count; /* vectors in the table */
    void *window;   /* the table's own mapping */
    volatile uint32_t *table;
};

/* Maps the table, masks every vector, switches MSI-X on. */
int pci_msix_start(struct pci_msix *msix, const struct pci_function *function);
void pci_msix_stop(struct pci_msix *msix);

/* All that pci_msix_start() does to the device, once more: every vector is masked. */
void pci_msix_restart(struct pci_msix *msix);

/* Points a vector at a message and unmasks it. */
void pci_msix_set(struct pci_msix *msix, unsigned vector, uint64_t address, uint32_t data);
void pci_msix_mask(struct pci_msix *msix, unsigned vector, bool masked);

#endif
