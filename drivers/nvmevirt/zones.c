/*
 * Zones: the state of each and its write pointer, what may be written where, how many may be open
 * or active, and the commands that are about zones. ZNS 2.1.1 and 3.4.
 */
#include "internal.h"

#define DESCRIPTOR 64u /* bytes of one in a report, and of the report's header */
#define SEQUENTIAL 2u  /* zone type */
#define NO_POINTER UINT64_MAX

#define REPORT     0u
#define ACTION     0xFFu
#define SELECT_ALL (1u << 8)
#define PARTIAL    (1u << 16)

#define IS(state) (1u << SPEC_ZONE_##state)
#define OPEN      (IS(IMPLICIT) | IS(EXPLICIT))
#define ACTIVE    (OPEN | IS(CLOSED))

static const struct {
    uint32_t from;    /* states that are left, also by Select All; */
    uint32_t also;    /* without that also these; */
    uint32_t already; /* nothing to do */
    uint8_t to;
} actions[] = {
    [SPEC_ZONE_CLOSE] = {OPEN, 0, IS(CLOSED), SPEC_ZONE_CLOSED},
    [SPEC_ZONE_FINISH] = {ACTIVE, IS(EMPTY), IS(FULL), SPEC_ZONE_FULL},
    [SPEC_ZONE_OPEN] = {IS(CLOSED), IS(EMPTY) | IS(IMPLICIT), IS(EXPLICIT), SPEC_ZONE_EXPLICIT},
    [SPEC_ZONE_RESET] = {ACTIVE | IS(FULL), 0, IS(EMPTY), SPEC_ZONE_EMPTY},
    [SPEC_ZONE_OFFLINE] = {IS(READ_ONLY), 0, IS(GONE), SPEC_ZONE_GONE},
};
#define ACTIONS (sizeof actions / sizeof actions[0])

static uint64_t count_of(const struct nvmevirt_ns *ns)
{
    return ns->config.blocks / ns->config.zone_blocks;
}

static uint64_t capacity_of(const struct nvmevirt_ns *ns)
{
    return ns->config.zone_capacity ? ns->config.zone_capacity : ns->config.zone_blocks;
}

static uint64_t start_of(const struct nvmevirt_ns *ns, const struct nvmevirt_zone *zone)
{
    return (uint64_t)(zone - ns->zones) * ns->config.zone_blocks;
}

static struct nvmevirt_zone *zone_at(const struct nvmevirt_ns *ns, uint64_t lba)
{
    return &ns->zones[lba / ns->config.zone_blocks];
}

static bool is_in(const struct nvmevirt_zone *zone, uint32_t states)
{
    return states >> zone->state & 1;
}

static uint64_t count_in(const struct nvmevirt_ns *ns, uint32_t states)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < count_of(ns); i++)
        count += is_in(&ns->zones[i], states);
    return count;
}

bool nvmevirt_zones_open(const struct nvmevirt *controller, struct nvmevirt_ns *ns)
{
    const struct nvmevirt_namespace *config = &ns->config;
    if (!config->zone_blocks)
        return true;
    if (config->formats[0] || config->blocks % config->zone_blocks ||
        config->zone_capacity > config->zone_blocks || !nvmevirt_has_command_sets(controller) ||
        count_of(ns) > SIZE_MAX / sizeof *ns->zones)
        return false;
    ns->zones = controller->environment.allocate(controller->environment.context,
                                                 (size_t)count_of(ns) * sizeof *ns->zones);
    if (ns->zones)
        nvmevirt_zones_clear(ns);
    return ns->zones != NULL;
}

void nvmevirt_zones_clear(struct nvmevirt_ns *ns)
{
    for (uint64_t i = 0; ns->zones && i < count_of(ns); i++)
        ns->zones[i] = (struct nvmevirt_zone){.state = SPEC_ZONE_EMPTY};
}

bool nvmevirt_set_zone(struct nvmevirt *controller, uint32_t nsid, uint64_t index, uint8_t state)
{
    const struct nvmevirt_ns *ns = nvmevirt_find(controller, nsid);
    if (!ns || !ns->zones || index >= count_of(ns))
        return false;
    ns->zones[index].state = state;
    return true;
}

bool nvmevirt_has_zones(const struct nvmevirt *controller)
{
    bool any = false;
    for (uint32_t i = 0; i < controller->config.namespace_count; i++)
        any |= controller->namespaces[i].config.zone_blocks != 0;
    return any;
}

/* May `zones` more be opened, of which `active` are active already? Those that were opened by
 * writes only make room (ZNS 2.1.1.4.1). */
static uint16_t check_limits(const struct nvmevirt_ns *ns, uint64_t zones, uint64_t active)
{
    const struct nvmevirt_namespace *config = &ns->config;
    if (config->max_active && count_in(ns, ACTIVE) + zones - active > config->max_active)
        return SPEC_TOO_MANY_ACTIVE;
    if (config->max_open && count_in(ns, IS(EXPLICIT)) + zones > config->max_open)
        return SPEC_TOO_MANY_OPEN;
    return SPEC_SUCCESS;
}

