/*
 * I/O commands on one run of blocks: Flush, Write, Read, Compare, Verify, Write
 * Zeroes, Write Uncorrectable, Zone Append. NVM 3.2; ZNS 3.4.1.
 */
#include "internal.h"

static bool reads(uint8_t opcode)
{
    return opcode == SPEC_READ || opcode == SPEC_COMPARE || opcode == SPEC_VERIFY;
}

static bool is_about_zones(uint8_t opcode)
{
    return opcode == SPEC_ZONE_SEND || opcode == SPEC_ZONE_RECEIVE || opcode == SPEC_ZONE_APPEND;
}

static uint16_t transfer(struct nvmevirt *controller, const struct nvmevirt_command *command,
                         struct nvmevirt_extent extent, enum nvmevirt_direction direction)
{
    uint32_t block_size = extent.ns->config.block_size;
    struct nvmevirt_walk walk;
    if (extent.ns->config.metadata_size)
        return nvmevirt_move_blocks(controller, command, &extent, direction);
    uint16_t status =
        nvmevirt_walk_start(&walk, controller, command, extent.blocks * block_size, direction);
    while (!status && extent.blocks) {
        uint8_t *memory;
        uint64_t run = nvmevirt_run(&extent, &memory);
        status = nvmevirt_walk_move(&walk, memory, run * block_size);
        extent.lba += run;
        extent.blocks -= run;
    }
    return status;
}

static uint16_t find_namespace(struct nvmevirt *controller, const struct nvmevirt_command *command,
                               struct nvmevirt_ns **ns)
{
    uint32_t nsid = command->dword[SPEC_DW_NSID];
    *ns = nvmevirt_find(controller, nsid);
    if (!nsid || nsid > nvmevirt_highest_nsid(controller))
        return SPEC_INVALID_NAMESPACE;
    if (!*ns)
        return SPEC_INVALID_FIELD; /* inactive: Base 3.2.1.5 */
    if (nvmevirt_is_formatting(controller, nsid))
        return SPEC_FORMAT_IN_PROGRESS;
    return SPEC_SUCCESS;
}

static uint16_t flush(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    struct nvmevirt_ns *ns;
    uint16_t status = SPEC_SUCCESS;
    if (command->dword[SPEC_DW_NSID] != SPEC_NSID_BROADCAST)
        status = find_namespace(controller, command, &ns);
    if (!status)
        controller->counters.flushes++;
    return status;
}

static void count(struct nvmevirt *controller, const struct nvmevirt_command *command,
                  const struct nvmevirt_extent *extent)
{
    struct nvmevirt_counters *counters = &controller->counters;
    uint64_t bytes = extent->blocks * extent->ns->config.block_size;
    if (command->opcode == SPEC_VERIFY) {
        counters->verified += extent->blocks;
        counters->bytes_read += bytes; /* NVM 3.2.5 */
    } else if (command->opcode == SPEC_WRITE_UNCORRECTABLE) {
        counters->made_uncorrectable += extent->blocks;
    } else if (reads(command->opcode)) {
        counters->reads++;
        counters->bytes_read += bytes;
    } else {
        counters->writes++;
        counters->bytes_written += bytes;
    }
    counters->fua +=
        command->opcode != SPEC_WRITE_UNCORRECTABLE && (command->dword[12] & SPEC_DW12_FUA) != 0;
}

/*
 * NVM 4.1.5.4: what moves no data has limits of its own, in the unit of MDTS; where ONCS offers the
 * command they are advice.
 */
static bool exceeds_limit(struct nvmevirt *controller, const struct nvmevirt_command *command,
                          uint64_t bytes)
{
    const struct nvmevirt_config *config = &controller->config;
    uint64_t unit = 4096ull << SPEC_GET(SPEC_CAP_MPSMIN, controller->cap);
    uint8_t limit = config->wusl;
    uint16_t offer = NVMEVIRT_ONCS_WRITE_UNCORRECTABLE;
    if (command->opcode == SPEC_READ || command->opcode == SPEC_WRITE ||
        command->opcode == SPEC_COMPARE || command->opcode == SPEC_ZONE_APPEND)
        return nvmevirt_exceeds_mdts(controller, bytes);
    if (command->opcode == SPEC_VERIFY) {
        limit = config->vsl;
        offer = NVMEVIRT_ONCS_VERIFY;
    } else if (command->opcode == SPEC_WRITE_ZEROES) {
        limit = config->wzsl;
        offer = NVMEVIRT_ONCS_WRITE_ZEROES;
    }
    if ((config->oncs & offer) || !limit || limit > 31 || bytes <= unit << limit)
        return false;
    nvmevirt_violation(controller, "opcode %x of %llx bytes exceeds its limit",
                       (unsigned)command->opcode, (unsigned long long)bytes);
    return true;
}

