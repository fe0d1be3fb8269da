/*
 * Identify: what the controller is and can do. Base 5.17; NVM 4.1.5.
 */
#include "internal.h"

#define VENDOR 0x1B36u

void nvmevirt_put16(uint8_t *data, unsigned offset, uint16_t value)
{
    __builtin_memcpy(data + offset, &value, sizeof value);
}

void nvmevirt_put32(uint8_t *data, unsigned offset, uint32_t value)
{
    __builtin_memcpy(data + offset, &value, sizeof value);
}

void nvmevirt_put64(uint8_t *data, unsigned offset, uint64_t value)
{
    __builtin_memcpy(data + offset, &value, sizeof value);
}

static void identify_identity(const struct nvmevirt_config *config, uint8_t *data)
{
    static const char subsystem[] = "nqn.2014-08.org.nvmexpress:nvmevirt";
    nvmevirt_put16(data, 0, VENDOR);                           /* VID */
    nvmevirt_put16(data, 2, VENDOR);                           /* SSVID */
    nvmevirt_pad(data + 4, 20, config->serial);                /* SN */
    nvmevirt_pad(data + 24, 40, config->model);                /* MN */
    nvmevirt_pad(data + 64, 8, config->firmware);              /* FR */
    nvmevirt_put16(data, 78, config->cntlid);                  /* CNTLID */
    nvmevirt_put32(data, 80, config->version);                 /* VER */
    data[111] = 1;                                             /* CNTRLTYPE: I/O controller */
    __builtin_memcpy(data + 768, subsystem, sizeof subsystem); /* SUBNQN */
}

/* The sum of what all namespaces can hold, and of what no namespace holds: 128 bits each. */
static void identify_capacity(const struct nvmevirt *controller, uint8_t *data)
{
    uint64_t total = 0, unallocated = 0;
    for (uint32_t i = 0; i < controller->config.namespace_count; i++) {
        const struct nvmevirt_ns *ns = &controller->namespaces[i];
        total += ns->bytes;
        unallocated += ns->allocated ? 0 : ns->bytes;
    }
    nvmevirt_put64(data, 280, total);       /* TNVMCAP */
    nvmevirt_put64(data, 296, unallocated); /* UNVMCAP */
}

static void identify_controller(const struct nvmevirt *controller, uint8_t *data)
{
    const struct nvmevirt_config *config = &controller->config;
    identify_identity(config, data);
    data[77] = config->mdts;                /* MDTS */
    nvmevirt_put32(data, 92, config->oaes); /* OAES */
    for (unsigned i = 0; i < 3; i++)
        nvmevirt_put16(data, 128 + 2 * i, config->crdt[i]);       /* CRDT1 to 3 */
    nvmevirt_put16(data, 256, config->oacs);                      /* OACS */
    data[258] = config->abort_limit;                              /* ACL */
    data[259] = config->event_limit;                              /* AERL */
    data[260] = 1 << 1 | 1;                                       /* FRMW: one slot, read-only */
    data[261] = config->lpa;                                      /* LPA */
    data[262] = NVMEVIRT_ERRORS - 1;                              /* ELPE */
    data[263] = config->npss;                                     /* NPSS */
    nvmevirt_put16(data, 266, 343);                               /* WCTEMP, K */
    nvmevirt_put16(data, 268, 373);                               /* CCTEMP, K */
    data[512] = SPEC_SQE_SHIFT << 4 | SPEC_SQE_SHIFT;             /* SQES */
    data[513] = SPEC_CQE_SHIFT << 4 | SPEC_CQE_SHIFT;             /* CQES */
    nvmevirt_put32(data, 516, nvmevirt_highest_nsid(controller)); /* NN */
    nvmevirt_put16(data, 520, config->oncs);                      /* ONCS */
    data[524] = config->fna;                                      /* FNA */
    data[525] = 3 << 1 | config->vwc; /* VWC: Flush takes the broadcast NSID */
    if (config->oncs & NVMEVIRT_ONCS_COPY)
        nvmevirt_put16(data, 534, 1);        /* OCFS: format 0 */
    nvmevirt_put32(data, 536, config->sgls); /* SGLS */
    if (config->oacs & NVMEVIRT_OACS_NAMESPACES)
        identify_capacity(controller, data);
    for (unsigned i = 0; i <= config->npss && i < 32; i++)
        nvmevirt_put16(data, 2048 + 32 * i, (uint16_t)(900 / (i + 1))); /* PSDi: MP, 10 mW */
}

/* What is particular to the NVM command set. */
static void identify_command_set(const struct nvmevirt_config *config, uint8_t *data)
{
    data[0] = config->vsl;
    data[1] = config->wzsl;
    data[2] = config->wusl;
    data[3] = config->dmrl;
    nvmevirt_put32(data, 4, config->dmrsl);
    nvmevirt_put64(data, 8, config->dmsl);
}

static uint16_t fill(const struct nvmevirt *controller, const struct nvmevirt_command *command,
                     uint8_t *data)
{
    uint8_t cns = (uint8_t)command->dword[10];
    uint32_t nsid = command->dword[SPEC_DW_NSID];
    uint8_t csi = (uint8_t)(command->dword[11] >> 24);
    bool of_set = cns >= SPEC_CNS_SET_NAMESPACE && cns <= SPEC_CNS_SET_ACTIVE;
    uint16_t status;

    if (of_set &&
        (!nvmevirt_has_command_sets(controller) ||
         (csi != SPEC_CSI_NVM && (csi != SPEC_CSI_ZONED || !nvmevirt_has_zones(controller)))))
        return SPEC_INVALID_FIELD;
    if (nvmevirt_identify_ns(controller, command, data, &status))
        return status;
    if (nsid)
        return SPEC_INVALID_FIELD;
    switch (cns) {
    case SPEC_CNS_CONTROLLER:
        identify_controller(controller, data);
        return SPEC_SUCCESS;
    case SPEC_CNS_SET_CONTROLLER:
        if (csi == SPEC_CSI_ZONED)
            data[0] = controller->config.zasl;
        else
            identify_command_set(&controller->config, data);
        return SPEC_SUCCESS;
    case SPEC_CNS_SET_COMBINATIONS:
        if (!nvmevirt_has_command_sets(controller))
            return SPEC_INVALID_FIELD;
        nvmevirt_put64(data, 0,
                       1u << SPEC_CSI_NVM |
                           (nvmevirt_has_zones(controller) ? 1u << SPEC_CSI_ZONED : 0));
        return SPEC_SUCCESS;
    default:
        return SPEC_INVALID_FIELD;
    }
}

uint16_t nvmevirt_identify(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint8_t data[SPEC_IDENTIFY_SIZE];
    __builtin_memset(data, 0, sizeof data);
    uint16_t status = fill(controller, command, data);
    if (status)
        return status;
    if (controller->environment.identify)
        controller->environment.identify(controller->environment.context,
                                         (uint8_t)command->dword[10], command->dword[SPEC_DW_NSID],
                                         data);
    return nvmevirt_send(controller, command, data, sizeof data);
}
