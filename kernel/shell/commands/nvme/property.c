/* nvme show-regs and get-property: the registers of BAR0, as they are now. */
#include "kernel/mem/heap.h"
#include "kernel/nvme/nvme.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/string.h"

#define GENERAL_END 0x70u
#define PMR_BEGIN   0xe00u

struct property {
    struct target target;
    struct report report;
    uint64_t offset;
    bool offset_given;
};

/* For kfree(); NULL after a message. */
static void *read_registers(struct target *target)
{
    uint8_t *data = target_buffer(target, REGISTERS_SIZE);
    for (uint32_t at = 0; data && at < REGISTERS_SIZE; at += 4) {
        if (at == GENERAL_END)
            at = PMR_BEGIN;
        uint32_t value = nvme_device_register(target->controller, at);
        memcpy(data + at, &value, sizeof value);
    }
    return data;
}

static bool take_show(struct target *target, int key)
{
    struct property *p = CONTAINER_OF(target, struct property, target);
    if (key == 'H')
        return p->report.human = true;
    return report_form(&p->report, target->self->argument);
}

static int show_regs(struct invocation *self)
{
    struct property p = {.target = TARGET(self), .report = {.self = self}};
    int status = target_open(&p.target, take_show, 0);
    void *data = status ? NULL : read_registers(&p.target);
    if (!data)
        return 1;
    if (p.report.form == FORM_BINARY)
        out_bytes(self, data, REGISTERS_SIZE);
    else
        show_registers(&p.report, data);
    kfree(data);
    return 0;
}

static bool take_property(struct target *target, int key)
{
    struct property *p = CONTAINER_OF(target, struct property, target);
    if (key == 'H')
        return p->report.human = true;
    return p->offset_given = target_number(target, "offset", REGISTERS_SIZE, &p->offset);
}

static int get_property(struct invocation *self)
{
    struct property p = {.target = TARGET(self), .report = {.self = self}};
    int status = target_open(&p.target, take_property, 0);
    if (status)
        return status;
    if (!p.offset_given)
        return complain(self, "offset required param");
    void *data = read_registers(&p.target);
    if (!data)
        return 1;
    if (!show_property(&p.report, (uint32_t)p.offset, data))
        status = complain(self, "there is no property at %#llx", (unsigned long long)p.offset);
    kfree(data);
    return status;
}

static const struct option show_options[] = {OPTION_FORMAT, OPTION_HUMAN, {0}};

static const struct option property_options[] = {
    {'o', "offset", "NUM", "offset of the property: 0 CAP, 8 VS, 0x14 CC, 0x1c CSTS..."},
    OPTION_HUMAN,
    {0},
};

const struct command cli_show_regs = SUBCOMMAND(
    "show-regs", "Shows the controller registers or properties", show_options, show_regs);

const struct command cli_get_property = SUBCOMMAND(
    "get-property", "Get a property and show the resulting value", property_options, get_property);
