/*
 * What a namespace is: Identify's structure of the NVM command set (NVM
 * 4.1.5.1), the descriptors that name it and its command set (Base 5.17.2.3),
 * and the zones of one that is zoned (ZNS 4.1.5). A namespace whose description
 * makes no sense, or that belongs to a command set which is not ours, is not
 * used, and said so.
 */
#include "internal.h"

#define BLOCK_SHIFT_LEAST 9
#define BLOCK_SHIFT_MOST  16

#define PROTECTION_BYTES 8 /* guard, application tag, reference tag: NVM 5.2.1 */
#define PROTECTION_TYPES 3 /* the last has no reference tags */

#define VERSION_1_3 0x00010300u /* the first with descriptors */

static bool parse(struct nvme_namespace *ns, const struct nvme_identify_namespace *data)
{
    unsigned format = data->flbas & NVME_FLBAS_LOW;
    if (data->nlbaf >= 16)
        format |= (unsigned)NVME_GET(NVME_FLBAS_HIGH, (unsigned)data->flbas) << 4;
    if (format > data->nlbaf) /* the index has six bits, for 64 formats */
        return false;
    unsigned shift = data->lbaf[format].data_size;
    if (shift < BLOCK_SHIFT_LEAST || shift > BLOCK_SHIFT_MOST ||
        data->nsze > (uint64_t)INT64_MAX >> shift)
        return false;
    ns->block_size = 1u << shift;
    ns->block_count = data->nsze;
    ns->metadata_size = data->lbaf[format].metadata_size;
    size_t most = ns->controller->max_transfer / ns->block_size;
    ns->most_blocks = most < NVME_RW_BLOCKS_MOST ? (uint32_t)most : NVME_RW_BLOCKS_MOST;
    ns->rw_blocks = ns->metadata_size ? 0 : ns->most_blocks;
    ns->format = (uint8_t)format;
    ns->write_protected = data->nsattr & NVME_NSATTR_WRITE_LOCKED;
    ns->copy_range_blocks = data->mssrl;
    ns->copy_blocks = data->mcl;
    ns->copy_ranges = (uint16_t)(data->msrc + 1u);
    __builtin_memcpy(ns->nguid, data->nguid, sizeof ns->nguid);
    __builtin_memcpy(ns->eui64, data->eui64, sizeof ns->eui64);
    return true;
}

/* One descriptor. A length that is not its type's makes it meaningless. */
static void take(struct nvme_namespace *ns, const struct nvme_descriptor *descriptor,
                 const uint8_t *value, uint8_t *csi)
{
    static const uint8_t lengths[] = {0, 8, 16, 16, 1};
    if (descriptor->type >= sizeof lengths || descriptor->length != lengths[descriptor->type])
        return;
    if (descriptor->type == NVME_DESCRIPTOR_EUI64)
        __builtin_memcpy(ns->eui64, value, sizeof ns->eui64);
    else if (descriptor->type == NVME_DESCRIPTOR_NGUID)
        __builtin_memcpy(ns->nguid, value, sizeof ns->nguid);
    else if (descriptor->type == NVME_DESCRIPTOR_UUID)
        __builtin_memcpy(ns->uuid, value, sizeof ns->uuid);
    else
        *csi = *value;
}

/* The list ends with a length of 0, or where the next one would leave it. Returns the command set.
 */
static uint8_t take_all(struct nvme_namespace *ns, const uint8_t *list)
{
    uint8_t csi = NVME_CSI_NVM;
    struct nvme_descriptor descriptor;
    __builtin_memset(ns->uuid, 0, sizeof ns->uuid);
    size_t at = 0;
    while (at + sizeof descriptor <= NVME_IDENTIFY_SIZE) {
        __builtin_memcpy(&descriptor, list + at, sizeof descriptor);
        at += sizeof descriptor;
        if (!descriptor.length || descriptor.length > NVME_IDENTIFY_SIZE - at)
            break;
        take(ns, &descriptor, list + at, &csi);
        at += descriptor.length;
    }
    return csi;
}

/* A refusal that need not be the device's last word says nothing of the namespace. */
static int identify(struct nvme_controller *controller, uint32_t cns, uint32_t csi, uint32_t nsid,
                    void *data)
{
    const struct nvme_segment segment = {.base = data, .length = NVME_IDENTIFY_SIZE};
    struct nvme_request request = {.command = {.opcode = NVME_ADMIN_IDENTIFY,
                                               .nsid = nsid,
                                               .cdw10 = cns,
                                               .cdw11 = NVME_SET(NVME_IDENTIFY_CDW11_CSI, csi)},
                                   .segments = &segment,
                                   .segment_count = 1,
                                   .data_bytes = NVME_IDENTIFY_SIZE};
    int error = nvme_admin_request(controller, &request, "Identify");
    return error == NVME_ERR_STATUS && !(request.status & NVME_STATUS_DNR) ? NVME_ERR_BUSY : error;
}

/* How much a Zone Append may write is the controller's, and asked for with the first namespace. */
static int read_append_limit(struct nvme_controller *controller,
                             struct nvme_identify_zoned_controller *data)
{
    int error = identify(controller, NVME_IDENTIFY_SET_CONTROLLER, NVME_CSI_ZONED, 0, data);
    if (error)
        return error;
    uint64_t most = nvme_bytes_limit(controller, data->zasl);
    controller->limits.append_bytes =
        most < controller->max_transfer ? most : controller->max_transfer;
    return NVME_OK;
}

