/*
 * Log pages: errors, health, firmware slots; in pieces, from any offset. Base
 * 5.16.1.
 */
#include "internal.h"

#define ERROR_ENTRY   64u
#define HEALTH_SIZE   512u
#define FIRMWARE_SIZE 512u
#define LOG_MAX       (NVMEVIRT_ERRORS * ERROR_ENTRY > 512 ? NVMEVIRT_ERRORS * ERROR_ENTRY : 512)
#define RETAIN_EVENT  (1u << 15)

#define TEMPERATURE 308 /* K */

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
        __builtin_memcpy(entry, &error->count, 8);
        __builtin_memcpy(entry + 8, &error->sqid, 2);
        __builtin_memcpy(entry + 10, &error->cid, 2);
        __builtin_memcpy(entry + 12, &error->status, 2);
        __builtin_memcpy(entry + 14, &no_particular_byte, 2);
        __builtin_memcpy(entry + 16, &error->lba, 8);
        __builtin_memcpy(entry + 24, &error->nsid, 4);
    }
    return NVMEVIRT_ERRORS * ERROR_ENTRY;
}

static void put_counter(uint8_t *data, uint64_t value)
{
    __builtin_memcpy(data, &value, sizeof value); /* of 128 bits, the upper half stays zero */
}

/* Thousands of 512 bytes, rounded up. */
static uint64_t data_units(uint64_t bytes)
{
    return (bytes + 511999) / 512000;
}

static uint32_t fill_health(const struct nvmevirt *controller, uint8_t *data)
{
    const struct nvmevirt_counters *counters = &controller->counters;
    data[1] = TEMPERATURE & 0xFF;
    data[2] = TEMPERATURE >> 8;
    data[3] = 100; /* available spare, percent */
    data[4] = 10;  /* its threshold */
    put_counter(data + 32, data_units(counters->bytes_read));
    put_counter(data + 48, data_units(counters->bytes_written));
    put_counter(data + 64, counters->reads);
    put_counter(data + 80, counters->writes);
    put_counter(data + 112, 1); /* power cycles */
    put_counter(data + 176, controller->error_count);
    return HEALTH_SIZE;
}

static uint32_t fill_firmware(const struct nvmevirt *controller, uint8_t *data)
{
    data[0] = 1; /* slot 1 is active */
    nvmevirt_pad(data + 8, 8, controller->config.firmware);
    return FIRMWARE_SIZE;
}

uint16_t nvmevirt_get_log(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint8_t data[LOG_MAX];
    uint8_t page = (uint8_t)command->dword[10];
    uint32_t nsid = command->dword[SPEC_DW_NSID];
    uint64_t dwords =
        ((uint64_t)(command->dword[11] & 0xFFFF) << 16 | command->dword[10] >> 16) + 1;
    uint64_t length = dwords * 4;
    uint64_t offset = nvmevirt_dwords(command, 12);
    uint32_t size;

    __builtin_memset(data, 0, sizeof data);
    if (page == SPEC_LOG_ERROR)
        size = fill_errors(controller, data);
    else if (page == SPEC_LOG_HEALTH)
        size = fill_health(controller, data);
    else if (page == SPEC_LOG_FIRMWARE)
        size = fill_firmware(controller, data);
    else
        return SPEC_INVALID_LOG_PAGE;
    if (nsid && nsid != SPEC_NSID_BROADCAST)
        return SPEC_INVALID_FIELD; /* none of these belongs to a namespace */
    if ((offset & 3) || offset > size)
        return SPEC_INVALID_FIELD;
    if (nvmevirt_exceeds_mdts(controller, length))
        return SPEC_INVALID_FIELD;

    struct nvmevirt_walk walk;
    uint64_t inside = length < size - offset ? length : size - offset;
    nvmevirt_walk_start(&walk, controller, command, length);
    uint16_t status = nvmevirt_walk_move(&walk, data + offset, inside, NVMEVIRT_TO_HOST);
    if (!status)
        status = nvmevirt_walk_move(&walk, NULL, length - inside, NVMEVIRT_TO_HOST);
    if (!status && !(command->dword[10] & RETAIN_EVENT))
        nvmevirt_event_unmask(controller, page);
    return status;
}
