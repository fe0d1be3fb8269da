/*
 * nvme dsm, copy and flush: commands about several ranges of blocks, or all of
 * them (NVM 3.2.2, 3.2.3; Base 7.1).
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/string.h"

#define RANGES_MOST 256u

#define LISTS_MOST 5u

/* A list that an option has brought. */
struct list_option {
    int key;
    const char *name;
    uint64_t most; /* of each number */
    const char *text;
};

struct ranges {
    struct target target;
    struct list_option lists[LISTS_MOST];
    const struct command_bits *bits;
    struct nvme_command command;
    uint64_t destination;
    uint64_t *values; /* RANGES_MOST for each list, zero where it is shorter than the longest */
    unsigned count;   /* of the longest */
};

static bool take(struct target *target, int key)
{
    struct ranges *r = CONTAINER_OF(target, struct ranges, target);
    for (unsigned i = 0; i < LISTS_MOST; i++)
        if (r->lists[i].key == key) {
            r->lists[i].text = target->self->argument;
            return true;
        }
    return target_bits(target, r->bits, key, &r->command);
}

static uint64_t value_of(const struct ranges *r, unsigned list, unsigned index)
{
    return r->values[list * RANGES_MOST + index];
}

/* Reads options and lists; `none` is what is said if there is no range. 0, and then r->values is
 * for kfree(), or the exit status after a message. */
static int begin(struct ranges *r, bool (*take_option)(struct target *target, int key),
                 const struct need *need, const char *none)
{
    int found = target_open(&r->target, take_option, TARGET_NEEDS_NSID);
    if (found || !target_offers(&r->target, need))
        return 1;
    r->values = target_buffer(&r->target, LISTS_MOST * RANGES_MOST * sizeof *r->values);
    for (unsigned i = 0; r->values && i < LISTS_MOST && found >= 0; i++) {
        const struct list_option *list = &r->lists[i];
        found = list->text ? target_numbers(&r->target, list->name, list->text, list->most,
                                            r->values + i * RANGES_MOST, RANGES_MOST)
                           : 0;
        r->count = MAX(r->count, (unsigned)(found > 0 ? found : 0));
    }
    if (!r->values)
        return 1;
    if (found >= 0 && !r->count)
        found = -complain(r->target.self, "%s", none);
    if (found < 0)
        kfree(r->values);
    return found < 0;
}

/* Frees data and lists. */
static int send(struct ranges *r, uint8_t opcode, void *data, size_t bytes, const char *success)
{
    struct exchange x = {.io = true, .command = r->command, .data = data, .bytes = bytes};
    x.command.opcode = opcode;
    x.command.nsid = (uint32_t)r->target.nsid;
    int status = data || !bytes ? target_send(&r->target, &x) : 1;
    if (!status)
        out(r->target.self, "%s\n", success);
    kfree(data);
    kfree(r->values);
    return status;
}

/* ---- dsm ----------------------------------------------------------------------------------- */

static const struct option dsm_options[] = {
    OPTION_NSID,
    {'s', "slbs", "LIST", "first blocks of the ranges"},
    {'b', "blocks", "LIST", "numbers of their blocks"},
    {'a', "ctx-attrs", "LIST", "their context attributes"},
    {'d', "ad", NULL, "deallocate them"},
    {'w', "idw", NULL, "they will be written as one"},
    {'r', "idr", NULL, "they will be read as one"},
    {'c', "cdw11", "NUM", "all of dword 11, instead of these three"},
    {0},
};

static int dsm(struct invocation *self)
{
    static const struct command_bits bits[] = {{'d', NULL, 11, 2, 1},
                                               {'w', NULL, 11, 1, 1},
                                               {'r', NULL, 11, 0, 1},
                                               {'c', "cdw11", 11, 0, 32},
                                               {0}};
    static const struct need need = NEEDS(oncs, NVME_ONCS_DATASET);
    struct ranges r = {.target = TARGET(self),
                       .bits = bits,
                       .lists = {{.key = 's', .name = "slbs", .most = UINT64_MAX},
                                 {.key = 'b', .name = "blocks", .most = UINT32_MAX},
                                 {.key = 'a', .name = "ctx-attrs", .most = UINT32_MAX}}};
    if (begin(&r, take, &need, "No range definition provided"))
        return 1;
    struct nvme_dataset_range *data = target_buffer(&r.target, r.count * sizeof *data);
    for (unsigned i = 0; data && i < r.count; i++)
        data[i] = (struct nvme_dataset_range){.attributes = (uint32_t)value_of(&r, 2, i),
                                              .blocks = (uint32_t)value_of(&r, 1, i),
                                              .lba = value_of(&r, 0, i)};
    r.command.cdw10 = r.count - 1;
    return send(&r, NVME_IO_DATASET, data, r.count * sizeof *data, "NVMe DSM: success");
}

/* ---- copy ---------------------------------------------------------------------------------- */