static void make_room(const struct nvmevirt_ns *ns, const struct nvmevirt_zone *opened)
{
    uint32_t most = ns->config.max_open;
    for (uint64_t i = 0; most && i < count_of(ns) && count_in(ns, OPEN) > most; i++)
        if (&ns->zones[i] != opened && is_in(&ns->zones[i], IS(IMPLICIT)))
            ns->zones[i].state = SPEC_ZONE_CLOSED;
}

static uint16_t state_status(const struct nvmevirt_zone *zone)
{
    switch (zone->state) {
    case SPEC_ZONE_FULL:
        return SPEC_ZONE_IS_FULL;
    case SPEC_ZONE_READ_ONLY:
        return SPEC_ZONE_IS_READ_ONLY;
    case SPEC_ZONE_GONE:
        return SPEC_ZONE_IS_OFFLINE;
    default:
        return SPEC_SUCCESS;
    }
}

uint16_t nvmevirt_zone_read(const struct nvmevirt_extent *extent)
{
    const struct nvmevirt_ns *ns = extent->ns;
    if (!ns->zones)
        return SPEC_SUCCESS;
    if (extent->blocks > ns->config.zone_blocks - extent->lba % ns->config.zone_blocks)
        return SPEC_ZONE_BOUNDARY; /* OZCS: no Read Across Zone Boundaries */
    return is_in(zone_at(ns, extent->lba), IS(GONE)) ? SPEC_ZONE_IS_OFFLINE : SPEC_SUCCESS;
}

uint16_t nvmevirt_zone_write(const struct nvmevirt_extent *extent)
{
    const struct nvmevirt_ns *ns = extent->ns;
    if (!ns->zones)
        return SPEC_SUCCESS;
    const struct nvmevirt_zone *zone = zone_at(ns, extent->lba);
    uint64_t offset = extent->lba - start_of(ns, zone);
    uint16_t status = state_status(zone);
    if (status)
        return status;
    if (offset >= capacity_of(ns) || extent->blocks > capacity_of(ns) - offset)
        return SPEC_ZONE_BOUNDARY;
    if (offset != zone->written)
        return SPEC_ZONE_INVALID_WRITE;
    return is_in(zone, OPEN) ? SPEC_SUCCESS : check_limits(ns, 1, is_in(zone, ACTIVE));
}

void nvmevirt_zone_written(const struct nvmevirt_extent *extent)
{
    const struct nvmevirt_ns *ns = extent->ns;
    if (!ns->zones)
        return;
    struct nvmevirt_zone *zone = zone_at(ns, extent->lba);
    if (!is_in(zone, OPEN)) {
        zone->state = SPEC_ZONE_IMPLICIT;
        make_room(ns, zone);
    }
    zone->written += extent->blocks;
    if (zone->written == capacity_of(ns))
        zone->state = SPEC_ZONE_FULL;
}

uint16_t nvmevirt_zone_append(struct nvmevirt *controller, struct nvmevirt_command *command,
                              struct nvmevirt_extent *extent)
{
    const struct nvmevirt_ns *ns = extent->ns;
    uint64_t unit = 4096ull << SPEC_GET(SPEC_CAP_MPSMIN, controller->cap);
    uint8_t zasl = controller->config.zasl;
    if (zasl && extent->blocks * ns->config.block_size > unit << zasl) {
        nvmevirt_violation(controller, "Zone Append of %llx blocks exceeds ZASL",
                           (unsigned long long)extent->blocks);
        return SPEC_INVALID_FIELD;
    }
    if (extent->lba >= ns->config.blocks)
        return SPEC_LBA_OUT_OF_RANGE;
    if (extent->lba % ns->config.zone_blocks)
        return SPEC_INVALID_FIELD;
    extent->lba += zone_at(ns, extent->lba)->written;
    command->result = (uint32_t)extent->lba;
    command->result_high = (uint32_t)(extent->lba >> 32);
    return SPEC_SUCCESS;
}

static void enter(struct nvmevirt_ns *ns, struct nvmevirt_zone *zone, uint8_t state)
{
    uint64_t start = start_of(ns, zone);
    zone->state = state;
    if (state != SPEC_ZONE_EMPTY)
        return;
    zone->written = 0;
    nvmevirt_clear((struct nvmevirt_extent){ns, start, ns->config.zone_blocks});
}

