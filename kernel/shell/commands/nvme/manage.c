/*
 * nvme reset, subsystem-reset, ns-rescan, attach-ns and detach-ns: what changes
 * a controller and which namespaces it has.
 */
#include "kernel/mem/heap.h"
#include "kernel/nvme/nvme.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/string.h"

/* The device, which has to be a controller. 0, or the exit status after a message. */
static int open_controller(struct target *target)
{
    int status = target_open(target, NULL, 0);
    if (status || !target->node_nsid)
        return status;
    return complain(target->self, "%s: not a controller", target->path);
}

static int reset(struct invocation *self)
{
    struct target target = TARGET(self);
    int status = open_controller(&target);
    int error = status ? 0 : nvme_reset(target.controller);
    return error ? complain(self, "%s", nvme_error_text(error)) : status;
}

/* It is a reset for all controllers of the subsystem, which then have to be started again. */
static int subsystem_reset(struct invocation *self)
{
    struct target target = TARGET(self);
    struct nvme_controller *c;
    int status = open_controller(&target);
    if (status)
        return status;
    if (!(target.controller->cap & NVME_CAP_NSSRS))
        return complain(self, "NVM Subsystem Reset not supported.");
    nvme_device_subsystem_reset(target.controller);
    for (unsigned i = 0; (c = nvme_device_at(i)); i++) {
        int error = nvme_same_subsystem(c, target.controller) ? nvme_reset(c) : 0;
        if (error)
            status = complain(self, "%s: %s", nvme_device_name(c), nvme_error_text(error));
    }
    return status;
}

static int ns_rescan(struct invocation *self)
{
    struct target target = TARGET(self);
    int status = open_controller(&target);
    int error = status ? 0 : nvme_rescan(target.controller);
    return error ? complain(self, "%s", nvme_error_text(error)) : status;
}

/* ---- Attachment: Base 5.22 ----------------------------------------------------------------- */

struct attachment {
    struct target target;
    const char *controllers;
};

static const struct option attachment_options[] = {
    {'n', "namespace-id", "NUM", "namespace (required)"},
    {'c', "controllers", "LIST", "comma-separated identifiers of controllers"},
    {0},
};

static bool take_attachment(struct target *target, int key)
{
    CONTAINER_OF(target, struct attachment, target)->controllers = target->self->argument;
    return key == 'c';
}

/* 0, or the exit status after a message. */
static int fill_list(struct attachment *a, struct nvme_controller_list *list)
{
    uint64_t ids[ARRAY_SIZE(list->ids) / 16];
    int count = a->controllers ? target_numbers(&a->target, "controllers", a->controllers,
                                                UINT16_MAX, ids, ARRAY_SIZE(ids))
                               : 0;
    if (count == 0)
        note(a->target.self, "warning: empty controller-id list will result in no actual change in "
                             "namespace attachment\n");
    for (int i = 0; i < count; i++)
        list->ids[i] = (uint16_t)ids[i];
    list->count = (uint16_t)MAX(count, 0);
    return count < 0;
}

static int attach_or_detach(struct invocation *self, uint32_t select)
{
    static const struct need need = NEEDS(oacs, NVME_OACS_NAMESPACES);
    struct attachment a = {.target = TARGET(self)};
    int status = target_open(&a.target, take_attachment, 0);
    if (status)
        return status;
    if (!a.target.nsid_given)
        return complain(self, "namespace-id parameter required");
    if (!target_offers(&a.target, &need))
        return 1;
    struct exchange send = {
        .command = {.opcode = NVME_ADMIN_NAMESPACE_ATTACHMENT,
                    .nsid = (uint32_t)a.target.nsid,
                    .cdw10 = select},
        .bytes = sizeof(struct nvme_controller_list),
        .data = target_buffer(&a.target, sizeof(struct nvme_controller_list)),
    };
    if (!send.data)
        return 1;
    status = fill_list(&a, send.data);
    if (!status)
        status = target_send(&a.target, &send);
    kfree(send.data);
    if (!status)
        out(self, "%s: Success, nsid:%u\n", strchr(self->command->name, ' ') + 1,
            (unsigned)a.target.nsid);
    return status;
}

static int attach_ns(struct invocation *self)
{
    return attach_or_detach(self, NVME_ATTACHMENT_ATTACH);
}

static int detach_ns(struct invocation *self)
{
    return attach_or_detach(self, NVME_ATTACHMENT_DETACH);
}

const struct command cli_reset = SUBCOMMAND("reset", "Resets the controller", NULL, reset);
const struct command cli_subsystem_reset =
    SUBCOMMAND("subsystem-reset", "Resets the subsystem", NULL, subsystem_reset);
const struct command cli_ns_rescan =
    SUBCOMMAND("ns-rescan", "Rescans the NVME namespaces", NULL, ns_rescan);
const struct command cli_attach_ns = SUBCOMMAND(
    "attach-ns", "Attaches a namespace to requested controller(s)", attachment_options, attach_ns);
const struct command cli_detach_ns =
    SUBCOMMAND("detach-ns", "Detaches a namespace from requested controller(s)", attachment_options,
               detach_ns);
