/*
 * nvme read, write, compare, write-zeroes, write-uncor, verify and zns zone-append: commands about
 * one range of blocks (NVM 3.2, ZNS 3.4.1). Each is a row of the table at the end.
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "kernel/x86/clock.h"
#include "lib/string.h"

#define DEALLOCATE 256 /* Write Zeroes' -d; that of the others is a file */
#define FORCE      257

#define PRACT          0x20000000u /* of dword 12 */
#define DPS_TYPE       0x7u
#define FLBAS_EXTENDED 0x10u

struct row {
    struct command command;
    uint8_t opcode;
    enum {
        NO_DATA,
        FROM_DEVICE,
        TO_DEVICE,
    } data;
    struct need need;
    const char *success; /* without data */
};

struct range {
    struct target target;
    const struct row *row;
    struct nvme_command command;
    uint64_t start, bytes, metadata_bytes;
    bool show, dry, latency;
    const char *file, *metadata_file;
};

/* NVM 3.2: the commands agree where they have the same bits. */
static const struct command_bits command_bits[] = {
    {'c', "block-count", 12, 0, 16},
    {'T', "dir-type", 12, 20, 4},
    {'p', "prinfo", 12, 26, 4},
    {'f', NULL, 12, 30, 1},
    {'l', NULL, 12, 31, 1},
    {'D', "dsm", 13, 0, 8},
    {'S', "dir-spec", 13, 16, 16},
    {'r', "ref-tag", 14, 0, 32},
    {'a', "app-tag", 15, 0, 16},
    {DEALLOCATE, NULL, 12, 25, 1},
    {'P', NULL, 12, 25, 1},
    {'m', "app-tag-mask", 15, 16, 16},
    {0},
};

static bool take(struct target *target, int key)
{
    struct range *r = CONTAINER_OF(target, struct range, target);
    switch (key) {
    case 's':
        return target_size(target, "start-block", UINT64_MAX, &r->start);
    case 'z':
        return target_size(target, "data-size", UINT32_MAX, &r->bytes);
    case 'y':
        return target_size(target, "metadata-size", UINT32_MAX, &r->metadata_bytes);
    case 'M':
        r->metadata_file = target->self->argument;
        return true;
    case 'd':
        r->file = target->self->argument;
        return r->file || target_bits(target, command_bits, DEALLOCATE, &r->command);
    case 'v':
        return r->show = true;
    case 'w':
        return r->dry = true;
    case 't':
        return r->latency = true;
    case FORCE:
        return true;
    default:
        return target_bits(target, command_bits, key, &r->command);
    }
}

static void show_command(const struct range *r, const struct exchange *x)
{
    const struct nvme_command *c = &x->command;
    struct invocation *self = r->target.self;
    out(self, "opcode       : %02x\nnsid         : %02x\nflags        : %02x\n", c->opcode, c->nsid,
        0);
    out(self,
        "control      : %04x\nnblocks      : %04x\nmetadata     : %llx\naddr         : %llx\n",
        c->cdw12 >> 16, c->cdw12 & 0xffff, (unsigned long long)(uintptr_t)x->metadata,
        (unsigned long long)(uintptr_t)x->data);
    out(self,
        "slba         : %llx\ndsmgmt       : %08x\nreftag       : %x\napptag       : %04x\n"
        "appmask      : %04x\n",
        (unsigned long long)r->start, c->cdw13, c->cdw14, c->cdw15 & 0xffff, c->cdw15 >> 16);
}

static int send(struct range *r, struct exchange *x)
{
    const bool append = r->row->opcode == NVME_IO_ZONE_APPEND;
    const char *name = append ? "zone append" : strchr(r->row->command.name, ' ') + 1;
    uint64_t begin = clock_ns();
    int status = target_send(&r->target, x);
    if (r->latency)
        out(r->target.self, " latency: %s: %llu us\n", name,
            (unsigned long long)((clock_ns() - begin) / 1000));
    if (status)
        return status;
    if (r->row->data == NO_DATA)
        out(r->target.self, "%s\n", r->row->success);
    if (r->row->data == FROM_DEVICE)
        status = target_write_file(&r->target, r->file, x->data, r->bytes);
    if (!status && r->row->data == FROM_DEVICE && r->metadata_bytes)
        status = target_write_file(&r->target, r->metadata_file, x->metadata, r->metadata_bytes);
    const uint32_t offset = x->value - (uint32_t)r->start; /* dword 0 is the LBA's low half */
    if (append)
        out(r->target.self, "Success appended data to LBA %llx\n",
            (unsigned long long)r->start + offset);
    else if (!status && r->row->data != NO_DATA)
        note(r->target.self, "%s: Success\n", name);
    return status;
}

