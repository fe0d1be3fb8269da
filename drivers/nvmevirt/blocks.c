/*
 * Blocks: the part of a namespace that has memory and the part that has none,
 * and the blocks that cannot be read because the host wanted it so.
 */
#include "internal.h"

uint64_t nvmevirt_run(const struct nvmevirt_extent *extent, uint8_t **memory)
{
    const struct nvmevirt_namespace *config = &extent->ns->config;
    uint64_t end = config->backed_first + config->backed_count;
    uint64_t run = extent->blocks;
    *memory = NULL;
    if (extent->lba < config->backed_first) {
        run = config->backed_first - extent->lba;
    } else if (extent->lba < end) {
        run = end - extent->lba;
        *memory =
            (uint8_t *)config->memory + (extent->lba - config->backed_first) * config->block_size;
    }
    return run < extent->blocks ? run : extent->blocks;
}

bool nvmevirt_is_backed(const struct nvmevirt_extent *extent)
{
    uint8_t *memory;
    return nvmevirt_run(extent, &memory) == extent->blocks && memory;
}

uint16_t nvmevirt_in_range(const struct nvmevirt_extent *extent)
{
    uint64_t size = extent->ns->config.blocks;
    if (extent->lba >= size || extent->blocks > size - extent->lba)
        return SPEC_LBA_OUT_OF_RANGE;
    return SPEC_SUCCESS;
}

/* The part of `extent` that has memory, as bits `first` up to `end`. */
static void find_bits(const struct nvmevirt_extent *extent, uint64_t *first, uint64_t *end)
{
    const struct nvmevirt_namespace *config = &extent->ns->config;
    uint64_t from = extent->lba, to = extent->lba + extent->blocks;
    uint64_t last = config->backed_first + config->backed_count;
    if (from < config->backed_first)
        from = config->backed_first;
    if (to > last)
        to = last;
    *first = from - config->backed_first;
    *end = to > from ? to - config->backed_first : *first;
}

static bool bit_is_set(const struct nvmevirt_ns *ns, uint64_t bit)
{
    return ns->bad[bit / 8] >> bit % 8 & 1;
}

bool nvmevirt_is_bad(const struct nvmevirt_extent *extent)
{
    uint64_t bit, end;
    find_bits(extent, &bit, &end);
    for (; extent->ns->bad_count && bit < end; bit++) {
        if (bit_is_set(extent->ns, bit))
            return true;
    }
    return false;
}

void nvmevirt_mark(const struct nvmevirt_extent *extent, bool bad)
{
    struct nvmevirt_ns *ns = extent->ns;
    uint64_t bit, end;
    find_bits(extent, &bit, &end);
    for (; (bad || ns->bad_count) && bit < end; bit++) {
        if (bit_is_set(ns, bit) == bad)
            continue;
        ns->bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ns->bad_count += bad ? 1 : -1ull;
    }
}

void nvmevirt_clear(struct nvmevirt_extent extent)
{
    nvmevirt_mark(&extent, false);
    nvmevirt_clear_metadata(extent);
    while (extent.blocks) {
        uint8_t *memory;
        uint64_t run = nvmevirt_run(&extent, &memory);
        if (memory)
            __builtin_memset(memory, 0, run * extent.ns->config.block_size);
        extent.lba += run;
        extent.blocks -= run;
    }
}
