/*
 * Identify: what the controller and its namespaces are. Base 5.17;
 * NVM 4.1.5.
 */
#include "internal.h"

#define VENDOR 0x1B36u

static void put16(uint8_t *data, unsigned offset, uint16_t value)
{
    __builtin_memcpy(data + offset, &value, sizeof value);
}

static void put32(uint8_t *data, unsigned offset, uint32_t value)
{
    __builtin_memcpy(data + offset, &value, sizeof value);
}

static void put64(uint8_t *data, unsigned offset, uint64_t value)
{
    __builtin_memcpy(data + offset, &value, sizeof value);
}

static void identify_controller(const struct nvmevirt *controller, uint8_t *data)
{
    static const char subsystem[] = "nqn.2014-08.org.nvmexpress:nvmevirt";
    const struct nvmevirt_config *config = &controller->config;
    put16(data, 0, VENDOR);                              /* VID */
    put16(data, 2, VENDOR);                              /* SSVID */
    nvmevirt_pad(data + 4, 20, config->serial);          /* SN */
    nvmevirt_pad(data + 24, 40, config->model);          /* MN */
    nvmevirt_pad(data + 64, 8, config->firmware);        /* FR */
    data[77] = config->mdts;                             /* MDTS */
    put32(data, 80, config->version);                    /* VER */
    data[111] = 1;                                       /* CNTRLTYPE: I/O controller */
    data[258] = config->abort_limit;                     /* ACL */
    data[259] = config->event_limit;                     /* AERL */
    data[260] = 1 << 1 | 1;                              /* FRMW: one slot, read-only */
    data[261] = 1 << 2;                                  /* LPA: offset and length of 32 bits */
    data[262] = NVMEVIRT_ERRORS - 1;                     /* ELPE */
    put16(data, 266, 343);                               /* WCTEMP, K */
    put16(data, 268, 373);                               /* CCTEMP, K */
    data[512] = SPEC_SQE_SHIFT << 4 | SPEC_SQE_SHIFT;    /* SQES */
    data[513] = SPEC_CQE_SHIFT << 4 | SPEC_CQE_SHIFT;    /* CQES */
    put32(data, 516, nvmevirt_highest_nsid(controller)); /* NN */
    put16(data, 520, 1 << 3 | 1 << 0);                   /* ONCS: Write Zeroes, Compare */
    data[525] = 3 << 1 | config->vwc;                    /* VWC: Flush takes the broadcast NSID */
    __builtin_memcpy(data + 768, subsystem, sizeof subsystem); /* SUBNQN */
}

static unsigned shift_of(uint32_t power)
{
    return (unsigned)__builtin_ctz(power);
}

static void identify_namespace(const struct nvmevirt_ns *ns, uint8_t *data)
{
    put64(data, 0, ns->config.blocks);  /* NSZE */
    put64(data, 8, ns->config.blocks);  /* NCAP */
    put64(data, 16, ns->config.blocks); /* NUSE */
    data[33] = 1;                       /* DLFEAT: deallocated blocks read as zeros */
    __builtin_memcpy(data + 104, ns->config.nguid, sizeof ns->config.nguid);
    __builtin_memcpy(data + 120, ns->config.eui64, sizeof ns->config.eui64);
    put32(data, 128, shift_of(ns->config.block_size) << 16); /* LBAF0: LBADS */
}

static void list_active(const struct nvmevirt *controller, uint32_t after, uint8_t *data)
{
    unsigned offset = 0;
    for (uint32_t i = 0; i < controller->config.namespace_count; i++) {
        uint32_t nsid = controller->namespaces[i].config.nsid;
        if (nsid <= after)
            continue;
        put32(data, offset, nsid);
        offset += 4;
        if (offset == SPEC_IDENTIFY_SIZE)
            return;
    }
}

static uint8_t *put_descriptor(uint8_t *data, uint8_t type, const uint8_t *id, uint8_t length)
{
    bool present = false;
    for (unsigned i = 0; i < length; i++)
        present |= id[i];
    if (!present)
        return data;
    data[0] = type;
    data[1] = length;
    __builtin_memcpy(data + 4, id, length);
    return data + 4 + length;
}

static void list_descriptors(const struct nvmevirt_ns *ns, uint8_t *data)
{
    data = put_descriptor(data, SPEC_NIDT_EUI64, ns->config.eui64, sizeof ns->config.eui64);
    data = put_descriptor(data, SPEC_NIDT_NGUID, ns->config.nguid, sizeof ns->config.nguid);
    put_descriptor(data, SPEC_NIDT_UUID, ns->config.uuid, sizeof ns->config.uuid);
}

static uint16_t fill(const struct nvmevirt *controller, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    const struct nvmevirt_ns *ns = nvmevirt_find(controller, nsid);
    switch (cns) {
    case SPEC_CNS_NAMESPACE:
        if (!nsid || nsid > nvmevirt_highest_nsid(controller))
            return SPEC_INVALID_NAMESPACE;
        if (ns)
            identify_namespace(ns, data);
        return SPEC_SUCCESS; /* inactive: all zeros */
    case SPEC_CNS_CONTROLLER:
        if (nsid)
            return SPEC_INVALID_FIELD;
        identify_controller(controller, data);
        return SPEC_SUCCESS;
    case SPEC_CNS_ACTIVE:
        if (nsid >= SPEC_NSID_BROADCAST - 1)
            return SPEC_INVALID_NAMESPACE;
        list_active(controller, nsid, data);
        return SPEC_SUCCESS;
    case SPEC_CNS_DESCRIPTORS:
        if (!ns)
            return SPEC_INVALID_NAMESPACE;
        list_descriptors(ns, data);
        return SPEC_SUCCESS;
    default:
        return SPEC_INVALID_FIELD;
    }
}

uint16_t nvmevirt_identify(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint8_t data[SPEC_IDENTIFY_SIZE];
    uint8_t cns = (uint8_t)command->dword[10];
    uint32_t nsid = command->dword[SPEC_DW_NSID];

    __builtin_memset(data, 0, sizeof data);
    uint16_t status = fill(controller, cns, nsid, data);
    if (status)
        return status;
    if (controller->environment.identify)
        controller->environment.identify(controller->environment.context, cns, nsid, data);
    return nvmevirt_send(controller, command, data, sizeof data);
}
