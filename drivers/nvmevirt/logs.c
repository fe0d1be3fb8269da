/*
 * Log pages: which there are, errors, health, firmware slots, changed
 * namespaces, effects of commands; in pieces, from any offset. Base 5.16.1.
 */
#include "internal.h"

#define SUPPORTED_SIZE 1024u
#define ERROR_ENTRY    64u
#define ERROR_SIZE     (NVMEVIRT_ERRORS * ERROR_ENTRY)
#define HEALTH_SIZE    512u
#define FIRMWARE_SIZE  512u
#define CHANGED_SIZE   4096u
#define EFFECTS_SIZE   4096u
#define LOG_MAX        4096u
#define RETAIN_EVENT   (1u << 15)

_Static_assert(ERROR_SIZE <= LOG_MAX, "all pages fit");

/* Of the effects log: supported; changes blocks, the namespace, the inventory of namespaces. */
#define EFFECT_SUPPORTED  0x1u
#define EFFECT_CONTENT    0x2u
#define EFFECT_CAPABILITY 0x4u
#define EFFECT_INVENTORY  0x8u
#define EFFECT_ALONE      0x20000u /* CSE: nothing else while it runs */

void nvmevirt_log_error(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    struct nvmevirt_error *newest = &controller->errors[0];
    __builtin_memmove(newest + 1, newest, sizeof *newest * (NVMEVIRT_ERRORS - 1));
    *newest = (struct nvmevirt_error){
        .count = ++controller->error_count,
        .sqid = command->sqid,
        .cid = command->cid,
        .status = (uint16_t)(command->status << 1),
        .nsid = command->dword[SPEC_DW_NSID],
        .lba = command->sqid ? nvmevirt_dwords(command, 10) : 0,
    };
}

static uint32_t fill_errors(const struct nvmevirt *controller, uint8_t *data)
{
    const uint16_t no_particular_byte = 0xFFFF;
    for (unsigned i = 0; i < NVMEVIRT_ERRORS && controller->errors[i].count; i++) {
        const struct nvmevirt_error *error = &controller->errors[i];
        uint8_t *entry = data + i * ERROR_ENTRY;
        nvmevirt_put64(entry, 0, error->count);
        nvmevirt_put16(entry, 8, error->sqid);
        nvmevirt_put16(entry, 10, error->cid);
        nvmevirt_put16(entry, 12, error->status);
        nvmevirt_put16(entry, 14, no_particular_byte);
        nvmevirt_put64(entry, 16, error->lba);
        nvmevirt_put32(entry, 24, error->nsid);
    }
    return ERROR_SIZE;
}

/* Thousands of 512 bytes, rounded up. */
static uint64_t data_units(uint64_t bytes)
{
    return (bytes + 511999) / 512000;
}

/* Counters have 128 bits, of which the upper half stays zero. */
static uint32_t fill_health(const struct nvmevirt *controller, uint8_t *data)
{
    const struct nvmevirt_counters *counters = &controller->counters;
    data[0] = nvmevirt_critical_warning(controller);
    nvmevirt_put16(data, 1, controller->temperature);
    data[3] = 100; /* available spare, percent */
    data[4] = 10;  /* its threshold */
    nvmevirt_put64(data, 32, data_units(counters->bytes_read));
    nvmevirt_put64(data, 48, data_units(counters->bytes_written));
    nvmevirt_put64(data, 64, counters->reads);
    nvmevirt_put64(data, 80, counters->writes);
    nvmevirt_put64(data, 112, 1); /* power cycles */
    nvmevirt_put64(data, 176, controller->error_count);
    return HEALTH_SIZE;
}

static uint32_t fill_firmware(const struct nvmevirt *controller, uint8_t *data)
{
    data[0] = 1; /* slot 1 is active */
    nvmevirt_pad(data + 8, 8, controller->config.firmware);
    return FIRMWARE_SIZE;
}

static uint32_t fill_changed(const struct nvmevirt *controller, uint8_t *data)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < controller->config.namespace_count; i++) {
        if (!controller->namespaces[i].changed)
            continue;
        if (count == CHANGED_SIZE / 4) { /* too many: look at all of them */
            __builtin_memset(data, 0, CHANGED_SIZE);
            nvmevirt_put32(data, 0, SPEC_NSID_BROADCAST);
            break;
        }
        nvmevirt_put32(data, 4 * count++, controller->namespaces[i].config.nsid);
    }
    return CHANGED_SIZE;
}

static uint32_t effect(bool io, uint8_t opcode)
{
    if (!io) {
        switch (opcode) {
        case SPEC_FORMAT:
            return EFFECT_CONTENT | EFFECT_CAPABILITY | EFFECT_ALONE;
        case SPEC_NAMESPACE_MANAGEMENT:
        case SPEC_NAMESPACE_ATTACHMENT:
            return EFFECT_INVENTORY;
        default:
            return 0;
        }
    }
    switch (opcode) {
    case SPEC_WRITE:
    case SPEC_WRITE_UNCORRECTABLE:
    case SPEC_WRITE_ZEROES:
    case SPEC_DATASET:
    case SPEC_COPY:
        return EFFECT_CONTENT;
    default:
        return 0;
    }
}