/* How much data, and metadata behind it in every block or beside it, the command transfers. 0, or
 * the exit status after a message. */
static int count_bytes(struct range *r, const struct nvme_command *c, size_t *data, size_t *beside)
{
    const struct nvme_namespace *ns = target_namespace(&r->target);
    size_t blocks = (c->cdw12 & UINT16_MAX) + 1;
    if (!ns)
        return 1;
    *data = blocks * ns->block_size;
    *beside = 0;
    if (!ns->metadata_size)
        return 0;
    struct nvme_identify_namespace *id =
        target_identify(&r->target, NVME_IDENTIFY_NAMESPACE, ns->id, 0);
    if (!id)
        return 1;
    /* Protection information alone is put in and taken out by the controller, if so wished. */
    bool alone = c->cdw12 & PRACT && id->dps & DPS_TYPE && ns->metadata_size == 8;
    *(id->flbas & FLBAS_EXTENDED ? data : beside) += alone ? 0 : blocks * ns->metadata_size;
    kfree(id);
    return 0;
}

/* A buffer for what is needed and what was asked for; in it is what the device gets. NULL after a
 * message. */
static void *prepare(struct range *r, const char *what, const char *file, size_t needed,
                     uint64_t asked)
{
    if (asked < needed)
        note(r->target.self, "Rounding %s size to fit block count (%zu bytes)\n", what, needed);
    void *buffer = target_buffer(&r->target, MAX(needed, asked));
    if (buffer && r->row->data == TO_DEVICE &&
        target_read_file(&r->target, file, buffer, MIN(needed, asked))) {
        kfree(buffer);
        return NULL;
    }
    return buffer;
}

/* Where the data says how many there are. 0, or the exit status after a message. */
static int count_blocks(struct range *r, struct nvme_command *c)
{
    const struct nvme_namespace *ns = target_namespace(&r->target);
    if (!ns)
        return 1;
    if (r->bytes % ns->block_size || r->bytes / ns->block_size > NVME_RW_BLOCKS_MOST)
        return complain(r->target.self, "data size: %llu bytes are no blocks of %u",
                        (unsigned long long)r->bytes, ns->block_size);
    c->cdw12 |= (uint32_t)(r->bytes / ns->block_size) - 1;
    return 0;
}

/* The data, and metadata if there is some. 0, or the exit status after a message. */
static int prepare_data(struct range *r, struct exchange *x)
{
    size_t beside;
    if (!r->bytes)
        return complain(r->target.self, "data size not provided");
    if (r->row->opcode == NVME_IO_ZONE_APPEND && count_blocks(r, &x->command))
        return 1;
    int status = count_bytes(r, &x->command, &x->bytes, &beside);
    if (status)
        return status;
    if (beside && r->metadata_file && !r->metadata_bytes)
        return complain(r->target.self, "metadata size not provided");
    x->data = prepare(r, "data", r->file, x->bytes, r->bytes);
    if (!x->data)
        return 1;
    if (r->metadata_bytes) {
        x->metadata = prepare(r, "metadata", r->metadata_file, beside, r->metadata_bytes);
        r->metadata_bytes = MAX(r->metadata_bytes, (uint64_t)beside);
    } else if (beside) { /* the device wants a place for it, though nobody asks for it */
        x->metadata = target_buffer(&r->target, beside);
    }
    return x->metadata || !(beside || r->metadata_bytes) ? 0 : 1;
}

static int run(struct invocation *self)
{
    struct range r = {.target = TARGET(self),
                      .row = CONTAINER_OF(self->command, const struct row, command)};
    int status = target_open(&r.target, take, TARGET_NEEDS_NSID);
    if (status)
        return status;
    if (!target_offers(&r.target, &r.row->need))
        return 1;
    struct exchange x = {.io = true, .command = r.command};
    x.command.opcode = r.row->opcode;
    x.command.nsid = (uint32_t)r.target.nsid;
    x.command.cdw10 = (uint32_t)r.start;
    x.command.cdw11 = (uint32_t)(r.start >> 32);
    if (r.row->data != NO_DATA)
        status = prepare_data(&r, &x);
    if (!status && (r.show || r.dry))
        show_command(&r, &x);
    if (!status && !r.dry)
        status = send(&r, &x);
    kfree(x.data);
    kfree(x.metadata);
    return status;
}

/* ---- The table ------------------------------------------------------------------------------ */

