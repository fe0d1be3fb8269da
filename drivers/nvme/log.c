/* Log pages (Base 5.16): read in pieces no longer than one command may transfer. */
#include "internal.h"

#define MOST_WITHOUT_NUMDU (0x1000u * 4)

/*
 * The event that a page stands for is kept until its last piece is read, or the device could
 * report the next one, and change the page, in between.
 */
static int read_piece(struct nvme_controller *controller, uint32_t nsid, uint8_t page,
                      uint64_t offset, const struct nvme_segment *piece, bool retain)
{
    uint32_t dwords = (uint32_t)(piece->length / 4 - 1);
    const struct nvme_command command = {
        .opcode = NVME_ADMIN_GET_LOG_PAGE,
        .nsid = nsid,
        .cdw10 = NVME_SET(NVME_LOG_CDW10_LID, (uint32_t)page) |
                 NVME_SET(NVME_LOG_CDW10_NUMDL, dwords & 0xffff) |
                 (retain ? NVME_LOG_CDW10_RAE : 0),
        .cdw11 = NVME_SET(NVME_LOG_CDW11_NUMDU, dwords >> 16),
        .cdw12 = (uint32_t)offset,
        .cdw13 = (uint32_t)(offset >> 32),
    };
    return nvme_admin(controller, &command, piece, NULL, "Get Log Page");
}

int nvme_get_log(struct nvme_controller *controller, uint32_t nsid, uint8_t page, uint64_t offset,
                 void *data, size_t bytes, bool retain)
{
    if (!controller->identify)
        return NVME_ERR_DEAD;
    bool extended = controller->identify->lpa & NVME_LPA_EXTENDED;
    size_t most = controller->max_transfer;
    if (!extended && most > MOST_WITHOUT_NUMDU)
        most = MOST_WITHOUT_NUMDU; /* 12 bits of length, before Base 1.2.1 */
    if (bytes == 0 || bytes % 4 || offset % 4 || offset + bytes < offset)
        return NVME_ERR_INVALID;
    if (!extended && (offset || bytes > most))
        return NVME_ERR_NO_SUPPORT;
    for (size_t at = 0; at < bytes;) {
        struct nvme_segment piece = {.base = (uint8_t *)data + at, .length = bytes - at};
        if (piece.length > most)
            piece.length = most;
        bool last = at + piece.length == bytes;
        int error = read_piece(controller, nsid, page, offset + at, &piece, retain || !last);
        if (error)
            return error;
        at += piece.length;
    }
    return NVME_OK;
}
