/* What the files of this folder share: a controller as this kernel knows it. */
#ifndef KERNEL_NVME_DEVICE_H
#define KERNEL_NVME_DEVICE_H

#include "drivers/nvme/nvme.h"
#include "drivers/pci/pci.h"
#include "kernel/block/block.h"
#include "kernel/idle.h"
#include "kernel/x86/cpus.h"
#include "kernel/x86/spinlock.h"
#include "lib/list.h"

#define VECTORS_MOST (1 + CPUS_MOST) /* the admin queue's, and one for each processor */

/* A queue pair as processors get at it. */
struct path {
    struct nvme_queue *queue;
    struct spinlock lock; /* taken only if several processors share the queue */
    bool shared;
    unsigned in_vain, spins_left_out; /* see patience() */
};

enum wait_kind {
    WAIT_HYBRID,    /* looks again and again for as long as it pays, then sleeps */
    WAIT_INTERRUPT, /* sleeps */
    WAIT_POLL,      /* looks again and again */
};

struct vector {
    unsigned interrupt; /* the processors' vector; 0: not attached */
    bool for_several;   /* it may be meant for another processor than it goes to */
    void (*handler)(void *argument);
    void *argument;
};

struct device {
    struct list node;
    struct idle_work idle;
    unsigned number;
    char name[16]; /* "nvme0" */
    const struct pci_function *function;
    volatile uint8_t *registers;
    uint64_t registers_size;
    struct pci_msix msix;
    struct vector vectors[VECTORS_MOST];
    struct nvme_host host;
    struct nvme_controller controller;
    unsigned references; /* one for being there, one for each disk and for its node */
    bool removed;

    enum wait_kind wait;
    unsigned polls;                     /* by the boot processor */
    struct path *paths;                 /* one for each queue of controller.io */
    struct path *path_of[CPUS_MOST][2]; /* by processor: with interrupts, and polled */

    /* Where all paths lead once it was removed. */
    struct nvme_queue no_queue;
    struct path nowhere;
};

/* A block request on its way through the driver; it lies in the block request itself. */
struct transfer {
    struct nvme_request request; /* its context is its home: see below */
    bool prepared;               /* the request is a read or write as it was before: see fixed */
    struct transfer *next;       /* of those that have ended elsewhere */
    struct nvme_dataset_range range;
};

/* Where a transfer was submitted, and ends; and whether that concerns its block request only, not
 * others with which it goes, nor the disk. One word, so that one look at a request's context tells
 * both, and that it is one of these. */
static inline void *transfer_home(unsigned cpu, bool simple)
{
    return (void *)(2 * (uintptr_t)cpu + 1 + simple);
}

static inline unsigned transfer_cpu(const struct transfer *transfer)
{
    return (unsigned)(((uintptr_t)transfer->request.context - 1) / 2);
}

/* device.c: one user less; without any it is freed. */
void device_release(struct device *device);

/* host.c: all functions of nvme_host but namespace_changed(). */
extern const struct nvme_host host_functions;
uint32_t host_read32(void *context, uint32_t offset);

/* queues.c: which processor uses which queue. After the start, and when queues have come or gone.
 */
void paths_map(struct device *device);

/* The controller was stopped: there is no queue any more. While it is closed. */
void paths_cut(struct device *device);

/* Into the driver and out again, for who submits and takes; it may have to be waited for. The boot
 * processor is who closes. */
void paths_enter_other(unsigned cpu);
void paths_leave_other(unsigned cpu);

static inline void paths_enter(unsigned cpu)
{
    if (cpu != 0)
        paths_enter_other(cpu);
}

static inline void paths_leave(unsigned cpu)
{
    if (cpu != 0)
        paths_leave_other(cpu);
}

/* Around what is done to a path that is shared. */
static inline uint64_t path_lock(struct path *path)
{
    return spin_lock(&path->lock);
}

static inline void path_unlock(struct path *path, uint64_t flags)
{
    spin_unlock(&path->lock, flags);
}

/* Takes what is there in all queues: who submitted may use another by now. While it is closed. */
void paths_reap(struct device *device);

/* As block_operations.poll(). */
void path_poll(struct device *device, uint64_t deadline);

/* The request has ended, and this is where it was submitted. */
void transfer_ended(struct transfer *transfer);

/* The same, on another processor. */
void path_ended_elsewhere(struct transfer *transfer);

/* All of a chain have ended; this is processor `cpu`. */
void requests_ended(struct nvme_request *chain, unsigned cpu);

/* Keeps all other processors out of the driver, and lets them in again; they nest, as several
 * controllers may want that. Boot processor only. */
void paths_close(void);
void paths_open(void);

/* An interrupt has come that may be for another processor. Interrupt context. */
void paths_wake_others(void);

/* disk.c */
void disk_add(struct device *device, struct nvme_namespace *ns);
void disk_changed(void *device, struct nvme_namespace *ns, enum nvme_namespace_change change);
void disks_retire(struct device *device); /* all of them, for good */

/* NULL: the block device is none of ours. */
const struct nvme_namespace *disk_namespace(const struct block_device *block);

#endif
