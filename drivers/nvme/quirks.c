/*
 * What is known of single devices and cannot be read from them. A device is
 * looked up by the PCI vendor and device that the host passes in nvme_options;
 * a host that passes none gets along without. Each entry says what breaks
 * without it. Kept short: only what this driver would trip over.
 */
#include "internal.h"

/* The time that those take that do not like to be asked for CSTS while they reset. */
#define SETTLE_MS 2300

static const struct nvme_quirk quirks[] = {
    /* Seagate Nytro, HGST/WDC SN100 and SN200, Memblaze PBlaze4: a CSTS that is read too early
     * after CC.EN was cleared reads as ready or as all-ones, and the reset seems to have failed. */
    {.vendor = 0x1bb1, .device = 0x0100, .settle_ms = SETTLE_MS},
    {.vendor = 0x1c58, .device = 0x0003, .settle_ms = SETTLE_MS},
    {.vendor = 0x1c58, .device = 0x0023, .settle_ms = SETTLE_MS},
    {.vendor = 0x1c5f, .device = 0x0540, .settle_ms = SETTLE_MS},

    /* Samsung PM1725 and PM1725a: the same, and some say that their queues have one entry, with
     * which no queue can be made. The second one's Write Zeroes cannot be relied upon. */
    {.vendor = 0x144d, .device = 0xa821, .settle_ms = SETTLE_MS, .entries_if_none = 64},
    {.vendor = 0x144d,
     .device = 0xa822,
     .settle_ms = SETTLE_MS,
     .entries_if_none = 64,
     .oncs_cut = NVME_ONCS_WRITE_ZEROES},

    /* Apple, in the MacBook8,1: resets itself and loses data with more than one command in flight,
     * and interrupts by one vector only. */
    {.vendor = 0x106b, .device = 0x2001, .most_entries = 2, .one_vector = true},

    /* O2 Micro 64 GB (Steam Deck): the same with more than one command in flight. */
    {.vendor = 0x1217, .device = 0x8760, .most_entries = 2},

    /* Phison E13: gets stuck with queues longer than 32. */
    {.vendor = 0x1987, .device = 0x5013, .most_entries = 32},

    /* QEMU, under either name: with shadow doorbells a command is left lying now and then. */
    {.vendor = 0x1b36, .device = 0x0010, .shadow_loses = true},
    {.vendor = 0x8086, .device = 0x5845, .shadow_loses = true},

    /* Intel 600P, SK Hynix PC400, Sandisk Skyhawk, Phison E19 and E21: say that they have Write
     * Zeroes, which then fails, takes for ever or leaves other data behind. */
    {.vendor = 0x8086, .device = 0xf1a5, .oncs_cut = NVME_ONCS_WRITE_ZEROES},
    {.vendor = 0x1c5c, .device = 0x1504, .oncs_cut = NVME_ONCS_WRITE_ZEROES},
    {.vendor = 0x15b7, .device = 0x2001, .oncs_cut = NVME_ONCS_WRITE_ZEROES},
    {.vendor = 0x1987, .device = 0x5019, .oncs_cut = NVME_ONCS_WRITE_ZEROES},
    {.vendor = 0x1987, .device = 0x5021, .oncs_cut = NVME_ONCS_WRITE_ZEROES},
};

const struct nvme_quirk *nvme_quirk_find(uint16_t vendor, uint16_t device)
{
    for (unsigned i = 0; i < sizeof quirks / sizeof quirks[0]; i++)
        if (quirks[i].vendor == vendor && quirks[i].device == device)
            return &quirks[i];
    return NULL;
}

void nvme_quirk_cap(const struct nvme_quirk *quirk, uint64_t *cap)
{
    if (!quirk)
        return;
    uint64_t entries = NVME_GET(NVME_CAP_MQES, *cap) + 1;
    if (entries == 1 && quirk->entries_if_none)
        entries = quirk->entries_if_none;
    if (quirk->most_entries && entries > quirk->most_entries)
        entries = quirk->most_entries;
    *cap = (*cap & ~NVME_CAP_MQES) | NVME_SET(NVME_CAP_MQES, entries - 1);
}

void nvme_quirk_identify(const struct nvme_quirk *quirk, struct nvme_identify_controller *data)
{
    if (quirk)
        data->oncs &= (uint16_t)~quirk->oncs_cut;
}