static uint16_t send_one(struct nvmevirt_ns *ns, struct nvmevirt_zone *zone, uint32_t action)
{
    if (is_in(zone, actions[action].already))
        return SPEC_SUCCESS;
    if (!is_in(zone, actions[action].from | actions[action].also))
        return SPEC_ZONE_TRANSITION;
    uint16_t status = SPEC_SUCCESS;
    if (action == SPEC_ZONE_OPEN)
        status = check_limits(ns, 1, is_in(zone, ACTIVE));
    if (!status)
        enter(ns, zone, actions[action].to);
    make_room(ns, NULL);
    return status;
}

static uint16_t send_all(struct nvmevirt_ns *ns, uint32_t action)
{
    uint64_t concerned = count_in(ns, actions[action].from);
    uint16_t status = SPEC_SUCCESS;
    if (action == SPEC_ZONE_OPEN)
        status = check_limits(ns, concerned, concerned);
    for (uint64_t i = 0; !status && i < count_of(ns); i++)
        if (is_in(&ns->zones[i], actions[action].from))
            enter(ns, &ns->zones[i], actions[action].to);
    make_room(ns, NULL);
    return status;
}

uint16_t nvmevirt_zone_send(const struct nvmevirt_command *command, struct nvmevirt_ns *ns)
{
    uint64_t lba = nvmevirt_dwords(command, 10);
    uint32_t action = command->dword[13] & ACTION;
    if (action >= ACTIONS || !actions[action].from || (command->dword[13] & ~(ACTION | SELECT_ALL)))
        return SPEC_INVALID_FIELD;
    if (ns->config.read_only)
        return SPEC_WRITE_PROTECTED;
    if (command->dword[13] & SELECT_ALL)
        return send_all(ns, action);
    if (lba >= ns->config.blocks)
        return SPEC_LBA_OUT_OF_RANGE;
    return lba % ns->config.zone_blocks ? SPEC_INVALID_FIELD
                                        : send_one(ns, zone_at(ns, lba), action);
}

static void describe(const struct nvmevirt_ns *ns, const struct nvmevirt_zone *zone, uint8_t *data)
{
    bool pointer = is_in(zone, ACTIVE | IS(EMPTY));
    __builtin_memset(data, 0, DESCRIPTOR);
    data[0] = SEQUENTIAL;
    data[1] = (uint8_t)(zone->state << 4);
    nvmevirt_put64(data, 8, capacity_of(ns));
    nvmevirt_put64(data, 16, start_of(ns, zone));
    nvmevirt_put64(data, 24, pointer ? start_of(ns, zone) + zone->written : NO_POINTER);
}

uint16_t nvmevirt_zone_receive(struct nvmevirt *controller, const struct nvmevirt_command *command,
                               const struct nvmevirt_ns *ns)
{
    static const uint16_t options[] = {0xFFFF,     IS(EMPTY), IS(IMPLICIT),  IS(EXPLICIT),
                                       IS(CLOSED), IS(FULL),  IS(READ_ONLY), IS(GONE)};
    uint64_t lba = nvmevirt_dwords(command, 10), bytes = (command->dword[12] + 1ull) * 4;
    uint32_t option = command->dword[13] >> 8 & 0xFF;
    if (nvmevirt_exceeds_mdts(controller, bytes) || (command->dword[13] & ACTION) != REPORT ||
        option >= sizeof options / sizeof options[0] || bytes < DESCRIPTOR)
        return SPEC_INVALID_FIELD;
    if (lba >= ns->config.blocks)
        return SPEC_LBA_OUT_OF_RANGE;
    uint64_t first = lba / ns->config.zone_blocks, room = bytes / DESCRIPTOR - 1, all = 0;
    for (uint64_t i = first; i < count_of(ns); i++)
        all += is_in(&ns->zones[i], options[option]);
    if (room > all)
        room = all;

    uint8_t data[DESCRIPTOR] = {0};
    struct nvmevirt_walk walk;
    nvmevirt_put64(data, 0, command->dword[13] & PARTIAL ? room : all);
    uint16_t status = nvmevirt_walk_start(&walk, controller, command, bytes, NVMEVIRT_TO_HOST);
    if (!status)
        status = nvmevirt_walk_move(&walk, data, DESCRIPTOR);
    bytes -= DESCRIPTOR;
    for (uint64_t i = first; !status && room; i++) {
        if (!is_in(&ns->zones[i], options[option]))
            continue;
        describe(ns, &ns->zones[i], data);
        status = nvmevirt_walk_move(&walk, data, DESCRIPTOR);
        bytes -= DESCRIPTOR;
        room--;
    }
    return !status && bytes ? nvmevirt_walk_move(&walk, NULL, bytes) : status;
}

void nvmevirt_zones_identify(const struct nvmevirt_ns *ns, uint8_t *data)
{
    nvmevirt_put32(data, 4, ns->config.max_active - 1); /* MAR: 0's based, all ones for none */
    nvmevirt_put32(data, 8, ns->config.max_open - 1);   /* MOR */
    nvmevirt_put64(data, 2816, ns->config.zone_blocks); /* LBAFE0: ZSZE */
}
