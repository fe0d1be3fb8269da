/* The glue between the NVMe driver and this kernel. */
#ifndef KERNEL_NVME_H
#define KERNEL_NVME_H

/* Starts every NVMe controller on the PCI bus; each namespace becomes a block device and nodes
 * in /dev. Returns how many controllers work. */
unsigned nvme_devices_start(void);

/* Flushes and shuts down all of them, before the power goes. */
void nvme_devices_stop(void);

#endif
