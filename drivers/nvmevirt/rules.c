/*
 * Which bits of a command mean something: one row for each opcode. Whatever
 * else is set is reported, since a later controller may take it at its word.
 */
#include "internal.h"

#define ALL     0xFFFFFFFFu
#define NO_DATA 0
#define PRP1    1
#define DATA    2

struct rule {
    uint8_t opcode;
    bool uses_nsid;
    uint8_t pointers;
    uint32_t dword10[6]; /* bits of dwords 10 to 15 that are defined */
};

/* Base 5 */
static const struct rule admin_rules[] = {
    {SPEC_DELETE_SQ, false, NO_DATA, {0xFFFF}},
    {SPEC_CREATE_SQ, false, PRP1, {ALL, 0xFFFF0007, 0xFFFF}},
    {SPEC_GET_LOG_PAGE, true, DATA, {ALL, ALL, ALL, ALL, 0xFF80007F}},
    {SPEC_DELETE_CQ, false, NO_DATA, {0xFFFF}},
    {SPEC_CREATE_CQ, false, PRP1, {ALL, 0xFFFF0003}},
    {SPEC_IDENTIFY, true, DATA, {0xFFFF00FF, 0xFF00FFFF, 0, 0, 0x7F}},
    {SPEC_ABORT, false, NO_DATA, {ALL}},
    {SPEC_SET_FEATURES, true, DATA, {0x800000FF, ALL, ALL, ALL, 0x7F, ALL}},
    {SPEC_GET_FEATURES, true, DATA, {0x7FF, ALL, 0, 0, 0x7F}},
    {SPEC_EVENT_REQUEST, false, NO_DATA, {0}},
};

/* NVM 3.2; protection information is ignored without, and so not reported. */
static const struct rule io_rules[] = {
    {SPEC_FLUSH, true, NO_DATA, {0}},
    {SPEC_WRITE, true, DATA, {ALL, ALL, 0xFDF0FFFF, 0xFFFF00FF, ALL, ALL}},
    {SPEC_READ, true, DATA, {ALL, ALL, 0xFD00FFFF, 0xFF, ALL, ALL}},
    {SPEC_COMPARE, true, DATA, {ALL, ALL, 0xFD00FFFF, 0, ALL, ALL}},
    {SPEC_WRITE_ZEROES, true, NO_DATA, {ALL, ALL, 0xFF00FFFF, 0, ALL, ALL}},
};

static const struct rule *find(const struct nvmevirt_command *command)
{
    const struct rule *rules = command->sqid ? io_rules : admin_rules;
    size_t count = command->sqid ? sizeof io_rules / sizeof io_rules[0]
                                 : sizeof admin_rules / sizeof admin_rules[0];
    for (size_t i = 0; i < count; i++) {
        if (rules[i].opcode == command->opcode)
            return &rules[i];
    }
    return NULL;
}

static uint32_t allowed_bits(const struct rule *rule, unsigned dword)
{
    if (dword == SPEC_DW_NSID)
        return ALL; /* has a status of its own */
    if (dword >= 10)
        return rule->dword10[dword - 10];
    if (dword == SPEC_DW_PRP1 || dword == SPEC_DW_PRP1 + 1)
        return rule->pointers == NO_DATA ? 0 : ALL;
    if (dword == SPEC_DW_PRP2 || dword == SPEC_DW_PRP2 + 1)
        return rule->pointers == DATA ? ALL : 0;
    return 0; /* dwords 2 and 3; the metadata pointer, for there is no metadata */
}

uint16_t nvmevirt_check_command(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    const struct rule *rule = find(command);
    if (!rule)
        return SPEC_INVALID_OPCODE;
    if (command->dword[0] & SPEC_CDW0_RESERVED)
        nvmevirt_violation(controller, "queue %u opcode %x: dword 0 is %x with reserved bits",
                           (unsigned)command->sqid, (unsigned)command->opcode, command->dword[0]);
    for (unsigned i = 1; i < 16; i++) {
        if (command->dword[i] & ~allowed_bits(rule, i))
            nvmevirt_violation(controller, "queue %u opcode %x: dword %u is %x with reserved bits",
                               (unsigned)command->sqid, (unsigned)command->opcode, i,
                               command->dword[i]);
    }
    if (command->dword[0] & (SPEC_CDW0_FUSE | SPEC_CDW0_PSDT))
        return SPEC_INVALID_FIELD; /* neither fused operations nor SGLs */
    if (!rule->uses_nsid && command->dword[SPEC_DW_NSID])
        return SPEC_INVALID_FIELD;
    return SPEC_SUCCESS;
}
