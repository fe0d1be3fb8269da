/*
 * nvme list-subsys, and list -v: NVM subsystems, and what belongs to them. One is
 * known by its NQN, and has the number of its first controller.
 */
#include "kernel/nvme/nvme.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/printf.h"
#include "lib/string.h"

/* Before Base 1.2.1 there were no NQNs: then it is who made it, and its serial number. */
bool nvme_same_subsystem(const struct nvme_controller *a, const struct nvme_controller *b)
{
    const struct nvme_identify_controller *x = a->identify, *y = b->identify;
    if (x->subnqn[0] || y->subnqn[0])
        return !memcmp(x->subnqn, y->subnqn, sizeof x->subnqn);
    return x->vid == y->vid && x->ssvid == y->ssvid && !memcmp(x->sn, y->sn, sizeof x->sn) &&
           !memcmp(x->mn, y->mn, sizeof x->mn);
}

static unsigned subsystem_of(const struct nvme_controller *controller)
{
    unsigned i = 0;
    while (!nvme_same_subsystem(nvme_device_at(i), controller))
        i++;
    return i;
}

/* The next controller from the index on that is of the subsystem; NULL: no more. */
static struct nvme_controller *next_of(unsigned subsystem, unsigned *index)
{
    struct nvme_controller *c;
    while ((c = nvme_device_at((*index)++)))
        if (subsystem_of(c) == subsystem)
            break;
    return c;
}

static const char *nqn_of(char text[VALUE_SIZE], unsigned subsystem)
{
    const struct nvme_identify_controller *data = nvme_device_at(subsystem)->identify;
    return value_text(text, FIELD_TEXT, data->subnqn, sizeof data->subnqn);
}

/* ---- list-subsys ------------------------------------------------------------------------------
 */

