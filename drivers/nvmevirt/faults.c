/*
 * The script of what goes wrong: each fetched command is held against it, and
 * what meets it is marked, or the controller is.
 */
#include "internal.h"

void nvmevirt_set_faults(struct nvmevirt *controller, struct nvmevirt_fault *faults, size_t count)
{
    controller->faults = faults;
    controller->fault_count = count;
}

/* Transitions that fail, from an argument where 0 stands for all. */
static uint32_t stuck_count(uint64_t argument)
{
    return argument && argument < UINT32_MAX ? (uint32_t)argument : UINT32_MAX;
}

void nvmevirt_inject(struct nvmevirt *controller, enum nvmevirt_fault_kind kind, uint64_t argument)
{
    switch (kind) {
    case NVMEVIRT_FATAL:
        controller->fatal = true;
        break;
    case NVMEVIRT_RDY_STUCK_LOW:
        controller->stuck_low = stuck_count(argument);
        break;
    case NVMEVIRT_RDY_STUCK_HIGH:
        controller->stuck_high = stuck_count(argument);
        break;
    case NVMEVIRT_REMOVED:
        controller->removed = true;
        break;
    case NVMEVIRT_MUTE:
        controller->mute = true;
        break;
    case NVMEVIRT_PAUSE:
        controller->paused_until = nvmevirt_later(controller, argument);
        break;
    default: /* of a command: there is none here */
        break;
    }
}

static void mark(struct nvmevirt *controller, struct nvmevirt_command *command,
                 const struct nvmevirt_fault *fault)
{
    if (fault->kind >= NVMEVIRT_FATAL) {
        nvmevirt_inject(controller, fault->kind, fault->argument);
        return;
    }
    command->faults |= 1u << fault->kind;
    switch (fault->kind) {
    case NVMEVIRT_DELAY:
        command->due = fault->argument > NVMEVIRT_NEVER - command->due
                           ? NVMEVIRT_NEVER
                           : command->due + fault->argument;
        break;
    case NVMEVIRT_STATUS:
        command->fault_status = (uint16_t)fault->argument & 0x7FFF;
        break;
    case NVMEVIRT_WRONG_CID:
        command->fault_cid = (uint16_t)fault->argument;
        break;
    case NVMEVIRT_WRONG_SQID:
        command->fault_sqid = (uint16_t)fault->argument;
        break;
    case NVMEVIRT_RESULT:
        command->fault_result = (uint32_t)fault->argument;
        break;
    case NVMEVIRT_TORN:
        command->fault_torn = fault->argument;
        break;
    default:
        break;
    }
}

void nvmevirt_apply_faults(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    for (size_t i = 0; i < controller->fault_count; i++) {
        struct nvmevirt_fault *fault = &controller->faults[i];
        if ((fault->queue != NVMEVIRT_ANY && fault->queue != command->sqid) ||
            (fault->opcode != NVMEVIRT_ANY && fault->opcode != command->opcode))
            continue;
        fault->seen++;
        if (!fault->nth || fault->nth == fault->seen)
            mark(controller, command, fault);
    }
}
