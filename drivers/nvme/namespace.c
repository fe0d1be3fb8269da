/*
 * Namespaces: which there are (Base 5.17.2.2, the list of active identifiers,
 * which may have gaps; old devices are asked for each), and what has become of those that were
 * there. They are kept in a list by ascending identifier, like the device's, so that a scan walks
 * both side by side; their memory comes in chunks and never moves, since hosts hold pointers to
 * them.
 */
#include "internal.h"

#define NAMESPACES_MOST 65536 /* more are a list that has no end */
#define CHUNK_BYTES     4096
#define SCANS_MOST      3 /* in one call, while things keep changing */

#define VERSION_1_1 0x00010100u /* the first with a list of them */

struct nvme_namespace_chunk {
    struct nvme_namespace_chunk *next;
    size_t used;
    struct nvme_namespace items[];
};

#define CHUNK_ITEMS \
    ((CHUNK_BYTES - sizeof(struct nvme_namespace_chunk)) / sizeof(struct nvme_namespace))

static struct nvme_namespace *new_namespace(struct nvme_controller *controller)
{
    struct nvme_namespace_chunk *chunk = controller->namespace_chunks;
    if (!chunk || chunk->used == CHUNK_ITEMS) {
        uint64_t unused;
        chunk = nvme_alloc(controller, CHUNK_BYTES, &unused);
        if (!chunk)
            return NULL;
        chunk->next = controller->namespace_chunks;
        controller->namespace_chunks = chunk;
    }
    return &chunk->items[chunk->used++];
}

static void tell(struct nvme_namespace *ns, enum nvme_namespace_change change)
{
    static const char *const words[] = {"added", "gone", "changed"};
    struct nvme_controller *controller = ns->controller;
    const struct nvme_host *host = controller->host;
    if (controller->state == NVME_STARTING)
        return;
    nvme_log(controller, NVME_LOG_NOTE, "namespace %u: %s, %llu blocks of %u bytes", ns->id,
             words[change], (unsigned long long)ns->block_count, ns->block_size);
    if (host->namespace_changed)
        host->namespace_changed(host->context, ns, change);
}

static void lose(struct nvme_namespace *ns)
{
    if (ns->gone)
        return;
    ns->gone = true;
    ns->rw_blocks = 0;
    ns->changes = ++ns->controller->changes;
    ns->controller->namespace_count--;
    tell(ns, NVME_NAMESPACE_GONE);
}

static bool same_identity(const struct nvme_namespace *a, const struct nvme_namespace *b)
{
    return nvme_same_bytes(a->nguid, b->nguid, sizeof a->nguid) &&
           nvme_same_bytes(a->eui64, b->eui64, sizeof a->eui64) &&
           nvme_same_bytes(a->uuid, b->uuid, sizeof a->uuid);
}

static bool same_shape(const struct nvme_namespace *a, const struct nvme_namespace *b)
{
    return a->block_size == b->block_size && a->block_count == b->block_count &&
           a->metadata_size == b->metadata_size && a->format == b->format &&
           a->unusable == b->unusable && a->protection == b->protection &&
           a->metadata_bus == b->metadata_bus && a->write_protected == b->write_protected &&
           a->most_blocks == b->most_blocks && a->zone_blocks == b->zone_blocks;
}

/* `found` is what the device says now of a namespace that was there before. */
static void update(struct nvme_namespace *ns, const struct nvme_namespace *found)
{
    if (!same_identity(ns, found))
        lose(ns); /* another one under the same identifier */
    enum nvme_namespace_change change = ns->gone ? NVME_NAMESPACE_ADDED : NVME_NAMESPACE_CHANGED;
    bool same = !ns->gone && same_shape(ns, found);
    struct nvme_namespace old = *ns;
    *ns = *found;
    ns->next = old.next;
    ns->context = old.context;
    ns->changes = same ? old.changes : ++ns->controller->changes;
    ns->controller->namespace_count += old.gone;
    if (!same)
        tell(ns, change);
}

/* A walk through the device's list. */
struct walk {
    struct nvme_controller *controller;
    struct nvme_scan *scan;
    uint64_t resets;              /* when it began */
    struct nvme_namespace **link; /* the first namespace that was not looked at yet */
};

