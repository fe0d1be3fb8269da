/*
 * Which bits of a command mean something: one row for each opcode. Whatever
 * else is set is reported, since a later controller may take it at its word.
 */
#include "internal.h"

#define ALL     0xFFFFFFFFu
#define ZONED   0x8000u /* instead of a bit of ONCS: there is a zoned namespace */
#define NO_DATA 0
#define PRP1    1
#define DATA    2 /* PRPs or, for I/O, an SGL */

struct rule {
    uint8_t opcode;
    bool uses_nsid;
    uint16_t claim; /* bits of ONCS or OACS, one of which must be set; 0: mandatory */
    uint8_t pointers;
    uint32_t dword10[6]; /* bits of dwords 10 to 15 that are defined */
};

/* Base 5 */
static const struct rule admin_rules[] = {
    {SPEC_DELETE_SQ, false, 0, NO_DATA, {0xFFFF}},
    {SPEC_CREATE_SQ, false, 0, PRP1, {ALL, 0xFFFF0007, 0xFFFF}},
    {SPEC_GET_LOG_PAGE, true, 0, DATA, {ALL, ALL, ALL, ALL, 0xFF80007F}},
    {SPEC_DELETE_CQ, false, 0, NO_DATA, {0xFFFF}},
    {SPEC_CREATE_CQ, false, 0, PRP1, {ALL, 0xFFFF0003}},
    {SPEC_IDENTIFY, true, 0, DATA, {0xFFFF00FF, 0xFF00FFFF, 0, 0, 0x7F}},
    {SPEC_ABORT, false, 0, NO_DATA, {ALL}},
    {SPEC_SET_FEATURES, true, 0, DATA, {0x800000FF, ALL, ALL, ALL, 0x7F, ALL}},
    {SPEC_GET_FEATURES, true, 0, DATA, {0x7FF, ALL, 0, 0, 0x7F}},
    {SPEC_EVENT_REQUEST, false, 0, NO_DATA, {0}},
    {SPEC_NAMESPACE_MANAGEMENT, true, NVMEVIRT_OACS_NAMESPACES, DATA, {0xF, 0xFF000000}},
    {SPEC_NAMESPACE_ATTACHMENT, true, NVMEVIRT_OACS_NAMESPACES, DATA, {0xF}},
    {SPEC_DOORBELL_BUFFER, false, NVMEVIRT_OACS_DOORBELL_BUFFER, DATA, {0}},
    {SPEC_FORMAT, true, NVMEVIRT_OACS_FORMAT, NO_DATA, {0x3FFF}},
};

/* NVM 3.2; protection information is ignored without, and so not reported. */
static const struct rule io_rules[] = {
    {SPEC_FLUSH, true, 0, NO_DATA, {0}},
    {SPEC_WRITE, true, 0, DATA, {ALL, ALL, 0xFDF0FFFF, 0xFFFF00FF, ALL, ALL}},
    {SPEC_READ, true, 0, DATA, {ALL, ALL, 0xFD00FFFF, 0xFF, ALL, ALL}},
    {SPEC_WRITE_UNCORRECTABLE,
     true,
     NVMEVIRT_ONCS_WRITE_UNCORRECTABLE,
     NO_DATA,
     {ALL, ALL, 0xFFFF}},
    {SPEC_COMPARE, true, NVMEVIRT_ONCS_COMPARE, DATA, {ALL, ALL, 0xFD00FFFF, 0, ALL, ALL}},
    {SPEC_WRITE_ZEROES,
     true,
     NVMEVIRT_ONCS_WRITE_ZEROES,
     NO_DATA,
     {ALL, ALL, 0xFF00FFFF, 0, ALL, ALL}},
    {SPEC_DATASET, true, NVMEVIRT_ONCS_DATASET, DATA, {0xFF, 7}},
    {SPEC_VERIFY, true, NVMEVIRT_ONCS_VERIFY, NO_DATA, {ALL, ALL, 0xFD00FFFF, 0, ALL, ALL}},
    {SPEC_COPY, true, NVMEVIRT_ONCS_COPY, DATA, {ALL, ALL, 0xFDF0FFFF, 0xFFFF0000, ALL, ALL}},

    /* ZNS 3.4 */
    {SPEC_ZONE_SEND, true, ZONED, NO_DATA, {ALL, ALL, 0, 0x3FF}},
    {SPEC_ZONE_RECEIVE, true, ZONED, DATA, {ALL, ALL, ALL, 0x1FFFF}},
    {SPEC_ZONE_APPEND, true, ZONED, DATA, {ALL, ALL, 0xFE00FFFF, 0, ALL, ALL}},
};

