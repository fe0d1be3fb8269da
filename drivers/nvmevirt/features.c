/*
 * Set Features and Get Features: for each feature what its bits are, what it is
 * at first, and what else follows from it. Base 5.15, 5.27; NVM 4.1.3.
 */
#include "internal.h"

#define SET_SAVE   (1u << 31)
#define GET_SELECT 0x700u

enum {
    SELECT_CURRENT,
    SELECT_DEFAULT,
    SELECT_SAVED,
    SELECT_CAPABILITIES
};

/* Answers to SELECT_CAPABILITIES. */
#define CAN_BE_SAVED      1u
#define IS_OF_A_NAMESPACE 2u
#define CAN_BE_CHANGED    4u

/* Dword 11 of the Temperature Threshold. */
#define THRESHOLD_KELVIN 0x0000FFFFu
#define THRESHOLD_SENSOR 0x000F0000u
#define THRESHOLD_UNDER  0x00300000u
#define SENSOR_COMPOSITE 0u
#define SENSOR_ALL       15u
#define SLOT_UNDER       0x0Cu /* where the lower threshold is kept */

#define VECTOR_NUMBER        0xFFFFu
#define VECTOR_NOT_COALESCED (1u << 16)
#define RECOVERY_UNWRITTEN   (1u << 16) /* error for deallocated blocks: not offered */
#define BEHAVIOR_SIZE        512u
#define TIMESTAMP_SIZE       8u
#define TIMESTAMP_BY_HOST    2u /* its origin, in byte 6 */
#define WARNING_KELVIN       343u

struct rule {
    uint8_t id;
    uint8_t capabilities;
    uint32_t defined; /* bits of dword 11 */
};

static const struct rule rules[] = {
    {SPEC_FEATURE_ARBITRATION, CAN_BE_SAVED | CAN_BE_CHANGED, 0xFFFFFF07},
    {SPEC_FEATURE_POWER, CAN_BE_SAVED | CAN_BE_CHANGED, 0xFF},
    {SPEC_FEATURE_TEMPERATURE, CAN_BE_SAVED | CAN_BE_CHANGED, 0x003FFFFF},
    {SPEC_FEATURE_ERROR_RECOVERY, CAN_BE_SAVED | CAN_BE_CHANGED | IS_OF_A_NAMESPACE, 0x1FFFF},
    {SPEC_FEATURE_WRITE_CACHE, CAN_BE_SAVED | CAN_BE_CHANGED, 1},
    {SPEC_FEATURE_QUEUES, CAN_BE_CHANGED, 0xFFFFFFFF},
    {SPEC_FEATURE_COALESCING, CAN_BE_SAVED | CAN_BE_CHANGED, 0xFFFF},
    {SPEC_FEATURE_VECTOR, CAN_BE_CHANGED, 0x1FFFF},
    {SPEC_FEATURE_ATOMICITY, CAN_BE_SAVED | CAN_BE_CHANGED, 1},
    {SPEC_FEATURE_EVENTS, CAN_BE_SAVED | CAN_BE_CHANGED, 0xFFFFFFFF},
    {SPEC_FEATURE_TIMESTAMP, CAN_BE_CHANGED, 0},
    {SPEC_FEATURE_HOST_BEHAVIOR, CAN_BE_CHANGED, 0},
    {SPEC_FEATURE_SET_PROFILE, CAN_BE_CHANGED, 0x1FF},
};

static uint32_t default_value(const struct nvmevirt *controller, unsigned slot)
{
    switch (slot) {
    case SPEC_FEATURE_TEMPERATURE:
        return WARNING_KELVIN;
    case SPEC_FEATURE_WRITE_CACHE:
        return controller->config.vwc;
    case SPEC_FEATURE_EVENTS:
        return controller->config.event_config;
    default:
        return 0;
    }
}

