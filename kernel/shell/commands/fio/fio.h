/*
 * What the parts of fio share: a job at work.
 *
 *   options.c values.c request.c jobfile.c   what is asked for
 *   setup.c     jobs made of it: files opened, memory allocated
 *   plan.c      where each I/O goes
 *   engine.c    block devices: the loop; slow.c: the I/O that needs more care
 *   sync.c      other files
 *   verify.c    headers and checksums
 *   run.c       jobs on processors, time limits, samples
 *   report*.c   what comes out
 *
 * All memory is allocated before a job starts, on the boot processor; a job
 * then belongs to the processor that runs it until it is done.
 */
#ifndef KERNEL_SHELL_COMMANDS_FIO_FIO_H
#define KERNEL_SHELL_COMMANDS_FIO_FIO_H

#include "kernel/block/block.h"
#include "kernel/shell/commands/fio/options.h"
#include "kernel/shell/commands/fio/random.h"
#include "kernel/shell/commands/fio/stats.h"
#include "kernel/x86/cpus.h"

#define FIO_VERSION       "fio-3.33"
#define FIO_FILES_MOST    16
#define FIO_FAILURES_KEPT 8
#define FIO_ERROR_VERIFY  84 /* EILSEQ, as fio has it */

/* ---- Where I/O goes ----------------------------------------------------------------------------
 */

enum fio_order {
    FIO_SEQUENTIAL,
    FIO_MAP,
    FIO_EVEN,
    FIO_ZIPF
};

struct fio_target {
    const char *name;
    struct file *file;
    struct block_device *device; /* NULL: not a block device */
    uint64_t size;               /* of the file, laid out */
    uint64_t begin, length;      /* the region, in bytes */
    uint64_t first;              /* its first block of the device */

    enum fio_order order;
    uint64_t unit;      /* bytes; random offsets are multiples of it */
    uint64_t count;     /* units in the region at which an I/O may begin */
    uint64_t position;  /* sequential: of the next I/O, in units for a plain job, else in bytes */
    uint64_t pass_left; /* I/Os until all units had their turn */
    struct fio_map map;
    struct fio_zipf *zipf;
    uint32_t *newest; /* the last writer of each unit, where blocks to verify may overlap */
};

struct fio_io {
    struct fio_target *target;
    enum fio_direction direction;
    uint64_t offset; /* in the file */
    uint32_t length;
    uint64_t sequence; /* counts the job's I/Os */
};

/* ---- Requests ----------------------------------------------------------------------------------
 */

/* What was submitted at the same time. */
struct fio_batch {
    uint64_t started, issued; /* clock_ns */
    uint32_t outstanding;
    struct fio_batch *next;

    /* Of slow jobs alone: */
    bool touched;                   /* some of it has come back and is not accounted for yet */
    uint32_t done[FIO_DIRECTIONS];  /* of these, so many */
    uint32_t others;                /* failures and flushes */
    uint64_t bytes[FIO_DIRECTIONS]; /* how much is done */
};

struct fio_part {
    struct block_request request; /* first, for it leads back here */
    struct block_segment segment;
    struct fio_slot *slot;
};

struct fio_slot {
    struct fio_part whole; /* the request, or its first part; first, for it leads back here */
    struct fio_batch *batch;

    /* Of slow jobs alone: */
    struct fio_part *parts; /* those behind the first, where a block is more than a request takes */
    unsigned parts_left;
    int status;
    bool flush;
    struct fio_io io;
    uint8_t *buffer;
};

/* ---- Jobs --------------------------------------------------------------------------------------
 */

enum fio_failure_kind {
    FIO_FAILED_IO,
    FIO_BAD_MAGIC,
    FIO_BAD_HEADER, /* its own checksum */
    FIO_BAD_TYPE,   /* another method */
    FIO_BAD_LENGTH,
    FIO_BAD_OFFSET,
    FIO_BAD_SEED, /* of another run */
    FIO_BAD_SEQUENCE,
    FIO_BAD_DIGEST,
    FIO_BAD_PATTERN
};