/* A limit offers its command as well, where ONCS does not (NVM 4.1.5.4). */
static uint16_t claims(const struct nvmevirt *controller, bool io)
{
    const struct nvmevirt_config *config = &controller->config;
    uint32_t oncs = config->oncs;
    if (!io)
        return config->oacs;
    if (!nvmevirt_has_command_sets(controller))
        return config->oncs;
    oncs |= nvmevirt_has_zones(controller) ? ZONED : 0;
    oncs |= config->vsl ? NVMEVIRT_ONCS_VERIFY : 0;
    oncs |= config->wzsl ? NVMEVIRT_ONCS_WRITE_ZEROES : 0;
    oncs |= config->wusl ? NVMEVIRT_ONCS_WRITE_UNCORRECTABLE : 0;
    oncs |= config->dmrl || config->dmrsl || config->dmsl ? NVMEVIRT_ONCS_DATASET : 0;
    return (uint16_t)oncs;
}

static const struct rule *find(const struct nvmevirt *controller, bool io, uint8_t opcode)
{
    const struct rule *rules = io ? io_rules : admin_rules;
    uint16_t claimed = claims(controller, io);
    size_t count =
        io ? sizeof io_rules / sizeof io_rules[0] : sizeof admin_rules / sizeof admin_rules[0];
    for (size_t i = 0; i < count; i++) {
        if (rules[i].opcode == opcode)
            return !rules[i].claim || (rules[i].claim & claimed) ? &rules[i] : NULL;
    }
    return NULL;
}

bool nvmevirt_supports(const struct nvmevirt *controller, bool io, uint8_t opcode)
{
    return find(controller, io, opcode) != NULL;
}

/* Is there metadata that is transferred, and not behind the data of each block? */
static bool has_metadata_pointer(const struct nvmevirt *controller,
                                 const struct nvmevirt_command *command)
{
    const struct nvmevirt_ns *ns = nvmevirt_find(controller, command->dword[SPEC_DW_NSID]);
    return command->sqid && ns && !ns->config.interleaved && nvmevirt_carries_metadata(ns, command);
}

static uint32_t allowed_bits(const struct nvmevirt *controller,
                             const struct nvmevirt_command *command, const struct rule *rule,
                             unsigned dword)
{
    if (dword == SPEC_DW_NSID)
        return ALL; /* has a status of its own */
    if (dword >= 10)
        return rule->dword10[dword - 10];
    if (dword == SPEC_DW_PRP1 || dword == SPEC_DW_PRP1 + 1)
        return rule->pointers == NO_DATA ? 0 : ALL;
    if (dword == SPEC_DW_PRP2 || dword == SPEC_DW_PRP2 + 1)
        return rule->pointers == DATA ? ALL : 0;
    if (dword == SPEC_DW_MPTR || dword == SPEC_DW_MPTR + 1)
        return has_metadata_pointer(controller, command) ? ALL : 0;
    return 0; /* dwords 2 and 3 */
}

/* PSDT; with the PCIe transport admin commands have PRPs (Base 3.3.3.1). */
static bool may_point(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint32_t sgls = controller->config.sgls;
    uint32_t psdt = SPEC_GET(SPEC_CDW0_PSDT, command->dword[0]);
    if (psdt == SPEC_PSDT_PRP)
        return true;
    if (!command->sqid) {
        nvmevirt_violation(controller, "admin opcode %x: PSDT %u is for I/O",
                           (unsigned)command->opcode, psdt);
        return false;
    }
    if (!(sgls & SPEC_SGLS_SUPPORT))
        return false;
    return psdt == SPEC_PSDT_SGL || (psdt == SPEC_PSDT_SGL_METADATA && (sgls & SPEC_SGLS_METADATA));
}

uint16_t nvmevirt_check_command(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    const struct rule *rule = find(controller, command->sqid, command->opcode);
    if (!rule)
        return SPEC_INVALID_OPCODE;
    if (command->dword[0] & SPEC_CDW0_RESERVED)
        nvmevirt_violation(controller, "queue %u opcode %x: dword 0 is %x with reserved bits",
                           (unsigned)command->sqid, (unsigned)command->opcode, command->dword[0]);
    for (unsigned i = 1; i < 16; i++) {
        if (command->dword[i] & ~allowed_bits(controller, command, rule, i))
            nvmevirt_violation(controller, "queue %u opcode %x: dword %u is %x with reserved bits",
                               (unsigned)command->sqid, (unsigned)command->opcode, i,
                               command->dword[i]);
    }
    if ((command->dword[0] & SPEC_CDW0_FUSE) || !may_point(controller, command))
        return SPEC_INVALID_FIELD; /* there are no fused operations */
    if (!rule->uses_nsid && command->dword[SPEC_DW_NSID])
        return SPEC_INVALID_FIELD;
    return SPEC_SUCCESS;
}
