/*
 * The namespaces: which there are, the memory behind their blocks, and how
 * many blocks that makes in one LBA format or another.
 */
#include "internal.h"

#define FORMATS     16u
#define BLOCK_LEAST 512u
#define BLOCK_MOST  65536u

bool nvmevirt_has_format(const struct nvmevirt_ns *ns, uint32_t index,
                         struct nvmevirt_format *format)
{
    const uint8_t *formats = ns->config.formats;
    *format = (struct nvmevirt_format){ns->config.block_size, ns->config.metadata_size};
    if (!formats[0])
        return index == 0;
    for (uint32_t i = 0; i < FORMATS && formats[i]; i++) {
        *format = (struct nvmevirt_format){1u << formats[i], ns->config.format_metadata[i]};
        if (i == index)
            return true;
    }
    return false;
}

void nvmevirt_set_format(struct nvmevirt_ns *ns, struct nvmevirt_format format, uint64_t blocks)
{
    uint32_t block_size = format.block_size;
    uint64_t end = ns->backed_at + ns->backed_bytes;
    if (end > blocks * block_size)
        end = blocks * block_size;
    ns->config.block_size = block_size;
    ns->config.metadata_size = format.metadata_size;
    ns->config.blocks = blocks;
    ns->config.backed_first = ns->backed_at / block_size;
    ns->config.backed_count = end > ns->backed_at ? (end - ns->backed_at) / block_size : 0;
}

static bool formats_are_sane(const struct nvmevirt_namespace *namespace)
{
    bool found = !namespace->formats[0];
    if (!found && namespace->blocks > UINT64_MAX / namespace->block_size)
        return false;
    for (unsigned i = 0; i < FORMATS && namespace->formats[i]; i++) {
        uint8_t shift = namespace->formats[i];
        if (shift < 9 || shift > 16)
            return false;
        uint32_t size = 1u << shift;
        found |= size == namespace->block_size &&
                 namespace->format_metadata[i] == namespace->metadata_size;
        if (namespace->backed_first * namespace->block_size % size ||
            namespace->backed_count * namespace->block_size % size)
            return false;
    }
    return found;
}

static bool is_sane(const struct nvmevirt_namespace *namespace, uint32_t previous)
{
    uint32_t size = namespace->block_size;
    if (namespace->nsid <= previous || namespace->nsid >= SPEC_NSID_BROADCAST - 1)
        return false;
    if (size < BLOCK_LEAST || size > BLOCK_MOST || (size & (size - 1)))
        return false;
    if (!namespace->blocks || namespace->backed_first >= namespace->blocks ||
        namespace->backed_count > namespace->blocks - namespace->backed_first)
        return false;
    if (namespace->protection && (SPEC_GET(SPEC_DPS_TYPE, (uint32_t) namespace->protection) > 3 ||
                                  namespace->metadata_size < SPEC_PROTECTION_SIZE))
        return false;
    return formats_are_sane(namespace);
}

/* Room for the smallest blocks with the most metadata that there can be, and for the largest. */
static bool open_metadata(struct nvmevirt *controller, struct nvmevirt_ns *ns)
{
    const struct nvmevirt_environment *environment = &controller->environment;
    uint16_t most = ns->config.metadata_size;
    for (unsigned i = 0; i < FORMATS; i++)
        if (ns->config.format_metadata[i] > most)
            most = ns->config.format_metadata[i];
    uint64_t blocks = ns->backed_bytes / BLOCK_LEAST + 1;
    if (!most)
        return true;
    if (blocks > SIZE_MAX / most)
        return false;
    ns->metadata = environment->allocate(environment->context, (size_t)blocks * most);
    ns->bounce = environment->allocate(environment->context, (size_t)BLOCK_MOST + most);
    if (!ns->metadata || !ns->bounce)
        return false;
    nvmevirt_clear_metadata(
        (struct nvmevirt_extent){ns, ns->config.backed_first, ns->config.backed_count});
    return true;
}

