/*
 * Everything the driver asks of the system it lives in: one struct of
 * functions for each controller. There are no link-time hooks and no globals,
 * so that two hosts and ten controllers fit in one program. Each function gets
 * `context` as its first argument.
 *
 * Unless said otherwise a function is called from ordinary context, never from
 * an interrupt handler, and by one processor at a time for one controller.
 */
#ifndef NVME_HOST_H
#define NVME_HOST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nvme_log_level {
    NVME_LOG_ERROR,
    NVME_LOG_WARNING,
    NVME_LOG_NOTE
};

struct nvme_namespace;

enum nvme_namespace_change {
    NVME_NAMESPACE_ADDED,
    NVME_NAMESPACE_GONE,
    NVME_NAMESPACE_CHANGED, /* its size, format or write protection */
};

struct nvme_host {
    void *context;

    /* ---- Required ---- */

    /*
     * One aligned 32-bit access to BAR0 at `offset` bytes, exactly one: not
     * four of a byte, not repeated, not merged. The driver makes two of them
     * for a 64-bit register. A write may not pass earlier stores to DMA memory
     * (x86: uncached mapping; elsewhere: a barrier inside write32). A read from
     * a device that is gone gives all-ones.
     *
     *     uint32_t read32(void *context, uint32_t offset)
     *     {
     *         struct board *b = context;
     *         return *(volatile uint32_t *)(b->bar0 + offset);
     *     }
     */
    uint32_t (*read32)(void *context, uint32_t offset);
    void (*write32)(void *context, uint32_t offset, uint32_t value);

    /*
     * Bytes that device and processor see alike (coherent), contiguous for the
     * device, aligned to `alignment` (a power of two, 4096 at least). *bus is
     * the address that the device uses. NULL when there is no memory. The
     * contents are arbitrary. Called while a controller starts and by admin
     * functions, never for I/O.
     */
    void *(*dma_alloc)(void *context, size_t bytes, size_t alignment, uint64_t *bus);
    void (*dma_free)(void *context, void *memory, size_t bytes);

    /*
     * The bus address of caller's data, or of a byte of dma_alloc()'s, at
     * `memory`. On entry *bytes is the length wanted, on return how much of it
     * is contiguous on the bus from there on; 0 if it has no bus address, which
     * ends the request with NVME_ERR_INVALID. A host without an IOMMU and with
     * a direct map returns one subtraction and leaves *bytes alone; one that
     * maps 4 KiB pages cuts *bytes at the page's end.
     */
    uint64_t (*bus_address)(void *context, const void *memory, size_t *bytes);

    /* Nanoseconds from any start, monotonic. Any context. */
    uint64_t (*now_ns)(void *context);

    /*
     * Waits until ready(argument) is true or now_ns() reaches `deadline`; may
     * return early. It should sleep: an interrupt of a vector attached below
     * must end the sleep, also when it comes between asking ready() and
     * falling asleep (on x86: ask with interrupts off, then "sti; hlt").
     * A host without interrupts asks again and again, with pauses.
     */
    void (*wait)(void *context, bool (*ready)(void *argument), void *argument, uint64_t deadline);

    /* One line, no newline. Formats used: %s %d %u %x %llu %llx %c with widths. Any context. */
    void (*log)(void *context, enum nvme_log_level level, const char *format, va_list arguments);

    /* ---- Optional: NULL if the host has no such thing ---- */

    /*
     * Interrupt vectors that the driver may use, after which MSI-X is enabled
     * in the device, which has to be before CC.EN is set. Asked for `wanted`,
     * returns how many there are, 0 for none: the driver then polls.
     */
    unsigned (*vectors)(void *context, unsigned wanted);

    /*
     * From now on `vector` (0 .. vectors() - 1) calls handler(argument), in
     * interrupt context; false if it cannot. The handler touches nothing but
     * a counter: completions are reaped by whoever waits, so no lock is needed
     * between the two. Attaching NULL detaches.
     */
    bool (*attach)(void *context, unsigned vector, void (*handler)(void *argument), void *argument);

    /*
     * Makes it impossible for the device to write memory (PCI: clears Bus
     * Master). Called when a controller does not stop; what it might still
     * write is then given back. Without this function the driver's own memory
     * is kept for ever, and the host has to keep the data of requests that end
     * with NVME_ERR_DEAD from being used again.
     */
    void (*isolate)(void *context);

    /*
     * For hosts that use queues on several processors. Between exclusive(true) and exclusive(false)
     * no other processor is inside nvme_submit(), nvme_ring() or nvme_reap() of this controller's
     * queues: those that are have been waited for, others wait. The driver calls it in pairs, not
     * nested, on the controller's processor, for a moment every half second and while it resets,
     * scans or stops; done() may then be called for requests of other processors' queues, on this
     * one. NULL: all queues are used by the controller's processor.
     */
    void (*exclusive)(void *context, bool on);

    /*
     * A namespace is not what it was when nvme_start() returned or when this
     * was last called; `ns` says what it is now. Called from nvme_rescan(), and
     * so from whatever waits, and during a reset; what done() may do, this may.
     *
     *     void changed(void *context, struct nvme_namespace *ns,
     *                  enum nvme_namespace_change change)
     *     {
     *         if (change == NVME_NAMESPACE_ADDED)
     *             ns->context = disk_new(context, ns);
     *         else if (change == NVME_NAMESPACE_GONE)
     *             disk_fail_all(ns->context);
     *         else
     *             disk_resize(ns->context, ns->block_size, ns->block_count);
     *     }
     */
    void (*namespace_changed)(void *context, struct nvme_namespace *ns,
                              enum nvme_namespace_change change);
};

#endif
