/*
 * Slots whose device may come and go while the machine runs (PCI Express 6.7).
 * Each root port or switch port that has one is looked at four times a second:
 * a person presses the attention button, or a card is there that was not, or
 * is not there any more. There is nothing in it that needs to be quicker.
 *
 * Room for what comes is the memory window that the firmware has left at the
 * port; a slot that has none stays unused. A card with a bridge that comes is
 * not looked behind; one that goes takes along all that the firmware has found
 * there, slots included.
 */
#include "drivers/pci/config.h"
#include "kernel/idle.h"
#include "kernel/log.h"
#include "kernel/mem/heap.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpus.h"
#include "lib/bits.h"

/* In the capability (PCI Express 7.5.3). */
#define EXPRESS_FLAGS  0x02
#define SLOT           BIT(8)
#define SLOT_ABILITIES 0x14
#define HOT_PLUG       BIT(6)
#define SLOT_CONTROL   0x18
#define INDICATOR      0x0300u
#define INDICATOR_ON   0x0100u
#define INDICATOR_OFF  0x0300u
#define POWER_OFF      0x0400u
#define SLOT_STATUS    0x1a
#define BUTTON         0x0001u
#define CHANGED        0x0008u
#define PRESENT        0x0040u
#define EVENTS         0x011fu /* all that are cleared by writing them */
#define SLOT_BYTES     0x1c    /* of the capability */

/* Of a bridge: its memory window, in MiB. */
#define WINDOW_BASE  0x20
#define WINDOW_LIMIT 0x22
#define WINDOW_MASK  0xfff0u

#define LOOK_NS   (250 * NS_PER_MS)
#define SETTLE_NS (250 * NS_PER_MS) /* from power on to the first access; 100 ms are asked for */

#define LOOKS_MOST 5 /* until something answers, which may take a second (PCI Express 6.6.1) */

struct slot {
    struct list node;
    const struct pci_function *port;
    unsigned capability;
    uint8_t bus;    /* behind it */
    uint8_t last;   /* bus behind all that is behind it */
    bool on;        /* what is in there was handed on */
    uint64_t ready; /* when what has got power may be looked at; 0: nothing waits for that */
    unsigned looks; /* and nothing was there */
};

static struct list slots = LIST_EMPTY(slots);
static void (*tell_added)(const struct pci_function *function);
static void (*tell_removed)(const struct pci_function *function);

static bool is_behind(const struct slot *slot, const struct pci_function *f)
{
    return f->segment == slot->port->segment && f->bus >= slot->bus && f->bus <= slot->last;
}

static void each_function(const struct slot *slot,
                          void (*call)(const struct pci_function *function))
{
    for (struct list *node = pci_functions.next, *next; node != &pci_functions; node = next) {
        const struct pci_function *f = CONTAINER_OF(node, struct pci_function, node);
        next = node->next;
        if (is_behind(slot, f))
            call(f);
    }
}

static void set_power(const struct slot *slot, bool on)
{
    unsigned offset = slot->capability + SLOT_CONTROL;
    unsigned control = pci_read16(slot->port, offset) & ~(INDICATOR | POWER_OFF);
    control |= on ? INDICATOR_ON : INDICATOR_OFF | POWER_OFF;
    cpus_hold();
    pci_write16(slot->port, offset, (uint16_t)control);
    cpus_let_go();
}

/* ---- Coming -------------------------------------------------------------------------------- */

struct window {
    uint64_t next, end;
};

static struct window memory_window(const struct pci_function *port)
{
    uint64_t base = pci_read16(port, WINDOW_BASE) & WINDOW_MASK;
    uint64_t limit = pci_read16(port, WINDOW_LIMIT) & WINDOW_MASK;
    return (struct window){base << 16, !base || limit < base ? 0 : (limit + 0x10) << 16};
}

/* What does not fit gets no address, and whoever wants to map it says so. */
static void give_addresses(struct pci_function *f, struct window *window)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct pci_bar *bar = &f->bars[i];
        if (!bar->size || bar->is_io)
            continue;
        uint64_t at = ROUND_UP(window->next, MAX(bar->size, 4096ul));
        if (bar->size > UINT32_MAX || at + bar->size > window->end)
            continue;
        bar->address = at;
        window->next = at + bar->size;
    }
    pci_restore(f);
}

static void say_coming(const struct pci_function *f)
{
    log_line(LOG_NOTE, "pci: %02x:%02x.%x class %04x %04x:%04x has come", f->bus, f->device,
             f->function, f->class, f->vendor_id, f->device_id);
}