/* Bits for the smallest blocks that there can be. */
static bool open_bad(struct nvmevirt *controller, struct nvmevirt_ns *ns)
{
    uint64_t bytes = ns->backed_bytes / BLOCK_LEAST / 8 + 1;
    if (!nvmevirt_supports(controller, true, SPEC_WRITE_UNCORRECTABLE))
        return true;
    if (bytes > SIZE_MAX)
        return false;
    ns->bad = controller->environment.allocate(controller->environment.context, (size_t)bytes);
    return ns->bad != NULL;
}

static bool open_one(struct nvmevirt *controller, struct nvmevirt_ns *ns,
                     const struct nvmevirt_namespace *config)
{
    uint64_t count =
        config->backed_count ? config->backed_count : config->blocks - config->backed_first;
    if (count > SIZE_MAX / config->block_size)
        return false;
    ns->config = *config;
    ns->config.backed_count = count;
    ns->bytes = config->blocks > UINT64_MAX / config->block_size
                    ? UINT64_MAX
                    : config->blocks * config->block_size;
    ns->backed_at = config->backed_first * config->block_size;
    ns->backed_bytes = count * config->block_size;
    ns->allocated = !config->unallocated;
    ns->attached = ns->allocated && !config->detached;
    if (!config->memory) {
        ns->config.memory = controller->environment.allocate(controller->environment.context,
                                                             (size_t)ns->backed_bytes);
        ns->own_memory = true;
    }
    return ns->config.memory && open_bad(controller, ns) && open_metadata(controller, ns) &&
           nvmevirt_zones_open(controller, ns);
}

bool nvmevirt_namespaces_open(struct nvmevirt *controller)
{
    uint32_t count = controller->config.namespace_count;
    const struct nvmevirt_namespace *configs = controller->config.namespaces;
    controller->config.namespace_count = 0; /* of those that are open, be it halfway */
    controller->config.namespaces = NULL;
    controller->namespaces = controller->environment.allocate(
        controller->environment.context, (size_t)(count + 1ull) * sizeof(struct nvmevirt_ns));
    if (!controller->namespaces)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_sane(&configs[i], i ? configs[i - 1].nsid : 0))
            return false;
        controller->config.namespace_count++;
        if (!open_one(controller, &controller->namespaces[i], &configs[i]))
            return false;
    }
    return true;
}

void nvmevirt_namespaces_close(struct nvmevirt *controller)
{
    const struct nvmevirt_environment *environment = &controller->environment;
    if (!controller->namespaces)
        return;
    for (uint32_t i = 0; i < controller->config.namespace_count; i++) {
        const struct nvmevirt_ns *ns = &controller->namespaces[i];
        if (ns->own_memory && ns->config.memory)
            environment->free(environment->context, ns->config.memory);
        if (ns->bad)
            environment->free(environment->context, ns->bad);
        if (ns->zones)
            environment->free(environment->context, ns->zones);
        if (ns->metadata)
            environment->free(environment->context, ns->metadata);
        if (ns->bounce)
            environment->free(environment->context, ns->bounce);
    }
    environment->free(environment->context, controller->namespaces);
    controller->namespaces = NULL;
}

static struct nvmevirt_ns *find_slot(const struct nvmevirt *controller, uint32_t nsid)
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

struct nvmevirt_ns *nvmevirt_find_allocated(const struct nvmevirt *controller, uint32_t nsid)
{
    struct nvmevirt_ns *ns = find_slot(controller, nsid);
    return ns && ns->allocated ? ns : NULL;
}

struct nvmevirt_ns *nvmevirt_find(const struct nvmevirt *controller, uint32_t nsid)
{
    struct nvmevirt_ns *ns = find_slot(controller, nsid);
    return ns && ns->attached ? ns : NULL;
}

uint32_t nvmevirt_highest_nsid(const struct nvmevirt *controller)
{
    uint32_t count = controller->config.namespace_count;
    return count ? controller->namespaces[count - 1].config.nsid : 0;
}
