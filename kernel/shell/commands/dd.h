/*
 * What the parts of dd share: dd_operands.c reads the command line,
 * dd_files.c opens files, dd.c copies, by dd_ring.c, and dd_report.c says what was copied.
 */
#ifndef KERNEL_SHELL_COMMANDS_DD_H
#define KERNEL_SHELL_COMMANDS_DD_H

#include "kernel/command/command.h"
#include "kernel/shell/commands/dd_ring.h"

/* conv= */
#define DD_FSYNC     BIT(0)
#define DD_FDATASYNC BIT(1)
#define DD_NOTRUNC   BIT(2)
#define DD_PAD       BIT(3) /* "sync": a short input block is filled up with zeros */
#define DD_NOERROR   BIT(4)
#define DD_NOCREAT   BIT(5)
#define DD_EXCL      BIT(6)
#define DD_SPARSE    BIT(7)
#define DD_SWAB      BIT(8)
#define DD_LCASE     BIT(9)
#define DD_UCASE     BIT(10)
#define DD_CHANGES   (DD_SWAB | DD_LCASE | DD_UCASE) /* of bytes: always cut into blocks anew */

/* iflag= and oflag= */
#define DD_FULLBLOCK   BIT(0)
#define DD_COUNT_BYTES BIT(1)
#define DD_SKIP_BYTES  BIT(2)
#define DD_SEEK_BYTES  BIT(3)
#define DD_APPEND      BIT(4)
#define DD_DURABLE     BIT(5) /* dsync, sync: every block is made durable */
#define DD_DIRECT      BIT(6)
#define DD_NOCACHE     BIT(7) /* there is no cache */

enum dd_level {
    DD_ALL,
    DD_NONE,
    DD_NOXFER,
    DD_PROGRESS
};

struct dd {
    struct invocation *self;

    /* as asked for */
    const char *input_name, *output_name; /* NULL: the command's own */
    uint64_t bs;                          /* 0: not given, ibs and obs count */
    uint64_t ibs, obs;
    uint64_t count; /* UINT64_MAX: everything */
    uint64_t skip, seek;
    uint64_t conversions, input_flags, output_flags;
    enum dd_level level;

    /* the copy */
    struct file *in, *out;
    struct dd_ring input, output; /* output is not in use when blocks are not cut anew */
    uint64_t blocks;              /* whole ones to be read */
    size_t pending;               /* bytes in the current record of output */
    size_t partial;               /* of the last input block, if it was short */
    bool has_odd;                 /* conv=swab: a byte waits for its partner */
    uint8_t odd;                  /* that one */
    uint64_t started;             /* clock_ns */

    /* the report */
    uint64_t full_in, partial_in, full_out, partial_out, bytes;
    uint64_t progress_next; /* clock_ns */
    size_t progress_length; /* characters on the progress line, 0: none shown */
};

/* Fills in what was asked for; 0, or the exit status after a message. */
int dd_operands(struct dd *dd);

const char *dd_input_name(const struct dd *dd);
const char *dd_output_name(const struct dd *dd);

/* Reports what failed and why, but for Ctrl-C; returns the exit status. */
int dd_fail(struct dd *dd, const char *what, const char *name, int status);

/* A count of blocks or of bytes, in bytes; false when it is more than a file can have. */
bool dd_in_bytes(uint64_t count, uint64_t block, bool already, uint64_t *bytes);

/* 0, or the exit status after a message. */
int dd_open_files(struct dd *dd);
int dd_seek_output(struct dd *dd);

/* The records and the rate, as far as status= allows. */
void dd_report(struct dd *dd);
void dd_progress(struct dd *dd);

#endif