/* A reset in the middle has looked at everything, and what was asked for before it is of no use. */
static bool was_overtaken(const struct walk *walk)
{
    return walk->controller->resets != walk->resets;
}

/*
 * One active identifier. One that cannot be used does not take the others with it, and one that was
 * known stays as it was when the device would not describe it now.
 */
static int look(struct walk *walk, uint32_t id)
{
    struct nvme_controller *controller = walk->controller;
    struct nvme_namespace found = {.controller = controller, .id = id}, *ns = *walk->link;
    while (ns && ns->id < id)
        ns = ns->next;
    if (ns && ns->id == id)
        __builtin_memcpy(found.uuid, ns->uuid, sizeof found.uuid);
    int error = nvme_namespace_identify(controller, &found);
    if (was_overtaken(walk))
        return NVME_ERR_RESET;
    if (error && error != NVME_ERR_STATUS && error != NVME_ERR_BUSY)
        return error;
    for (; (ns = *walk->link) && ns->id < id; walk->link = &ns->next)
        lose(ns);
    if (ns && ns->id == id) {
        if (error == NVME_ERR_STATUS)
            lose(ns);
        else if (!error)
            update(ns, &found);
    } else if (error) {
        return NVME_OK;
    } else {
        ns = new_namespace(controller);
        if (!ns)
            return NVME_ERR_NO_MEMORY;
        *ns = found;
        ns->changes = ++controller->changes;
        ns->next = *walk->link;
        *walk->link = ns;
        controller->namespace_count++;
        tell(ns, NVME_NAMESPACE_ADDED);
    }
    walk->link = &ns->next;
    return NVME_OK;
}

/* What such a list would say at most. Those that are not there say so themselves. */
static int possible_list(const struct walk *walk, uint32_t after)
{
    int count = 0;
    while (count < (int)NVME_ACTIVE_LIST_IDS && after < walk->controller->identify->nn)
        walk->scan->ids[count++] = ++after;
    return count;
}

/* Reads the list from behind `after`, fewer than NVME_ACTIVE_LIST_IDS at its end; negative: error.
 */
static int active_list(const struct walk *walk, uint32_t after)
{
    struct nvme_controller *controller = walk->controller;
    uint32_t *ids = walk->scan->ids;
    if (controller->version < VERSION_1_1)
        return possible_list(walk, after);
    int error = nvme_identify(controller, NVME_IDENTIFY_ACTIVE_LIST, after, ids);
    if (was_overtaken(walk))
        return NVME_ERR_RESET;
    if (error)
        return error;
    int count = 0;
    while (count < (int)NVME_ACTIVE_LIST_IDS && ids[count]) {
        /* Ascending (Base 5.17.2.2): or a list could lead round in a circle. */
        if (ids[count] <= after || ids[count] == NVME_NSID_ALL) {
            nvme_log(controller, NVME_LOG_ERROR, "the namespace list is out of order");
            return NVME_ERR_DEVICE;
        }
        after = ids[count++];
    }
    return count;
}

/* To the end of the device's list; what it names is looked at, or only whether it makes sense. */
static int go(struct walk *walk, bool looking)
{
    int total = 0, count = (int)NVME_ACTIVE_LIST_IDS;
    uint32_t after = 0;
    while (count == (int)NVME_ACTIVE_LIST_IDS && after <= NVME_NSID_HIGHEST_LIST) {
        count = active_list(walk, after);
        if (count < 0)
            return count;
        total += count;
        if (total > NAMESPACES_MOST) {
            nvme_log(walk->controller, NVME_LOG_ERROR, "the namespace list does not end");
            return NVME_ERR_DEVICE;
        }
        for (int i = 0; i < count && looking; i++) {
            int error = look(walk, walk->scan->ids[i]);
            if (error)
                return error;
        }
        if (count)
            after = walk->scan->ids[count - 1];
    }
    return NVME_OK;
}

/* A list that makes no sense is found out before anything is changed by it. Without I/O queues
 * there is nothing that a namespace could be used for. */
