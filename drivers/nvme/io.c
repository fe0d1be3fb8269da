/*
 * I/O commands of the NVM command set (NVM 3.2), made from blocks and
 * namespaces. What cannot succeed is refused here, so that a caller's mistake
 * costs no command and never looks like a failing medium.
 */
#include "internal.h"

/* In 64 bits, and without a sum that could overflow. */
static int check(const struct nvme_namespace *ns, uint64_t lba, uint64_t blocks, bool changes)
{
    if (ns->gone)
        return NVME_ERR_GONE;
    if (blocks == 0 || lba >= ns->block_count || blocks > ns->block_count - lba)
        return NVME_ERR_INVALID;
    return (changes && ns->write_protected) || ns->unusable ? NVME_ERR_INVALID : NVME_OK;
}

static inline void write_command(struct nvme_request *request, const struct nvme_namespace *ns,
                                 uint8_t opcode, uint64_t lba, uint32_t cdw12)
{
    struct nvme_command *command = &request->command;
    request->ns = ns;
    request->ns_changes = ns->changes;
    request->data_bytes = 0;
    request->again_end = 0;
    /* Field by field, since it is cheaper: CID comes when the command is sent. */
    command->opcode = opcode;
    command->flags = 0;
    command->nsid = ns->id;
    command->cdw2 = command->cdw3 = 0;
    command->mptr = command->prp1 = command->prp2 = 0;
    command->cdw10 = (uint32_t)lba;
    command->cdw11 = (uint32_t)(lba >> 32);
    command->cdw12 = cdw12;
    command->cdw13 = command->cdw14 = command->cdw15 = 0;
}

/* The controller makes no protection information for Compare, checks none for Write Zeroes, and all
 * it can do for Verify is to check it: NVM 3.2. */
static uint32_t protection(const struct nvme_namespace *ns, uint8_t opcode)
{
    switch (opcode) {
    case NVME_IO_READ:
    case NVME_IO_WRITE:
        return ns->protection;
    case NVME_IO_WRITE_ZEROES:
        return ns->protection & NVME_RW_CDW12_PRACT;
    case NVME_IO_VERIFY:
        return ns->protection & ~NVME_RW_CDW12_PRACT;
    default:
        return 0;
    }
}

static int prepare_range(struct nvme_request *request, const struct nvme_namespace *ns,
                         uint8_t opcode, uint64_t lba, uint32_t blocks, uint64_t most_bytes)
{
    bool changes = opcode != NVME_IO_READ && opcode != NVME_IO_COMPARE && opcode != NVME_IO_VERIFY;
    int error = check(ns, lba, blocks, changes);
    if (error)
        return error;
    if (blocks > NVME_RW_BLOCKS_MOST || (uint64_t)blocks * ns->block_size > most_bytes)
        return NVME_ERR_INVALID;
    const uint32_t prinfo = protection(ns, opcode);
    write_command(request, ns, opcode, lba, NVME_SET(NVME_RW_CDW12_NLB, blocks - 1) | prinfo);
    if (prinfo && nvme_has_reference_tags(ns))
        request->command.cdw14 = (uint32_t)lba;
    return NVME_OK;
}

/* Reads, writes and compares: the segments are the caller's. */
static NVME_RARE int prepare_transfer(struct nvme_request *request, const struct nvme_namespace *ns,
                                      uint8_t opcode, uint64_t lba, uint32_t blocks)
{
    int error = prepare_range(request, ns, opcode, lba, blocks, ns->controller->max_transfer);
    if (error)
        return error;
    if (blocks > ns->most_blocks)
        return NVME_ERR_INVALID;
    if (ns->metadata_bus)
        request->command.mptr =
            ns->metadata_bus + (opcode == NVME_IO_READ ? NVME_METADATA_BYTES : 0);
    request->data_bytes = (size_t)blocks * ns->block_size;
    return NVME_OK;
}

static int prepare_without_data(struct nvme_request *request, const struct nvme_namespace *ns,
                                uint8_t opcode, uint64_t lba, uint32_t blocks, uint64_t most_bytes)
{
    request->segments = NULL;
    request->segment_count = 0;
    return prepare_range(request, ns, opcode, lba, blocks, most_bytes);
}

int nvme_prepare_rw(struct nvme_request *request, const struct nvme_namespace *ns, bool write,
                    uint64_t lba, uint32_t blocks)
{
    const uint8_t opcode = write ? NVME_IO_WRITE : NVME_IO_READ;
    if (blocks - 1 >= ns->rw_blocks || lba >= ns->block_count || blocks > ns->block_count - lba ||
        (write && ns->write_protected))
        return prepare_transfer(request, ns, opcode, lba, blocks); /* which tells what is wrong */
    write_command(request, ns, opcode, lba, NVME_SET(NVME_RW_CDW12_NLB, blocks - 1));
    request->data_bytes = (size_t)blocks * ns->block_size;
    return NVME_OK;
}

