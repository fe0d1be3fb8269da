/*
 * nvme list: every namespace of every controller; nvme zns list: those that are zoned. Its longer
 * form, -v, is in subsystem.c.
 */
#include "kernel/mem/heap.h"
#include "kernel/nvme/nvme.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/printf.h"
#include "lib/string.h"

static const struct option options[] = {OPTIONS_LIST, {0}};

int listing_begin(struct listing *listing, struct invocation *self, int most)
{
    *listing = (struct listing){.target = TARGET(self), .report = {.self = self}};
    for (int key; (key = option_next(self));) {
        listing->verbose |= key == 'v';
        if (key < 0 || (key == 'o' && !report_form(&listing->report, self->argument)))
            return 1;
    }
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

int listing_size(struct listing *listing, const struct nvme_namespace *ns, struct listed_size *size)
{
    char used[24], all[24];
    bool large = ns->block_size >= 1024;
    struct nvme_identify_namespace *data =
        target_identify(&listing->target, NVME_IDENTIFY_NAMESPACE, ns->id, 0);
    int status = data ? 0 : 1;
    size->used = (data ? data->nuse : ns->block_count) * ns->block_size;
    size->all = ns->block_count * ns->block_size;
    kfree(data);
    print_size(used, sizeof used, size->used);
    print_size(all, sizeof all, size->all);
    snprintf(size->usage, sizeof size->usage, "%s / %s", used, all);
    snprintf(size->format, sizeof size->format, "%3u %2sB + %2u B",
             large ? ns->block_size / 1024 : ns->block_size, large ? "Ki" : "", ns->metadata_size);
    return status;
}

void listing_size_json(struct report *report, const struct nvme_namespace *ns,
                       const struct listed_size *size)
{
    report_number(report, "UsedBytes", size->used);
    report_number(report, "MaximumLBA", size->all / ns->block_size);
    report_number(report, "PhysicalSize", size->all);
    report_number(report, "SectorSize", ns->block_size);
}

#define ROW "%-21s %-21s %-20s %-40s %-9s %-26s %-16s %-8s\n"

static int list_one(struct listing *listing, const struct nvme_namespace *ns)
{
    const struct nvme_controller *c = listing->target.controller;
    struct report *report = &listing->report;
    struct listed_size size;
    char node[24], nsid[12];
    int status = listing_size(listing, ns, &size);
    snprintf(node, sizeof node, "/dev/%sn%u", nvme_device_name(c), ns->id);
    snprintf(nsid, sizeof nsid, "%u", ns->id);
    report_say(report, ROW, node, "-", c->serial, c->model, nsid, size.usage, size.format,
               c->firmware);
    report_open(report, NULL, '{');
    report_number(report, "NameSpace", ns->id);
    report_text(report, "DevicePath", "%s", node);
    report_text(report, "Firmware", "%s", c->firmware);
    report_text(report, "ModelNumber", "%s", c->model);
    report_text(report, "SerialNumber", "%s", c->serial);
    listing_size_json(report, ns, &size);
    report_close(report, '}');
    return status;
}

static int list(struct invocation *self)
{
    struct listing l;
    int status = listing_begin(&l, self, 0);
    if (status)
        return status;
    l.zoned = self->command == &cli_zns_list;
    if (l.verbose && !l.zoned)
        return list_verbose(&l);
    report_open(&l.report, NULL, '{');
    report_open(&l.report, "Devices", '[');
    report_say(&l.report, ROW, "Node", "Generic", "SN", "Model", "Namespace", "Usage", "Format",
               "FW Rev");
    report_say(&l.report, "%.21s %.21s %.20s %.40s %.9s %.26s %.16s %.8s\n", DASHES, DASHES, DASHES,
               DASHES, DASHES, DASHES, DASHES, DASHES);
    for (unsigned i = 0; (l.target.controller = nvme_device_at(i)); i++)
        for (const struct nvme_namespace *ns = l.target.controller->namespaces; ns; ns = ns->next)
            status |= ns->gone || (l.zoned && !ns->zone_blocks) ? 0 : list_one(&l, ns);
    report_close(&l.report, ']');
    report_close(&l.report, '}');
    return status;
}

const struct command cli_list = {.name = "nvme list",
                                 .summary = "List all NVMe devices and namespaces on machine",
                                 .operands = "",
                                 .options = options,
                                 .usage_status = 1,
                                 .lists_devices = true,
                                 .run = list};

const struct command cli_zns_list = {
    .name = "nvme zns list",
    .summary = "List all NVMe devices with Zoned Namespace Command Set support",
    .operands = "",
    .options = options,
    .usage_status = 1,
    .run = list};
