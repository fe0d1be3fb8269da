/*
 * Namespaces that come and go: Namespace Management and Attachment, the same
 * done from elsewhere, and the notice that it was. Base 5.22, 5.23, 8.11.
 */
#include "internal.h"

#define SELECT 0xFu /* dword 10 of both commands */
enum {
    MANAGE_CREATE,
    MANAGE_DELETE
};
enum {
    ATTACH,
    DETACH
};

#define INTERLEAVED 0x10u /* FLBAS */

#define LIST_SIZE   4096u
#define LIST_LENGTH (LIST_SIZE / 2 - 1)

void nvmevirt_changed(struct nvmevirt *controller, struct nvmevirt_ns *ns)
{
    if (!(controller->config.oaes & NVMEVIRT_OAES_NAMESPACES))
        return;
    ns->changed = true;
    if (nvmevirt_feature(controller, SPEC_FEATURE_EVENTS) & NVMEVIRT_OAES_NAMESPACES)
        nvmevirt_event(controller, SPEC_EVENT_NOTICE, SPEC_EVENT_NAMESPACE, SPEC_LOG_CHANGED);
}

static void set_attached(struct nvmevirt *controller, struct nvmevirt_ns *ns, bool attached)
{
    if (ns->attached == attached)
        return;
    ns->attached = attached;
    nvmevirt_changed(controller, ns);
}

/* A controller list: how many, then identifiers in ascending order. Is this one among them? */
static uint16_t find_in_list(const struct nvmevirt *controller, const uint8_t *data)
{
    uint16_t list[LIST_LENGTH + 1];
    bool found = false;
    __builtin_memcpy(list, data, sizeof list);
    if (!list[0] || list[0] > LIST_LENGTH)
        return SPEC_CONTROLLER_LIST_INVALID;
    for (unsigned i = 1; i <= list[0]; i++) {
        if (i > 1 && list[i] <= list[i - 1])
            return SPEC_CONTROLLER_LIST_INVALID;
        if (list[i] != controller->config.cntlid)
            return SPEC_CONTROLLER_LIST_INVALID; /* there is no other in the subsystem */
        found = true;
    }
    return found ? SPEC_SUCCESS : SPEC_CONTROLLER_LIST_INVALID;
}

static uint16_t find_managed(const struct nvmevirt *controller, uint32_t nsid,
                             struct nvmevirt_ns **ns)
{
    *ns = nvmevirt_find_allocated(controller, nsid);
    if (!nsid || nsid > nvmevirt_highest_nsid(controller))
        return SPEC_INVALID_NAMESPACE;
    if (!*ns)
        return SPEC_INVALID_FIELD;
    return nvmevirt_is_formatting(controller, nsid) ? SPEC_FORMAT_IN_PROGRESS : SPEC_SUCCESS;
}

uint16_t nvmevirt_attachment(struct nvmevirt *controller, const struct nvmevirt_command *command)
{
    uint8_t data[LIST_SIZE];
    uint32_t select = SPEC_GET(SELECT, command->dword[10]);
    struct nvmevirt_ns *ns;
    if (select > DETACH)
        return SPEC_INVALID_FIELD;
    uint16_t status = find_managed(controller, command->dword[SPEC_DW_NSID], &ns);
    if (!status)
        status = nvmevirt_receive(controller, command, data, sizeof data);
    if (!status)
        status = find_in_list(controller, data);
    if (status)
        return status;
    if (ns->attached == (select == ATTACH))
        return select == ATTACH ? SPEC_ALREADY_ATTACHED : SPEC_NOT_ATTACHED;
    set_attached(controller, ns, select == ATTACH);
    return SPEC_SUCCESS;
}

