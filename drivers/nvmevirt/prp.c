/*
 * Physical Region Pages, with every rule of Base 4.1.1 held up: the first entry
 * may start inside a page, at a dword; all others start a page; a list may
 * start inside a page, at a qword, and goes on in another page through its
 * last entry, if and only if more entries are needed than that page holds.
 */
#include "internal.h"

static uint16_t check_entry(struct nvmevirt *controller, const char *name, uint64_t entry,
                            uint64_t forbidden)
{
    if (!entry) {
        nvmevirt_violation(controller, "%s is null", name);
        return SPEC_INVALID_FIELD;
    }
    if (entry & forbidden) {
        nvmevirt_violation(controller, "%s %llx has an invalid offset", name,
                           (unsigned long long)entry);
        return SPEC_PRP_OFFSET_INVALID;
    }
    return SPEC_SUCCESS;
}

/* Maps the entries from `list` to the end of its page, or as many as are needed. */
static uint16_t open_list(struct nvmevirt_walk *walk, uint64_t list)
{
    uint32_t page = nvmevirt_page_size(walk->controller);
    uint64_t needed = (walk->left + page - 1) / page;
    uint64_t room = (page - (list & (page - 1))) / 8;
    walk->list_chained = needed > room;
    walk->list_count = (uint32_t)(walk->list_chained ? room : needed);
    walk->list = nvmevirt_dma(walk->controller, list, walk->list_count * 8u, false, "PRP list");
    return walk->list ? SPEC_SUCCESS : SPEC_DATA_TRANSFER_ERROR;
}

static uint64_t take_entry(struct nvmevirt_walk *walk)
{
    uint64_t entry;
    __builtin_memcpy(&entry, walk->list, sizeof entry);
    walk->list += sizeof entry;
    walk->list_count--;
    return entry;
}

static uint16_t next_from_list(struct nvmevirt_walk *walk, uint64_t *entry)
{
    uint32_t page = nvmevirt_page_size(walk->controller);
    uint16_t status;
    if (!walk->list) {
        status = check_entry(walk->controller, "PRP list pointer", walk->prp2, 7);
        if (!status)
            status = open_list(walk, walk->prp2);
        if (status)
            return status;
    }
    if (walk->list_chained && walk->list_count == 1) {
        uint64_t next = take_entry(walk);
        status = check_entry(walk->controller, "PRP list chain", next, page - 1);
        if (!status)
            status = open_list(walk, next);
        if (status)
            return status;
    }
    *entry = take_entry(walk);
    return check_entry(walk->controller, "PRP list entry", *entry, page - 1);
}

static uint16_t first_page(struct nvmevirt_walk *walk)
{
    uint32_t page = nvmevirt_page_size(walk->controller);
    walk->started = true;
    walk->page = walk->prp1;
    walk->page_left = page - (uint32_t)(walk->prp1 & (page - 1));
    if (walk->page_left >= walk->left && walk->prp2)
        nvmevirt_violation(walk->controller, "PRP2 %llx is reserved: PRP1 has all the data",
                           (unsigned long long)walk->prp2);
    return check_entry(walk->controller, "PRP1", walk->prp1, 3);
}

uint16_t nvmevirt_prp_next(struct nvmevirt_walk *walk)
{
    uint32_t page = nvmevirt_page_size(walk->controller);
    uint16_t status;
    if (!walk->started)
        return first_page(walk);
    if (!walk->list && walk->left <= page) {
        walk->page = walk->prp2;
        status = check_entry(walk->controller, "PRP2", walk->prp2, page - 1);
    } else {
        status = next_from_list(walk, &walk->page);
    }
    walk->page_left = page;
    return status;
}

static bool read_entry(struct nvmevirt *controller, uint64_t bus, uint64_t *entry)
{
    uint64_t page_offset = nvmevirt_page_size(controller) - 1;
    const void *memory = nvmevirt_dma(controller, bus, 8, false, "PRP list");
    if (!memory)
        return false;
    __builtin_memcpy(entry, memory, sizeof *entry);
    return !check_entry(controller, "PRP list entry", *entry, page_offset);
}

bool nvmevirt_list_lookup(struct nvmevirt *controller, uint64_t list, uint32_t index,
                          uint32_t total, uint64_t *page)
{
    uint32_t room = nvmevirt_page_size(controller) / 8;
    while (total > room && index >= room - 1) {
        if (!read_entry(controller, list + (room - 1) * 8u, &list))
            return false;
        index -= room - 1;
        total -= room - 1;
    }
    return read_entry(controller, list + index * 8u, page);
}