static uint16_t check(struct nvmevirt *controller, const struct nvmevirt_command *command,
                      const struct nvmevirt_extent *extent)
{
    if (exceeds_limit(controller, command, nvmevirt_transfer_size(extent, command)))
        return SPEC_INVALID_FIELD;
    uint16_t status = nvmevirt_in_range(extent);
    if (!status)
        status = nvmevirt_check_metadata(controller, command, extent);
    if (status)
        return status;
    if (reads(command->opcode)) {
        status = nvmevirt_zone_read(extent);
        return !status && nvmevirt_is_bad(extent) ? SPEC_UNRECOVERED_READ : status;
    }
    if (extent->ns->config.read_only)
        return SPEC_WRITE_PROTECTED;
    status = nvmevirt_zone_write(extent);
    return status || nvmevirt_is_backed(extent) ? status : SPEC_WRITE_FAULT;
}

static uint16_t execute(struct nvmevirt *controller, const struct nvmevirt_command *command,
                        const struct nvmevirt_extent *extent)
{
    uint16_t status;
    switch (command->opcode) {
    case SPEC_WRITE:
    case SPEC_ZONE_APPEND:
        status = transfer(controller, command, *extent, NVMEVIRT_FROM_HOST);
        if (!status)
            nvmevirt_mark(extent, false);
        return status;
    case SPEC_READ:
        return transfer(controller, command, *extent, NVMEVIRT_TO_HOST);
    case SPEC_COMPARE:
        return transfer(controller, command, *extent, NVMEVIRT_COMPARE);
    case SPEC_VERIFY:
        return nvmevirt_verify_blocks(controller, command, extent);
    case SPEC_WRITE_ZEROES:
        nvmevirt_clear(*extent);
        nvmevirt_protect_zeroes(controller, command, extent);
        return SPEC_SUCCESS;
    case SPEC_WRITE_UNCORRECTABLE:
        if (!extent->ns->bad)
            return SPEC_INVALID_OPCODE; /* claimed too late to keep account */
        nvmevirt_mark(extent, true);
        return SPEC_SUCCESS;
    default:
        return SPEC_INVALID_OPCODE;
    }
}

uint16_t nvmevirt_io(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    struct nvmevirt_extent extent = {.lba = nvmevirt_dwords(command, 10),
                                     .blocks = (command->dword[12] & 0xFFFF) + 1ull};
    if (SPEC_GET(SPEC_CC_CSS, controller->cc) == SPEC_CC_CSS_ADMIN_ONLY)
        return SPEC_INVALID_OPCODE;
    if (command->opcode == SPEC_FLUSH)
        return flush(controller, command);

    uint16_t status = find_namespace(controller, command, &extent.ns);
    if (status)
        return status;
    if (command->opcode == SPEC_DATASET)
        return nvmevirt_dataset(controller, command, extent.ns);
    if (command->opcode == SPEC_COPY)
        return nvmevirt_copy(controller, command, extent.ns);
    if (is_about_zones(command->opcode) && !extent.ns->zones)
        return SPEC_INVALID_OPCODE;
    if (command->opcode == SPEC_ZONE_SEND)
        return nvmevirt_zone_send(command, extent.ns);
    if (command->opcode == SPEC_ZONE_RECEIVE)
        return nvmevirt_zone_receive(controller, command, extent.ns);
    if (command->opcode == SPEC_ZONE_APPEND)
        status = nvmevirt_zone_append(controller, command, &extent);
    if (!status)
        status = check(controller, command, &extent);
    if (status)
        return status;
    count(controller, command, &extent);
    status = execute(controller, command, &extent);
    if (!status && !reads(command->opcode))
        nvmevirt_zone_written(&extent);
    return status;
}