struct fio_failure {
    enum fio_failure_kind kind;
    int status; /* of I/O */
    struct fio_io io;
    uint64_t found, wanted, at;
    unsigned digest_length;
    uint8_t expected[32], received[32];
};

enum fio_phase {
    FIO_WAITING,
    FIO_RAMP,
    FIO_RUNNING,
    FIO_VERIFYING,
    FIO_DONE
};

struct fio_job {
    /* The loop's: */
    struct block_request *free; /* slots, by their requests, as they may be submitted; the last
                                   one is `none` */
    struct block_ended ended;   /* of these, what is not accounted for */
    struct fio_batch *touched, *free_batches;
    uint64_t now;     /* clock_ns, as last seen */
    uint32_t granted; /* of a plain job: I/Os that the plan allows; 0: there are no more */
    uint64_t polling; /* nanoseconds of this turn, of a plain job; in a poll less its beginning */
    uint32_t room;    /* how many more there may be in flight */
    uint32_t depth, batch_submit, batch_complete;
    bool plain; /* one file, direction, size; nothing to check: the short way */
    bool alone; /* the only job of its processor: it may sleep in a poll */
    bool mixed;
    uint8_t first, last;             /* directions to account for */
    uint8_t direction;               /* of what is drawn, unless mixed */
    struct fio_direction_stats *own; /* stats.of[direction] */
    uint32_t read_threshold;         /* of a mix, in 2^-32 */
    uint32_t block;                  /* of a plain job: bytes */
    uint32_t blocks;                 /* the same in the device's */
    uint64_t event;                  /* when the loop has to look up; clock_ns */
    uint64_t resume;                 /* nothing is issued before (rate, thinktime) */
    struct fio_random random;
    struct fio_target *target; /* the first */

    /* The rest: */
    const struct fio_job_options *options;
    char *names; /* of the targets */
    bool block_engine;
    uint32_t most;   /* bytes of the largest block */
    unsigned number; /* of the job, from 0 */
    unsigned group;
    unsigned thread; /* among numjobs */
    unsigned cpu;
    enum fio_phase phase;
    bool stopping;  /* nothing more is issued */
    bool replaying; /* plan.c: what is drawn was written before and is to be read */
    bool sequence_known, flush_due, ending; /* ending: by a flush that is not counted */
    unsigned target_count, next_target;
    uint64_t left;                 /* I/Os of a plain job, without what was granted */
    uint64_t bytes_left, ios_left; /* of a slow job */
    uint64_t issued, written, replayed, replay_count;
    uint64_t passes;                /* run.c: that were verified */
    uint64_t drawn[FIO_DIRECTIONS]; /* of each direction, in what its rate counts */
    uint64_t writes_since_flush, paced[FIO_DIRECTIONS];
    uint64_t start, phase_start; /* clock_ns; start: of what is counted */
    uint64_t deadline;           /* of runtime */
    uint64_t sample_start, sampled_bytes[FIO_DIRECTIONS], sampled_ios[FIO_DIRECTIONS];
    uint64_t generation; /* of this run of fio: in the headers */
    int error;           /* an errno, 0: none */
    unsigned failure_count, failures_shown;
    struct fio_failure failures[FIO_FAILURES_KEPT];
    struct fio_slot *slots, none;
    struct fio_batch *batches;
    struct fio_target targets[FIO_FILES_MOST];
    struct fio_stats stats;
    struct fio_job *next; /* of the same processor */
};

/* ---- setup.c -----------------------------------------------------------------------------------
 */

/* The job of that number, `thread` among its numjobs; NULL without memory. A job that cannot run
 * has an error and a message already. */
struct fio_job *fio_job_new(struct fio_request *request, const struct fio_job_options *options,
                            unsigned number, unsigned thread);
void fio_job_free(struct fio_job *job);

/* ---- plan.c ------------------------------------------------------------------------------------
 */

void fio_plan_start(struct fio_job *job);
/* The same I/O once more from the beginning, the writes as reads. */
void fio_plan_replay(struct fio_job *job);
/* The next I/O; false when there is none left. */
bool fio_plan_next(struct fio_job *job, struct fio_io *io);
/* Of a plain job that has issued all that was granted: grants what is left, up to the end of this
 * pass over all blocks or the next. False: that is nothing. */
