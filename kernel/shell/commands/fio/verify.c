/*
 * Blocks that can be recognized. Each begins with a header that says where it
 * belongs, which run of fio wrote it and as which of its I/Os, with a checksum
 * of itself; the method's checksum of the rest follows. The rest is random and
 * different for each I/O. So a block that is misplaced, stale, torn or damaged
 * is told from the one that was written. The layout is that of fio 3.
 *
 * verify=pattern has no header: the whole block is the pattern.
 */
#include "kernel/shell/commands/fio/fio.h"

#include "lib/crc32c.h"
#include "lib/md5.h"
#include "lib/sha256.h"
#include "lib/string.h"

#define MAGIC 0xaccau

struct header {
    uint16_t magic;
    uint16_t type;
    uint32_t length;
    uint64_t seed; /* the run's */
    uint64_t offset;
    uint32_t seconds, nanoseconds;
    uint16_t thread;
    uint16_t sequence;
    uint32_t checksum; /* of the fields above */
};
_Static_assert(sizeof(struct header) == 40, "as fio has it");

static const struct {
    uint16_t type; /* in the header */
    unsigned digest;
} methods[] = {[FIO_VERIFY_CRC32C] = {5, 4},
               [FIO_VERIFY_MD5] = {2, MD5_BYTES},
               [FIO_VERIFY_SHA256] = {9, SHA256_BYTES}};

uint32_t fio_verify_header_bytes(enum fio_verify verify)
{
    if (verify == FIO_VERIFY_NONE || verify == FIO_VERIFY_PATTERN)
        return 0;
    return (uint32_t)sizeof(struct header) + methods[verify].digest;
}

static void digest_of(enum fio_verify verify, const uint8_t *bytes, size_t length,
                      uint8_t digest[32])
{
    if (verify == FIO_VERIFY_MD5) {
        md5(bytes, length, digest);
    } else if (verify == FIO_VERIFY_SHA256) {
        sha256(bytes, length, digest);
    } else {
        uint32_t crc = ~crc32c(0, bytes, length); /* fio leaves out the last complement */
        memcpy(digest, &crc, sizeof crc);
    }
}

/* Fills by doubling what is there already. */
void fio_repeat_pattern(uint8_t *to, size_t length, const struct fio_pattern *pattern)
{
    size_t done = MIN(length, (size_t)pattern->length);
    memcpy(to, pattern->bytes, done);
    while (done < length) {
        size_t part = MIN(done, length - done);
        memcpy(to + done, to, part);
        done += part;
    }
}

void fio_random_fill(uint8_t *to, size_t length, uint64_t seed)
{
    struct fio_random random;
    fio_random_seed(&random, seed);
    for (size_t done = 0; done < length; done += 8) {
        uint64_t word = fio_random(&random);
        memcpy(to + done, &word, MIN(length - done, sizeof word));
    }
}

static void fill_data(const struct fio_job *job, const struct fio_io *io, uint8_t *to,
                      size_t length)
{
    const struct fio_job_options *options = job->options;
    if (options->verify_pattern.length)
        fio_repeat_pattern(to, length, &options->verify_pattern);
    else if (options->buffer_pattern.length)
        fio_repeat_pattern(to, length, &options->buffer_pattern);
    else if (options->zero_buffers)
        memset(to, 0, length);
    else
        fio_random_fill(to, length, job->generation ^ io->offset << 20 ^ io->sequence);
}

void fio_verify_fill(const struct fio_job *job, const struct fio_io *io, uint8_t *block)
{
    enum fio_verify verify = (enum fio_verify)job->options->verify;
    uint32_t front = fio_verify_header_bytes(verify);
    fill_data(job, io, block + front, io->length - front);
    if (!front)
        return;
    struct header header = {.magic = MAGIC,
                            .type = methods[verify].type,
                            .length = io->length,
                            .seed = job->generation,
                            .offset = io->offset,
                            .seconds = (uint32_t)(job->now / 1000000000),
                            .nanoseconds = (uint32_t)(job->now % 1000000000),
                            .thread = (uint16_t)(job->number + 1),
                            .sequence = (uint16_t)io->sequence};
    header.checksum = ~crc32c(0, &header, offsetof(struct header, checksum));
    memcpy(block, &header, sizeof header);
    uint8_t digest[32];
    digest_of(verify, block + front, io->length - front, digest);
    memcpy(block + sizeof header, digest, methods[verify].digest);
}

/* ---- Checking ----------------------------------------------------------------------------------
 */

static bool differs(struct fio_failure *failure, enum fio_failure_kind kind, uint64_t found,
                    uint64_t wanted)
{
    failure->kind = kind;
    failure->found = found;
    failure->wanted = wanted;
    return found != wanted;
}

/* Only the run that wrote a block knows its seed and sequence. */
static bool header_is_wrong(const struct fio_job *job, const struct fio_io *io,
                            const struct header *header, struct fio_failure *failure)
{
    uint32_t checksum = ~crc32c(0, header, offsetof(struct header, checksum));
    uint16_t type = methods[job->options->verify].type;
    return differs(failure, FIO_BAD_MAGIC, header->magic, MAGIC) ||
           differs(failure, FIO_BAD_HEADER, header->checksum, checksum) ||
           differs(failure, FIO_BAD_LENGTH, header->length, io->length) ||
           differs(failure, FIO_BAD_OFFSET, header->offset, io->offset) ||
           differs(failure, FIO_BAD_TYPE, header->type, type) ||
           (job->replaying && differs(failure, FIO_BAD_SEED, header->seed, job->generation)) ||
           (job->replaying && job->sequence_known &&
            differs(failure, FIO_BAD_SEQUENCE, header->sequence, (uint16_t)io->sequence));
}

static bool pattern_is_wrong(const struct fio_job *job, const struct fio_io *io,
                             const uint8_t *block, struct fio_failure *failure)
{
    const struct fio_pattern *pattern = &job->options->verify_pattern;
    size_t at = 0;
    for (uint32_t i = 0; i < io->length; i++) {
        if (block[i] != pattern->bytes[at]) {
            failure->kind = FIO_BAD_PATTERN;
            failure->found = block[i];
            failure->wanted = pattern->bytes[at];
            failure->at = i;
            return true;
        }
        at = at + 1 == pattern->length ? 0 : at + 1;
    }
    return false;
}

bool fio_verify_check(const struct fio_job *job, const struct fio_io *io, const uint8_t *block,
                      struct fio_failure *failure)
{
    enum fio_verify verify = (enum fio_verify)job->options->verify;
    *failure = (struct fio_failure){.io = *io};
    if (verify == FIO_VERIFY_PATTERN)
        return !pattern_is_wrong(job, io, block, failure);
    struct header header;
    uint32_t front = fio_verify_header_bytes(verify);
    if (io->length < front)
        return !differs(failure, FIO_BAD_LENGTH, io->length, front);
    memcpy(&header, block, sizeof header);
    if (header_is_wrong(job, io, &header, failure))
        return false;
    failure->kind = FIO_BAD_DIGEST;
    failure->digest_length = methods[verify].digest;
    memcpy(failure->expected, block + sizeof header, failure->digest_length);
    digest_of(verify, block + front, io->length - front, failure->received);
    return memcmp(failure->expected, failure->received, failure->digest_length) == 0;
}
