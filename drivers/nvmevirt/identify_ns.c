/*
 * Identify: what the namespaces are, and lists of them, of their names and of
 * the controllers that they are attached to. Base 5.17.2; NVM 4.1.5.
 */
#include "internal.h"

#define READ_ONLY   1u    /* NSATTR */
#define INTERLEAVED 0x10u /* FLBAS */
#define MC_BOTH     0x03u /* metadata behind the data of each block, or apart */
#define DPC_ALL     0x1Fu /* three types of protection, first or last */

static unsigned shift_of(uint32_t power)
{
    return (unsigned)__builtin_ctz(power);
}

/* LBAFi from byte 128 on, NLBAF, FLBAS, MC, DPC. */
static void put_formats(const struct nvmevirt_ns *ns, uint8_t *data)
{
    const struct nvmevirt_namespace *config = &ns->config;
    struct nvmevirt_format format;
    uint32_t count = 0;
    for (; count < sizeof config->formats && nvmevirt_has_format(ns, count, &format); count++) {
        nvmevirt_put32(data, 128 + 4 * count,
                       shift_of(format.block_size) << 16 | format.metadata_size);
        if (format.block_size == config->block_size &&
            format.metadata_size == config->metadata_size)
            data[26] = (uint8_t)(count | (config->interleaved ? INTERLEAVED : 0));
    }
    data[25] = (uint8_t)(count - 1);
    data[27] = ns->metadata ? MC_BOTH : 0;
    data[28] = ns->metadata ? DPC_ALL : 0;
}

static void identify_namespace(const struct nvmevirt *controller, const struct nvmevirt_ns *ns,
                               uint8_t *data)
{
    const struct nvmevirt_config *config = &controller->config;
    nvmevirt_put64(data, 0, ns->config.blocks);  /* NSZE */
    nvmevirt_put64(data, 8, ns->config.blocks);  /* NCAP */
    nvmevirt_put64(data, 16, ns->config.blocks); /* NUSE */
    data[29] = ns->config.protection;            /* DPS */
    data[33] = 1;                                /* DLFEAT: deallocated blocks read as zeros */
    if (config->oacs & NVMEVIRT_OACS_NAMESPACES)
        nvmevirt_put64(data, 48, ns->config.blocks * ns->config.block_size); /* NVMCAP */
    if (config->oncs & NVMEVIRT_ONCS_COPY) {
        nvmevirt_put16(data, 74, config->mssrl);
        nvmevirt_put32(data, 76, config->mcl);
        data[80] = config->msrc;
    }
    data[99] = ns->config.read_only ? READ_ONLY : 0;
    __builtin_memcpy(data + 104, ns->config.nguid, sizeof ns->config.nguid);
    __builtin_memcpy(data + 120, ns->config.eui64, sizeof ns->config.eui64);
    put_formats(ns, data);
}

/* By bits, each 1 << CSI: of which command sets. */
static void list(const struct nvmevirt *controller, uint32_t after, bool allocated, unsigned sets,
                 uint8_t *data)
{
    unsigned offset = 0;
    for (uint32_t i = 0; i < controller->config.namespace_count; i++) {
        const struct nvmevirt_ns *ns = &controller->namespaces[i];
        if (ns->config.nsid <= after || !(allocated ? ns->allocated : ns->attached) ||
            !(sets >> (ns->zones ? SPEC_CSI_ZONED : SPEC_CSI_NVM) & 1))
            continue;
        nvmevirt_put32(data, offset, ns->config.nsid);
        offset += 4;
        if (offset == SPEC_IDENTIFY_SIZE)
            return;
    }
}

static uint8_t *put_descriptor(uint8_t *data, uint8_t type, const uint8_t *id, uint8_t length)
{
    bool present = false;
    for (unsigned i = 0; i < length; i++)
        present |= id[i] != 0;
    if (!present)
        return data;
    data[0] = type;
    data[1] = length;
    __builtin_memcpy(data + 4, id, length);
    return data + 4 + length;
}

static void list_descriptors(const struct nvmevirt *controller, const struct nvmevirt_ns *ns,
                             uint8_t *data)
{
    data = put_descriptor(data, SPEC_NIDT_EUI64, ns->config.eui64, sizeof ns->config.eui64);
    data = put_descriptor(data, SPEC_NIDT_NGUID, ns->config.nguid, sizeof ns->config.nguid);
    data = put_descriptor(data, SPEC_NIDT_UUID, ns->config.uuid, sizeof ns->config.uuid);
    if (nvmevirt_has_command_sets(controller)) {
        data[0] = SPEC_NIDT_CSI;
        data[1] = 1;
        data[4] = ns->zones ? SPEC_CSI_ZONED : SPEC_CSI_NVM;
    }
}