static int scan(struct nvme_controller *controller)
{
    struct walk walk = {controller, nvme_scan_of(controller), controller->resets,
                        &controller->namespaces};
    if (!controller->io_capacity)
        return NVME_OK;
    int error = go(&walk, false);
    if (!error)
        error = go(&walk, true);
    if (was_overtaken(&walk))
        return controller->state == NVME_LIVE ? NVME_OK : NVME_ERR_DEAD;
    for (struct nvme_namespace *ns = *walk.link; !error && ns; ns = ns->next)
        lose(ns);
    return error;
}

int nvme_rescan(struct nvme_controller *controller)
{
    if (!controller->scratch)
        return NVME_ERR_DEAD;
    bool *scanning = &controller->scanning[controller->state == NVME_RESETTING];
    controller->scan_again = true;
    if (*scanning)
        return NVME_OK;
    *scanning = true;
    nvme_exclusive_begin(controller);
    int error = NVME_OK;
    for (unsigned scans = 0; controller->scan_again && scans < SCANS_MOST; scans++) {
        controller->scan_again = false;
        error = scan(controller);
    }
    nvme_exclusive_end(controller);
    *scanning = false;
    return error;
}

/* The commands that have a limit, without those that are known not to work (quirks.c). */
static uint16_t limited_commands(const struct nvme_controller *controller,
                                 const struct nvme_identify_nvm *data)
{
    uint32_t oncs = 0;
    oncs |= data->vsl ? NVME_ONCS_VERIFY : 0;
    oncs |= data->wzsl ? NVME_ONCS_WRITE_ZEROES : 0;
    oncs |= data->wusl ? NVME_ONCS_WRITE_UNCORRECTABLE : 0;
    oncs |= data->dmrl || data->dmrsl || data->dmsl ? NVME_ONCS_DATASET : 0;
    return (uint16_t)(oncs & ~(controller->quirk ? controller->quirk->oncs_cut : 0u));
}

/* Identify of the NVM command set; there only where CAP offers command sets (NVM 4.1.5.4). */
static int read_limits(struct nvme_controller *controller)
{
    struct nvme_limits *limits = &controller->limits;
    struct nvme_identify_nvm *data = (void *)nvme_scan_of(controller)->identify;
    if (NVME_GET(NVME_CAP_CSS, controller->cap) & NVME_CAP_CSS_SETS) {
        int error = nvme_identify(controller, NVME_IDENTIFY_SET_CONTROLLER, 0, data);
        if (error == NVME_ERR_STATUS)
            __builtin_memset(data, 0, NVME_IDENTIFY_SIZE);
        else if (error)
            return error;
    }
    limits->verify_bytes = nvme_bytes_limit(controller, data->vsl);
    limits->zeroes_bytes = nvme_bytes_limit(controller, data->wzsl);
    limits->uncorrectable_bytes = nvme_bytes_limit(controller, data->wusl);
    limits->dataset_ranges = data->dmrl ? data->dmrl : UINT64_MAX;
    limits->dataset_range_blocks = data->dmrsl ? data->dmrsl : UINT64_MAX;
    limits->dataset_blocks = data->dmsl ? data->dmsl : UINT64_MAX;
    limits->offered = limited_commands(controller, data);
    return NVME_OK;
}

int nvme_namespaces_find(struct nvme_controller *controller)
{
    uint64_t unused;
    controller->scratch = nvme_alloc(controller, sizeof *controller->scratch, &unused);
    if (!controller->scratch)
        return NVME_ERR_NO_MEMORY;
    int error = read_limits(controller);
    return error ? error : nvme_rescan(controller);
}

void nvme_namespaces_free(struct nvme_controller *controller)
{
    struct nvme_namespace_chunk *chunk = controller->namespace_chunks, *next;
    for (; chunk; chunk = next) {
        next = chunk->next;
        nvme_free(controller, chunk, CHUNK_BYTES);
    }
    controller->namespace_chunks = NULL;
    controller->namespaces = NULL;
    controller->namespace_count = 0;
    nvme_free(controller, controller->scratch, sizeof *controller->scratch);
    controller->scratch = NULL;
    nvme_free(controller, controller->metadata, 2 * NVME_METADATA_BYTES);
    controller->metadata = NULL;
}
