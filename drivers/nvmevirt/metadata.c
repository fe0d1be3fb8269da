/*
 * What blocks have beside their data: metadata, and in it protection
 * information, which the controller makes (PRACT) and checks (PRCHK) where the
 * host wants it. Blocks that have any move one by one. NVM 5.1, 5.2.
 */
#include "internal.h"

#define PAGE 4096u /* no piece of a host's memory crosses one */

/* Of dword 12. */
#define PRACT             0x20000000u
#define PRCHK_GUARD       0x10000000u
#define PRCHK_APPLICATION 0x08000000u
#define PRCHK_REFERENCE   0x04000000u
#define PRCHK             (PRCHK_GUARD | PRCHK_APPLICATION | PRCHK_REFERENCE)

#define POLYNOMIAL 0x8BB7u /* of the guard, which is a CRC: NVM 5.2.1.1 */

/* All blocks of a command. */
struct job {
    struct nvmevirt *controller;
    const struct nvmevirt_command *command;
    const struct nvmevirt_ns *ns;
    enum nvmevirt_direction direction;
    struct nvmevirt_walk walk;
    uint32_t tag; /* the reference tag of the next block */
};

static unsigned type_of(const struct nvmevirt_ns *ns)
{
    return SPEC_GET(SPEC_DPS_TYPE, (uint32_t)ns->config.protection);
}

bool nvmevirt_carries_metadata(const struct nvmevirt_ns *ns, const struct nvmevirt_command *command)
{
    bool stays = type_of(ns) && (command->dword[12] & PRACT) &&
                 ns->config.metadata_size == SPEC_PROTECTION_SIZE;
    bool moves = command->opcode == SPEC_READ || command->opcode == SPEC_WRITE ||
                 command->opcode == SPEC_COMPARE;
    return ns->config.metadata_size && moves && !stays;
}

uint64_t nvmevirt_transfer_size(const struct nvmevirt_extent *extent,
                                const struct nvmevirt_command *command)
{
    const struct nvmevirt_namespace *config = &extent->ns->config;
    bool more = config->interleaved && nvmevirt_carries_metadata(extent->ns, command);
    return extent->blocks * (config->block_size + (more ? config->metadata_size : 0u));
}

uint8_t *nvmevirt_metadata(const struct nvmevirt_ns *ns, uint64_t lba)
{
    const struct nvmevirt_namespace *config = &ns->config;
    uint64_t index = lba - config->backed_first;
    if (lba < config->backed_first || index >= config->backed_count)
        return NULL;
    return ns->metadata + index * config->metadata_size;
}

/* ---- Protection information ---------------------------------------------------------------- */

static uint32_t add_to_crc(uint32_t crc, const uint8_t *data, uint32_t length)
{
    for (; length; length--) {
        crc ^= (uint32_t)*data++ << 8;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc & 0x8000 ? POLYNOMIAL : 0);
    }
    return crc & 0xFFFF;
}

/* Guard, application tag, reference tag, all of them big-endian: NVM 5.2.1. */
static uint8_t *tuple_of(const struct nvmevirt_ns *ns, uint8_t *metadata)
{
    bool first = ns->config.protection & SPEC_DPS_FIRST;
    return metadata + (first ? 0 : ns->config.metadata_size - SPEC_PROTECTION_SIZE);
}

static uint32_t get(const uint8_t *tuple, unsigned bytes)
{
    uint32_t value = 0;
    while (bytes--)
        value = value << 8 | *tuple++;
    return value;
}

static void put(uint8_t *tuple, unsigned bytes, uint32_t value)
{
    while (bytes--)
        *tuple++ = (uint8_t)(value >> 8 * bytes);
}

static uint32_t guard_of(const struct nvmevirt_ns *ns, const uint8_t *data, uint8_t *metadata)
{
    uint32_t crc = add_to_crc(0, data, ns->config.block_size);
    return add_to_crc(crc, metadata, (uint32_t)(tuple_of(ns, metadata) - metadata));
}

static void make(const struct job *job, const uint8_t *data, uint8_t *metadata)
{
    uint8_t *tuple = tuple_of(job->ns, metadata);
    put(tuple, 2, guard_of(job->ns, data, metadata));
    put(tuple + 2, 2, job->command->dword[15] & 0xFFFF);
    put(tuple + 4, 4, job->tag);
}

