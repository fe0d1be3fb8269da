/* nvme id-ctrl, id-ns, list-ns and list: what Identify says. */
#include "kernel/mem/heap.h"
#include "kernel/nvme/nvme.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/printf.h"

static const struct option id_ctrl_options[] = {
    {'b', "raw-binary", NULL, "the structure as it is"},
    {0},
};

static int id_ctrl(struct invocation *self)
{
    struct target target = TARGET(self);
    bool raw = false;
    for (int key; (key = option_next(self)); raw = true)
        if (key < 0)
            return 1;
    int status = target_open(&target, 0);
    if (status)
        return status;
    void *data = target_identify(&target, NVME_IDENTIFY_CONTROLLER, 0);
    if (!data)
        return 1;
    if (raw)
        out_bytes(self, data, NVME_IDENTIFY_SIZE);
    else
        show_controller(self, data);
    kfree(data);
    return 0;
}

const struct command cli_id_ctrl = {.name = "nvme id-ctrl",
                                    .summary = "Send NVMe Identify Controller",
                                    .operands = "DEVICE",
                                    .options = id_ctrl_options,
                                    .usage_status = 1,
                                    .run = id_ctrl};

static const struct option id_ns_options[] = {
    {'n', "namespace-id", "NUM", "identifier of the namespace (that of the device)"},
    {'b', "raw-binary", NULL, "the structure as it is"},
    {0},
};

static int id_ns(struct invocation *self)
{
    struct target target = TARGET(self);
    bool raw = false;
    for (int key; (key = option_next(self));) {
        if (key < 0 || (key == 'n' && !target_nsid(&target)))
            return 1;
        raw |= key == 'b';
    }
    int status = target_open(&target, TARGET_NEEDS_NSID);
    if (status)
        return status;
    void *data = target_identify(&target, NVME_IDENTIFY_NAMESPACE, (uint32_t)target.nsid);
    if (!data)
        return 1;
    if (raw)
        out_bytes(self, data, NVME_IDENTIFY_SIZE);
    else
        show_namespace(self, (uint32_t)target.nsid, data);
    kfree(data);
    return 0;
}

const struct command cli_id_ns = {.name = "nvme id-ns",
                                  .summary = "Send NVMe Identify Namespace, display structure",
                                  .operands = "DEVICE",
                                  .options = id_ns_options,
                                  .usage_status = 1,
                                  .run = id_ns};

static const struct option list_ns_options[] = {
    {'n', "namespace-id", "NUM", "first nsid that the list should start from (1)"},
    {0},
};

static int list_ns(struct invocation *self)
{
    struct target target = TARGET(self);
    for (int key; (key = option_next(self));)
        if (key < 0 || !target_nsid(&target))
            return 1;
    uint64_t first = target.nsid_given ? target.nsid : 1;
    if (first == 0)
        return complain(self, "invalid nsid parameter");
    int status = target_open(&target, 0);
    if (status)
        return status;
    /* The list is of identifiers above the one that is asked with (Base 5.17.2.2). */
    uint32_t *ids = target_identify(&target, NVME_IDENTIFY_ACTIVE_LIST, (uint32_t)(first - 1));
    if (!ids)
        return 1;
    for (unsigned i = 0; i < NVME_ACTIVE_LIST_IDS; i++)
        if (ids[i])
            out(self, "[%4u]:%#x\n", i, ids[i]);
    kfree(ids);
    return 0;
}

const struct command cli_list_ns = {.name = "nvme list-ns",
                                    .summary = "Send NVMe Identify List, display structure",
                                    .operands = "DEVICE",
                                    .options = list_ns_options,
                                    .usage_status = 1,
                                    .run = list_ns};

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