void nvmevirt_features_default(struct nvmevirt *controller)
{
    for (unsigned slot = 0; slot < NVMEVIRT_FEATURES; slot++)
        controller->features[slot].saved = default_value(controller, slot);
    nvmevirt_features_reset(controller);
}

void nvmevirt_features_reset(struct nvmevirt *controller)
{
    for (unsigned slot = 0; slot < NVMEVIRT_FEATURES; slot++)
        controller->features[slot].current = controller->features[slot].saved;
    for (uint32_t i = 0; i < controller->config.namespace_count; i++)
        controller->namespaces[i].recovery.current = controller->namespaces[i].recovery.saved;
    for (unsigned v = 0; v <= controller->config.vectors; v++)
        controller->vectors[v] &= (uint8_t)~VECTOR_UNCOALESCED;
}

static const struct rule *find(const struct nvmevirt *controller, uint32_t id)
{
    const struct nvmevirt_config *config = &controller->config;
    if ((id == SPEC_FEATURE_WRITE_CACHE && !config->vwc) ||
        (id == SPEC_FEATURE_QUEUES && !config->queue_pairs) ||
        (id == SPEC_FEATURE_TIMESTAMP && !(config->oncs & NVMEVIRT_ONCS_TIMESTAMP)) ||
        (id == SPEC_FEATURE_HOST_BEHAVIOR && !nvmevirt_has_retry_delays(controller)) ||
        (id == SPEC_FEATURE_SET_PROFILE && !nvmevirt_has_command_sets(controller)))
        return NULL;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].id == id)
            return &rules[i];
    }
    return NULL;
}

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
    if ((asked & 0xFFFF) == 0xFFFF || asked >> 16 == 0xFFFF)
        return SPEC_INVALID_FIELD;
    command->result = queues_granted(controller);
    return SPEC_SUCCESS;
}

/* The one of two slots that dword 11 is about. */
static bool threshold_slot(uint32_t value, bool set, unsigned *slot)
{
    uint32_t sensor = SPEC_GET(THRESHOLD_SENSOR, value);
    uint32_t under = SPEC_GET(THRESHOLD_UNDER, value);
    *slot = under ? SLOT_UNDER : SPEC_FEATURE_TEMPERATURE;
    return under <= 1 && (sensor == SENSOR_COMPOSITE || (set && sensor == SENSOR_ALL));
}

static uint16_t store(struct nvmevirt *controller, unsigned slot, uint32_t value, bool save)
{
    controller->features[slot].current = value;
    if (save)
        controller->features[slot].saved = value;
    return SPEC_SUCCESS;
}

static uint16_t set_vector(struct nvmevirt *controller, uint32_t value)
{
    uint32_t vectors = controller->config.vectors ? controller->config.vectors : 1;
    uint32_t number = value & VECTOR_NUMBER;
    if (number >= vectors)
        return SPEC_INVALID_FIELD;
    controller->vectors[number] &= (uint8_t)~VECTOR_UNCOALESCED;
    if (value & VECTOR_NOT_COALESCED)
        controller->vectors[number] |= VECTOR_UNCOALESCED;
    return SPEC_SUCCESS;
}

/* 48 bits of milliseconds; what is behind them is not the host's to say. */
static uint16_t set_timestamp(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint8_t data[TIMESTAMP_SIZE];
    uint16_t status = nvmevirt_receive(controller, command, data, sizeof data);
    if (status)
        return status;
    if (data[6] || data[7])
        nvmevirt_violation(controller, "timestamp with reserved bytes %02x %02x", data[6], data[7]);
    controller->timestamp = 0;
    for (unsigned i = 0; i < 6; i++)
        controller->timestamp |= (uint64_t)data[i] << 8 * i;
    controller->timestamp_at = nvmevirt_now(controller);
    return SPEC_SUCCESS;
}