bool fio_plan_grant(struct fio_job *job);

/* ---- engine.c, slow.c, sync.c: one turn; whether anything was done ------------------------------
 */

bool fio_block_turn(struct fio_job *job);
bool fio_sync_turn(struct fio_job *job);

/* What is not accounted for. */
static inline uint32_t fio_in_flight(const struct fio_job *job)
{
    return job->depth - job->room;
}

/* How much has come back of a direction; a plain job counts I/Os alone. */
static inline uint64_t fio_bytes(const struct fio_job *job, unsigned direction)
{
    const struct fio_direction_stats *stats = &job->stats.of[direction];
    return job->plain ? stats->ios * job->block : stats->bytes;
}

static inline struct fio_slot *fio_slot_of(const struct block_request *request)
{
    return CONTAINER_OF((void *)request, struct fio_slot, whole.request);
}

static inline struct fio_slot *fio_slot_take(struct fio_job *job)
{
    struct fio_slot *slot = fio_slot_of(job->free);
    job->free = job->free->next;
    return slot;
}

static inline void fio_slot_free(struct fio_job *job, struct fio_slot *slot)
{
    slot->whole.request.next = job->free;
    job->free = &slot->whole.request;
}

/* Of a slow job: sees to the requests that have ended; their batches are touched. */
void fio_slow_take_back(struct fio_job *job);
/* Fills and submits a slot with the next I/O; false: there is none, the slot is not taken. */
bool fio_slow_issue(struct fio_job *job, struct fio_slot *slot, struct fio_batch *batch);
/* How many I/Os may be issued now, up to `room`, by rate and thinktime; sets job->resume. */
uint32_t fio_pace(struct fio_job *job, uint32_t room);
/* Accounts for one I/O in rate and thinktime. */
void fio_paced(struct fio_job *job, const struct fio_io *io, uint64_t now);
/* What an I/O of that length counts for its rate. */
static inline uint64_t fio_rate_share(const struct fio_job *job, uint32_t length)
{
    return job->options->rate_in_bytes ? length : 1;
}
/* Is nothing left to issue in this phase? */
bool fio_exhausted(const struct fio_job *job);

/* The most bytes that one request may have. */
static inline uint64_t fio_request_bytes(const struct block_device *device, unsigned direction)
{
    uint32_t blocks = direction == FIO_TRIM ? device->discard_blocks : device->max_blocks;
    return (uint64_t)blocks * device->block_size;
}

/* Submits whatever it takes: when the queue is full, polls. */
int fio_submit(struct block_device *device, struct block_request *request);

void fio_fail(struct fio_job *job, const struct fio_failure *failure, int error);
void fio_io_failed(struct fio_job *job, const struct fio_io *io, int status);

/* Reads and writes with a rate each: the rates make the mix. */
static inline bool fio_rates_mix(const struct fio_job *job)
{
    return job->mixed && job->options->rate[FIO_READ] && job->options->rate[FIO_WRITE];
}

/* ---- verify.c ----------------------------------------------------------------------------------
 */

/* Makes a block of `io` that can be recognized: a header, a checksum of what follows. */
void fio_verify_fill(const struct fio_job *job, const struct fio_io *io, uint8_t *block);

/* setup.c: what is written, where it is not the same each time. */
void fio_prepare_write(const struct fio_job *job, const struct fio_io *io, uint8_t *buffer);
/* Whether a block is what was written there; if not, *failure says why not. */
bool fio_verify_check(const struct fio_job *job, const struct fio_io *io, const uint8_t *block,
                      struct fio_failure *failure);
uint32_t fio_verify_header_bytes(enum fio_verify verify); /* 0: there is none */
void fio_random_fill(uint8_t *to, size_t length, uint64_t seed);
void fio_repeat_pattern(uint8_t *to, size_t length, const struct fio_pattern *pattern);

/* ---- run.c -------------------------------------------------------------------------------------
 */

