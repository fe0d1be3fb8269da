/*
 * Scatter Gather Lists, with every rule of Base 4.1.2 held up: descriptor by
 * descriptor, from segment to segment. The whole list is checked before the
 * first byte moves.
 */
#include "internal.h"

#define ENDLESS 65536u /* descriptors: no list of that length is meant */

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint32_t reserved;
    uint8_t identifier;
};

void nvmevirt_sgl_start(struct nvmevirt_sgl *sgl, struct nvmevirt *controller,
                        const struct nvmevirt_command *command, bool to_host)
{
    *sgl = (struct nvmevirt_sgl){
        .controller = controller, .left = 1, .may_link = true, .to_host = to_host};
    __builtin_memcpy(sgl->first, &command->dword[SPEC_DW_PRP1], sizeof sgl->first);
}

bool nvmevirt_sgl_more(const struct nvmevirt_sgl *sgl)
{
    return sgl->left;
}

static uint16_t broken(struct nvmevirt_sgl *sgl, uint16_t status, const char *rule)
{
    nvmevirt_violation(sgl->controller, "SGL descriptor %u: %s", sgl->seen, rule);
    return status;
}

/* It may lie across two pages, for only its two halves are aligned. */
static bool fetch(struct nvmevirt_sgl *sgl, struct descriptor *descriptor)
{
    uint8_t bytes[SPEC_SGL_SIZE];
    for (unsigned half = 0; half < SPEC_SGL_SIZE; half += 8) {
        const uint8_t *from = sgl->first + half;
        if (sgl->segment)
            from = nvmevirt_dma(sgl->controller, sgl->segment + half, 8, false, "SGL segment");
        if (!from)
            return false;
        __builtin_memcpy(bytes + half, from, 8);
    }
    __builtin_memcpy(&descriptor->address, bytes, 8);
    __builtin_memcpy(&descriptor->length, bytes + 8, 4);
    descriptor->reserved = bytes[12] | (uint32_t)bytes[13] << 8 | (uint32_t)bytes[14] << 16;
    descriptor->identifier = bytes[15];
    return true;
}

static uint16_t follow(struct nvmevirt_sgl *sgl, const struct descriptor *descriptor)
{
    if (sgl->left)
        return broken(sgl, SPEC_SGL_COUNT_INVALID, "a segment pointer is not its segment's last");
    if (!sgl->may_link)
        return broken(sgl, SPEC_SGL_SEGMENT_INVALID, "the last segment leads to another");
    if (!descriptor->length || descriptor->length % SPEC_SGL_SIZE)
        return broken(sgl, SPEC_SGL_SEGMENT_INVALID, "segment length is no multiple of 16");
    if (!descriptor->address || descriptor->address % 8)
        return broken(sgl, SPEC_SGL_SEGMENT_INVALID, "segment address is null or not aligned");
    sgl->segment = descriptor->address;
    sgl->left = descriptor->length / SPEC_SGL_SIZE;
    sgl->must_link = sgl->may_link = descriptor->identifier == SPEC_SGL_SEGMENT;
    return SPEC_SUCCESS;
}

static uint16_t take_data(struct nvmevirt_sgl *sgl, const struct descriptor *descriptor,
                          struct nvmevirt_block *block)
{
    bool dwords = SPEC_GET(SPEC_SGLS_SUPPORT, sgl->controller->config.sgls) == SPEC_SGLS_DWORDS;
    block->bus = descriptor->address;
    block->length = descriptor->length;
    if (dwords && ((descriptor->address | descriptor->length) & 3))
        return broken(sgl, SPEC_SGL_GRANULARITY_INVALID, "data of parts of dwords");
    return SPEC_SUCCESS;
}

/* Of data from the host nothing can be thrown away: the descriptor says nothing then. */
static uint16_t take_bucket(struct nvmevirt_sgl *sgl, const struct descriptor *descriptor,
                            struct nvmevirt_block *block)
{
    if (!(sgl->controller->config.sgls & SPEC_SGLS_BUCKET))
        return broken(sgl, SPEC_SGL_TYPE_INVALID, "bit buckets are not offered");
    if (descriptor->address && !sgl->checked)
        broken(sgl, SPEC_SUCCESS, "a bit bucket has an address");
    block->bucket = true;
    block->length = sgl->to_host ? descriptor->length : 0;
    return SPEC_SUCCESS;
}

/* A block of length 0 stands for a descriptor that describes no data. */
uint16_t nvmevirt_sgl_next(struct nvmevirt_sgl *sgl, struct nvmevirt_block *block)
{
    struct descriptor descriptor;
    *block = (struct nvmevirt_block){0};
    if (++sgl->seen > ENDLESS)
        return broken(sgl, SPEC_SGL_COUNT_INVALID, "the list has no end");
    if (!fetch(sgl, &descriptor))
        return SPEC_DATA_TRANSFER_ERROR;
    sgl->left--;
    if (sgl->segment)
        sgl->segment += SPEC_SGL_SIZE;
    if (descriptor.reserved && !sgl->checked)
        broken(sgl, SPEC_SUCCESS, "reserved bytes are set");
    if (descriptor.identifier == SPEC_SGL_SEGMENT || descriptor.identifier == SPEC_SGL_LAST)
        return follow(sgl, &descriptor);
    if (sgl->must_link && !sgl->left)
        return broken(sgl, SPEC_SGL_SEGMENT_INVALID,
                      "a segment that is not the last leads nowhere");
    if (descriptor.identifier == SPEC_SGL_DATA)
        return take_data(sgl, &descriptor, block);
    if (descriptor.identifier == SPEC_SGL_BUCKET)
        return take_bucket(sgl, &descriptor, block);
    return broken(sgl, SPEC_SGL_TYPE_INVALID, "type or sub type is not offered");
}

uint16_t nvmevirt_sgl_check(struct nvmevirt_sgl sgl, uint64_t length)
{
    uint32_t sgls = sgl.controller->config.sgls;
    uint32_t threshold = SPEC_GET(SPEC_SGLS_THRESHOLD, sgls);
    uint64_t total = 0;
    while (nvmevirt_sgl_more(&sgl)) {
        struct nvmevirt_block block;
        uint16_t status = nvmevirt_sgl_next(&sgl, &block);
        if (status)
            return status;
        total += block.length;
    }
    if (threshold && sgl.seen > threshold)
        nvmevirt_violation(sgl.controller, "SGL of %u descriptors, %u are advised", sgl.seen,
                           threshold);
    if (total >= length && (total == length || (sgls & SPEC_SGLS_LONGER)))
        return SPEC_SUCCESS;
    nvmevirt_violation(sgl.controller, "SGL of %llx bytes for data of %llx",
                       (unsigned long long)total, (unsigned long long)length);
    return SPEC_SGL_LENGTH_INVALID;
}