int nvme_prepare_flush(struct nvme_request *request, const struct nvme_namespace *ns)
{
    write_command(request, ns, NVME_IO_FLUSH, 0, 0);
    request->segments = NULL;
    request->segment_count = 0;
    return ns->gone ? NVME_ERR_GONE : NVME_OK;
}

int nvme_prepare_compare(struct nvme_request *request, const struct nvme_namespace *ns,
                         uint64_t lba, uint32_t blocks)
{
    if (!nvme_offers(ns->controller, NVME_ONCS_COMPARE) || ns->protection)
        return NVME_ERR_NO_SUPPORT;
    return prepare_transfer(request, ns, NVME_IO_COMPARE, lba, blocks);
}

int nvme_prepare_write_zeroes(struct nvme_request *request, const struct nvme_namespace *ns,
                              uint64_t lba, uint32_t blocks, bool deallocate)
{
    if (!nvme_offers(ns->controller, NVME_ONCS_WRITE_ZEROES))
        return NVME_ERR_NO_SUPPORT;
    int error = prepare_without_data(request, ns, NVME_IO_WRITE_ZEROES, lba, blocks,
                                     ns->controller->limits.zeroes_bytes);
    if (!error && deallocate)
        request->command.cdw12 |= NVME_RW_CDW12_DEAC;
    return error;
}

int nvme_prepare_verify(struct nvme_request *request, const struct nvme_namespace *ns, uint64_t lba,
                        uint32_t blocks)
{
    if (!nvme_offers(ns->controller, NVME_ONCS_VERIFY))
        return NVME_ERR_NO_SUPPORT;
    return prepare_without_data(request, ns, NVME_IO_VERIFY, lba, blocks,
                                ns->controller->limits.verify_bytes);
}

int nvme_prepare_write_uncorrectable(struct nvme_request *request, const struct nvme_namespace *ns,
                                     uint64_t lba, uint32_t blocks)
{
    if (!nvme_offers(ns->controller, NVME_ONCS_WRITE_UNCORRECTABLE))
        return NVME_ERR_NO_SUPPORT;
    return prepare_without_data(request, ns, NVME_IO_WRITE_UNCORRECTABLE, lba, blocks,
                                ns->controller->limits.uncorrectable_bytes);
}

static void set_array(struct nvme_request *request, void *array, size_t bytes)
{
    request->array = (struct nvme_segment){.base = array, .length = bytes};
    request->segments = &request->array;
    request->segment_count = 1;
    request->data_bytes = bytes;
}

int nvme_prepare_dataset(struct nvme_request *request, const struct nvme_namespace *ns,
                         uint32_t attributes, struct nvme_dataset_range *ranges, unsigned count)
{
    const struct nvme_limits *limits = &ns->controller->limits;
    if (!nvme_offers(ns->controller, NVME_ONCS_DATASET))
        return NVME_ERR_NO_SUPPORT;
    if (count == 0 || count > NVME_DATASET_RANGES || count > limits->dataset_ranges)
        return NVME_ERR_INVALID;
    uint64_t total = 0;
    for (unsigned i = 0; i < count; i++) {
        int error =
            check(ns, ranges[i].lba, ranges[i].blocks, attributes & NVME_DATASET_DEALLOCATE);
        if (error)
            return error;
        if (ranges[i].blocks > limits->dataset_range_blocks)
            return NVME_ERR_INVALID;
        total += ranges[i].blocks;
    }
    if (total > limits->dataset_blocks)
        return NVME_ERR_INVALID;
    write_command(request, ns, NVME_IO_DATASET, 0, 0);
    request->command.cdw10 = count - 1;
    request->command.cdw11 = attributes;
    set_array(request, ranges, count * sizeof *ranges);
    return NVME_OK;
}

int nvme_prepare_copy(struct nvme_request *request, const struct nvme_namespace *ns, uint64_t lba,
                      struct nvme_copy_range *ranges, unsigned count)
{
    if (!nvme_offers(ns->controller, NVME_ONCS_COPY) || ns->protection)
        return NVME_ERR_NO_SUPPORT;
    if (count == 0 || count > ns->copy_ranges)
        return NVME_ERR_INVALID;
    uint64_t total = 0;
    for (unsigned i = 0; i < count; i++) {
        uint32_t blocks = ranges[i].blocks + 1u;
        int error = check(ns, ranges[i].lba, blocks, false);
        if (error)
            return error;
        if (blocks > ns->copy_range_blocks)
            return NVME_ERR_INVALID;
        total += blocks;
    }
    int error = check(ns, lba, total, true);
    if (error)
        return error;
    if (total > ns->copy_blocks)
        return NVME_ERR_INVALID;
    write_command(request, ns, NVME_IO_COPY, lba, count - 1);
    set_array(request, ranges, count * sizeof *ranges);
    return NVME_OK;
}