static void show_subsystem(struct report *report, unsigned number)
{
    const struct nvme_controller *c;
    char nqn[VALUE_SIZE], address[24];
    report_say(report, "nvme-subsys%u - NQN=%s\n\\\n", number, nqn_of(nqn, number));
    report_open(report, NULL, '{');
    report_text(report, "Name", "nvme-subsys%u", number);
    report_text(report, "NQN", "%s", nqn_of(nqn, number));
    report_open(report, "Paths", '[');
    for (unsigned i = 0; (c = next_of(number, &i));) {
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
    struct nvme_controller *c, *only = NULL;
    uint32_t nsid;
    int status = listing_begin(&l, self, 1);
    if (status)
        return status;
    const char *path = self->argv[self->next];
    if (path && nvme_device_find(path, &only, &nsid) != OK)
        return complain(self, "%s: not an NVMe device", path);
    report_open(&l.report, NULL, '[');
    report_open(&l.report, NULL, '{');
    report_open(&l.report, "Subsystems", '[');
    for (unsigned i = 0; (c = nvme_device_at(i)); i++)
        if (subsystem_of(c) == i && (!only || nvme_same_subsystem(c, only)))
            show_subsystem(&l.report, i);
    report_close(&l.report, ']');
    report_close(&l.report, '}');
    report_close(&l.report, ']');
    return 0;
}

/* ---- list -v: three tables, or JSON in which they are inside one another ----------------------
 */

static void subsystem_rows(struct report *report)
{
    char nqn[VALUE_SIZE];
    const struct nvme_controller *c, *other;
    report_say(report, "%-16s %-96s %s\n%.16s %.48s%.48s %.16s\n", "Subsystem", "Subsystem-NQN",
               "Controllers", DASHES, DASHES, DASHES, DASHES);
    for (unsigned i = 0; (c = nvme_device_at(i)); i++) {
        if (subsystem_of(c) != i)
            continue;
        report_say(report, "nvme-subsys%-5u %-96s %s", i, nqn_of(nqn, i), nvme_device_name(c));
        for (unsigned next = i + 1; (other = next_of(i, &next));)
            report_say(report, ", %s", nvme_device_name(other));
        report_say(report, "\n");
    }
}

static void controller_rows(struct report *report)
{
    const struct nvme_controller *c;
    char address[24];
    report_say(report, "\n%-8s %-20s %-40s %-8s %-6s %-14s %-12s %-16s\n", "Device", "SN", "MN",
               "FR", "TxPort", "Address", "Subsystem", "Namespaces");
    report_say(report, "%.8s %.20s %.40s %.8s %.6s %.14s %.12s %.16s\n", DASHES, DASHES, DASHES,
               DASHES, DASHES, DASHES, DASHES, DASHES);
    for (unsigned i = 0; (c = nvme_device_at(i)); i++) {
        const char *comma = "";
        nvme_device_address(c, address, sizeof address);
        report_say(report, "%-8s %-20s %-40s %-8s %-6s %-14s nvme-subsys%u ", nvme_device_name(c),
                   c->serial, c->model, c->firmware, "pcie", address, subsystem_of(c));
        for (const struct nvme_namespace *ns = c->namespaces; ns; ns = ns->next)
            if (!ns->gone) {
                report_say(report, "%s%sn%u", comma, nvme_device_name(c), ns->id);
                comma = ", ";
            }
        report_say(report, "\n");
    }
}

/* A row of the last table, or of the controller's list. The exit status. */
static int show_namespace_of(struct listing *l, const struct nvme_namespace *ns)
{
    struct listed_size size;
    char name[16], node[24];
    const char *controller = nvme_device_name(l->target.controller);
    int status = listing_size(l, ns, &size);
    snprintf(name, sizeof name, "%sn%u", controller, ns->id);
    snprintf(node, sizeof node, "/dev/%s", name);
    report_say(&l->report, "%-12s %-12s %-8u %-26s %-16s %s\n", node, "-", ns->id, size.usage,
               size.format, controller);
    report_open(&l->report, NULL, '{');
    report_text(&l->report, "NameSpace", "%s", name);
    report_number(&l->report, "NSID", ns->id);
    listing_size_json(&l->report, ns, &size);
    report_close(&l->report, '}');
    return status;
}

static int show_namespaces_of(struct listing *l)
{
    int status = 0;
    for (const struct nvme_namespace *ns = l->target.controller->namespaces; ns; ns = ns->next)
        status |= ns->gone ? 0 : show_namespace_of(l, ns);
    return status;
}

static int verbose_lines(struct listing *l)
{
    int status = 0;
    subsystem_rows(&l->report);
    controller_rows(&l->report);
    report_say(&l->report, "\n%-12s %-12s %-8s %-26s %-16s %-16s\n", "Device", "Generic", "NSID",
               "Usage", "Format", "Controllers");
    report_say(&l->report, "%.12s %.12s %.8s %.26s %.16s %.16s\n", DASHES, DASHES, DASHES, DASHES,
               DASHES, DASHES);
    for (unsigned i = 0; (l->target.controller = nvme_device_at(i)); i++)
        status |= show_namespaces_of(l);
    return status;
}

static int controller_json(struct listing *l)
{
    const struct nvme_controller *c = l->target.controller;
    char address[24];
    nvme_device_address(c, address, sizeof address);
    report_open(&l->report, NULL, '{');
    report_text(&l->report, "Controller", "%s", nvme_device_name(c));
    report_text(&l->report, "SerialNumber", "%s", c->serial);
    report_text(&l->report, "ModelNumber", "%s", c->model);
    report_text(&l->report, "Firmware", "%s", c->firmware);
    report_text(&l->report, "Transport", "pcie");
    report_text(&l->report, "Address", "%s", address);
    report_open(&l->report, "Namespaces", '[');
    int status = show_namespaces_of(l);
    report_close(&l->report, ']');
    report_close(&l->report, '}');
    return status;
}

static int verbose_json(struct listing *l)
{
    const struct nvme_controller *c;
    char nqn[VALUE_SIZE];
    int status = 0;
    report_open(&l->report, NULL, '{');
    report_open(&l->report, "Devices", '[');
    report_open(&l->report, NULL, '{');
    report_open(&l->report, "Subsystems", '[');
    for (unsigned i = 0; (c = nvme_device_at(i)); i++) {
        if (subsystem_of(c) != i)
            continue;
        report_open(&l->report, NULL, '{');
        report_text(&l->report, "Subsystem", "nvme-subsys%u", i);
        report_text(&l->report, "SubsystemNQN", "%s", nqn_of(nqn, i));
        report_open(&l->report, "Controllers", '[');
        for (unsigned next = i; (l->target.controller = next_of(i, &next));)
            status |= controller_json(l);
        report_close(&l->report, ']');
        report_close(&l->report, '}');
    }
    report_close(&l->report, ']');
    report_close(&l->report, '}');
    report_close(&l->report, ']');
    report_close(&l->report, '}');
    return status;
}

int list_verbose(struct listing *listing)
{
    return listing->report.form == FORM_JSON ? verbose_json(listing) : verbose_lines(listing);
}

static const struct option options[] = {OPTIONS_LIST, {0}};

const struct command cli_list_subsys = {.name = "nvme list-subsys",
                                        .summary = "List nvme subsystems",
                                        .operands = "[DEVICE]",
                                        .options = options,
                                        .usage_status = 1,
                                        .lists_devices = true,
                                        .run = list_subsys};
