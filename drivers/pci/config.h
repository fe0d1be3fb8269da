/* Between the files of this room: raw access to configuration space. */
#ifndef DRIVERS_PCI_CONFIG_H
#define DRIVERS_PCI_CONFIG_H

#include "drivers/pci/pci.h"

/* Calls scan() for every range of buses there is access to. */
void config_buses(void (*scan)(uint16_t segment, uint8_t first_bus, uint8_t last_bus));

#endif
