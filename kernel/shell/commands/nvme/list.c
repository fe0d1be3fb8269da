/* nvme list: every namespace of every controller. */
#include "kernel/mem/heap.h"
#include "kernel/nvme/nvme.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/printf.h"

static void print_size(char *text, size_t size, uint64_t bytes)
{
    uint8_t value[16] = {0};
    __builtin_memcpy(value, &bytes, sizeof bytes);
    struct quantity q = quantity_of(value, 1);
    snprintf(text, size, "%3llu.%02u %2sB", (unsigned long long)q.whole, q.hundredths, q.prefix);
}

static int list_one(struct target *target, const struct nvme_namespace *ns)
{
    struct nvme_controller *c = target->controller;
    struct nvme_identify_namespace *data = target_identify(target, NVME_IDENTIFY_NAMESPACE, ns->id);
    if (!data)
        return 1;
    char node[24], used[24], all[24], usage_text[48], format[24];
    bool large = ns->block_size >= 1024;
    snprintf(node, sizeof node, "/dev/%sn%u", nvme_device_name(c), ns->id);
    print_size(used, sizeof used, data->nuse * ns->block_size);
    print_size(all, sizeof all, data->nsze * ns->block_size);
    snprintf(usage_text, sizeof usage_text, "%s / %s", used, all);
    snprintf(format, sizeof format, "%3u %2sB + %2u B",
             large ? ns->block_size / 1024 : ns->block_size, large ? "Ki" : "", ns->metadata_size);
    out(target->self, "%-21s %-21s %-20s %-40s %-9u %-26s %-16s %-8s\n", node, "-", c->serial,
        c->model, ns->id, usage_text, format, c->firmware);
    kfree(data);
    return 0;
}

static int list(struct invocation *self)
{
    struct target target = TARGET(self);
    if (option_next(self))
        return 1;
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    static const char dashes[] = "----------------------------------------";
    out(self, "%-21s %-21s %-20s %-40s %-9s %-26s %-16s %-8s\n", "Node", "Generic", "SN", "Model",
        "Namespace", "Usage", "Format", "FW Rev");
    out(self, "%-.21s %-.21s %-.20s %-.40s %-.9s %-.26s %-.16s %-.8s\n", dashes, dashes, dashes,
        dashes, dashes, dashes, dashes, dashes);
    int status = 0;
    for (unsigned i = 0; (target.controller = nvme_device_at(i)); i++)
        for (const struct nvme_namespace *ns = target.controller->namespaces; ns; ns = ns->next)
            status |= ns->gone ? 0 : list_one(&target, ns);
    return status;
}

const struct command cli_list = {.name = "nvme list",
                                 .summary = "List all NVMe devices and namespaces on machine",
                                 .operands = "",
                                 .usage_status = 1,
                                 .run = list};
