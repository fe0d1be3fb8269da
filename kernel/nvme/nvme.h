/*
 * The glue between the NVMe driver and this kernel: starting and stopping, and
 * how a command of the shell gets at a controller behind a node of /dev. To
 * everyone else a namespace is a block device.
 */
#ifndef KERNEL_NVME_NVME_H
#define KERNEL_NVME_NVME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nvme_controller;
struct nvme_request;

/* Starts every NVMe controller on the PCI bus; each namespace becomes a block device and nodes
 * in /dev. */
void nvme_devices_start(void);

/* A function has come, or is about to go: what can be told to the device still arrives. For
 * pci_slots_start(). */
struct pci_function;
void nvme_function_added(const struct pci_function *function);
void nvme_function_removed(const struct pci_function *function);

/* Flushes and shuts down all of them, before the power goes. */
void nvme_devices_stop(void);

/* The index-th controller, in the order of their numbers; NULL behind the last. */
struct nvme_controller *nvme_device_at(unsigned index);

/* "nvme0". */
const char *nvme_device_name(const struct nvme_controller *controller);

/* From keep(true) to keep(false) the memory of a controller stays, though it may go itself: all
 * that is sent to it then ends with NVME_ERR_DEAD. They nest. */
void nvme_devices_keep(bool keep);

/*
 * What a node stands for: a controller ("/dev/nvme0", *nsid is 0) or one of its namespaces
 * ("/dev/nvme0n1"). A name without a slash is looked for in /dev too. The errors are those of
 * file_open(); ERR_INVALID for a file that is neither.
 */
int nvme_device_find(const char *path, struct nvme_controller **controller, uint32_t *nsid);

/*
 * Sends one command to the admin queue or an I/O queue and waits for it; the answer, an error of
 * the driver's, is in the request too. Data is heap memory.
 */
int nvme_device_execute(struct nvme_controller *controller, bool io, struct nvme_request *request);

/* Where it is on the PCI bus: "0000:00:04.0". */
void nvme_device_address(const struct nvme_controller *controller, char *text, size_t size);

/* Resets its NVM subsystem (NSSR), which has to have that: nvme_reset() each of its controllers. */
void nvme_device_subsystem_reset(struct nvme_controller *controller);

/* A register of BAR0, all-ones where there is none. */
uint32_t nvme_device_register(struct nvme_controller *controller, uint32_t offset);

#endif
