/* md5sum: prints the MD5 digests of files, or checks them. */
#include "kernel/shell/commands/sums.h"
#include "lib/md5.h"

static int md5sum(struct invocation *self)
{
    return sums_run(self, &md5_kind);
}

COMMAND(md5sum, .summary = "print or check MD5 digests of files", .operands = "[FILE]...",
        .options = sums_options, .usage_status = 1, .run = md5sum)