/* Of all namespaces: the formats that a new one can have; the other structures have zeros only. */
static uint16_t identify_common(const struct nvmevirt *controller, uint8_t cns, uint8_t *data)
{
    if (!(controller->config.oacs & NVMEVIRT_OACS_NAMESPACES) ||
        !controller->config.namespace_count)
        return SPEC_INVALID_NAMESPACE;
    if (cns == SPEC_CNS_NAMESPACE)
        put_formats(&controller->namespaces[0], data);
    data[26] = 0;
    return SPEC_SUCCESS;
}

static uint16_t identify_one(const struct nvmevirt *controller, uint8_t cns, uint32_t nsid,
                             uint8_t *data)
{
    const struct nvmevirt_ns *ns = nvmevirt_find(controller, nsid);
    if (cns != SPEC_CNS_ALLOCATED_NAMESPACE && nsid == SPEC_NSID_BROADCAST)
        return identify_common(controller, cns, data);
    if (!nsid || nsid > nvmevirt_highest_nsid(controller))
        return SPEC_INVALID_NAMESPACE;
    if (cns == SPEC_CNS_ALLOCATED_NAMESPACE)
        ns = nvmevirt_find_allocated(controller, nsid);
    if (!ns)
        return SPEC_SUCCESS; /* inactive: all zeros */
    if (cns == SPEC_CNS_INDEPENDENT)
        data[8] = ns->config.read_only ? READ_ONLY : 0;
    else if (cns != SPEC_CNS_SET_NAMESPACE) /* no extended formats: zeros */
        identify_namespace(controller, ns, data);
    return SPEC_SUCCESS;
}

/* Controller lists: of one or none. `first`: the lowest identifier wanted. */
static uint16_t list_controllers(const struct nvmevirt *controller, uint8_t cns, uint32_t nsid,
                                 uint16_t first, uint8_t *data)
{
    bool listed = controller->config.cntlid >= first;
    if (cns == SPEC_CNS_ATTACHED_CONTROLLERS) {
        if (nsid == SPEC_NSID_BROADCAST)
            return SPEC_INVALID_FIELD;
        if (!nsid || nsid > nvmevirt_highest_nsid(controller))
            return SPEC_INVALID_NAMESPACE;
        listed &= nvmevirt_find(controller, nsid) != NULL;
    }
    nvmevirt_put16(data, 0, listed);
    nvmevirt_put16(data, 2, listed ? controller->config.cntlid : 0);
    return SPEC_SUCCESS;
}

/* Those that come with Namespace Management. */
static bool manages(const struct nvmevirt *controller, uint8_t cns)
{
    return cns >= SPEC_CNS_ALLOCATED && cns <= SPEC_CNS_CONTROLLERS &&
           (controller->config.oacs & NVMEVIRT_OACS_NAMESPACES);
}

bool nvmevirt_identify_ns(const struct nvmevirt *controller, const struct nvmevirt_command *command,
                          uint8_t *data, uint16_t *status)
{
    uint8_t cns = (uint8_t)command->dword[10];
    uint8_t csi = (uint8_t)(command->dword[11] >> 24);
    uint16_t first = (uint16_t)(command->dword[10] >> 16);
    uint32_t nsid = command->dword[SPEC_DW_NSID];
    const struct nvmevirt_ns *ns = nvmevirt_find(controller, nsid);
    bool modern = controller->config.version >= 0x00020000;
    bool lists = controller->config.version >= 0x00010100;
    *status = SPEC_SUCCESS;
    if (cns >= SPEC_CNS_ALLOCATED && !manages(controller, cns))
        return false;
    switch (cns) {
    case SPEC_CNS_INDEPENDENT:
        if (!modern)
            return false;
        /* fall through */
    case SPEC_CNS_NAMESPACE:
    case SPEC_CNS_SET_NAMESPACE:
    case SPEC_CNS_ALLOCATED_NAMESPACE:
        *status = identify_one(controller, cns, nsid, data);
        if (cns == SPEC_CNS_SET_NAMESPACE && csi == SPEC_CSI_ZONED && ns && ns->zones)
            nvmevirt_zones_identify(ns, data);
        return true;
    case SPEC_CNS_ACTIVE:
        if (!lists)
            return false;
        /* fall through */
    case SPEC_CNS_SET_ACTIVE:
    case SPEC_CNS_ALLOCATED:
        if (nsid >= SPEC_NSID_BROADCAST - 1)
            *status = SPEC_INVALID_NAMESPACE;
        else
            list(controller, nsid, cns == SPEC_CNS_ALLOCATED,
                 cns == SPEC_CNS_SET_ACTIVE ? 1u << csi : ~0u, data);
        return true;
    case SPEC_CNS_DESCRIPTORS:
        if (ns)
            list_descriptors(controller, ns, data);
        else if (!nsid || nsid > nvmevirt_highest_nsid(controller))
            *status = SPEC_INVALID_NAMESPACE;
        else
            *status = SPEC_INVALID_FIELD; /* inactive: Base 3.2.1.5 */
        return true;
    case SPEC_CNS_ATTACHED_CONTROLLERS:
    case SPEC_CNS_CONTROLLERS:
        *status = list_controllers(controller, cns, nsid, first, data);
        return true;
    default:
        return false;
    }
}
