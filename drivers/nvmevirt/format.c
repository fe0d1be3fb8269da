/*
 * Format NVM: another LBA format, and nothing left of the data. While it lasts
 * the namespace does no I/O. Base 5.14, NVM 4.1.2.
 */
#include "internal.h"

#define FORMAT_INDEX      0x0000000Fu /* dword 10 */
#define FORMAT_PROTECTION 0x000000E0u /* PI; MSET and PIL say how, and mean nothing without */
#define FORMAT_ERASE      0x00000E00u
#define FORMAT_INDEX_HIGH 0x00003000u

enum {
    ERASE_NONE,
    ERASE_USER_DATA,
    ERASE_CRYPTOGRAPHIC
};

/* Bits of FNA. */
#define FNA_FORMATS_ALL   0x1u
#define FNA_ERASES_ALL    0x2u
#define FNA_CRYPTOGRAPHIC 0x4u
#define FNA_NO_BROADCAST  0x8u

static bool concerns(const struct nvmevirt *controller, const struct nvmevirt_command *format,
                     uint32_t nsid)
{
    uint32_t all = FNA_FORMATS_ALL;
    if (SPEC_GET(FORMAT_ERASE, format->dword[10]))
        all |= FNA_ERASES_ALL;
    return format->dword[SPEC_DW_NSID] == nsid ||
           format->dword[SPEC_DW_NSID] == SPEC_NSID_BROADCAST || (controller->config.fna & all);
}

bool nvmevirt_is_formatting(const struct nvmevirt *controller, uint32_t nsid)
{
    for (uint32_t i = 0; i < controller->command_count; i++) {
        const struct nvmevirt_command *command = &controller->commands[i];
        if (command->state == COMMAND_WORKING && !command->sqid && command->opcode == SPEC_FORMAT &&
            concerns(controller, command, nsid))
            return true;
    }
    return false;
}

static uint32_t format_index(const struct nvmevirt_command *command)
{
    return SPEC_GET(FORMAT_INDEX, command->dword[10]) |
           SPEC_GET(FORMAT_INDEX_HIGH, command->dword[10]) << 4;
}

static uint16_t check_one(const struct nvmevirt *controller, const struct nvmevirt_command *command,
                          const struct nvmevirt_ns *ns)
{
    uint32_t block_size;
    if (!nvmevirt_has_format(ns, format_index(command), &block_size))
        return SPEC_INVALID_FORMAT;
    if (ns->config.read_only)
        return SPEC_WRITE_PROTECTED;
    if (nvmevirt_is_formatting(controller, ns->config.nsid))
        return SPEC_FORMAT_IN_PROGRESS;
    return SPEC_SUCCESS;
}

static uint16_t check(const struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint32_t nsid = command->dword[SPEC_DW_NSID];
    uint32_t erase = SPEC_GET(FORMAT_ERASE, command->dword[10]);
    uint8_t fna = controller->config.fna;
    if (erase > ERASE_CRYPTOGRAPHIC || (erase == ERASE_CRYPTOGRAPHIC && !(fna & FNA_CRYPTOGRAPHIC)))
        return SPEC_INVALID_FIELD;
    if (command->dword[10] & FORMAT_PROTECTION)
        return SPEC_INVALID_FORMAT; /* no format has metadata */
    if (nsid == SPEC_NSID_BROADCAST) {
        if (fna & FNA_NO_BROADCAST)
            return SPEC_INVALID_FIELD;
    } else if (!nsid || nsid > nvmevirt_highest_nsid(controller)) {
        return SPEC_INVALID_NAMESPACE;
    } else if (!nvmevirt_find(controller, nsid)) {
        return SPEC_INVALID_FIELD;
    }
    for (uint32_t i = 0; i < controller->config.namespace_count; i++) {
        const struct nvmevirt_ns *ns = &controller->namespaces[i];
        uint16_t status = SPEC_SUCCESS;
        if (ns->attached && concerns(controller, command, ns->config.nsid))
            status = check_one(controller, command, ns);
        if (status)
            return status;
    }
    return SPEC_SUCCESS;
}

static void format_one(struct nvmevirt *controller, const struct nvmevirt_command *command,
                       struct nvmevirt_ns *ns)
{
    uint32_t block_size;
    uint32_t before = ns->config.block_size;
    nvmevirt_clear((struct nvmevirt_extent){.ns = ns, .blocks = ns->config.blocks});
    nvmevirt_zones_clear(ns);
    nvmevirt_has_format(ns, format_index(command), &block_size);
    controller->counters.formats++;
    if (block_size == before)
        return;
    nvmevirt_set_format(ns, block_size, ns->config.blocks * before / block_size);
    nvmevirt_changed(controller, ns);
}

/* Comes twice when it takes time: to begin, and when the time is over. */
uint16_t nvmevirt_format(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    if (!command->begun) {
        uint16_t status = check(controller, command);
        if (status)
            return status;
        command->begun = true;
        if (controller->config.format_ns) {
            command->state = COMMAND_WORKING;
            command->due = nvmevirt_later(controller, controller->config.format_ns);
            return SPEC_SUCCESS;
        }
    }
    for (uint32_t i = 0; i < controller->config.namespace_count; i++) {
        struct nvmevirt_ns *ns = &controller->namespaces[i];
        if (ns->attached && concerns(controller, command, ns->config.nsid))
            format_one(controller, command, ns);
    }
    return SPEC_SUCCESS;
}
