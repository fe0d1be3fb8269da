/* Between the files of this room: raw access to configuration space. */
#ifndef DRIVERS_PCI_CONFIG_H
#define DRIVERS_PCI_CONFIG_H

#include "drivers/pci/pci.h"

/* Calls scan() for every range of buses there is access to. */
void config_buses(void (*scan)(uint16_t segment, uint8_t first_bus, uint8_t last_bus));

/* pci.c: what speaks against accesses to a memory BAR, NULL: nothing. A device may claim anything.
 */
const char *pci_bar_problem(const struct pci_bar *bar);

/* pci.c: takes up the functions on a bus that has room for one device; forgets them. */
void pci_bus_scan(uint16_t segment, uint8_t bus);
void pci_bus_forget(uint16_t segment, uint8_t bus);

#endif
