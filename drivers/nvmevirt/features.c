/*
 * Set Features and Get Features. Base 5.15, 5.27. Nothing can be saved, and no
 * feature belongs to a namespace.
 */
#include "internal.h"

#define SET_SAVE   (1u << 31)
#define GET_SELECT 0x700u

static uint32_t queues_granted(const struct nvmevirt *controller)
{
    uint32_t last = controller->config.queue_pairs - 1u;
    return last << 16 | last; /* 0's based: NCQA, NSQA */
}

static bool any_queue_exists(const struct nvmevirt *controller)
{
    for (unsigned q = 1; q <= controller->config.queue_pairs; q++) {
        if (controller->sqs[q].exists || controller->cqs[q].exists)
            return true;
    }
    return false;
}

static uint16_t set_queues(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    uint32_t asked = command->dword[11];
    if (any_queue_exists(controller))
        return SPEC_SEQUENCE_ERROR;
    if ((asked & 0xFFFF) == 0xFFFF || asked >> 16 == 0xFFFF || !controller->config.queue_pairs)
        return SPEC_INVALID_FIELD;
    command->result = queues_granted(controller);
    return SPEC_SUCCESS;
}

uint16_t nvmevirt_set_features(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    uint32_t nsid = command->dword[SPEC_DW_NSID];
    uint32_t value = command->dword[11];
    bool write_cache = (command->dword[10] & 0xFF) == SPEC_FEATURE_WRITE_CACHE;
    bool queues = (command->dword[10] & 0xFF) == SPEC_FEATURE_QUEUES;

    if (!queues && !(write_cache && controller->config.vwc))
        return SPEC_INVALID_FIELD;
    if (command->dword[10] & SET_SAVE)
        return SPEC_FEATURE_NOT_SAVEABLE;
    if (nsid && nsid != SPEC_NSID_BROADCAST)
        return SPEC_FEATURE_NOT_BY_NAMESPACE;
    if (queues)
        return set_queues(controller, command);
    if (value & ~1u)
        nvmevirt_violation(controller, "volatile write cache: dword 11 is %x", value);
    controller->write_cache = value & 1;
    return SPEC_SUCCESS;
}

uint16_t nvmevirt_get_features(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    if (command->dword[10] & GET_SELECT)
        return SPEC_INVALID_FIELD; /* ONCS offers the current value only */
    switch (command->dword[10] & 0xFF) {
    case SPEC_FEATURE_WRITE_CACHE:
        if (!controller->config.vwc)
            return SPEC_INVALID_FIELD;
        command->result = controller->write_cache;
        return SPEC_SUCCESS;
    case SPEC_FEATURE_QUEUES:
        if (!controller->config.queue_pairs)
            return SPEC_INVALID_FIELD;
        command->result = queues_granted(controller);
        return SPEC_SUCCESS;
    default:
        return SPEC_INVALID_FIELD;
    }
}