struct fio_run {
    struct fio_request *request;
    struct fio_job **jobs;
    unsigned job_count;
    struct fio_report *report; /* where one is made: set aside, for there may be no memory later */
    unsigned started;          /* of them, the first so many */
    bool refused;              /* others could not be set up */
    uint64_t start;            /* clock_ns */
    uint64_t tick;             /* when the boot processor looks up next */
    uint64_t interval_next;
    bool interrupted;

    uint64_t shown_at, shown_bytes[FIO_DIRECTIONS], shown_ios[FIO_DIRECTIONS];
    size_t line_length; /* of the progress line, 0: none shown */
};

/* Runs all jobs, one stonewall after the other. False without memory, after a message. */
bool fio_run(struct fio_run *run);
/* When job->event has come: samples, the end of ramp_time and of runtime. */
void fio_job_event(struct fio_job *job);
/* Everything was issued and has come back: the next phase. */
void fio_job_finish(struct fio_job *job);

/* Is what a pass has written read back? */
bool fio_verifies(const struct fio_job_options *options);

/* ---- progress.c --------------------------------------------------------------------------------
 */

void fio_progress(struct fio_run *run);
void fio_progress_end(struct fio_run *run);

/* ---- failure.c ---------------------------------------------------------------------------------
 */

/* Messages of failures that were not shown yet. */
void fio_show_failures(struct fio_run *run);
int fio_errno(int status);
const char *fio_error_text(int number);

/* ---- text.c ------------------------------------------------------------------------------------
 */

#define FIO_TEXT 64

/* A number in at most so many digits and a letter, with one of them behind the point where there
 * is room: "9272", "13.5k"; `base` 1000 or 1024 ("12.0Ki"). Returns `text`. */
const char *fio_short(char text[FIO_TEXT], uint64_t number, unsigned digits, unsigned base,
                      const char *unit);
/* Millionths with so many decimals, rounded. */
const char *fio_decimal(char text[FIO_TEXT], uint64_t millionths, unsigned decimals);
/* part / whole * 100 in millionths. */
uint64_t fio_share(uint64_t part, uint64_t whole);

/* ---- report.c ----------------------------------------------------------------------------------
 */

/* Jobs that are reported as one: job->stats of the first, merged with those of the others. */
struct fio_report {
    const struct fio_job *job;
    unsigned jobs;
    unsigned group;
    int error;
    uint64_t elapsed; /* of the run so far, seconds */
    struct fio_stats stats;
};

void fio_report_begin(struct fio_run *run);
void fio_report_all(struct fio_run *run);

/* How much of all the times is within each class of fio's: nanoseconds, micro-, milliseconds. */
#define FIO_SPANS 32
struct fio_span {
    uint64_t to;      /* nanoseconds; the first is from 0, the last without an end */
    const char *unit; /* "nsec", ... */
    const char *name; /* "250" */
};
extern const struct fio_span fio_spans[FIO_SPANS];
void fio_count_spans(const struct fio_stats *stats, uint64_t counts[FIO_SPANS]);

/* How long there have been I/Os of that direction; of a job still at work, until now. */
uint64_t fio_runtime(const struct fio_job *job, unsigned direction, uint64_t now);
uint64_t fio_bandwidth(const struct fio_direction_stats *stats); /* bytes a second */
uint64_t fio_rate(const struct fio_direction_stats *stats);      /* I/Os a second, in millionths */

uint64_t fio_milliseconds(uint64_t nanoseconds); /* at least 1, but for 0 */
/* Of the time that jobs took: in their loop, and busily waiting for a device; in millionths. */
uint64_t fio_user_share(const struct fio_stats *stats);
uint64_t fio_system_share(const struct fio_stats *stats);

void fio_report_normal_begin(struct fio_run *run);
void fio_report_normal(struct fio_run *run, const struct fio_report *report);
void fio_report_groups(struct fio_run *run);
void fio_report_terse(struct fio_run *run, const struct fio_report *report);
void fio_report_json_begin(struct fio_run *run);
void fio_report_json(struct fio_run *run, const struct fio_report *report, bool last);
void fio_report_json_end(struct fio_run *run);

#endif
