/*
 * Format NVM: another LBA format, and nothing left of the data. While it lasts
 * the namespace does no I/O. Base 5.14, NVM 4.1.2.
 */
#include "internal.h"

#define FORMAT_INDEX      0x0000000Fu /* dword 10 */
#define FORMAT_INTERLEAVE 0x00000010u /* MSET; means nothing without metadata */
#define FORMAT_PROTECTION 0x000000E0u /* PI */
#define FORMAT_FIRST      0x00000100u /* PIL; means nothing without PI */
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
    struct nvmevirt_format format;
    uint32_t type = SPEC_GET(FORMAT_PROTECTION, command->dword[10]);
    if (!nvmevirt_has_format(ns, format_index(command), &format) || type > 3 ||
        (type && format.metadata_size < SPEC_PROTECTION_SIZE))
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
    const struct nvmevirt_namespace before = ns->config;
    struct nvmevirt_namespace *config = &ns->config;
    struct nvmevirt_format format;
    uint32_t how = command->dword[10], type = SPEC_GET(FORMAT_PROTECTION, how);
    nvmevirt_clear((struct nvmevirt_extent){.ns = ns, .blocks = config->blocks});
    nvmevirt_zones_clear(ns);
    nvmevirt_has_format(ns, format_index(command), &format);
    controller->counters.formats++;
    nvmevirt_set_format(ns, format, before.blocks * before.block_size / format.block_size);
    config->interleaved = format.metadata_size && (how & FORMAT_INTERLEAVE);
    config->protection = (uint8_t)(type | (type && (how & FORMAT_FIRST) ? SPEC_DPS_FIRST : 0));
    nvmevirt_clear_metadata(
        (struct nvmevirt_extent){ns, config->backed_first, config->backed_count});
    if (config->block_size != before.block_size || config->metadata_size != before.metadata_size ||
        config->interleaved != before.interleaved || config->protection != before.protection)
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
