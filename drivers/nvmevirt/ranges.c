/*
 * I/O commands on many ranges of blocks, which the host lists in memory:
 * Dataset Management and Copy. All ranges are checked before the first is
 * touched. NVM 3.2.2, 3.2.3.
 */
#include "internal.h"

#define DATASET_RANGE   16u
#define DATASET_DISCARD (1u << 2) /* dword 11: Attribute Deallocate */

#define COPY_RANGE  32u
#define COPY_COUNT  0xFFu
#define COPY_FORMAT 0xF00u

struct ranges {
    struct nvmevirt_walk walk;
    uint32_t count;
    bool checked;
};

static uint16_t start(struct ranges *ranges, struct nvmevirt *controller,
                      const struct nvmevirt_command *command, uint32_t size)
{
    ranges->count = (command->dword[10 + (size == COPY_RANGE ? 2 : 0)] & 0xFF) + 1;
    ranges->checked = false;
    return nvmevirt_walk_start(&ranges->walk, controller, command, ranges->count * (uint64_t)size,
                               NVMEVIRT_FROM_HOST);
}

static uint16_t next_dataset(struct ranges *ranges, struct nvmevirt_extent *extent)
{
    uint8_t range[DATASET_RANGE];
    uint32_t length = 0;
    uint16_t status = nvmevirt_walk_move(&ranges->walk, range, sizeof range);
    if (status)
        return status;
    __builtin_memcpy(&length, range + 4, 4);
    __builtin_memcpy(&extent->lba, range + 8, 8);
    extent->blocks = length; /* not 0's based */
    return SPEC_SUCCESS;
}

/* How many blocks of a range the limits leave; `before`: how many all ranges before it have. */
static uint64_t within_limits(const struct nvmevirt_config *config, uint32_t range, uint64_t before,
                              uint64_t blocks)
{
    if ((config->dmrl && range >= config->dmrl) || (config->dmsl && before >= config->dmsl))
        return 0;
    if (config->dmrsl && blocks > config->dmrsl)
        blocks = config->dmrsl;
    if (config->dmsl && blocks > config->dmsl - before)
        blocks = config->dmsl - before;
    return blocks;
}

/* Where ONCS offers the command the limits are no errors (NVM 3.2.3.1). */
static uint16_t check_dataset(const struct nvmevirt_config *config, struct ranges ranges,
                              struct nvmevirt_extent extent)
{
    bool limited = !(config->oncs & NVMEVIRT_ONCS_DATASET);
    uint64_t before = 0;
    for (uint32_t i = 0; i < ranges.count; i++) {
        uint16_t status = next_dataset(&ranges, &extent);
        if (!status && extent.blocks)
            status = nvmevirt_in_range(&extent);
        if (!status && limited && within_limits(config, i, before, extent.blocks) < extent.blocks)
            status = SPEC_SIZE_LIMIT;
        if (status)
            return status;
        before += extent.blocks;
    }
    return SPEC_SUCCESS;
}

uint16_t nvmevirt_dataset(struct nvmevirt *controller, const struct nvmevirt_command *command,
                          struct nvmevirt_ns *ns)
{
    struct ranges ranges;
    struct nvmevirt_extent extent = {.ns = ns};
    bool discard = command->dword[11] & DATASET_DISCARD;
    if (discard && ns->config.read_only)
        return SPEC_WRITE_PROTECTED;
    uint16_t status = start(&ranges, controller, command, DATASET_RANGE);
    if (!status)
        status = check_dataset(&controller->config, ranges, extent);
    if (status || !discard)
        return status; /* the other attributes are hints */
    uint64_t before = 0;
    for (uint32_t i = 0; !status && i < ranges.count; i++) {
        status = next_dataset(&ranges, &extent);
        if (status || nvmevirt_in_range(&extent))
            continue; /* an empty range may start anywhere */
        uint64_t blocks = extent.blocks;
        extent.blocks = within_limits(&controller->config, i, before, blocks);
        before += blocks;
        nvmevirt_clear(extent);
        controller->counters.deallocated += extent.blocks;
    }
    return status;
}

