/*
 * nvme dsm, copy and flush: commands about several ranges of blocks, or all of
 * them (NVM 3.2.2, 3.2.3; Base 7.1).
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/string.h"

#define RANGES_MOST 256u

/* Dword 12 of Copy: NVM figure 34 */
#define COPY_LIMITED_RETRY 0x80000000u
#define COPY_FUA           0x40000000u

struct ranges {
    struct target target;
    const char *starts, *counts, *attributes;
    uint64_t destination, dword11;
    uint32_t flags;
};

/* The lists' numbers, for kfree(): RANGES_MOST each of starts, counts and attributes, zero where a
 * list is shorter than the longest, which has *count. NULL after a message. */
static uint64_t *read_lists(struct ranges *r, uint64_t most_blocks, unsigned *count)
{
    const struct {
        const char *name, *text;
        uint64_t most;
    } lists[] = {{"slbs", r->starts, UINT64_MAX},
                 {"blocks", r->counts, most_blocks},
                 {"ctx-attrs", r->attributes, UINT32_MAX}};
    uint64_t *values = target_buffer(&r->target, ARRAY_SIZE(lists) * RANGES_MOST * sizeof *values);
    *count = 0;
    for (unsigned i = 0; values && i < ARRAY_SIZE(lists); i++) {
        int found = lists[i].text
                        ? target_numbers(&r->target, lists[i].name, lists[i].text, lists[i].most,
                                         values + i * RANGES_MOST, RANGES_MOST)
                        : 0;
        *count = MAX(*count, (unsigned)(found > 0 ? found : 0));
        if (found < 0) {
            kfree(values);
            values = NULL;
        }
    }
    return values;
}

static int send(struct ranges *r, const struct nvme_command *command, void *data, size_t bytes,
                const char *success)
{
    struct exchange x = {.io = true, .command = *command, .data = data, .bytes = bytes};
    int status = data || !bytes ? target_send(&r->target, &x) : 1;
    if (!status)
        out(r->target.self, "%s\n", success);
    kfree(data);
    return status;
}

/* ---- dsm ----------------------------------------------------------------------------------------
 */

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

static bool take_dsm(struct target *target, int key)
{
    struct ranges *r = CONTAINER_OF(target, struct ranges, target);
    const char *argument = target->self->argument;
    switch (key) {
    case 's':
        r->starts = argument;
        return true;
    case 'b':
        r->counts = argument;
        return true;
    case 'a':
        r->attributes = argument;
        return true;
    case 'd':
        return r->flags |= 4;
    case 'w':
        return r->flags |= 2;
    case 'r':
        return r->flags |= 1;
    default:
        return target_number(target, "cdw11", UINT32_MAX, &r->dword11);
    }
}

static int dsm(struct invocation *self)
{
    static const struct need need = NEEDS(oncs, NVME_ONCS_DATASET);
    struct ranges r = {.target = TARGET(self)};
    unsigned count;
    if (target_open(&r.target, take_dsm, TARGET_NEEDS_NSID) || !target_offers(&r.target, &need))
        return 1;
    uint64_t *values = read_lists(&r, UINT32_MAX, &count);
    if (!values)
        return 1;
    struct nvme_dataset_range *data = count ? target_buffer(&r.target, count * sizeof *data) : NULL;
    for (unsigned i = 0; data && i < count; i++)
        data[i] = (struct nvme_dataset_range){.attributes = (uint32_t)values[2 * RANGES_MOST + i],
                                              .blocks = (uint32_t)values[RANGES_MOST + i],
                                              .lba = values[i]};
    kfree(values);
    if (!count)
        return complain(self, "No range definition provided");
    const struct nvme_command command = {.opcode = NVME_IO_DATASET,
                                         .nsid = (uint32_t)r.target.nsid,
                                         .cdw10 = count - 1,
                                         .cdw11 = r.dword11 ? (uint32_t)r.dword11 : r.flags};
    return send(&r, &command, data, count * sizeof *data, "NVMe DSM: success");
}

/* ---- copy ---------------------------------------------------------------------------------------
 */

static const struct option copy_options[] = {
    OPTION_NSID,
    {'d', "sdlba", "NUM", "first block of the destination"},
    {'s', "slbs", "LIST", "first blocks of the ranges"},
    {'b', "blocks", "LIST", "numbers of their blocks, less one"},
    {'l', "limited-retry", NULL, "limit the attempts to reach the media"},
    {'f', "force-unit-access", NULL, "be done with the media before completing"},
    {0},
};

static bool take_copy(struct target *target, int key)
{
    struct ranges *r = CONTAINER_OF(target, struct ranges, target);
    switch (key) {
    case 'd':
        return target_number(target, "sdlba", UINT64_MAX, &r->destination);
    case 'l':
        return r->flags |= COPY_LIMITED_RETRY;
    case 'f':
        return r->flags |= COPY_FUA;
    default:
        return take_dsm(target, key);
    }
}

static int copy(struct invocation *self)
{
    static const struct need need = NEEDS(oncs, NVME_ONCS_COPY);
    struct ranges r = {.target = TARGET(self)};
    unsigned count;
    if (target_open(&r.target, take_copy, TARGET_NEEDS_NSID) || !target_offers(&r.target, &need))
        return 1;
    uint64_t *values = read_lists(&r, UINT16_MAX, &count);
    if (!values)
        return 1;
    struct nvme_copy_range *data = count ? target_buffer(&r.target, count * sizeof *data) : NULL;
    for (unsigned i = 0; data && i < count; i++)
        data[i] =
            (struct nvme_copy_range){.blocks = (uint16_t)values[RANGES_MOST + i], .lba = values[i]};
    kfree(values);
    if (!count)
        return complain(self, "invalid range");
    const struct nvme_command command = {.opcode = NVME_IO_COPY,
                                         .nsid = (uint32_t)r.target.nsid,
                                         .cdw10 = (uint32_t)r.destination,
                                         .cdw11 = (uint32_t)(r.destination >> 32),
                                         .cdw12 = (count - 1) | r.flags};
    return send(&r, &command, data, count * sizeof *data, "NVMe Copy: success");
}

/* ---- flush --------------------------------------------------------------------------------------
 */

static const struct option flush_options[] = {OPTION_NSID, {0}};

static int flush(struct invocation *self)
{
    struct ranges r = {.target = TARGET(self)};
    int status = target_open(&r.target, NULL, TARGET_NEEDS_NSID);
    const struct nvme_command command = {.opcode = NVME_IO_FLUSH, .nsid = (uint32_t)r.target.nsid};
    return status ? status : send(&r, &command, NULL, 0, "NVMe Flush: success");
}

const struct command cli_dsm = {.name = "nvme dsm",
                                .summary = "Submit a Data Set Management command, return results",
                                .operands = "DEVICE",
                                .options = dsm_options,
                                .usage_status = 1,
                                .run = dsm};

const struct command cli_copy = {.name = "nvme copy",
                                 .summary = "Submit a Simple Copy command, return results",
                                 .operands = "DEVICE",
                                 .options = copy_options,
                                 .usage_status = 1,
                                 .run = copy};

const struct command cli_flush = {.name = "nvme flush",
                                  .summary = "Submit a Flush command, return results",
                                  .operands = "DEVICE",
                                  .options = flush_options,
                                  .usage_status = 1,
                                  .run = flush};
