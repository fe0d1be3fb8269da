/*
 * Commands of the zoned namespace command set (ZNS 3.4). A zone is written from its start to its
 * end, at its write pointer, which only the device knows for sure; all other commands are those of
 * io.c.
 */
#include "internal.h"

static int begin(struct nvme_request *request, const struct nvme_namespace *ns, uint8_t opcode,
                 uint64_t zone)
{
    if (ns->gone)
        return NVME_ERR_GONE;
    if (!ns->zone_blocks)
        return NVME_ERR_NO_SUPPORT;
    if (zone >= ns->block_count || zone % ns->zone_blocks || ns->unusable)
        return NVME_ERR_INVALID;
    request->ns = ns;
    request->ns_changes = ns->changes;
    request->data_bytes = 0;
    request->again_end = 0;
    request->command = (struct nvme_command){
        .opcode = opcode, .nsid = ns->id, .cdw10 = (uint32_t)zone, .cdw11 = (uint32_t)(zone >> 32)};
    return NVME_OK;
}

int nvme_prepare_zone_send(struct nvme_request *request, const struct nvme_namespace *ns,
                           enum nvme_zone_action action, uint64_t zone, bool all)
{
    int error = begin(request, ns, NVME_IO_ZONE_SEND, all ? 0 : zone);
    if (error)
        return error;
    if (ns->write_protected)
        return NVME_ERR_INVALID;
    request->segments = NULL;
    request->segment_count = 0;
    request->command.cdw13 =
        NVME_SET(NVME_ZONE_CDW13_ACTION, (uint32_t)action) | (all ? NVME_ZONE_CDW13_ALL : 0);
    return NVME_OK;
}

int nvme_prepare_zone_report(struct nvme_request *request, const struct nvme_namespace *ns,
                             uint64_t zone, uint8_t states, bool partial, size_t bytes)
{
    int error = begin(request, ns, NVME_IO_ZONE_RECEIVE, zone);
    if (error)
        return error;
    if (bytes < sizeof(struct nvme_zone_report) || bytes % 4 ||
        bytes > ns->controller->max_transfer)
        return NVME_ERR_INVALID;
    request->data_bytes = bytes;
    request->command.cdw12 = (uint32_t)(bytes / 4 - 1);
    request->command.cdw13 = NVME_SET(NVME_ZONE_CDW13_ACTION, NVME_ZONE_REPORT) |
                             NVME_SET(NVME_ZONE_CDW13_STATES, (uint32_t)states) |
                             (partial ? NVME_ZONE_CDW13_PARTIAL : 0);
    return NVME_OK;
}

int nvme_prepare_append(struct nvme_request *request, const struct nvme_namespace *ns,
                        uint64_t zone, uint32_t blocks)
{
    int error = begin(request, ns, NVME_IO_ZONE_APPEND, zone);
    if (error)
        return error;
    if (ns->zone_blocks > 1ULL << 32)
        return NVME_ERR_NO_SUPPORT;
    if (blocks == 0 || blocks > NVME_RW_BLOCKS_MOST || blocks > ns->zone_blocks ||
        (uint64_t)blocks * ns->block_size > ns->controller->limits.append_bytes ||
        ns->metadata_size || ns->write_protected)
        return NVME_ERR_INVALID;
    request->data_bytes = (size_t)blocks * ns->block_size;
    request->command.cdw12 = NVME_SET(NVME_RW_CDW12_NLB, blocks - 1);
    return NVME_OK;
}

uint64_t nvme_appended_lba(const struct nvme_request *request)
{
    const struct nvme_command *command = &request->command;
    uint64_t blocks = NVME_GET(NVME_RW_CDW12_NLB, command->cdw12) + 1ULL;
    uint32_t offset = request->value - command->cdw10;
    if (offset + blocks > request->ns->zone_blocks)
        return UINT64_MAX;
    return (command->cdw10 | (uint64_t)command->cdw11 << 32) + offset;
}
