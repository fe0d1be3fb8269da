/*
 * Namespaces: which there are (Base 5.17.2.3, the list of active identifiers,
 * which may have gaps) and what each is (NVM 4.1.5.1). A namespace whose
 * description makes no sense is left out and said so; it does not take the
 * others with it.
 */
#include "internal.h"

#define BLOCK_SHIFT_LEAST 9
#define BLOCK_SHIFT_MOST  16
#define NAMESPACES_MOST   65536 /* more are a list that has no end */

/* Reads the list from behind `after`, fewer than NVME_ACTIVE_LIST_IDS at its end; negative: error.
 */
static int active_list(struct nvme_controller *controller, uint32_t after, uint32_t *ids)
{
    int error = nvme_identify(controller, NVME_IDENTIFY_ACTIVE_LIST, after, ids);
    if (error)
        return error;
    int count = 0;
    while (count < (int)NVME_ACTIVE_LIST_IDS && ids[count]) {
        /* Ascending (Base 5.17.2.3): or a list could lead round in a circle. */
        if (ids[count] <= after || ids[count] == NVME_NSID_ALL) {
            nvme_log(controller, NVME_LOG_ERROR, "the namespace list is out of order");
            return NVME_ERR_DEVICE;
        }
        after = ids[count++];
    }
    return count;
}

/* Calls each(controller, id) for all active namespaces; returns how many, or the first error. */
static int for_each_active(struct nvme_controller *controller, uint32_t *ids,
                           int (*each)(struct nvme_controller *controller, uint32_t id))
{
    int total = 0;
    uint32_t after = 0;
    while (after <= NVME_NSID_HIGHEST_LIST) {
        int count = active_list(controller, after, ids);
        if (count < 0)
            return count;
        total += count;
        if (total > NAMESPACES_MOST) {
            nvme_log(controller, NVME_LOG_ERROR, "the namespace list does not end");
            return NVME_ERR_DEVICE;
        }
        for (int i = 0; i < count && each; i++) {
            int error = each(controller, ids[i]);
            if (error)
                return error;
        }
        if (count < (int)NVME_ACTIVE_LIST_IDS)
            break;
        after = ids[count - 1];
    }
    return total;
}

static bool parse(struct nvme_namespace *ns, const struct nvme_identify_namespace *data)
{
    unsigned format = data->flbas & NVME_FLBAS_LOW;
    if (data->nlbaf >= 16)
        format |= (unsigned)NVME_GET(NVME_FLBAS_HIGH, (unsigned)data->flbas) << 4;
    if (format > data->nlbaf || format >= sizeof data->lbaf / sizeof data->lbaf[0])
        return false;
    unsigned shift = data->lbaf[format].data_size;
    if (shift < BLOCK_SHIFT_LEAST || shift > BLOCK_SHIFT_MOST ||
        data->nsze > (uint64_t)INT64_MAX >> shift)
        return false;
    ns->block_size = 1u << shift;
    ns->block_count = data->nsze;
    ns->metadata_size = data->lbaf[format].metadata_size;
    ns->write_protected = data->nsattr & NVME_NSATTR_WRITE_LOCKED;
    return true;
}

/* One that the device refuses to describe, or has deactivated since, is left out: no error. */
static int add(struct nvme_controller *controller, uint32_t id)
{
    size_t capacity = controller->namespaces_bytes / sizeof(struct nvme_namespace);
    if (controller->namespace_count == capacity)
        return NVME_OK; /* the list has grown since it was counted */
    uint64_t bus;
    struct nvme_identify_namespace *data = nvme_alloc(controller, sizeof *data, &bus);
    if (!data)
        return NVME_ERR_NO_MEMORY;
    int error = nvme_identify(controller, NVME_IDENTIFY_NAMESPACE, id, data);
    if (!error && data->nsze != 0) {
        struct nvme_namespace *ns = &controller->namespaces[controller->namespace_count];
        *ns = (struct nvme_namespace){.controller = controller, .id = id};
        if (parse(ns, data))
            controller->namespace_count++;
        else
            nvme_log(controller, NVME_LOG_ERROR,
                     "namespace %u: size %llu, format %u is not possible: left out", id,
                     (unsigned long long)data->nsze, data->flbas);
    }
    nvme_free(controller, data, sizeof *data);
    return error == NVME_ERR_STATUS ? NVME_OK : error;
}

int nvme_namespaces_find(struct nvme_controller *controller)
{
    uint64_t bus;
    uint32_t *ids = nvme_alloc(controller, NVME_IDENTIFY_SIZE, &bus);
    if (!ids)
        return NVME_ERR_NO_MEMORY;
    int count = for_each_active(controller, ids, NULL);
    if (count > 0) {
        controller->namespaces_bytes = (size_t)count * sizeof(struct nvme_namespace);
        controller->namespaces = nvme_alloc(controller, controller->namespaces_bytes, &bus);
        count = controller->namespaces ? for_each_active(controller, ids, add) : NVME_ERR_NO_MEMORY;
    }
    nvme_free(controller, ids, NVME_IDENTIFY_SIZE);
    return count < 0 ? count : NVME_OK;
}

void nvme_namespaces_free(struct nvme_controller *controller)
{
    nvme_free(controller, controller->namespaces, controller->namespaces_bytes);
    controller->namespaces = NULL;
    controller->namespace_count = 0;
    controller->namespaces_bytes = 0;
}
