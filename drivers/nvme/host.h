/*
 * Everything the driver asks of the system it lives in: one struct of
 * functions for each controller. There are no link-time hooks and no globals,
 * so that two hosts and ten controllers fit in one program. Each function gets
 * `context` as its first argument. `board` in the examples is whatever the host
 * has put there.
 *
 * The driver calls them from within its own functions and so in the context of
 * whoever has called those: never from an interrupt handler, never from ready(),
 * and for one controller by one processor at a time, unless it says otherwise
 * below. It holds no lock meanwhile, for it has none. None of them may call the
 * driver back, but for namespace_changed(), and exclusive(false), which may reap
 * what others could not.
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
     * a device that is gone gives all-ones. Called at all times from
     * nvme_start() to nvme_stop(), for doorbells by the processor that owns the
     * queue; not any more once the controller was isolated. May not sleep.
     *
     *     uint32_t read32(void *context, uint32_t offset)
     *     {
     *         struct board *board = context;
     *         return *(volatile uint32_t *)(board->bar0 + offset);
     *     }
     */
    uint32_t (*read32)(void *context, uint32_t offset);
    void (*write32)(void *context, uint32_t offset, uint32_t value);

    /*
     * Bytes that device and processor see alike (coherent), contiguous for the
     * device, aligned to `alignment` (a power of two, 4096 at least). *bus is
     * the address that the device uses. NULL when there is no memory. The
     * contents are arbitrary. dma_free() gets the very address and length.
     *
     * Called while a controller starts, resets or scans its namespaces, by
     * nvme_attach() and nvme_detach(), and dma_free() by nvme_stop() too; never
     * for I/O. May sleep.
     *
     *     void *dma_alloc(void *context, size_t bytes, size_t alignment, uint64_t *bus)
     *     {
     *         void *memory = pages_alloc(bytes, alignment);
     *         if (memory)
     *             *bus = (uintptr_t)memory - DIRECT_MAP;
     *         return memory;
     *     }
     */
    void *(*dma_alloc)(void *context, size_t bytes, size_t alignment, uint64_t *bus);
    void (*dma_free)(void *context, void *memory, size_t bytes);

    /*
     * The bus address of caller's data, or of a byte of dma_alloc()'s, at
     * `memory`. On entry *bytes is the length wanted, on return how much of it
     * is contiguous on the bus from there on; 0 if it has no bus address, which
     * makes nvme_submit() refuse the request with NVME_ERR_INVALID. Called in
     * nvme_submit() only, once or more for each segment, by the processor that
     * owns the queue; not again when a request is repeated, so that the address
     * has to hold until done(). May not sleep: it is in the path of all I/O.
     *
     * Without an IOMMU and with a direct map it is one subtraction, and leaves
     * *bytes alone; where pages are scattered it cuts *bytes at the page's end:
     *
     *     uint64_t bus_address(void *context, const void *memory, size_t *bytes)
     *     {
     *         size_t in_page = (uintptr_t)memory % 4096;
     *         const uint64_t *entry = page_entry(memory);
     *         if (!entry || *bytes > 4096 - in_page)
     *             *bytes = entry ? 4096 - in_page : 0;
     *         return entry ? (*entry & FRAME) + in_page : 0;
     *     }
     */
    uint64_t (*bus_address)(void *context, const void *memory, size_t *bytes);

    /*
     * Nanoseconds from any start, monotonic, the same for all processors.
     * Called for every batch of commands, and in loops: it should be a few instructions.
     *
     *     uint64_t now_ns(void *context)
     *     {
     *         struct board *board = context;
     *         return (unsigned __int128)__rdtsc() * 1000000000 / board->tsc_hz;
     *     }
     */
    uint64_t (*now_ns)(void *context);

    /*
     * Waits until ready(argument) is true or now_ns() reaches `deadline`; may
     * return early. It should sleep: an interrupt of a vector attached below
     * must end the sleep, also when it comes between asking ready() and
     * falling asleep (on x86: ask with interrupts off, then "sti; hlt"). So
     * ready() may be called in any context; it reads memory and nothing else.
     * A host without interrupts asks again and again, with pauses.
     *
     * Called by whatever waits, nvme_poll() and nvme_execute() among it, but not
     * on behalf of a done() that runs in a reset. A host with threads may run
     * others meanwhile, as long as they leave this queue alone.
     *
     *     void wait(void *context, bool (*ready)(void *), void *argument, uint64_t deadline)
     *     {
     *         timer_set(deadline);
     *         for (interrupts_off(); !ready(argument) && now_ns(context) < deadline;
     *              interrupts_off())
     *             interrupts_on_and_halt();
     *         interrupts_on();
     *     }
     */
    void (*wait)(void *context, bool (*ready)(void *argument), void *argument, uint64_t deadline);

    /*
     * One line, no newline; formats: %s %d %u %x %llu %llx %c with widths. The
     * arguments are the driver's until it returns: to be formatted or copied.
     * Called for what is rare, and for the first only of what a broken device
     * could repeat without end; from nvme_reap() and nvme_take() on any processor
     * that uses a queue.
     *
     *     void log(void *context, enum nvme_log_level level, const char *format,
     *              va_list arguments)
     *     {
     *         struct board *board = context;
     *         printf("%s: ", board->name);
     *         vprintf(format, arguments);
     *         putchar('\n');
     *     }
     */
    void (*log)(void *context, enum nvme_log_level level, const char *format, va_list arguments);

    /* ---- Optional: NULL if the host has no such thing ---- */

    /*
     * Interrupt vectors that the driver may use, after which MSI-X is enabled
     * in the device, which has to be before CC.EN is set. Asked for `wanted`,
     * returns how many there are, 0 for none: the driver then polls. Called once,
     * by nvme_start().
     */
    unsigned (*vectors)(void *context, unsigned wanted);

    /*
     * From now on `vector` (0 .. vectors() - 1) calls handler(argument), in
     * interrupt context; false if it cannot. The handler touches nothing but
     * a counter: completions are reaped by whoever waits, so no lock is needed
     * between the two. Attaching NULL detaches; after it the handler does not run
     * any more, on any processor. Called by nvme_start() and by nvme_stop().
     *
     *     bool attach(void *context, unsigned vector, void (*handler)(void *), void *argument)
     *     {
     *         struct board *board = context;
     *         msix_mask(board, vector);
     *         if (handler && !interrupt_handler_set(board->irq[vector], handler, argument))
     *             return false;
     *         if (handler)
     *             msix_unmask(board, vector, board->irq[vector]);
     *         return true;
     *     }
     */
    bool (*attach)(void *context, unsigned vector, void (*handler)(void *argument), void *argument);

    /*
     * Makes it impossible for the device to write memory (PCI: clears Bus
     * Master), from the moment that it returns. Called at most once, when a
     * controller does not stop: by nvme_reset(), nvme_stop() or nvme_start(), or
     * by whatever waits. What the device might still write is then given back,
     * and its registers are not touched any more. Without this function the driver's own memory
     * is kept for ever, and the host has to keep the data of requests that end
     * with NVME_ERR_DEAD from being used again.
     *
     *     void isolate(void *context)
     *     {
     *         struct board *board = context;
     *         pci_write16(board, 0x04, pci_read16(board, 0x04) & ~(1u << 2));
     *     }
     */
    void (*isolate)(void *context);

    /*
     * A reset begins, or has failed and begins again, and somebody may have been at the function
     * behind the driver's back: a function-level reset takes BARs, Bus Master and MSI-X with it.
     * Sees to it that registers can be reached, memory too, and that the attached vectors
     * interrupt. On a device that is gone it does nothing. Without this function such a reset
     * leaves a dead controller.
     *
     *     void revive(void *context)
     *     {
     *         struct board *board = context;
     *         if (pci_read16(board, 0x00) == 0xffff)
     *             return;
     *         pci_write_bars(board);
     *         pci_write16(board, 0x04, pci_read16(board, 0x04) | 6);
     *         msix_write_table(board);
     *     }
     */
    void (*revive)(void *context);

    /*
     * Does nobody want to wait any more (somebody has pressed Ctrl-C)? Asked by every check,
     * about twice a second. As long as the answer is yes, I/O requests are not sent again,
     * and end within a few seconds, if need be by a reset.
     */
    bool (*impatient)(void *context);

    /*
     * The time of day, in milliseconds since 1970 (UTC); 0 if it is not known. A device that dates
     * its logs is told of it whenever it starts. Called by nvme_start() and in a reset.
     *
     *     uint64_t wall_ms(void *context)
     *     {
     *         return clock_realtime_ns() / 1000000;
     *     }
     */
    uint64_t (*wall_ms)(void *context);

    /*
     * A range of memory whose bus addresses are known without asking: that of a byte at
     * direct_start + n is direct_bus + n. bus_address() is asked for all other memory. Length 0:
     * there is none.
     */
    uintptr_t direct_start;
    size_t direct_length;
    uint64_t direct_bus;

    /*
     * For hosts that use queues on several processors. Between exclusive(true) and exclusive(false)
     * no other processor is inside any function that it may call for this controller's queues (see
     * nvme.h): those that are have been waited for, others wait. The driver calls it in pairs, not
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