static uint16_t get_timestamp(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint8_t data[TIMESTAMP_SIZE];
    uint64_t passed = (nvmevirt_now(controller) - controller->timestamp_at) / 1000000;
    nvmevirt_put64(data, 0, controller->timestamp + passed);
    data[6] = controller->timestamp ? TIMESTAMP_BY_HOST : 0;
    data[7] = 0;
    return nvmevirt_send(controller, command, data, sizeof data);
}

/* ACRE is its first byte. */
static uint16_t set_behavior(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint8_t data[BEHAVIOR_SIZE];
    uint16_t status = nvmevirt_receive(controller, command, data, sizeof data);
    if (status)
        return status;
    if (data[0] > 1)
        return SPEC_INVALID_FIELD;
    controller->acre = data[0];
    return SPEC_SUCCESS;
}

static uint16_t get_behavior(struct nvmevirt *controller, const struct nvmevirt_command *command,
                             uint32_t select)
{
    uint8_t data[BEHAVIOR_SIZE];
    __builtin_memset(data, 0, sizeof data);
    data[0] = select == SELECT_CURRENT && controller->acre;
    return nvmevirt_send(controller, command, data, sizeof data);
}

static uint16_t set_recovery(struct nvmevirt *controller, uint32_t nsid, uint32_t value, bool save)
{
    if (value & RECOVERY_UNWRITTEN)
        return SPEC_INVALID_FIELD;
    for (uint32_t i = 0; i < controller->config.namespace_count; i++) {
        struct nvmevirt_ns *ns = &controller->namespaces[i];
        if (!ns->attached || (nsid != SPEC_NSID_BROADCAST && nsid != ns->config.nsid))
            continue;
        ns->recovery.current = value;
        if (save)
            ns->recovery.saved = value;
    }
    return SPEC_SUCCESS;
}

static uint16_t set(struct nvmevirt *controller, struct nvmevirt_command *command, bool save)
{
    uint32_t value = command->dword[11];
    uint8_t id = (uint8_t)command->dword[10];
    const uint32_t warnings = 0xFF;
    unsigned slot;
    switch (id) {
    case SPEC_FEATURE_POWER:
        if ((value & 0x1F) > controller->config.npss)
            return SPEC_INVALID_FIELD;
        break;
    case SPEC_FEATURE_TEMPERATURE:
        if (!threshold_slot(value, true, &slot))
            return SPEC_INVALID_FIELD;
        return store(controller, slot, SPEC_GET(THRESHOLD_KELVIN, value), save);
    case SPEC_FEATURE_ERROR_RECOVERY:
        return set_recovery(controller, command->dword[SPEC_DW_NSID], value, save);
    case SPEC_FEATURE_QUEUES:
        return set_queues(controller, command);
    case SPEC_FEATURE_VECTOR:
        return set_vector(controller, value);
    case SPEC_FEATURE_EVENTS:
        if (value & ~(warnings | controller->config.oaes))
            return SPEC_INVALID_FIELD;
        break;
    case SPEC_FEATURE_TIMESTAMP:
        return set_timestamp(controller, command);
    case SPEC_FEATURE_HOST_BEHAVIOR:
        return set_behavior(controller, command);
    case SPEC_FEATURE_SET_PROFILE:
        return value ? SPEC_INVALID_FIELD : SPEC_SUCCESS; /* there is one combination */
    default:
        break;
    }
    return store(controller, id, value, save);
}

/* Whether the NSID fits a feature; only Set Features takes all namespaces at once. */
static uint16_t check_nsid(const struct nvmevirt *controller, const struct rule *rule,
                           uint32_t nsid, bool setting)
{
    bool all = nsid == SPEC_NSID_BROADCAST;
    if (!(rule->capabilities & IS_OF_A_NAMESPACE))
        return nsid && !all ? SPEC_FEATURE_NOT_BY_NAMESPACE : SPEC_SUCCESS;
    if (all)
        return setting ? SPEC_SUCCESS : SPEC_INVALID_NAMESPACE;
    if (!nsid || nsid > nvmevirt_highest_nsid(controller))
        return SPEC_INVALID_NAMESPACE;
    return nvmevirt_find(controller, nsid) ? SPEC_SUCCESS : SPEC_INVALID_FIELD;
}