static uint16_t next_source(struct ranges *ranges, struct nvmevirt_extent *extent)
{
    uint8_t range[COPY_RANGE];
    uint16_t last = 0;
    uint16_t status = nvmevirt_walk_move(&ranges->walk, range, sizeof range);
    if (status)
        return status;
    __builtin_memcpy(&extent->lba, range + 8, 8);
    __builtin_memcpy(&last, range + 16, 2);
    extent->blocks = last + 1ull;
    for (unsigned i = 0; !ranges->checked && i < COPY_RANGE; i++) {
        bool reserved = i < 8 || (i >= 18 && i < 24);
        if (reserved && range[i]) {
            nvmevirt_violation(ranges->walk.controller, "Copy: a source range has reserved bytes");
            break;
        }
    }
    return SPEC_SUCCESS;
}

/* *total: the blocks of all sources. */
static uint16_t check_sources(struct nvmevirt *controller, struct ranges ranges,
                              struct nvmevirt_extent source, uint64_t *total)
{
    *total = 0;
    for (uint32_t i = 0; i < ranges.count; i++) {
        uint16_t status = next_source(&ranges, &source);
        if (!status && source.blocks > controller->config.mssrl)
            status = SPEC_SIZE_LIMIT;
        if (!status)
            status = nvmevirt_in_range(&source);
        if (!status && nvmevirt_is_bad(&source))
            status = SPEC_UNRECOVERED_READ;
        if (status)
            return status;
        *total += source.blocks;
    }
    return *total > controller->config.mcl ? SPEC_SIZE_LIMIT : SPEC_SUCCESS;
}

/* `to` is backed and lies in one run. */
static void copy_range(struct nvmevirt_extent from, struct nvmevirt_extent to)
{
    uint32_t block_size = from.ns->config.block_size;
    uint8_t *target;
    for (uint64_t i = 0; from.ns->config.metadata_size && i < from.blocks; i++)
        nvmevirt_copy_metadata(from.ns, from.lba + i, to.lba + i);
    nvmevirt_run(&to, &target);
    while (from.blocks) {
        uint8_t *memory;
        uint64_t run = nvmevirt_run(&from, &memory);
        if (memory)
            __builtin_memmove(target, memory, run * block_size);
        else
            __builtin_memset(target, 0, run * block_size);
        target += run * block_size;
        from.lba += run;
        from.blocks -= run;
    }
}

static uint16_t check_target(const struct nvmevirt_extent *target)
{
    uint16_t status = nvmevirt_in_range(target);
    if (status)
        return status;
    if (target->ns->config.read_only)
        return SPEC_WRITE_PROTECTED;
    status = nvmevirt_zone_write(target);
    if (status)
        return status;
    return nvmevirt_is_backed(target) ? SPEC_SUCCESS : SPEC_WRITE_FAULT;
}

uint16_t nvmevirt_copy(struct nvmevirt *controller, struct nvmevirt_command *command,
                       struct nvmevirt_ns *ns)
{
    struct ranges ranges;
    struct nvmevirt_extent source = {.ns = ns};
    struct nvmevirt_extent target = {.ns = ns, .lba = nvmevirt_dwords(command, 10)};
    if ((command->dword[12] & COPY_FORMAT) || ns->config.protection)
        return SPEC_INVALID_FIELD; /* other ranges, other reference tags: not here */
    if ((command->dword[12] & COPY_COUNT) > controller->config.msrc)
        return SPEC_SIZE_LIMIT;
    uint16_t status = start(&ranges, controller, command, COPY_RANGE);
    if (!status)
        status = check_sources(controller, ranges, source, &target.blocks);
    if (status)
        return status; /* dword 0 stays 0, for nothing was written (NVM 3.2.2.1) */
    status = check_target(&target);
    ranges.checked = true;
    for (uint32_t i = 0; !status && i < ranges.count; i++) {
        status = next_source(&ranges, &source);
        if (status)
            continue;
        target.blocks = source.blocks;
        copy_range(source, target);
        nvmevirt_mark(&target, false);
        nvmevirt_zone_written(&target);
        target.lba += source.blocks;
        controller->counters.copied += source.blocks;
    }
    controller->counters.fua += !status && (command->dword[12] & SPEC_DW12_FUA);
    return status;
}