/* The first unallocated memory that is large enough takes it, with its own NSID. */
static uint16_t create(struct nvmevirt *controller, const uint8_t *data, uint32_t *nsid)
{
    uint64_t size, capacity;
    uint32_t format = (data[26] & 0xFu) | (data[26] >> 5 & 3u) << 4; /* FLBAS */
    uint16_t status = SPEC_INSUFFICIENT_CAPACITY;
    __builtin_memcpy(&size, data, 8);
    __builtin_memcpy(&capacity, data + 8, 8);
    if (!size || data[29] || data[30])
        return SPEC_INVALID_FIELD; /* protection, sharing: there is neither */
    if (size != capacity)
        return SPEC_NO_THIN_PROVISIONING;
    for (uint32_t i = 0; i < controller->config.namespace_count; i++) {
        struct nvmevirt_ns *ns = &controller->namespaces[i];
        struct nvmevirt_format sizes;
        if (ns->allocated)
            continue;
        if (!nvmevirt_has_format(ns, format, &sizes)) {
            status = SPEC_INVALID_FORMAT;
        } else if (size <= ns->bytes / sizes.block_size) {
            nvmevirt_set_format(ns, sizes, size);
            ns->config.interleaved = sizes.metadata_size && (data[26] & INTERLEAVED);
            ns->config.protection = 0;
            nvmevirt_clear((struct nvmevirt_extent){.ns = ns, .blocks = size});
            ns->allocated = true;
            *nsid = ns->config.nsid;
            return SPEC_SUCCESS;
        }
    }
    return status;
}

static void delete_one(struct nvmevirt *controller, struct nvmevirt_ns *ns)
{
    nvmevirt_clear((struct nvmevirt_extent){.ns = ns, .blocks = ns->config.blocks});
    set_attached(controller, ns, false);
    ns->allocated = false;
}

static uint16_t delete (struct nvmevirt *controller, uint32_t nsid)
{
    struct nvmevirt_ns *ns;
    if (nsid == SPEC_NSID_BROADCAST) {
        for (uint32_t i = 0; i < controller->config.namespace_count; i++)
            delete_one(controller, &controller->namespaces[i]);
        return SPEC_SUCCESS;
    }
    uint16_t status = find_managed(controller, nsid, &ns);
    if (!status)
        delete_one(controller, ns);
    return status;
}

uint16_t nvmevirt_manage(struct nvmevirt *controller, struct nvmevirt_command *command)
{
    uint8_t data[LIST_SIZE];
    uint32_t select = SPEC_GET(SELECT, command->dword[10]);
    uint32_t nsid = command->dword[SPEC_DW_NSID];
    if (select == MANAGE_DELETE)
        return delete (controller, nsid);
    if (select != MANAGE_CREATE || nsid)
        return SPEC_INVALID_FIELD;
    if (command->dword[11] >> 24 != SPEC_CSI_NVM)
        return SPEC_COMMAND_SET_NOT_SUPPORTED;
    uint16_t status = nvmevirt_receive(controller, command, data, sizeof data);
    return status ? status : create(controller, data, &command->result);
}

bool nvmevirt_attach(struct nvmevirt *controller, uint32_t nsid, bool attached)
{
    struct nvmevirt_ns *ns = nvmevirt_find_allocated(controller, nsid);
    if (!ns || ns->attached == attached)
        return false;
    set_attached(controller, ns, attached);
    return true;
}

bool nvmevirt_resize(struct nvmevirt *controller, uint32_t nsid, uint64_t blocks)
{
    struct nvmevirt_ns *ns = nvmevirt_find(controller, nsid);
    if (!ns || ns->zones || !blocks || blocks == ns->config.blocks ||
        blocks > ns->bytes / ns->config.block_size)
        return false;
    nvmevirt_set_format(
        ns, (struct nvmevirt_format){ns->config.block_size, ns->config.metadata_size}, blocks);
    nvmevirt_changed(controller, ns);
    return true;
}

bool nvmevirt_protect(struct nvmevirt *controller, uint32_t nsid, bool read_only)
{
    struct nvmevirt_ns *ns = nvmevirt_find(controller, nsid);
    if (!ns || ns->config.read_only == read_only)
        return false;
    ns->config.read_only = read_only;
    nvmevirt_changed(controller, ns);
    return true;
}
