/* I/O commands of the NVM command set, made from blocks and namespaces. */
#include "internal.h"

int nvme_prepare_rw(struct nvme_request *request, const struct nvme_namespace *ns, bool write,
                    uint64_t lba, uint32_t blocks)
{
    if (blocks == 0 || blocks > NVME_RW_BLOCKS_MOST || ns->metadata_size ||
        lba >= ns->block_count || blocks > ns->block_count - lba ||
        (write && ns->write_protected) ||
        (uint64_t)blocks * ns->block_size > ns->controller->max_transfer)
        return NVME_ERR_INVALID;
    request->command = (struct nvme_command){
        .opcode = write ? NVME_IO_WRITE : NVME_IO_READ,
        .nsid = ns->id,
        .cdw10 = (uint32_t)lba,
        .cdw11 = (uint32_t)(lba >> 32),
        .cdw12 = NVME_SET(NVME_RW_CDW12_NLB, blocks - 1),
    };
    request->data_bytes = (size_t)blocks * ns->block_size;
    return NVME_OK;
}

void nvme_prepare_flush(struct nvme_request *request, const struct nvme_namespace *ns)
{
    request->command = (struct nvme_command){.opcode = NVME_IO_FLUSH, .nsid = ns->id};
    request->data_bytes = 0;
}
