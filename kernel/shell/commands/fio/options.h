/*
 * What is asked of fio: the options of a job, those of the whole command, and
 * reading both from the command line and from job files. Sizes are in bytes,
 * times in nanoseconds.
 */
#ifndef KERNEL_SHELL_COMMANDS_FIO_OPTIONS_H
#define KERNEL_SHELL_COMMANDS_FIO_OPTIONS_H

#include "kernel/command/command.h"
#include "kernel/shell/commands/fio/stats.h"

#define FIO_PERCENTILES   20 /* at most, as in fio */
#define FIO_SPLITS        16
#define FIO_PATTERN_BYTES 512
#define FIO_GIVEN         64
#define FIO_SECTIONS      64

enum fio_verify {
    FIO_VERIFY_NONE,
    FIO_VERIFY_CRC32C,
    FIO_VERIFY_MD5,
    FIO_VERIFY_SHA256,
    FIO_VERIFY_PATTERN
};

/* A size that may be given as a share of something: "10%". */
struct fio_amount {
    uint64_t bytes, percent; /* one of them 0 */
};

struct fio_split {
    unsigned count;
    struct {
        uint64_t bytes, percent;
    } of[FIO_SPLITS];
};

struct fio_pattern {
    uint64_t length; /* 0: none */
    uint8_t bytes[FIO_PATTERN_BYTES];
};

struct fio_job_options {
    const char *name, *filename, *ioengine, *description;
    uint64_t directions; /* BIT(FIO_READ), ... */
    uint64_t random;
    uint64_t read_percent;
    struct fio_amount size, offset, io_size, offset_increment;
    uint64_t least[FIO_DIRECTIONS], most[FIO_DIRECTIONS]; /* block sizes */
    struct fio_split split[FIO_DIRECTIONS];
    uint64_t loops, number_ios, runtime, time_based, ramp_time;
    uint64_t depth, batch_submit, batch_complete;
    uint64_t jobs, group_reporting, stonewall;
    uint64_t hipri, fsync, end_fsync, think_time;
    uint64_t rate[FIO_DIRECTIONS]; /* I/Os or bytes a second, 0: as many as go */
    bool rate_in_bytes;
    uint64_t seed, no_map, zipf; /* theta in millionths, 0: even */
    uint64_t zero_buffers, refill_buffers;
    struct fio_pattern buffer_pattern, verify_pattern;
    uint64_t verify, do_verify, verify_fatal;
    uint64_t percentile_count, percentiles[FIO_PERCENTILES]; /* in millionths of a percent */
    uint64_t ignored; /* where options go that say what is the case anyway */
    /* As they were written, for the report. */
    struct {
        const char *name, *value;
    } given[FIO_GIVEN];
    unsigned given_count;
};

enum fio_format {
    FIO_NORMAL,
    FIO_TERSE,
    FIO_JSON
};

enum fio_eta {
    FIO_ETA_AUTO,
    FIO_ETA_ALWAYS,
    FIO_ETA_NEVER
};

struct fio_request {
    struct invocation *self;
    enum fio_format format;
    enum fio_eta eta;
    uint64_t status_interval; /* 0: none */
    const char *output;       /* where reports go, NULL: to standard output */
    bool help, version, read_only;
    struct fio_job_options **jobs;
    unsigned job_count;
    char **texts; /* of job files: values of options point into them */
    unsigned text_count;
    const char *sections[FIO_SECTIONS]; /* of job files, which alone are wanted; none: all */
    unsigned section_count;
};

/* Reads argv. 0, or the exit status after a message; free it in both cases. */
int fio_request_read(struct fio_request *request);
void fio_request_free(struct fio_request *request);

/* A new job with a copy of `from`; NULL without memory, which was reported. */
struct fio_job_options *fio_request_add(struct fio_request *request,
                                        const struct fio_job_options *from, const char *name);

void fio_job_defaults(struct fio_job_options *options);

/* Sets one option of a job; `value` NULL: none was written. ERR_NOT_FOUND: there is no such
 * option; ERR_INVALID after a message. The text stays in use. */
int fio_option_set(struct fio_request *request, struct fio_job_options *options, const char *name,
                   size_t name_length, const char *value);

/* Needs it no value? */
bool fio_option_is_flag(const char *name, size_t length);

/* For COMMAND(). */
extern const struct option fio_help_options[];

/* The jobs of a file; an exit status as fio_request_read(). */
int fio_job_file(struct fio_request *request, const struct fio_job_options *defaults,
                 const char *path);

/* ---- values.c: OK, or ERR_INVALID without a message --------------------------------------------
 */

int fio_parse_bytes(const char *text, size_t length, uint64_t *bytes);
int fio_parse_amount(const char *text, struct fio_amount *amount);
/* `unit` is what a number without one counts, in nanoseconds. */
int fio_parse_time(const char *text, uint64_t unit, uint64_t *nanoseconds);
/* "99.95" in millionths. */
int fio_parse_decimal(const char *text, size_t length, uint64_t *millionths);
int fio_parse_pattern(const char *text, struct fio_pattern *pattern);
/* "4k", "4k,8k", "4k,,16k": the last one goes for the rest. */
int fio_parse_sizes(const char *text, uint64_t sizes[FIO_DIRECTIONS]);
int fio_parse_ranges(const char *text, uint64_t least[FIO_DIRECTIONS],
                     uint64_t most[FIO_DIRECTIONS]);
int fio_parse_splits(struct fio_job_options *options, const char *text);
int fio_parse_percentiles(struct fio_job_options *options, const char *text);

#endif
