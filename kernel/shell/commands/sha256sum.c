/* sha256sum: prints the SHA-256 digests of files, or checks them. */
#include "kernel/shell/commands/sums.h"
#include "lib/sha256.h"

static int sha256sum(struct invocation *self)
{
    return sums_run(self, &sha256_kind);
}

COMMAND(sha256sum, .summary = "print or check SHA-256 digests of files", .operands = "[FILE]...",
        .options = sums_options, .usage_status = 1, .run = sha256sum)