static uint16_t examine(const struct job *job, const uint8_t *data, uint8_t *metadata)
{
    uint32_t checks = job->command->dword[12] & PRCHK, tags = job->command->dword[15];
    unsigned type = type_of(job->ns);
    if (!type || !checks)
        return SPEC_SUCCESS;
    const uint8_t *tuple = tuple_of(job->ns, metadata);
    if (get(tuple + 2, 2) == 0xFFFF && (type < 3 || get(tuple + 4, 4) == 0xFFFFFFFF))
        return SPEC_SUCCESS; /* NVM 5.2.3: checking is off */
    if ((checks & PRCHK_GUARD) && get(tuple, 2) != guard_of(job->ns, data, metadata))
        return SPEC_GUARD_CHECK;
    if ((checks & PRCHK_APPLICATION) && ((get(tuple + 2, 2) ^ tags) & tags >> 16))
        return SPEC_APPLICATION_TAG_CHECK;
    if ((checks & PRCHK_REFERENCE) && get(tuple + 4, 4) != job->tag)
        return SPEC_REFERENCE_TAG_CHECK;
    return SPEC_SUCCESS;
}

static uint16_t broken(struct nvmevirt *controller, const struct nvmevirt_command *command,
                       uint16_t status, const char *rule)
{
    nvmevirt_violation(controller, "opcode %x: %s", (unsigned)command->opcode, rule);
    return status;
}

uint16_t nvmevirt_check_metadata(struct nvmevirt *controller,
                                 const struct nvmevirt_command *command,
                                 const struct nvmevirt_extent *extent)
{
    const uint32_t prinfo = command->dword[12], psdt = SPEC_GET(SPEC_CDW0_PSDT, command->dword[0]);
    const uint8_t opcode = command->opcode;
    const unsigned type = type_of(extent->ns);
    if (nvmevirt_carries_metadata(extent->ns, command) && !extent->ns->config.interleaved) {
        if (psdt > SPEC_PSDT_SGL)
            return SPEC_INVALID_FIELD; /* no SGLs of metadata here */
        if (psdt != SPEC_PSDT_SGL && command->dword[SPEC_DW_MPTR] % 4)
            return broken(controller, command, SPEC_INVALID_FIELD,
                          "the metadata pointer is not aligned");
    }
    if (!type || opcode == SPEC_WRITE_UNCORRECTABLE)
        return SPEC_SUCCESS;
    if ((prinfo & PRACT) && (opcode == SPEC_COMPARE || opcode == SPEC_VERIFY))
        return broken(controller, command, SPEC_INVALID_PROTECTION, "has no PRACT");
    if ((prinfo & PRCHK) && opcode == SPEC_WRITE_ZEROES)
        return broken(controller, command, SPEC_INVALID_PROTECTION, "has no PRCHK");
    if (type == 3 && (prinfo & PRCHK_REFERENCE))
        return broken(controller, command, SPEC_INVALID_PROTECTION, "type 3 has no reference tags");
    bool made = (prinfo & PRACT) && opcode != SPEC_READ;
    if (type == 1 && (made || (prinfo & PRCHK_REFERENCE)) &&
        command->dword[14] != nvmevirt_low(extent->lba))
        return broken(controller, command, SPEC_INVALID_PROTECTION,
                      "the reference tag is not the LBA");
    return SPEC_SUCCESS;
}

/* ---- Blocks -------------------------------------------------------------------------------- */

/* Bytes without a meaning, and a tuple that is not checked (NVM 3.2.3.2.1). */
static void make_unwritten(const struct nvmevirt_ns *ns, uint8_t *metadata)
{
    __builtin_memset(metadata, 0, ns->config.metadata_size);
    if (type_of(ns))
        __builtin_memset(tuple_of(ns, metadata), 0xFF, SPEC_PROTECTION_SIZE);
}

static void load(const struct nvmevirt_ns *ns, uint64_t lba, uint8_t *data, uint8_t *metadata)
{
    const struct nvmevirt_extent one = {(struct nvmevirt_ns *)ns, lba, 1};
    uint8_t *memory;
    nvmevirt_run(&one, &memory);
    if (memory) {
        __builtin_memcpy(data, memory, ns->config.block_size);
        __builtin_memcpy(metadata, nvmevirt_metadata(ns, lba), ns->config.metadata_size);
    } else {
        __builtin_memset(data, 0, ns->config.block_size);
        make_unwritten(ns, metadata);
    }
}

/* To a block that has memory. */
static void store(const struct nvmevirt_ns *ns, uint64_t lba, const uint8_t *data,
                  const uint8_t *metadata)
{
    const struct nvmevirt_extent one = {(struct nvmevirt_ns *)ns, lba, 1};
    uint8_t *memory;
    nvmevirt_run(&one, &memory);
    __builtin_memcpy(memory, data, ns->config.block_size);
    __builtin_memcpy(nvmevirt_metadata(ns, lba), metadata, ns->config.metadata_size);
}

void nvmevirt_clear_metadata(struct nvmevirt_extent extent)
{
    const struct nvmevirt_namespace *config = &extent.ns->config;
    for (uint64_t i = 0; config->metadata_size && i < config->backed_count; i++)
        if (config->backed_first + i - extent.lba < extent.blocks)
            make_unwritten(extent.ns, extent.ns->metadata + i * config->metadata_size);
}

