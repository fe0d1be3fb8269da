/*
 * What went wrong, in fio's words.
 */
#include "kernel/shell/commands/fio/fio.h"

#include "lib/printf.h"
#include "lib/status.h"

static const struct {
    int status, number;
} numbers[] = {
    {ERR_NOT_FOUND, 2},      {ERR_IO, 5},         {ERR_AGAIN, 11},         {ERR_NO_MEMORY, 12},
    {ERR_BUSY, 16},          {ERR_NO_DEVICE, 19}, {ERR_NOT_DIRECTORY, 20}, {ERR_IS_DIRECTORY, 21},
    {ERR_INVALID, 22},       {ERR_TOO_LARGE, 27}, {ERR_NO_SPACE, 28},      {ERR_READ_ONLY, 30},
    {ERR_NOT_SUPPORTED, 95}, {ERR_TIMED_OUT, 110}};

int fio_errno(int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        if (numbers[i].status == status)
            return numbers[i].number;
    return 5;
}

const char *fio_error_text(int number)
{
    if (number == FIO_ERROR_VERIFY)
        return "Invalid or incomplete multibyte or wide character";
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        if (numbers[i].number == number)
            return status_text(numbers[i].status);
    return status_text(ERR_IO);
}

static const char *const method_names[] = {[FIO_VERIFY_CRC32C] = "crc32c",
                                           [FIO_VERIFY_MD5] = "md5",
                                           [FIO_VERIFY_SHA256] = "sha256",
                                           [FIO_VERIFY_PATTERN] = "pattern"};

static void show_place(struct invocation *self, const struct fio_io *io)
{
    note(self, " at file %s offset %llu, length %u (requested block: offset=%llu, length=%u)\n",
         io->target->name, (unsigned long long)io->offset, io->length,
         (unsigned long long)io->offset, io->length);
}

static void show_digest(struct invocation *self, const char *name, const uint8_t *bytes,
                        unsigned length)
{
    char text[2 * 32 + 1];
    for (unsigned i = 0; i < length; i++)
        snprintf(text + 2 * (size_t)i, 3, "%02x", bytes[i]);
    note(self, "       %s CRC: %s\n", name, text);
}

static int bits_of(uint64_t value)
{
    int bits = 0;
    for (; value; value &= value - 1)
        bits++;
    return bits;
}

static void show_mismatch(struct invocation *self, const struct fio_job *job,
                          const struct fio_failure *failure)
{
    const char *method = method_names[job->options->verify];
    if (failure->kind == FIO_BAD_PATTERN) {
        note(self, "fio: got pattern '%02x', wanted '%02x'. Bad bits %d\n",
             (unsigned)failure->found, (unsigned)failure->wanted,
             bits_of(failure->found ^ failure->wanted));
        note(self, "fio: bad pattern block offset %llu\n", (unsigned long long)failure->at);
    }
    note(self, "%s: verify failed", method);
    show_place(self, &failure->io);
    if (failure->kind == FIO_BAD_DIGEST) {
        show_digest(self, "Expected", failure->expected, failure->digest_length);
        show_digest(self, "Received", failure->received, failure->digest_length);
    }
}

static void show_header(struct invocation *self, const struct fio_failure *failure)
{
    static const char *const formats[] = {
        [FIO_BAD_MAGIC] = "verify: bad magic header %llx, wanted %llx",
        [FIO_BAD_HEADER] = "verify: bad header crc %llx, calculated %llx",
        [FIO_BAD_TYPE] = "fio: verify type mismatch (%llu media, %llu given)",
        [FIO_BAD_LENGTH] = "verify: bad header length %llu, wanted %llu",
        [FIO_BAD_OFFSET] = "verify: bad header offset %llu, wanted %llu",
        [FIO_BAD_SEED] = "verify: bad header rand_seed %llu, wanted %llu",
        [FIO_BAD_SEQUENCE] = "verify: bad header numberio %llu, wanted %llu"};
    char text[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, formats[failure->kind], (unsigned long long)failure->found,
             (unsigned long long)failure->wanted);
#pragma GCC diagnostic pop
    note(self, "%s", text);
    show_place(self, &failure->io);
}

static void show(struct invocation *self, const struct fio_job *job,
                 const struct fio_failure *failure)
{
    static const char *const directions[] = {"read", "write", "trim"};
    const struct fio_io *io = &failure->io;
    if (failure->kind == FIO_FAILED_IO)
        note(self, "fio: io_u error on file %s: %s: %s offset=%llu, buflen=%u\n", io->target->name,
             status_text(failure->status), directions[io->direction],
             (unsigned long long)io->offset, io->length);
    else if (failure->kind == FIO_BAD_DIGEST || failure->kind == FIO_BAD_PATTERN)
        show_mismatch(self, job, failure);
    else
        show_header(self, failure);
}

void fio_show_failures(struct fio_run *run)
{
    struct invocation *self = run->request->self;
    for (unsigned i = 0; i < run->started; i++) {
        struct fio_job *job = run->jobs[i];
        unsigned count = __atomic_load_n(&job->failure_count, __ATOMIC_ACQUIRE);
        if (job->failures_shown == count)
            continue;
        fio_progress_end(run);
        for (; job->failures_shown < MIN(count, (unsigned)FIO_FAILURES_KEPT); job->failures_shown++)
            show(self, job, &job->failures[job->failures_shown]);
        if (count > FIO_FAILURES_KEPT && job->phase == FIO_DONE)
            note(self, "fio: pid=%u: %u more failures\n", job->number + 1,
                 count - FIO_FAILURES_KEPT);
        if (job->phase == FIO_DONE)
            job->failures_shown = count;
    }
}
