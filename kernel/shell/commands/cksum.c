/* cksum: prints checksums of files, POSIX's CRC and sizes where no other is asked for. */
#include "lib/cksum.h"
#include "kernel/command/reader.h"
#include "kernel/shell/commands/sums.h"
#include "lib/md5.h"
#include "lib/sha256.h"
#include "lib/string.h"

#define TAG      256
#define UNTAGGED 257

static const struct option options[] = {
    {'a', "algorithm", "KIND", "crc, md5 or sha256 (crc)"},
    {TAG, "tag", NULL, "print digests as BSD does (as without an option)"},
    {UNTAGGED, "untagged", NULL, "print digests as sha256sum does"},
    {0}};

/* The CRC and the length of a file. OK, or why it could not be read to its end. */
static int crc_file(struct invocation *self, const char *name, uint32_t *crc, uint64_t *length)
{
    struct reader reader;
    int status = reader_open(&reader, self, name);
    if (status != OK)
        return status;
    reader_show(&reader, self);
    *crc = 0;
    while (reader_fill(&reader)) {
        *crc = cksum_add(*crc, reader_bytes(&reader), reader_available(&reader));
        reader_take(&reader, reader_available(&reader));
    }
    *length = reader.done;
    *crc = cksum_end(*crc, *length);
    status = reader.status;
    reader_close(&reader);
    return status;
}

static int one(struct invocation *self, const struct digest_kind *kind, const char *name, bool tag)
{
    uint8_t result[DIGEST_MOST];
    uint32_t crc;
    uint64_t length;
    int status = kind ? sums_file(self, kind, name ? name : "-", result)
                      : crc_file(self, name ? name : "-", &crc, &length);
    if (status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    if (status != OK)
        return complain(self, "%s: %s", name ? name : "-", status_text(status));
    if (kind)
        sums_print(self, kind, result, name ? name : "-", tag, ' ');
    else
        out(self, "%u %llu%s%s\n", crc, (unsigned long long)length, name ? " " : "",
            name ? name : "");
    return 0;
}

static int cksum(struct invocation *self)
{
    const struct digest_kind *kind = NULL;
    bool tag = true;
    int worst = 0;
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        if (key != 'a')
            tag = key == TAG;
        else if (!strcmp(self->argument, "sha256"))
            kind = &sha256_kind;
        else if (!strcmp(self->argument, "md5"))
            kind = &md5_kind;
        else if (!strcmp(self->argument, "crc"))
            kind = NULL;
        else
            return usage(self, "invalid argument '%s' for '--algorithm'", self->argument);
    }
    if (self->next == self->argc)
        return one(self, kind, NULL, tag);
    for (int i = self->next; i < self->argc && !self->output_failed; i++) {
        int status = one(self, kind, self->argv[i], tag);
        if (status == STATUS_INTERRUPTED)
            return status;
        worst |= status;
    }
    return worst;
}

COMMAND(cksum, .summary = "print checksums and sizes of files", .operands = "[FILE]...",
        .options = options, .usage_status = 1, .run = cksum)
