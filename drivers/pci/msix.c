/* MSI-X: a table of messages in the device's own memory, each with a mask bit (PCI 6.8.2). */
#include "drivers/pci/config.h"
#include "kernel/mem/paging.h"
#include "lib/bits.h"
#include "lib/status.h"

#define MSIX_CONTROL     2 /* in the capability */
#define MSIX_TABLE       4
#define MSIX_BYTES       12      /* of the capability */
#define CONTROL_SIZE     0x07ffu /* 0's based */
#define CONTROL_MASK_ALL 0x4000u
#define CONTROL_ENABLE   0x8000u
#define TABLE_BAR        0x7u

#define ENTRY_WORDS  4 /* address low, address high, data, control */
#define ENTRY_MASKED BIT(0)

int pci_msix_start(struct pci_msix *msix, const struct pci_function *f)
{
    *msix = (struct pci_msix){.function = f};
    msix->capability = pci_capability(f, PCI_CAPABILITY_MSIX, 0);
    if (!msix->capability)
        return ERR_NOT_SUPPORTED;
    if (msix->capability > PCI_SPACE - MSIX_BYTES)
        return ERR_INVALID;
    uint16_t control = pci_read16(f, msix->capability + MSIX_CONTROL);
    uint32_t table = pci_read32(f, msix->capability + MSIX_TABLE);
    uint32_t offset = table & ~TABLE_BAR;
    msix->count = FIELD_GET(CONTROL_SIZE, control) + 1u;

    if ((table & TABLE_BAR) >= PCI_BARS)
        return ERR_INVALID;
    const struct pci_bar *bar = &f->bars[table & TABLE_BAR];
    uint64_t bytes = msix->count * ENTRY_WORDS * sizeof(uint32_t);
    if (pci_bar_problem(bar) || offset > bar->size || bytes > bar->size - offset)
        return ERR_INVALID;
    msix->window = paging_map(bar->address + offset, bytes, MEMORY_DEVICE);
    if (!msix->window)
        return ERR_NO_MEMORY;
    msix->table = msix->window;
    pci_msix_restart(msix);
    return OK;
}

/* Enabled with everything masked, then masked one by one, then let go. */
void pci_msix_restart(struct pci_msix *msix)
{
    const struct pci_function *f = msix->function;
    unsigned offset = msix->capability + MSIX_CONTROL;
    uint16_t control = (uint16_t)(pci_read16(f, offset) | CONTROL_ENABLE | CONTROL_MASK_ALL);
    pci_write16(f, offset, control);
    for (unsigned vector = 0; vector < msix->count; vector++)
        pci_msix_mask(msix, vector, true);
    pci_write16(f, offset, (uint16_t)(control & ~CONTROL_MASK_ALL));
}

void pci_msix_stop(struct pci_msix *msix)
{
    if (!msix->window)
        return;
    unsigned offset = msix->capability + MSIX_CONTROL;
    pci_write16(msix->function, offset,
                (uint16_t)(pci_read16(msix->function, offset) & ~CONTROL_ENABLE));
    paging_unmap(msix->window, msix->count * ENTRY_WORDS * sizeof(uint32_t));
    *msix = (struct pci_msix){0};
}

void pci_msix_set(struct pci_msix *msix, unsigned vector, uint64_t address, uint32_t data)
{
    volatile uint32_t *entry = msix->table + vector * ENTRY_WORDS;
    pci_msix_mask(msix, vector, true); /* no message is half old and half new */
    entry[0] = (uint32_t)address;
    entry[1] = (uint32_t)(address >> 32);
    entry[2] = data;
    pci_msix_mask(msix, vector, false);
}

void pci_msix_mask(struct pci_msix *msix, unsigned vector, bool masked)
{
    volatile uint32_t *control = msix->table + vector * ENTRY_WORDS + 3;
    *control = (*control & ~(uint32_t)ENTRY_MASKED) | (masked ? ENTRY_MASKED : 0);
}
