/*
 * I/O commands: Flush, Write, Read, Compare, Write Zeroes, over the part of a
 * namespace that has memory and the part that has none. NVM 3.2.
 */
#include "internal.h"

/* The blocks of one command. */
struct extent {
    const struct nvmevirt_ns *ns;
    uint64_t lba;
    uint64_t blocks;
};

/* The longest run from the start of `extent` that is all backed, or all not: *memory NULL. */
static uint64_t run_length(const struct extent *extent, uint8_t **memory)
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

static bool is_backed(const struct extent *extent)
{
    uint8_t *memory;
    return run_length(extent, &memory) == extent->blocks && memory;
}

static uint16_t transfer(struct nvmevirt *controller, const struct nvmevirt_command *command,
                         struct extent extent, enum nvmevirt_direction direction)
{
    uint32_t block_size = extent.ns->config.block_size;
    struct nvmevirt_walk walk;
    if (direction == NVMEVIRT_FROM_HOST && !is_backed(&extent))
        return SPEC_WRITE_FAULT;
    nvmevirt_walk_start(&walk, controller, command, extent.blocks * block_size);
    while (extent.blocks) {
        uint8_t *memory;
        uint64_t run = run_length(&extent, &memory);
        uint16_t status = nvmevirt_walk_move(&walk, memory, run * block_size, direction);
        if (status)
            return status;
        extent.lba += run;
        extent.blocks -= run;
    }
    return SPEC_SUCCESS;
}

static uint16_t write_zeroes(const struct extent *extent)
{
    uint8_t *memory;
    if (!is_backed(extent))
        return SPEC_WRITE_FAULT;
    run_length(extent, &memory);
    __builtin_memset(memory, 0, extent->blocks * extent->ns->config.block_size);
    return SPEC_SUCCESS;
}

static uint16_t find_extent(struct nvmevirt *controller, const struct nvmevirt_command *command,
                            struct extent *extent)
{
    uint32_t nsid = command->dword[SPEC_DW_NSID];
    extent->ns = nvmevirt_find(controller, nsid);
    extent->lba = nvmevirt_dwords(command, 10);
    extent->blocks = (command->dword[12] & 0xFFFF) + 1ull;
    if (!nsid || nsid > nvmevirt_highest_nsid(controller))
        return SPEC_INVALID_NAMESPACE;
    if (!extent->ns)
        return SPEC_INVALID_FIELD; /* inactive: Base 3.2.1 */
    return SPEC_SUCCESS;
}

static uint16_t flush(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    struct extent extent;
    uint16_t status = SPEC_SUCCESS;
    if (command->dword[SPEC_DW_NSID] != SPEC_NSID_BROADCAST)
        status = find_extent(controller, command, &extent);
    if (!status)
        controller->counters.flushes++;
    return status;
}

static void count_read(struct nvmevirt *controller, const struct extent *extent)
{
    controller->counters.reads++;
    controller->counters.bytes_read += extent->blocks * extent->ns->config.block_size;
}

static void count_write(struct nvmevirt *controller, const struct extent *extent)
{
    controller->counters.writes++;
    controller->counters.bytes_written += extent->blocks * extent->ns->config.block_size;
}

uint16_t nvmevirt_io(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    struct extent extent;
    if (SPEC_GET(SPEC_CC_CSS, controller->cc) == SPEC_CC_CSS_ADMIN_ONLY)
        return SPEC_INVALID_OPCODE;
    if (command->opcode == SPEC_FLUSH)
        return flush(controller, command);

    uint16_t status = find_extent(controller, command, &extent);
    if (status)
        return status;
    if (command->opcode != SPEC_WRITE_ZEROES &&
        nvmevirt_exceeds_mdts(controller, extent.blocks * extent.ns->config.block_size))
        return SPEC_INVALID_FIELD;
    if (extent.lba >= extent.ns->config.blocks ||
        extent.blocks > extent.ns->config.blocks - extent.lba)
        return SPEC_LBA_OUT_OF_RANGE;

    switch (command->opcode) {
    case SPEC_WRITE:
        count_write(controller, &extent);
        return transfer(controller, command, extent, NVMEVIRT_FROM_HOST);
    case SPEC_READ:
        count_read(controller, &extent);
        return transfer(controller, command, extent, NVMEVIRT_TO_HOST);
    case SPEC_COMPARE:
        count_read(controller, &extent);
        return transfer(controller, command, extent, NVMEVIRT_COMPARE);
    case SPEC_WRITE_ZEROES:
        count_write(controller, &extent);
        return write_zeroes(&extent);
    default:
        return SPEC_INVALID_OPCODE;
    }
}
