/* nvme show-regs: the controller's properties, as they are now (Base 3.1.3, figure 35). */
#include "kernel/nvme/nvme.h"
#include "kernel/shell/commands/nvme/tool.h"

static const struct {
    const char *name;
    uint16_t offset;
    uint8_t size;
} registers[] = {
    {"cap", NVME_REG_CAP, 8},     {"version", NVME_REG_VS, 4},  {"cc", NVME_REG_CC, 4},
    {"csts", NVME_REG_CSTS, 4},   {"nssr", NVME_REG_NSSR, 4},   {"crto", 0x68, 4},
    {"intms", NVME_REG_INTMS, 4}, {"intmc", NVME_REG_INTMC, 4}, {"aqa", NVME_REG_AQA, 4},
    {"asq", NVME_REG_ASQ, 8},     {"acq", NVME_REG_ACQ, 8},     {"cmbloc", 0x38, 4},
    {"cmbsz", 0x3c, 4},           {"bpinfo", 0x40, 4},          {"bprsel", 0x44, 4},
    {"bpmbl", 0x48, 8},           {"cmbmsc", 0x50, 8},          {"cmbsts", 0x58, 4},
    {"pmrcap", 0xe00, 4},         {"pmrctl", 0xe04, 4},         {"pmrsts", 0xe08, 4},
    {"pmrebs", 0xe0c, 4},         {"pmrswtp", 0xe10, 4},        {"pmrmscl", 0xe14, 4},
    {"pmrmscu", 0xe18, 4},
};

static int show_regs(struct invocation *self)
{
    struct target target = TARGET(self);
    int status = target_open(&target, NULL, 0);
    if (status)
        return status;
    for (unsigned i = 0; i < ARRAY_SIZE(registers); i++) {
        uint64_t value = nvme_device_register(target.controller, registers[i].offset);
        if (registers[i].size == 8)
            value |= (uint64_t)nvme_device_register(target.controller, registers[i].offset + 4u)
                     << 32;
        out(self, "%-8s: %llx\n", registers[i].name, (unsigned long long)value);
    }
    return 0;
}

const struct command cli_show_regs = {.name = "nvme show-regs",
                                      .summary = "Shows the controller registers or properties",
                                      .operands = "DEVICE",
                                      .usage_status = 1,
                                      .run = show_regs};
