/*
 * What head and tail share: their options, headers, and finding the place from
 * which on the last lines or bytes of a file stand.
 */
#ifndef KERNEL_SHELL_COMMANDS_ENDS_H
#define KERNEL_SHELL_COMMANDS_ENDS_H

#include "kernel/command/command.h"
#include "kernel/command/reader.h"

struct ends {
    struct invocation *self;
    bool bytes; /* not lines */
    char sign;  /* '-', '+', or 0 for none */
    uint64_t count;
    bool quiet, verbose;
};

extern const struct option ends_options[];

/* Options, and -NUM or `plus` +NUM as the first argument. Returns 0, or 1 after a message. */
int ends_parse(struct ends *ends, bool plus);

/* Runs `one` for every operand, or for the input, each under a header where there are several.
 * `one` returns OK or an error, which is reported. */
int ends_each(struct ends *ends, int (*one)(struct ends *ends, struct reader *reader));

/* Of what cannot be positioned: the last `count` lines or bytes go to the output, or with `front`
 * what is in front of them. No more than these is kept in memory. */
int ends_stream(struct ends *ends, struct reader *reader, bool front);

/* Makes the last `count` lines or bytes begin at *offset and end at *end, in a file that can be
 * positioned. */
int ends_locate(struct ends *ends, struct reader *reader, uint64_t *offset, uint64_t *end);

/* Copies up to `length` bytes to the output. */
void ends_copy(struct ends *ends, struct reader *reader, uint64_t length);

#endif