/* clang-format off */
#define OPTIONS_RANGE                                                \
    OPTION_NSID,                                                     \
    {'s', "start-block", "NUM", "first block (0)"},                  \
    {'c', "block-count", "NUM", "number of blocks, less one (0)"}

#define OPTIONS_PROTECTION                                                            \
    {'l', "limited-retry", NULL, "limit the attempts to reach the media"},            \
    {'f', "force-unit-access", NULL, "be done with the media before completing"},     \
    {'p', "prinfo", "NUM", "protection information: action and check, 4 bits"},       \
    {'r', "ref-tag", "NUM", "reference tag"},                                         \
    {'a', "app-tag", "NUM", "application tag"},                                       \
    {'m', "app-tag-mask", "NUM", "mask of the application tag"}
/* clang-format on */

static const struct option data_options[] = {
    OPTIONS_RANGE,
    {'z', "data-size", "NUM", "bytes of data (required)"},
    {'y', "metadata-size", "NUM", "bytes of metadata, for blocks that have it beside the data"},
    {'d', "data", "FILE", "where data comes from (input), or goes to (output)"},
    {'M', "metadata", "FILE", "the same of metadata"},
    OPTIONS_PROTECTION,
    {'T', "dir-type", "NUM", "directive type"},
    {'S', "dir-spec", "NUM", "directive specific value"},
    {'D', "dsm", "NUM", "dataset management attributes"},
    {'v', "show-command", NULL, "print the command before sending it"},
    {'w', "dry-run", NULL, "print it instead of sending it"},
    {'t', "latency", NULL, "say how long it took"},
    {FORCE, "force", NULL, "nothing: there is no exclusive access to be got around"},
    {0},
};

static const struct option append_options[] = {
    OPTION_NSID,
    {'s', "zslba", "NUM", "first LBA of the zone (0)"},
    {'z', "data-size", "NUM", "bytes of data, whole blocks (required)"},
    {'y', "metadata-size", "NUM", "bytes of metadata, for blocks that have it beside the data"},
    {'d', "data", "FILE", "where data comes from (input)"},
    {'M', "metadata", "FILE", "the same of metadata"},
    OPTIONS_PROTECTION,
    {'P', "piremap", NULL, "protection information: remap the reference tag"},
    {'t', "latency", NULL, "say how long it took"},
    {0},
};

static const struct option zeroes_options[] = {
    OPTIONS_RANGE,
    {'d', "deac", NULL, "deallocate the blocks, if it can be"},
    OPTIONS_PROTECTION,
    {0},
};

static const struct option range_options[] = {OPTIONS_RANGE, {0}};

static const struct option verify_options[] = {OPTIONS_RANGE, OPTIONS_PROTECTION, {0}};

static const struct row rows[] = {
    {.command =
         SUBCOMMAND("compare", "Submit a Compare command, return results", data_options, run),
     .opcode = NVME_IO_COMPARE,
     .data = TO_DEVICE,
     .need = NEEDS(oncs, NVME_ONCS_COMPARE)},
    {.command = SUBCOMMAND("read", "Submit a read command, return results", data_options, run),
     .opcode = NVME_IO_READ,
     .data = FROM_DEVICE},
    {.command = SUBCOMMAND("write", "Submit a write command, return results", data_options, run),
     .opcode = NVME_IO_WRITE,
     .data = TO_DEVICE},
    {.command = SUBCOMMAND("write-zeroes", "Submit a write zeroes command, return results",
                           zeroes_options, run),
     .opcode = NVME_IO_WRITE_ZEROES,
     .need = NEEDS(oncs, NVME_ONCS_WRITE_ZEROES),
     .success = "NVME Write Zeroes Success"},
    {.command = SUBCOMMAND("write-uncor", "Submit a write uncorrectable command, return results",
                           range_options, run),
     .opcode = NVME_IO_WRITE_UNCORRECTABLE,
     .need = NEEDS(oncs, NVME_ONCS_WRITE_UNCORRECTABLE),
     .success = "NVME Write Uncorrectable Success"},
    {.command =
         SUBCOMMAND("verify", "Submit a verify command, return results", verify_options, run),
     .opcode = NVME_IO_VERIFY,
     .need = NEEDS(oncs, NVME_ONCS_VERIFY),
     .success = "NVME Verify Success"},
    {.command = SUBCOMMAND("zns zone-append", "Append data and metadata (if applicable) to a zone",
                           append_options, run),
     .opcode = NVME_IO_ZONE_APPEND,
     .data = TO_DEVICE},
};

const unsigned cli_blocks_count = ARRAY_SIZE(rows);

const struct command *cli_blocks(unsigned index)
{
    return &rows[index].command;
}
