/* See prp_oracle.h. Nothing here is clever, and nothing here is shared with what it judges. */
#include "tests/unit/prp_oracle.h"

size_t prp_segments_join(struct prp_segment *segments, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (n && segments[n - 1].bus + segments[n - 1].length == segments[i].bus)
            segments[n - 1].length += segments[i].length;
        else
            segments[n++] = segments[i];
    }
    return n;
}

static bool store(uint64_t entry, uint64_t *entries, size_t capacity, size_t *count)
{
    if (*count == capacity)
        return false;
    entries[*count] = entry;
    *count += 1;
    return true;
}

bool prp_oracle(uint64_t page_size, const struct prp_segment *segments, size_t segment_count,
                uint64_t *entries, size_t capacity, size_t *entry_count)
{
    uint64_t next = 0; /* the bus address after the last byte so far */
    bool first = true;
    *entry_count = 0;
    for (size_t s = 0; s < segment_count; s++) {
        uint64_t bus = segments[s].bus;
        uint64_t left = segments[s].length;
        if (left && bus + (left - 1) < bus)
            return false; /* beyond the end of all addresses */
        while (left) {
            /* One piece: up to the end of the page or of the segment. */
            uint64_t piece = page_size - bus % page_size;
            if (piece > left)
                piece = left;

            bool starts_page = bus % page_size == 0;
            bool ended_page = next % page_size == 0;
            if (first) {
                if (bus % 4 != 0)
                    return false; /* the offset of PRP1 is a whole number of dwords */
                if (!store(bus, entries, capacity, entry_count))
                    return false;
            } else if (starts_page && ended_page) {
                if (!store(bus, entries, capacity, entry_count))
                    return false;
            } else if (starts_page || ended_page || bus != next) {
                return false; /* a page but the first begun inside, or left before its end */
            }
            first = false;
            bus += piece;
            left -= piece;
            next = bus;
        }
    }
    return true;
}

bool prp_oracle_decode(uint64_t page_size, uint64_t prp1, uint64_t prp2, uint64_t length,
                       bool (*read_qword)(void *context, uint64_t bus, uint64_t *value),
                       void *context, uint64_t *entries, size_t capacity, size_t *entry_count)
{
    *entry_count = 0;
    if (length == 0)
        return true;
    if (prp1 == 0 || prp1 % 4 != 0 || !store(prp1, entries, capacity, entry_count))
        return false;
    uint64_t in_first = page_size - prp1 % page_size;
    if (length <= in_first)
        return prp2 == 0; /* reserved */
    uint64_t pages = (length - in_first + page_size - 1) / page_size;
    if (pages == 1)
        return prp2 != 0 && prp2 % page_size == 0 && store(prp2, entries, capacity, entry_count);

    uint64_t slot = prp2; /* the address of the list entry to look at */
    if (slot == 0 || slot % 8 != 0)
        return false;
    while (pages > 0) {
        uint64_t value;
        bool last_in_page = (slot + 8) % page_size == 0;
        if (!read_qword(context, slot, &value) || value == 0 || value % page_size != 0)
            return false;
        if (last_in_page && pages > 1) {
            slot = value; /* not data: the next page of the list */
            continue;
        }
        if (!store(value, entries, capacity, entry_count))
            return false;
        slot += 8;
        pages--;
    }
    return true;
}
