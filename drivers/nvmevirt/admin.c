/*
 * Admin commands: to each its function, and Abort. Base 5.
 */
#include "internal.h"

#define ABORT_NOTHING_ABORTED 1u

static struct nvmevirt_command *find_abortable(struct nvmevirt *controller, uint16_t sqid,
                                               uint16_t cid)
{
    for (uint32_t i = 0; i < controller->command_count; i++) {
        struct nvmevirt_command *command = &controller->commands[i];
        bool untouched = command->state == COMMAND_WAITING || command->state == COMMAND_HELD;
        if (untouched && !command->conflict && command->sqid == sqid && command->cid == cid)
            return command;
    }
    return NULL;
}

static uint32_t aborts_outstanding(const struct nvmevirt *controller)
{
    uint32_t count = 1; /* the one in work is no longer waiting */
    for (uint32_t i = 0; i < controller->command_count; i++) {
        const struct nvmevirt_command *command = &controller->commands[i];
        count +=
            command->state == COMMAND_WAITING && !command->sqid && command->opcode == SPEC_ABORT;
    }
    return count;
}

static uint16_t abort_command(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    if (aborts_outstanding(controller) > controller->config.abort_limit + 1u)
        return SPEC_ABORT_LIMIT;
    command->result = ABORT_NOTHING_ABORTED;
    if (controller->config.abort_never)
        return SPEC_SUCCESS;
    struct nvmevirt_command *target = find_abortable(controller, (uint16_t)command->dword[10],
                                                     (uint16_t)(command->dword[10] >> 16));
    if (!target || target == command)
        return SPEC_SUCCESS;
    target->status = SPEC_ABORT_REQUESTED;
    target->state = COMMAND_DONE;
    nvmevirt_post(controller, target);
    command->result = 0;
    return SPEC_SUCCESS;
}

uint16_t nvmevirt_admin(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    switch (command->opcode) {
    case SPEC_DELETE_SQ:
        return nvmevirt_sq_delete(controller, command);
    case SPEC_CREATE_SQ:
        return nvmevirt_sq_create(controller, command);
    case SPEC_GET_LOG_PAGE:
        return nvmevirt_get_log(controller, command);
    case SPEC_DELETE_CQ:
        return nvmevirt_cq_delete(controller, command);
    case SPEC_CREATE_CQ:
        return nvmevirt_cq_create(controller, command);
    case SPEC_IDENTIFY:
        return nvmevirt_identify(controller, command);
    case SPEC_ABORT:
        return abort_command(controller, command);
    case SPEC_SET_FEATURES:
        return nvmevirt_set_features(controller, command);
    case SPEC_GET_FEATURES:
        return nvmevirt_get_features(controller, command);
    case SPEC_NAMESPACE_MANAGEMENT:
        return nvmevirt_manage(controller, command);
    case SPEC_NAMESPACE_ATTACHMENT:
        return nvmevirt_attachment(controller, command);
    case SPEC_DOORBELL_BUFFER:
        return nvmevirt_shadow_config(controller, command);
    case SPEC_FORMAT:
        return nvmevirt_format(controller, command);
    case SPEC_EVENT_REQUEST:
        return nvmevirt_event_hold(controller, command);
    default:
        return SPEC_INVALID_OPCODE;
    }
}
