/*
 * Commands that change what namespaces there are: Format NVM (Base 5.14) and
 * Namespace Attachment (Base 5.22). What they have changed is looked up at
 * once: a device need not report to its host what that host has done.
 */
#include "internal.h"

static bool offered(const struct nvme_controller *controller, uint16_t oacs)
{
    return controller->identify && controller->identify->oacs & oacs;
}

int nvme_format(struct nvme_controller *controller, uint32_t nsid, unsigned format,
                enum nvme_erase erase)
{
    if (!offered(controller, NVME_OACS_FORMAT))
        return NVME_ERR_NO_SUPPORT;
    /* Of a larger one a device would take the low bits only, unless it was told that its host knows
     * of them (Base 5.27.1.18, LBAFEE), which this one does not. */
    if (format >= 16)
        return NVME_ERR_INVALID;
    const struct nvme_command command = {
        .opcode = NVME_ADMIN_FORMAT,
        .nsid = nsid,
        .cdw10 = NVME_SET(NVME_FORMAT_CDW10_LBAFL, format) |
                 NVME_SET(NVME_FORMAT_CDW10_SES, (uint32_t)erase),
    };
    int error = nvme_admin(controller, &command, NULL, NULL, "Format NVM");
    return error ? error : nvme_rescan(controller);
}

static int attachment(struct nvme_controller *controller, uint32_t nsid, uint32_t select)
{
    if (!offered(controller, NVME_OACS_NAMESPACES))
        return NVME_ERR_NO_SUPPORT;
    uint64_t unused;
    struct nvme_controller_list *list = nvme_alloc(controller, sizeof *list, &unused);
    if (!list)
        return NVME_ERR_NO_MEMORY;
    list->count = 1;
    list->ids[0] = controller->identify->cntlid;
    const struct nvme_command command = {
        .opcode = NVME_ADMIN_NAMESPACE_ATTACHMENT, .nsid = nsid, .cdw10 = select};
    const struct nvme_segment data = {.base = list, .length = sizeof *list};
    int error = nvme_admin(controller, &command, &data, NULL, "Namespace Attachment");
    nvme_free(controller, list, sizeof *list);
    return error ? error : nvme_rescan(controller);
}

int nvme_attach(struct nvme_controller *controller, uint32_t nsid)
{
    return attachment(controller, nsid, NVME_ATTACHMENT_ATTACH);
}

int nvme_detach(struct nvme_controller *controller, uint32_t nsid)
{
    return attachment(controller, nsid, NVME_ATTACHMENT_DETACH);
}
