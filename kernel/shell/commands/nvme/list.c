/*
 * nvme list and list-subsys: every namespace of every controller, and which
 * controllers belong together.
 */
#include "kernel/mem/heap.h"
#include "kernel/nvme/nvme.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/printf.h"
#include "lib/string.h"

struct listing {
    struct target target;
    struct report report;
};

static const struct option options[] = {
    {'o', "output-format", "FMT", "normal or json (normal)"},
    {0},
};

/* Reads the options; of operands there are at most `most`. The exit status after a message, or 0.
 */
static int begin(struct listing *listing, struct invocation *self, int most)
{
    *listing = (struct listing){.target = TARGET(self), .report = {.self = self}};
    for (int key; (key = option_next(self));)
        if (key < 0 || !report_form(&listing->report, self->argument))
            return 1;
    if (listing->report.form == FORM_BINARY)
        return complain(self, "invalid output format: 'binary'");
    if (self->next + most < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next + most]);
    return 0;
}

static void print_size(char *text, size_t size, uint64_t bytes)
{
    uint8_t value[16] = {0};
    memcpy(value, &bytes, sizeof bytes);
    struct quantity q = quantity_of(value, 1);
    snprintf(text, size, "%3llu.%02u %2sB", (unsigned long long)q.whole, q.hundredths, q.prefix);
}

static void show_row(struct report *report, const struct nvme_controller *c,
                     const struct nvme_namespace *ns, uint64_t used, uint64_t all)
{
    char node[24], used_text[24], all_text[24], usage_text[48], format[24];
    bool large = ns->block_size >= 1024;
    snprintf(node, sizeof node, "/dev/%sn%u", nvme_device_name(c), ns->id);
    print_size(used_text, sizeof used_text, used);
    print_size(all_text, sizeof all_text, all);
    snprintf(usage_text, sizeof usage_text, "%s / %s", used_text, all_text);
    snprintf(format, sizeof format, "%3u %2sB + %2u B",
             large ? ns->block_size / 1024 : ns->block_size, large ? "Ki" : "", ns->metadata_size);
    report_say(report, "%-21s %-21s %-20s %-40s %-9u %-26s %-16s %-8s\n", node, "-", c->serial,
               c->model, ns->id, usage_text, format, c->firmware);
    report_open(report, NULL, '{');
    report_number(report, "NameSpace", ns->id);
    report_text(report, "DevicePath", "%s", node);
    report_text(report, "Firmware", "%s", c->firmware);
    report_text(report, "ModelNumber", "%s", c->model);
    report_text(report, "SerialNumber", "%s", c->serial);
    report_number(report, "UsedBytes", used);
    report_number(report, "MaximumLBA", all / ns->block_size);
    report_number(report, "PhysicalSize", all);
    report_number(report, "SectorSize", ns->block_size);
    report_close(report, '}');
}

static int list_one(struct listing *listing, const struct nvme_namespace *ns)
{
    struct nvme_identify_namespace *data =
        target_identify(&listing->target, NVME_IDENTIFY_NAMESPACE, ns->id, 0);
    if (!data)
        return 1;
    show_row(&listing->report, listing->target.controller, ns, data->nuse * ns->block_size,
             data->nsze * ns->block_size);
    kfree(data);
    return 0;
}

static int list(struct invocation *self)
{
    static const char dashes[] = "----------------------------------------";
    struct listing l;
    int status = begin(&l, self, 0);
    if (status)
        return status;
    report_open(&l.report, NULL, '{');
    report_open(&l.report, "Devices", '[');
    report_say(&l.report, "%-21s %-21s %-20s %-40s %-9s %-26s %-16s %-8s\n", "Node", "Generic",
               "SN", "Model", "Namespace", "Usage", "Format", "FW Rev");
    report_say(&l.report, "%-.21s %-.21s %-.20s %-.40s %-.9s %-.26s %-.16s %-.8s\n", dashes, dashes,
               dashes, dashes, dashes, dashes, dashes, dashes);
    for (unsigned i = 0; (l.target.controller = nvme_device_at(i)); i++)
        for (const struct nvme_namespace *ns = l.target.controller->namespaces; ns; ns = ns->next)
            status |= ns->gone ? 0 : list_one(&l, ns);
    report_close(&l.report, ']');
    report_close(&l.report, '}');
    return status;
}

bool nvme_same_subsystem(const struct nvme_controller *a, const struct nvme_controller *b)
{
    return !memcmp(a->identify->subnqn, b->identify->subnqn, sizeof a->identify->subnqn);
}

/* Was there one of its subsystem before it? */
static bool seen_before(const struct nvme_controller *controller)
{
    unsigned i = 0;
    while (!nvme_same_subsystem(nvme_device_at(i), controller))
        i++;
    return nvme_device_at(i) != controller;
}

static void show_subsystem(struct report *report, const struct nvme_controller *first,
                           unsigned number)
{
    const struct nvme_controller *c;
    char nqn[VALUE_SIZE], address[24];
    value_text(nqn, FIELD_TEXT, first->identify->subnqn, sizeof first->identify->subnqn);
    report_say(report, "nvme-subsys%u - NQN=%s\n\\\n", number, nqn);
    report_open(report, NULL, '{');
    report_text(report, "Name", "nvme-subsys%u", number);
    report_text(report, "NQN", "%s", nqn);
    report_open(report, "Paths", '[');
    for (unsigned i = 0; (c = nvme_device_at(i)); i++) {
        if (!nvme_same_subsystem(c, first))
            continue;
        const char *state = c->state == NVME_LIVE ? "live" : "dead";
        nvme_device_address(c, address, sizeof address);
        report_say(report, " +- %s pcie %s %s\n", nvme_device_name(c), address, state);
        report_open(report, NULL, '{');
        report_text(report, "Name", "%s", nvme_device_name(c));
        report_text(report, "Transport", "pcie");
        report_text(report, "Address", "%s", address);
        report_text(report, "State", "%s", state);
        report_close(report, '}');
    }
    report_close(report, ']');
    report_close(report, '}');
}

static int list_subsys(struct invocation *self)
{
    struct listing l;
    struct nvme_controller *only = NULL;
    uint32_t nsid;
    int status = begin(&l, self, 1);
    if (status)
        return status;
    const char *path = self->argv[self->next];
    if (path && nvme_device_find(path, &only, &nsid) != OK)
        return complain(self, "%s: not an NVMe device", path);
    report_open(&l.report, NULL, '[');
    report_open(&l.report, NULL, '{');
    report_open(&l.report, "Subsystems", '[');
    for (unsigned i = 0; (l.target.controller = nvme_device_at(i)); i++)
        if (!seen_before(l.target.controller) &&
            (!only || nvme_same_subsystem(l.target.controller, only)))
            show_subsystem(&l.report, l.target.controller, i);
    report_close(&l.report, ']');
    report_close(&l.report, '}');
    report_close(&l.report, ']');
    return 0;
}

const struct command cli_list = {.name = "nvme list",
                                 .summary = "List all NVMe devices and namespaces on machine",
                                 .operands = "",
                                 .options = options,
                                 .usage_status = 1,
                                 .run = list};

const struct command cli_list_subsys = {.name = "nvme list-subsys",
                                        .summary = "List nvme subsystems",
                                        .operands = "[DEVICE]",
                                        .options = options,
                                        .usage_status = 1,
                                        .run = list_subsys};