static uint32_t fill_effects(const struct nvmevirt *controller, uint8_t *data)
{
    const unsigned io_commands = 1024;
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        for (unsigned io = 0; io < 2; io++) {
            if (nvmevirt_supports(controller, io, (uint8_t)opcode))
                nvmevirt_put32(data, io * io_commands + 4 * opcode,
                               EFFECT_SUPPORTED | effect(io, (uint8_t)opcode));
        }
    }
    return EFFECTS_SIZE;
}

static bool is_offered(const struct nvmevirt *controller, unsigned page)
{
    switch (page) {
    case SPEC_LOG_SUPPORTED:
        return controller->config.version >= 0x00020000;
    case SPEC_LOG_ERROR:
    case SPEC_LOG_HEALTH:
    case SPEC_LOG_FIRMWARE:
        return true;
    case SPEC_LOG_CHANGED:
        return controller->config.oaes & NVMEVIRT_OAES_NAMESPACES;
    case SPEC_LOG_EFFECTS:
        return controller->config.lpa & NVMEVIRT_LPA_EFFECTS;
    default:
        return false;
    }
}

static uint32_t fill_supported(const struct nvmevirt *controller, uint8_t *data)
{
    for (unsigned page = 0; page < SUPPORTED_SIZE / 4; page++)
        data[4 * page] = is_offered(controller, page);
    return SUPPORTED_SIZE;
}

static uint32_t fill(const struct nvmevirt *controller, uint8_t page, uint8_t *data)
{
    switch (page) {
    case SPEC_LOG_SUPPORTED:
        return fill_supported(controller, data);
    case SPEC_LOG_ERROR:
        return fill_errors(controller, data);
    case SPEC_LOG_HEALTH:
        return fill_health(controller, data);
    case SPEC_LOG_FIRMWARE:
        return fill_firmware(controller, data);
    case SPEC_LOG_CHANGED:
        return fill_changed(controller, data);
    default:
        return fill_effects(controller, data);
    }
}

static uint16_t check(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint8_t page = (uint8_t)command->dword[10];
    uint32_t nsid = command->dword[SPEC_DW_NSID];
    uint8_t lpa = controller->config.lpa;
    bool extended = (command->dword[10] & 0xF0000000) || (command->dword[11] & 0xFFFF) ||
                    nvmevirt_dwords(command, 12);
    if (!is_offered(controller, page))
        return SPEC_INVALID_LOG_PAGE;
    if (!(lpa & NVMEVIRT_LPA_EXTENDED) && extended) {
        nvmevirt_violation(controller, "log page %x: LPA offers neither offset nor large length",
                           (unsigned)page);
        return SPEC_INVALID_FIELD;
    }
    if (!nsid || nsid == SPEC_NSID_BROADCAST)
        return SPEC_SUCCESS;
    if (page != SPEC_LOG_HEALTH || !(lpa & NVMEVIRT_LPA_NAMESPACE_HEALTH))
        return SPEC_INVALID_FIELD; /* belongs to no namespace */
    return nvmevirt_find(controller, nsid) ? SPEC_SUCCESS : SPEC_INVALID_NAMESPACE;
}

/* The host has seen it. */
static void forget(struct nvmevirt *controller, uint8_t page)
{
    nvmevirt_event_unmask(controller, page);
    for (uint32_t i = 0; page == SPEC_LOG_CHANGED && i < controller->config.namespace_count; i++)
        controller->namespaces[i].changed = false;
}

uint16_t nvmevirt_get_log(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint8_t data[LOG_MAX];
    uint8_t page = (uint8_t)command->dword[10];
    uint64_t dwords =
        ((uint64_t)(command->dword[11] & 0xFFFF) << 16 | command->dword[10] >> 16) + 1;
    uint64_t length = dwords * 4;
    uint64_t offset = nvmevirt_dwords(command, 12);

    uint16_t status = check(controller, command);
    if (status)
        return status;
    __builtin_memset(data, 0, sizeof data);
    uint32_t size = fill(controller, page, data);
    if (controller->environment.log)
        controller->environment.log(controller->environment.context, page,
                                    command->dword[SPEC_DW_NSID], data, size);
    if ((offset & 3) || offset > size || nvmevirt_exceeds_mdts(controller, length))
        return SPEC_INVALID_FIELD;

    struct nvmevirt_walk walk;
    uint64_t inside = length < size - offset ? length : size - offset;
    status = nvmevirt_walk_start(&walk, controller, command, length, NVMEVIRT_TO_HOST);
    if (!status)
        status = nvmevirt_walk_move(&walk, data + offset, inside);
    if (!status)
        status = nvmevirt_walk_move(&walk, NULL, length - inside);
    if (!status && !(command->dword[10] & RETAIN_EVENT))
        forget(controller, page);
    return status;
}