static void bring_in(struct slot *slot)
{
    struct window window = memory_window(slot->port);
    bool any = false;
    cpus_hold();
    pci_bus_scan(slot->port->segment, slot->bus);
    LIST_FOR_EACH(node, &pci_functions)
    {
        struct pci_function *f = CONTAINER_OF(node, struct pci_function, node);
        if (is_behind(slot, f)) {
            give_addresses(f, &window);
            any = true;
        }
    }
    cpus_let_go();
    if (!any && ++slot->looks < LOOKS_MOST)
        return; /* some need longer: the next look is soon enough */
    slot->ready = 0;
    slot->on = true;
    each_function(slot, say_coming);
    each_function(slot, tell_added);
}

/* ---- Going --------------------------------------------------------------------------------- */

static void say_going(const struct pci_function *f)
{
    log_line(LOG_NOTE, "pci: %02x:%02x.%x goes", f->bus, f->device, f->function);
}

/* Slots come behind the one that they are in. */
static void forget_slots_behind(const struct slot *slot)
{
    for (struct list *node = slot->node.next, *next; node != &slots; node = next) {
        struct slot *other = CONTAINER_OF(node, struct slot, node);
        next = node->next;
        if (is_behind(slot, other->port)) {
            list_remove(node);
            kfree(other);
        }
    }
}

static void take_out(struct slot *slot)
{
    each_function(slot, say_going);
    each_function(slot, tell_removed);
    forget_slots_behind(slot);
    for (unsigned bus = slot->bus; bus <= slot->last; bus++)
        pci_bus_forget(slot->port->segment, (uint8_t)bus);
    slot->on = false;
}

/* ---- Looking ------------------------------------------------------------------------------- */

static void look(struct slot *slot, uint64_t now)
{
    unsigned offset = slot->capability + SLOT_STATUS;
    uint16_t status = pci_read16(slot->port, offset);
    if (status & EVENTS)
        pci_write16(slot->port, offset, status & EVENTS);
    bool present = status & PRESENT, changed = status & CHANGED;
    if (slot->on) {
        if (present && !changed && !(status & BUTTON))
            return;
        take_out(slot);
        if (!present || !changed) {
            set_power(slot, false);
            return;
        }
        /* Another card has come in its place since the last look. */
    }
    if (slot->ready) {
        if (!present)
            slot->ready = 0;
        else if (now >= slot->ready)
            bring_in(slot);
    } else if (present && status & (BUTTON | CHANGED)) {
        set_power(slot, true);
        slot->ready = now + SETTLE_NS;
        slot->looks = 0;
    }
}

static uint64_t look_at_all(struct idle_work *work)
{
    static uint64_t next;
    uint64_t now = clock_ns();
    (void)work;
    if (now >= next) {
        next = now + LOOK_NS;
        LIST_FOR_EACH(node, &slots)
        {
            look(CONTAINER_OF(node, struct slot, node), now);
        }
    }
    return next;
}

static bool nothing_pending(struct idle_work *work)
{
    (void)work;
    return false;
}

static void add_slot(const struct pci_function *port)
{
    unsigned capability = pci_capability(port, PCI_CAPABILITY_EXPRESS, 0);
    uint8_t bus = pci_read8(port, PCI_SECONDARY);
    /* Without a number of its own, what is behind it would be looked for beside it. */
    if (!capability || capability > PCI_SPACE - SLOT_BYTES || !bus ||
        !(pci_read16(port, capability + EXPRESS_FLAGS) & SLOT) ||
        !(pci_read32(port, capability + SLOT_ABILITIES) & HOT_PLUG))
        return;
    struct slot *slot = kmalloc(sizeof *slot);
    if (!slot) {
        log_line(LOG_ERROR, "pci: no memory for the slot at %02x:%02x.%x", port->bus, port->device,
                 port->function);
        return;
    }
    unsigned status = capability + SLOT_STATUS;
    *slot = (struct slot){.port = port,
                          .capability = capability,
                          .bus = bus,
                          .last = MAX(bus, pci_read8(port, PCI_SUBORDINATE)),
                          .on = pci_read16(port, status) & PRESENT};
    pci_write16(port, status, EVENTS);
    list_insert(&slots, &slot->node);
}

void pci_slots_start(void (*added)(const struct pci_function *function),
                     void (*removed)(const struct pci_function *function))
{
    static struct idle_work work = {.run = look_at_all, .pending = nothing_pending};
    tell_added = added;
    tell_removed = removed;
    LIST_FOR_EACH(node, &pci_functions)
    {
        const struct pci_function *f = CONTAINER_OF(node, struct pci_function, node);
        if (f->header_type == 1)
            add_slot(f);
    }
    if (!list_is_empty(&slots))
        idle_register(&work);
}
