/*
 * The namespaces: which there are, and the memory behind their blocks.
 */
#include "internal.h"

static bool is_sane(const struct nvmevirt_namespace *namespace, uint32_t previous)
{
    uint32_t size = namespace->block_size;
    if (namespace->nsid <= previous || namespace->nsid >= SPEC_NSID_BROADCAST - 1)
        return false;
    if (size < 512 || size > 65536 || (size & (size - 1)))
        return false;
    return namespace->blocks && namespace->backed_first < namespace->blocks &&
           namespace->backed_count <= namespace->blocks - namespace->backed_first;
}

static bool open_one(struct nvmevirt *controller, struct nvmevirt_ns *ns,
                     const struct nvmevirt_namespace *config)
{
    ns->config = *config;
    if (!ns->config.backed_count)
        ns->config.backed_count = config->blocks - config->backed_first;
    if (config->memory)
        return true;
    if (ns->config.backed_count > SIZE_MAX / config->block_size)
        return false;
    ns->config.memory = controller->environment.allocate(
        controller->environment.context, (size_t)ns->config.backed_count * config->block_size);
    ns->allocated = ns->config.memory != NULL;
    return ns->allocated;
}

bool nvmevirt_namespaces_open(struct nvmevirt *controller)
{
    uint32_t count = controller->config.namespace_count;
    const struct nvmevirt_namespace *configs = controller->config.namespaces;
    controller->config.namespace_count = 0; /* of those that are open */
    controller->config.namespaces = NULL;
    controller->namespaces = controller->environment.allocate(
        controller->environment.context, (size_t)(count + 1ull) * sizeof(struct nvmevirt_ns));
    if (!controller->namespaces)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_sane(&configs[i], i ? configs[i - 1].nsid : 0) ||
            !open_one(controller, &controller->namespaces[i], &configs[i]))
            return false;
        controller->config.namespace_count++;
    }
    return true;
}

void nvmevirt_namespaces_close(struct nvmevirt *controller)
{
    if (!controller->namespaces)
        return;
    for (uint32_t i = 0; i < controller->config.namespace_count; i++) {
        if (controller->namespaces[i].allocated)
            controller->environment.free(controller->environment.context,
                                         controller->namespaces[i].config.memory);
    }
    controller->environment.free(controller->environment.context, controller->namespaces);
    controller->namespaces = NULL;
}

const struct nvmevirt_ns *nvmevirt_find(const struct nvmevirt *controller, uint32_t nsid)
{
    uint32_t low = 0, high = controller->config.namespace_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (controller->namespaces[middle].config.nsid < nsid)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == controller->config.namespace_count ||
        controller->namespaces[low].config.nsid != nsid)
        return NULL;
    return &controller->namespaces[low];
}

uint32_t nvmevirt_highest_nsid(const struct nvmevirt *controller)
{
    uint32_t count = controller->config.namespace_count;
    return count ? controller->namespaces[count - 1].config.nsid : 0;
}
