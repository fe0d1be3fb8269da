/*
 * Moving data: between the model's memory and wherever a command's PRPs or its
 * SGL say, piece by piece.
 */
#include "internal.h"

#define HOST_PAGE 4096u /* no piece crosses one, however large the SGL block */

uint16_t nvmevirt_walk_start(struct nvmevirt_walk *walk, struct nvmevirt *controller,
                             const struct nvmevirt_command *command, uint64_t length,
                             enum nvmevirt_direction direction)
{
    *walk = (struct nvmevirt_walk){
        .controller = controller,
        .direction = direction,
        .left = length,
        .prp1 = nvmevirt_dwords(command, SPEC_DW_PRP1),
        .prp2 = nvmevirt_dwords(command, SPEC_DW_PRP2),
        .uses_sgl = command->dword[0] & SPEC_CDW0_PSDT,
    };
    if (!walk->uses_sgl)
        return SPEC_SUCCESS;
    controller->counters.sgl++;
    nvmevirt_sgl_start(&walk->sgl, controller, command, direction == NVMEVIRT_TO_HOST);
    uint16_t status = nvmevirt_sgl_check(walk->sgl, length);
    walk->sgl.checked = true;
    return status;
}

static uint16_t next_block(struct nvmevirt_walk *walk)
{
    struct nvmevirt_block block;
    do {
        if (!nvmevirt_sgl_more(&walk->sgl))
            return SPEC_SGL_LENGTH_INVALID; /* it was longer when it was checked */
        uint16_t status = nvmevirt_sgl_next(&walk->sgl, &block);
        if (status)
            return status;
    } while (!block.length);
    walk->page = block.bus;
    walk->page_left = block.length;
    walk->bucket = block.bucket;
    return SPEC_SUCCESS;
}

static uint32_t piece_length(const struct nvmevirt_walk *walk, uint64_t length)
{
    uint64_t piece = length < walk->page_left ? length : walk->page_left;
    uint64_t room = HOST_PAGE - walk->page % HOST_PAGE;
    if (walk->uses_sgl && piece > room)
        piece = room;
    return (uint32_t)piece;
}

static bool differs(const uint8_t *data, const uint8_t *host, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        if (host[i] != (data ? data[i] : 0))
            return true;
    }
    return false;
}

static uint16_t move_piece(struct nvmevirt_walk *walk, uint8_t *data, uint32_t length)
{
    bool to_host = walk->direction == NVMEVIRT_TO_HOST;
    if (walk->bucket)
        return SPEC_SUCCESS;
    uint8_t *host = nvmevirt_dma(walk->controller, walk->page, length, to_host, "data");
    if (!host)
        return SPEC_DATA_TRANSFER_ERROR;
    if (to_host && data)
        __builtin_memcpy(host, data, length);
    else if (to_host)
        __builtin_memset(host, 0, length);
    else if (walk->direction == NVMEVIRT_COMPARE)
        return differs(data, host, length) ? SPEC_COMPARE_FAILURE : SPEC_SUCCESS;
    else if (data)
        __builtin_memcpy(data, host, length);
    return SPEC_SUCCESS;
}

uint16_t nvmevirt_walk_move(struct nvmevirt_walk *walk, uint8_t *data, uint64_t length)
{
    while (length) {
        uint16_t status = SPEC_SUCCESS;
        if (!walk->page_left)
            status = walk->uses_sgl ? next_block(walk) : nvmevirt_prp_next(walk);
        uint32_t piece = piece_length(walk, length);
        if (!status)
            status = move_piece(walk, data, piece);
        if (status)
            return status;
        walk->page += piece;
        walk->page_left -= piece;
        walk->left -= piece;
        length -= piece;
        if (data)
            data += piece;
    }
    return SPEC_SUCCESS;
}

bool nvmevirt_exceeds_mdts(struct nvmevirt *controller, uint64_t length)
{
    uint64_t unit = 4096ull << SPEC_GET(SPEC_CAP_MPSMIN, controller->cap);
    if (!controller->config.mdts || length <= unit << controller->config.mdts)
        return false;
    nvmevirt_violation(controller, "transfer of %llx bytes exceeds MDTS %u",
                       (unsigned long long)length, (unsigned)controller->config.mdts);
    return true;
}

static uint16_t move_all(struct nvmevirt *controller, const struct nvmevirt_command *command,
                         uint8_t *data, uint64_t length, enum nvmevirt_direction direction)
{
    struct nvmevirt_walk walk;
    if (nvmevirt_exceeds_mdts(controller, length))
        return SPEC_INVALID_FIELD;
    uint16_t status = nvmevirt_walk_start(&walk, controller, command, length, direction);
    return status ? status : nvmevirt_walk_move(&walk, data, length);
}

uint16_t nvmevirt_send(struct nvmevirt *controller, const struct nvmevirt_command *command,
                       uint8_t *data, uint64_t length)
{
    return move_all(controller, command, data, length, NVMEVIRT_TO_HOST);
}

uint16_t nvmevirt_receive(struct nvmevirt *controller, const struct nvmevirt_command *command,
                          uint8_t *data, uint64_t length)
{
    return move_all(controller, command, data, length, NVMEVIRT_FROM_HOST);
}