uint16_t nvmevirt_set_features(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    bool save = command->dword[10] & SET_SAVE;
    const struct rule *rule = find(controller, command->dword[10] & 0xFF);
    if (!rule)
        return SPEC_INVALID_FIELD;
    if (save && (!(rule->capabilities & CAN_BE_SAVED) ||
                 !(controller->config.oncs & NVMEVIRT_ONCS_SAVE_SELECT)))
        return SPEC_FEATURE_NOT_SAVEABLE;
    uint16_t status = check_nsid(controller, rule, command->dword[SPEC_DW_NSID], true);
    if (status)
        return status;
    if (command->dword[11] & ~rule->defined)
        nvmevirt_violation(controller, "feature %x: dword 11 is %x with reserved bits",
                           (unsigned)rule->id, command->dword[11]);
    command->dword[11] &= rule->defined;
    status = set(controller, command, save);
    nvmevirt_health_look(controller);
    return status;
}

static uint32_t choose(const struct nvmevirt_feature *feature, uint32_t select, uint32_t initial)
{
    return select == SELECT_CURRENT ? feature->current
           : select == SELECT_SAVED ? feature->saved
                                    : initial;
}

static uint16_t get(struct nvmevirt *controller, struct nvmevirt_command *command, uint32_t select)
{
    uint32_t value = command->dword[11];
    unsigned slot = command->dword[10] & 0xFF;
    uint32_t vectors = controller->config.vectors ? controller->config.vectors : 1;
    switch (slot) {
    case SPEC_FEATURE_TEMPERATURE:
        if (!threshold_slot(value, false, &slot))
            return SPEC_INVALID_FIELD;
        break;
    case SPEC_FEATURE_ERROR_RECOVERY:
        command->result =
            choose(&nvmevirt_find(controller, command->dword[SPEC_DW_NSID])->recovery, select, 0);
        return SPEC_SUCCESS;
    case SPEC_FEATURE_QUEUES:
        command->result = queues_granted(controller);
        return SPEC_SUCCESS;
    case SPEC_FEATURE_VECTOR:
        if ((value & VECTOR_NUMBER) >= vectors)
            return SPEC_INVALID_FIELD;
        command->result = value & VECTOR_NUMBER;
        if (select == SELECT_CURRENT &&
            (controller->vectors[value & VECTOR_NUMBER] & VECTOR_UNCOALESCED))
            command->result |= VECTOR_NOT_COALESCED;
        return SPEC_SUCCESS;
    case SPEC_FEATURE_TIMESTAMP:
        return get_timestamp(controller, command);
    case SPEC_FEATURE_HOST_BEHAVIOR:
        return get_behavior(controller, command, select);
    case SPEC_FEATURE_SET_PROFILE:
        return SPEC_SUCCESS;
    default:
        break;
    }
    command->result = choose(&controller->features[slot], select, default_value(controller, slot));
    return SPEC_SUCCESS;
}

uint16_t nvmevirt_get_features(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    uint32_t select = SPEC_GET(GET_SELECT, command->dword[10]);
    bool selects = controller->config.oncs & NVMEVIRT_ONCS_SAVE_SELECT;
    const struct rule *rule = find(controller, command->dword[10] & 0xFF);
    if (!rule || select > (selects ? SELECT_CAPABILITIES : SELECT_CURRENT))
        return SPEC_INVALID_FIELD;
    if (select == SELECT_CAPABILITIES) {
        command->result = rule->capabilities;
        return SPEC_SUCCESS;
    }
    uint16_t status = check_nsid(controller, rule, command->dword[SPEC_DW_NSID], false);
    return status ? status : get(controller, command, select);
}