/* ZNS 4.1.5.1. All zones are of one size, and nothing is left over. */
static int identify_zones(struct nvme_controller *controller, struct nvme_namespace *ns, void *page)
{
    const struct nvme_identify_zoned_namespace *data = page;
    int error = controller->limits.append_bytes ? NVME_OK : read_append_limit(controller, page);
    if (!error)
        error = identify(controller, NVME_IDENTIFY_SET_NAMESPACE, NVME_CSI_ZONED, ns->id, page);
    if (error)
        return error;
    uint64_t blocks = data->lbafe[ns->format].zone_size;
    if (!blocks || ns->block_count % blocks) {
        nvme_log(controller, NVME_LOG_ERROR,
                 "namespace %u: %llu blocks in zones of %llu are not possible: left out", ns->id,
                 (unsigned long long)ns->block_count, (unsigned long long)blocks);
        return NVME_ERR_STATUS;
    }
    ns->zone_blocks = blocks;
    ns->active_zones_most = data->mar + 1;
    ns->open_zones_most = data->mor + 1;
    return NVME_OK;
}

/* Extended formats, with other guards or a storage tag, are for hosts that have said that they know
 * them (NVM 5.3.1.1). */
static int is_extended(struct nvme_controller *controller, const struct nvme_namespace *ns,
                       bool *extended)
{
    struct nvme_identify_namespace_nvm *data = (void *)nvme_scan_of(controller)->identify;
    *extended = false;
    if (!(controller->identify->ctratt & NVME_CTRATT_FORMATS))
        return NVME_OK;
    int error = nvme_identify(controller, NVME_IDENTIFY_SET_NAMESPACE, ns->id, data);
    if (!error)
        *extended = data->elbaf[ns->format];
    return error;
}

/* One buffer does for all that is written and read at the same time: see nvme_namespace. */
static int give_metadata(struct nvme_controller *controller, struct nvme_namespace *ns)
{
    const uint32_t most = NVME_METADATA_BYTES / ns->metadata_size;
    if (!controller->metadata)
        controller->metadata =
            nvme_alloc(controller, 2 * NVME_METADATA_BYTES, &controller->metadata_bus);
    if (!controller->metadata)
        return NVME_ERR_NO_MEMORY;
    ns->metadata_bus = controller->metadata_bus;
    if (ns->most_blocks > most)
        ns->most_blocks = most;
    return NVME_OK;
}

/* What commands say of metadata, which there is: NVM 5.1, 5.2. */
static int find_metadata(struct nvme_controller *controller, struct nvme_namespace *ns,
                         uint8_t flbas, uint8_t dps)
{
    const unsigned type = NVME_GET(NVME_DPS_TYPE, (unsigned)dps);
    bool extended;
    if (type) {
        ns->protection = NVME_RW_CDW12_PRACT | NVME_RW_CDW12_PRCHK_GUARD |
                         (type < PROTECTION_TYPES ? NVME_RW_CDW12_PRCHK_REF : 0);
        int error = is_extended(controller, ns, &extended);
        if (error)
            return error;
        if (extended || type > PROTECTION_TYPES || ns->metadata_size < PROTECTION_BYTES)
            ns->unusable = "protection information of a kind that is not known here";
        else if (ns->metadata_size == PROTECTION_BYTES)
            return NVME_OK; /* never leaves the controller */
    }
    if (!ns->unusable && flbas & NVME_FLBAS_INTERLEAVED)
        ns->unusable = "metadata behind the data of each block";
    if (!ns->unusable)
        return give_metadata(controller, ns);
    ns->most_blocks = 0;
    return NVME_OK;
}

int nvme_namespace_identify(struct nvme_controller *controller, struct nvme_namespace *ns)
{
    void *data = nvme_scan_of(controller)->identify;
    int error = identify(controller, NVME_IDENTIFY_NAMESPACE, NVME_CSI_NVM, ns->id, data);
    if (error)
        return error;
    const struct nvme_identify_namespace *found = data;
    if (found->nsze == 0)
        return NVME_ERR_STATUS; /* not active any more */
    bool possible = parse(ns, found);
    uint64_t size = found->nsze;
    uint8_t flbas = found->flbas, dps = found->dps;
    bool sets = NVME_GET(NVME_CAP_CSS, controller->cap) & NVME_CAP_CSS_SETS;
    uint8_t csi = NVME_CSI_NVM;

    if (controller->version >= VERSION_1_3) {
        error = nvme_identify(controller, NVME_IDENTIFY_DESCRIPTORS, ns->id, data);
        if (error && error != NVME_ERR_STATUS)
            return error;
        csi = error ? NVME_CSI_NVM : take_all(ns, data);
        if (csi != NVME_CSI_NVM && !(csi == NVME_CSI_ZONED && sets)) {
            nvme_log(controller, NVME_LOG_WARNING,
                     "namespace %u is of I/O command set %u, which is not known here: left out",
                     ns->id, csi);
            return NVME_ERR_STATUS;
        }
    }
    if (!possible) {
        nvme_log(controller, NVME_LOG_ERROR,
                 "namespace %u: size %llu, format %u is not possible: left out", ns->id,
                 (unsigned long long)size, (unsigned)flbas);
        return NVME_ERR_STATUS;
    }
    error = csi == NVME_CSI_ZONED ? identify_zones(controller, ns, data) : NVME_OK;
    return !error && ns->metadata_size ? find_metadata(controller, ns, flbas, dps) : error;
}
