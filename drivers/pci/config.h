/* Between the files of this room: raw access to configuration space. */
#ifndef DRIVERS_PCI_CONFIG_H
#define DRIVERS_PCI_CONFIG_H

#include "drivers/pci/pci.h"

/* Calls scan() for every root bus there is access to. */
void config_roots(void (*scan)(uint16_t segment, uint8_t bus));

#endif