void nvmevirt_copy_metadata(const struct nvmevirt_ns *ns, uint64_t from, uint64_t to)
{
    uint8_t *metadata = nvmevirt_metadata(ns, from);
    if (metadata)
        __builtin_memmove(nvmevirt_metadata(ns, to), metadata, ns->config.metadata_size);
    else
        make_unwritten(ns, nvmevirt_metadata(ns, to));
}

/* At the metadata pointer, behind that of the blocks before. */
static uint16_t move_beside(const struct job *job, uint64_t index, uint8_t *metadata)
{
    bool to_host = job->direction == NVMEVIRT_TO_HOST;
    uint32_t left = job->ns->config.metadata_size;
    uint64_t bus = nvmevirt_dwords(job->command, SPEC_DW_MPTR) + index * left;
    uint32_t differences = 0;
    while (left) {
        uint32_t room = PAGE - (uint32_t)(bus % PAGE), piece = left < room ? left : room;
        uint8_t *host = nvmevirt_dma(job->controller, bus, piece, to_host, "metadata");
        if (!host)
            return SPEC_DATA_TRANSFER_ERROR;
        for (uint32_t i = 0; job->direction == NVMEVIRT_COMPARE && i < piece; i++)
            differences += host[i] != metadata[i];
        if (job->direction == NVMEVIRT_FROM_HOST)
            __builtin_memcpy(metadata, host, piece);
        else if (to_host)
            __builtin_memcpy(host, metadata, piece);
        bus += piece;
        metadata += piece;
        left -= piece;
    }
    return differences ? SPEC_COMPARE_FAILURE : SPEC_SUCCESS;
}

static uint16_t move_block(struct job *job, uint64_t lba, uint64_t index)
{
    const struct nvmevirt_ns *ns = job->ns;
    const bool writes = job->direction == NVMEVIRT_FROM_HOST;
    uint8_t *data = ns->bounce, *metadata = data + ns->config.block_size;
    uint16_t status = SPEC_SUCCESS;
    if (!writes) {
        load(ns, lba, data, metadata);
        status = examine(job, data, metadata);
    }
    if (!status)
        status = nvmevirt_walk_move(&job->walk, data, ns->config.block_size);
    if (!status && nvmevirt_carries_metadata(ns, job->command))
        status = ns->config.interleaved
                     ? nvmevirt_walk_move(&job->walk, metadata, ns->config.metadata_size)
                     : move_beside(job, index, metadata);
    if (status || !writes)
        return status;
    if (type_of(ns) && (job->command->dword[12] & PRACT))
        make(job, data, metadata);
    else
        status = examine(job, data, metadata);
    if (!status)
        store(ns, lba, data, metadata);
    return status;
}

static struct job job_of(struct nvmevirt *controller, const struct nvmevirt_command *command,
                         const struct nvmevirt_ns *ns)
{
    return (struct job){
        .controller = controller, .command = command, .ns = ns, .tag = command->dword[14]};
}

uint16_t nvmevirt_move_blocks(struct nvmevirt *controller, const struct nvmevirt_command *command,
                              const struct nvmevirt_extent *extent,
                              enum nvmevirt_direction direction)
{
    struct job job = job_of(controller, command, extent->ns);
    job.direction = direction;
    uint16_t status = nvmevirt_walk_start(&job.walk, controller, command,
                                          nvmevirt_transfer_size(extent, command), direction);
    for (uint64_t i = 0; !status && i < extent->blocks; i++, job.tag += type_of(extent->ns) < 3)
        status = move_block(&job, extent->lba + i, i);
    return status;
}

uint16_t nvmevirt_verify_blocks(struct nvmevirt *controller, const struct nvmevirt_command *command,
                                const struct nvmevirt_extent *extent)
{
    const struct nvmevirt_ns *ns = extent->ns;
    struct job job = job_of(controller, command, ns);
    uint16_t status = SPEC_SUCCESS;
    if (!type_of(ns))
        return SPEC_SUCCESS; /* whatever can be read is good */
    uint8_t *data = ns->bounce, *metadata = data + ns->config.block_size;
    for (uint64_t i = 0; !status && i < extent->blocks; i++, job.tag += type_of(ns) < 3) {
        load(ns, extent->lba + i, data, metadata);
        status = examine(&job, data, metadata);
    }
    return status;
}

void nvmevirt_protect_zeroes(struct nvmevirt *controller, const struct nvmevirt_command *command,
                             const struct nvmevirt_extent *extent)
{
    const struct nvmevirt_ns *ns = extent->ns;
    struct job job = job_of(controller, command, ns);
    if (!type_of(ns) || !(command->dword[12] & PRACT))
        return;
    uint8_t *data = ns->bounce, *metadata = data + ns->config.block_size;
    for (uint64_t i = 0; i < extent->blocks; i++, job.tag += type_of(ns) < 3) {
        load(ns, extent->lba + i, data, metadata);
        make(&job, data, metadata);
        store(ns, extent->lba + i, data, metadata);
    }
}