static const struct option copy_options[] = {
    OPTION_NSID,
    {'d', "sdlba", "NUM", "first block of the destination"},
    {'s', "slbs", "LIST", "first blocks of the ranges"},
    {'b', "blocks", "LIST", "numbers of their blocks, less one"},
    {'l', "limited-retry", NULL, "limit the attempts to reach the media"},
    {'f', "force-unit-access", NULL, "be done with the media before completing"},
    {'p', "prinfow", "NUM", "protection information: action and check, of what is written"},
    {'P', "prinfor", "NUM", "the same of what is read"},
    {'r', "ref-tag", "NUM", "reference tag of what is written"},
    {'R', "expected-ref-tags", "LIST", "those of the ranges"},
    {'a', "app-tag", "NUM", "application tag of what is written"},
    {'A', "expected-app-tags", "LIST", "those of the ranges"},
    {'m', "app-tag-mask", "NUM", "mask of the application tag"},
    {'M', "expected-app-tag-masks", "LIST", "those of the ranges"},
    {'T', "dir-type", "NUM", "directive type"},
    {'S', "dir-spec", "NUM", "directive specific value"},
    {'F', "format", "NUM", "how a range is described: 0, or 1 for 64-bit guards (0)"},
    {0},
};

/* Format 1 of a source range; up to the number of blocks it is as format 0 (NVM figure 35). */
struct copy_range_1 {
    uint8_t reserved0[8];
    uint64_t lba;
    uint16_t blocks; /* 0's based */
    uint8_t reserved18[8];
    uint8_t reference_tag[10]; /* its highest byte first */
    uint16_t application_tag;
    uint16_t application_mask;
};
_Static_assert(sizeof(struct copy_range_1) == 40, "NVM figure 35");

#define FORMAT_1 (1u << 8) /* of dword 12 */

static void fill_range(const struct ranges *r, unsigned i, void *at)
{
    struct nvme_copy_range range = {.lba = value_of(r, 0, i),
                                    .blocks = (uint16_t)value_of(r, 1, i),
                                    .reference_tag = (uint32_t)value_of(r, 2, i),
                                    .application_tag = (uint16_t)value_of(r, 3, i),
                                    .application_mask = (uint16_t)value_of(r, 4, i)};
    struct copy_range_1 range_1 = {.lba = range.lba,
                                   .blocks = range.blocks,
                                   .application_tag = range.application_tag,
                                   .application_mask = range.application_mask};
    for (unsigned byte = 0; byte < 8; byte++)
        range_1.reference_tag[9 - byte] = (uint8_t)(value_of(r, 2, i) >> 8 * byte);
    if (r->command.cdw12 & FORMAT_1)
        memcpy(at, &range_1, sizeof range_1);
    else
        memcpy(at, &range, sizeof range);
}

static bool take_copy(struct target *target, int key)
{
    struct ranges *r = CONTAINER_OF(target, struct ranges, target);
    return key == 'd' ? target_size(target, "sdlba", UINT64_MAX, &r->destination)
                      : take(target, key);
}

static int copy(struct invocation *self)
{
    /* NVM 3.2.2 */
    static const struct command_bits bits[] = {{'F', "format", 12, 8, 1},
                                               {'P', "prinfor", 12, 12, 4},
                                               {'T', "dir-type", 12, 20, 4},
                                               {'p', "prinfow", 12, 26, 4},
                                               {'f', NULL, 12, 30, 1},
                                               {'l', NULL, 12, 31, 1},
                                               {'S', "dir-spec", 13, 16, 16},
                                               {'r', "ref-tag", 14, 0, 32},
                                               {'a', "app-tag", 15, 0, 16},
                                               {'m', "app-tag-mask", 15, 16, 16},
                                               {0}};
    static const struct need need = NEEDS(oncs, NVME_ONCS_COPY);
    struct ranges r = {
        .target = TARGET(self),
        .bits = bits,
        .lists = {{.key = 's', .name = "slbs", .most = UINT64_MAX},
                  {.key = 'b', .name = "blocks", .most = UINT16_MAX},
                  {.key = 'R', .name = "expected-ref-tags", .most = UINT64_MAX},
                  {.key = 'A', .name = "expected-app-tags", .most = UINT16_MAX},
                  {.key = 'M', .name = "expected-app-tag-masks", .most = UINT16_MAX}}};
    if (begin(&r, take_copy, &need, "invalid range"))
        return 1;
    bool format_1 = r.command.cdw12 & FORMAT_1;
    size_t size = format_1 ? sizeof(struct copy_range_1) : sizeof(struct nvme_copy_range);
    uint8_t *data = target_buffer(&r.target, r.count * size);
    for (unsigned i = 0; data && i < r.count; i++)
        fill_range(&r, i, data + i * size);
    r.command.cdw10 = (uint32_t)r.destination;
    r.command.cdw11 = (uint32_t)(r.destination >> 32);
    r.command.cdw12 |= r.count - 1;
    return send(&r, NVME_IO_COPY, data, r.count * size, "NVMe Copy: success");
}

/* ---- flush --------------------------------------------------------------------------------- */

static const struct option flush_options[] = {OPTION_NSID, {0}};

static int flush(struct invocation *self)
{
    struct ranges r = {.target = TARGET(self)};
    int status = target_open(&r.target, NULL, TARGET_NEEDS_NSID);
    return status ? status : send(&r, NVME_IO_FLUSH, NULL, 0, "NVMe Flush: success");
}

const struct command cli_dsm =
    SUBCOMMAND("dsm", "Submit a Data Set Management command, return results", dsm_options, dsm);

const struct command cli_copy =
    SUBCOMMAND("copy", "Submit a Simple Copy command, return results", copy_options, copy);

const struct command cli_flush =
    SUBCOMMAND("flush", "Submit a Flush command, return results", flush_options, flush);
