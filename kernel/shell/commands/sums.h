/*
 * What sha256sum, md5sum and cksum share: the digest of a file and the line
 * that says it, and the check of such lines.
 */
#ifndef KERNEL_SHELL_COMMANDS_SUMS_H
#define KERNEL_SHELL_COMMANDS_SUMS_H

#include "kernel/command/command.h"
#include "lib/digest.h"

/* The digest of a file, "-" is the input. OK, or why it could not be read to its end. */
int sums_file(struct invocation *self, const struct digest_kind *kind, const char *name,
              uint8_t result[DIGEST_MOST]);

/* "HEX  NAME", or with `tag` "SHA256 (NAME) = HEX"; `mark` is what stands before NAME. */
void sums_print(struct invocation *self, const struct digest_kind *kind, const uint8_t *result,
                const char *name, bool tag, char mark);

/* A whole command with sums_options. */
int sums_run(struct invocation *self, const struct digest_kind *kind);
extern const struct option sums_options[];

#endif
