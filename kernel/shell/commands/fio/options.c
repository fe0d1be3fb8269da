/*
 * The options of fio: one list from which both what `help fio` prints and how a
 * value is read are made. Command line and job file share them.
 */
#include "kernel/shell/commands/fio/options.h"

#include "kernel/mem/heap.h"
#include "kernel/x86/clock.h"
#include "lib/number.h"
#include "lib/string.h"

enum kind {
    TEXT,
    NUMBER,
    AMOUNT,
    SECONDS,
    MICROSECONDS,
    FLAG,
    /* with a function of their own */
    SPECIAL
};

struct description {
    const char *name;
    enum kind kind;
    size_t offset; /* in struct fio_job_options */
    uint64_t least, most;
    int (*set)(struct fio_job_options *options, const char *value);
};

/* ---- Options with values of their own kind -----------------------------------------------------
 */

static const struct {
    const char *name, *help;
    uint64_t directions;
    bool random;
} modes[] = {{"read", "Sequential read", BIT(FIO_READ), false},
             {"write", "Sequential write", BIT(FIO_WRITE), false},
             {"trim", "Sequential trim", BIT(FIO_TRIM), false},
             {"randread", "Random read", BIT(FIO_READ), true},
             {"randwrite", "Random write", BIT(FIO_WRITE), true},
             {"randtrim", "Random trim", BIT(FIO_TRIM), true},
             {"rw", "Sequential read and write mix", BIT(FIO_READ) | BIT(FIO_WRITE), false},
             {"readwrite", "Sequential read and write mix", BIT(FIO_READ) | BIT(FIO_WRITE), false},
             {"randrw", "Random read and write mix", BIT(FIO_READ) | BIT(FIO_WRITE), true}};

static int set_mode(struct fio_job_options *options, const char *value)
{
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
        if (!strcmp(modes[i].name, value)) {
            options->directions = modes[i].directions;
            options->random = modes[i].random;
            return OK;
        }
    return ERR_INVALID;
}

static const struct {
    const char *name, *help;
    enum fio_verify verify;
} verifies[] = {{"0", "Don't do IO verification", FIO_VERIFY_NONE},
                {"crc32c", "Use crc32c checksums for verification", FIO_VERIFY_CRC32C},
                {"md5", "Use md5 checksums for verification", FIO_VERIFY_MD5},
                {"sha256", "Use sha256 checksums for verification", FIO_VERIFY_SHA256},
                {"pattern", "Verify strict pattern", FIO_VERIFY_PATTERN}};

static int set_verify(struct fio_job_options *options, const char *value)
{
    for (size_t i = 0; i < ARRAY_SIZE(verifies); i++)
        if (!strcmp(verifies[i].name, value)) {
            options->verify = verifies[i].verify;
            return OK;
        }
    return ERR_INVALID;
}

static int set_sizes(struct fio_job_options *options, const char *value)
{
    memset(options->split, 0, sizeof options->split);
    int status = fio_parse_sizes(value, options->least);
    memcpy(options->most, options->least, sizeof options->most);
    return status;
}

static int set_ranges(struct fio_job_options *options, const char *value)
{
    memset(options->split, 0, sizeof options->split);
    return fio_parse_ranges(value, options->least, options->most);
}

static int set_buffer_pattern(struct fio_job_options *options, const char *value)
{
    return fio_parse_pattern(value, &options->buffer_pattern);
}

static int set_verify_pattern(struct fio_job_options *options, const char *value)
{
    return fio_parse_pattern(value, &options->verify_pattern);
}

static int set_write_percent(struct fio_job_options *options, const char *value)
{
    uint64_t percent;
    if (number_parse(value, 10, &percent) != OK || percent > 100)
        return ERR_INVALID;
    options->read_percent = 100 - percent;
    return OK;
}

static int set_byte_rates(struct fio_job_options *options, const char *value)
{
    options->rate_in_bytes = true;
    return fio_parse_sizes(value, options->rate);
}

static int set_rates(struct fio_job_options *options, const char *value)
{
    options->rate_in_bytes = false;
    return fio_parse_sizes(value, options->rate);
}

static int set_distribution(struct fio_job_options *options, const char *value)
{
    options->zipf = 0;
    if (!strcmp(value, "random"))
        return OK;
    if (strncmp(value, "zipf", 4))
        return ERR_INVALID;
    options->zipf = 1100000; /* fio's default theta */
    if (value[4] == 0)
        return OK;
    if (value[4] != ':' || fio_parse_decimal(value + 5, strlen(value + 5), &options->zipf) != OK)
        return ERR_INVALID;
    return options->zipf && options->zipf != FIO_MILLION && options->zipf <= 100ULL * FIO_MILLION
               ? OK
               : ERR_INVALID;
}

static int set_repeat(struct fio_job_options *options, const char *value)
{
    if (strcmp(value, "0") && strcmp(value, "1"))
        return ERR_INVALID;
    if (*value == '0')
        options->seed = clock_ns();
    return OK;
}

static int set_engine(struct fio_job_options *options, const char *value)
{
    static const char *const engines[] = {"block",    "sync",    "psync",       "vsync",
                                          "pvsync",   "pvsync2", "libaio",      "posixaio",
                                          "io_uring", "mmap",    "io_uring_cmd"};
    options->ioengine = value;
    for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
        if (!strcmp(engines[i], value))
            return OK;
    return ERR_INVALID;
}

/* ---- The list ----------------------------------------------------------------------------------
 */

#define MANY UINT32_MAX

/* name, argument (NULL: none is needed), help, kind, member, least, most, function */
#define JOB_OPTIONS(X)                                                                             \
    X("name", "NAME", "a new job, with the options that follow", TEXT, name, 0, 0, NULL)           \
    X("description", "TEXT", "stands in the report", TEXT, description, 0, 0, NULL)                \
    X("filename", "FILE[:FILE]...", "what it works on, in turns", TEXT, filename, 0, 0, NULL)      \
    X("rw", "MODE", "[rand]read, write, trim, or rw for a mix (read)", SPECIAL, ignored, 0, 0,     \
      set_mode)                                                                                    \
    X("readwrite", "MODE", "the same", SPECIAL, ignored, 0, 0, set_mode)                           \
    X("rwmixread", "PERCENT", "reads in a mix (50)", NUMBER, read_percent, 0, 100, NULL)           \
    X("rwmixwrite", "PERCENT", "writes in a mix", SPECIAL, ignored, 0, 0, set_write_percent)       \
    X("bs", "SIZE[,SIZE,SIZE]", "block size, of reads, writes, trims (4k)", SPECIAL, ignored, 0,   \
      0, set_sizes)                                                                                \
    X("blocksize", "SIZE[,SIZE,SIZE]", "the same", SPECIAL, ignored, 0, 0, set_sizes)              \
    X("bsrange", "MIN-MAX[,...]", "sizes in a range, any multiple of the smallest", SPECIAL,       \
      ignored, 0, 0, set_ranges)                                                                   \
    X("bssplit", "SIZE/PERCENT:...", "sizes with their shares", SPECIAL, ignored, 0, 0,            \
      fio_parse_splits)                                                                            \
    X("size", "SIZE|PERCENT%", "how much of the files is used (all)", AMOUNT, size, 0, 0, NULL)    \
    X("offset", "SIZE|PERCENT%", "where that begins (0)", AMOUNT, offset, 0, 0, NULL)              \
    X("offset_increment", "SIZE|PERCENT%", "added for each of numjobs", AMOUNT, offset_increment,  \
      0, 0, NULL)                                                                                  \
    X("io_size", "SIZE|PERCENT%", "how much is transferred (size)", AMOUNT, io_size, 0, 0, NULL)   \
    X("io_limit", "SIZE|PERCENT%", "the same", AMOUNT, io_size, 0, 0, NULL)                        \
    X("loops", "N", "do it so many times (1)", NUMBER, loops, 1, MANY, NULL)                       \
    X("number_ios", "N", "end after so many", NUMBER, number_ios, 0, INT64_MAX, NULL)              \
    X("runtime", "TIME", "end after so long (s; us, ms, m, h, d)", SECONDS, runtime, 0, 0, NULL)   \
    X("timeout", "TIME", "the same", SECONDS, runtime, 0, 0, NULL)                                 \
    X("time_based", NULL, "begin again until runtime is over", FLAG, time_based, 0, 0, NULL)       \
    X("ramp_time", "TIME", "run so long before counting", SECONDS, ramp_time, 0, 0, NULL)          \
    X("iodepth", "N", "requests in flight; files have one (1)", NUMBER, depth, 1, FIO_DEPTH_MOST,  \
      NULL)                                                                                        \
    X("iodepth_batch_submit", "N", "most to submit in one go (all that are free)", NUMBER,         \
      batch_submit, 1, FIO_DEPTH_MOST, NULL)                                                       \
    X("iodepth_batch", "N", "the same", NUMBER, batch_submit, 1, FIO_DEPTH_MOST, NULL)             \
    X("iodepth_batch_complete_min", "N", "completions to wait for (1)", NUMBER, batch_complete, 0, \
      FIO_DEPTH_MOST, NULL)                                                                        \
    X("iodepth_batch_complete", "N", "the same", NUMBER, batch_complete, 0, FIO_DEPTH_MOST, NULL)  \
    X("numjobs", "N", "so many such jobs, the k-th on processor k (1)", NUMBER, jobs, 1, 1024,     \
      NULL)                                                                                        \
    X("group_reporting", NULL, "report them as one", FLAG, group_reporting, 0, 0, NULL)            \
    X("stonewall", NULL, "begin when the jobs before are done", FLAG, stonewall, 0, 0, NULL)       \
    X("wait_for_previous", NULL, "the same", FLAG, stonewall, 0, 0, NULL)                          \
    X("hipri", NULL, "use queues without interrupts, and spin", FLAG, hipri, 0, 0, NULL)           \
    X("fsync", "N", "flush after every N writes", NUMBER, fsync, 0, MANY, NULL)                    \
    X("fdatasync", "N", "the same: there is but one kind", NUMBER, fsync, 0, MANY, NULL)           \
    X("end_fsync", NULL, "flush when all is written", FLAG, end_fsync, 0, 0, NULL)                 \
    X("rate_iops", "N[,N,N]", "at most N I/Os a second", SPECIAL, ignored, 0, 0, set_rates)        \
    X("rate", "SIZE[,SIZE,SIZE]", "at most so many bytes a second", SPECIAL, ignored, 0, 0,        \
      set_byte_rates)                                                                              \
    X("randseed", "N", "another random sequence; it always repeats", NUMBER, seed, 0, INT64_MAX,   \
      NULL)                                                                                        \
    X("randrepeat", "0|1", "with 0 the sequence is another each time (1)", SPECIAL, ignored, 0, 0, \
      set_repeat)                                                                                  \
    X("norandommap", NULL, "random blocks may come twice before all had a turn", FLAG, no_map, 0,  \
      0, NULL)                                                                                     \
    X("random_distribution", "random|zipf:THETA", "how random blocks lie", SPECIAL, ignored, 0, 0, \
      set_distribution)                                                                            \
    X("zero_buffers", NULL, "write zeros, not random bytes", FLAG, zero_buffers, 0, 0, NULL)       \
    X("refill_buffers", NULL, "write other random bytes each time", FLAG, refill_buffers, 0, 0,    \
      NULL)                                                                                        \
    X("buffer_pattern", "PATTERN", "write this: \"text\", 0xHEX, number", SPECIAL, ignored, 0, 0,  \
      set_buffer_pattern)                                                                          \
    X("verify", "METHOD", "crc32c, md5, sha256 with a header in each block; pattern", SPECIAL,     \
      ignored, 0, 0, set_verify)                                                                   \
    X("verify_pattern", "PATTERN", "what verify=pattern writes and wants", SPECIAL, ignored, 0, 0, \
      set_verify_pattern)                                                                          \
    X("do_verify", "0|1", "read back what was written (1)", FLAG, do_verify, 0, 0, NULL)           \
    X("verify_fatal", NULL, "end at the first block that is wrong", FLAG, verify_fatal, 0, 0,      \
      NULL)                                                                                        \
    X("thinktime", "TIME", "pause after each I/O (us)", MICROSECONDS, think_time, 0, 0, NULL)      \
    X("percentile_list", "P:P:...", "which percentiles to show", SPECIAL, ignored, 0, 0,           \
      fio_parse_percentiles)                                                                       \
    X("ioengine", "NAME", "one of Linux's: there is one way to the device", SPECIAL, ignored, 0,   \
      0, set_engine)                                                                               \
    X("direct", "0|1", "nothing: there is no cache", FLAG, ignored, 0, 0, NULL)                    \
    X("buffered", "0|1", "nothing: there is no cache", FLAG, ignored, 0, 0, NULL)                  \
    X("gtod_reduce", "0|1", "nothing: the clock is read once for a batch", FLAG, ignored, 0, 0,    \
      NULL)                                                                                        \
    X("allow_mounted_write", "0|1", "nothing: nothing is mounted", FLAG, ignored, 0, 0, NULL)      \
    X("thread", NULL, "nothing: jobs are neither processes nor threads", FLAG, ignored, 0, 0,      \
      NULL)                                                                                        \
    X("invalidate", "0|1", "nothing: there is no cache", FLAG, ignored, 0, 0, NULL)                \
    X("fixedbufs", NULL, "nothing: buffers always are", FLAG, ignored, 0, 0, NULL)                 \
    X("registerfiles", NULL, "nothing, likewise", FLAG, ignored, 0, 0, NULL)

#define DESCRIBE(text, argument, help, kind, member, least, most, set) \
    {text, kind, offsetof(struct fio_job_options, member), least, most, set},
static const struct description descriptions[] = {JOB_OPTIONS(DESCRIBE)};

#define HELP(text, argument, help, kind, member, least, most, set) {256, text, argument, help},
const struct option fio_help_options[] = {
    JOB_OPTIONS(HELP) /* and those of the whole command: */
    {256, "output-format", "normal|terse|json", "how to report (normal)"},
    {256, "output", "FILE", "where to report"},
    {256, "readonly", NULL, "refuse jobs that write or trim"},
    {256, "minimal", NULL, "the same as --output-format=terse"},
    {256, "section", "NAME", "of job files only this section; more than one may be named"},
    {256, "eta", "auto|always|never", "show progress (auto: on the console)"},
    {256, "status-interval", "TIME", "report every so often (s)"},
    {256, "version", NULL, "say which fio this follows"},
    {256, "help", NULL, "this text"},
    {0}};

void fio_job_defaults(struct fio_job_options *options)
{
    static const uint64_t percentiles[] = {
        1000000,  5000000,  10000000, 20000000, 30000000, 40000000, 50000000, 60000000, 70000000,
        80000000, 90000000, 95000000, 99000000, 99500000, 99900000, 99950000, 99990000};
    *options = (struct fio_job_options){.ioengine = "block",
                                        .directions = BIT(FIO_READ),
                                        .read_percent = 50,
                                        .depth = 1,
                                        .batch_submit = FIO_DEPTH_MOST,
                                        .batch_complete = 1,
                                        .jobs = 1,
                                        .loops = 1,
                                        .seed = 1,
                                        .do_verify = 1,
                                        .percentile_count = ARRAY_SIZE(percentiles)};
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++)
        options->least[i] = options->most[i] = 4096;
    memcpy(options->percentiles, percentiles, sizeof percentiles);
}

/* ---- Setting one -------------------------------------------------------------------------------
 */

static const struct description *find(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_SIZE(descriptions); i++)
        if (strlen(descriptions[i].name) == length && !memcmp(descriptions[i].name, name, length))
            return &descriptions[i];
    return NULL;
}

static int set_number(struct fio_request *request, const struct description *option,
                      uint64_t *number, const char *value)
{
    if (fio_parse_bytes(value, strlen(value), number) != OK)
        return ERR_INVALID;
    if (*number < option->least)
        note(request->self, "%s: min value out of range: %llu (%llu min)\n", option->name,
             (unsigned long long)*number, (unsigned long long)option->least);
    else if (*number > option->most)
        note(request->self, "%s: max value out of range: %llu (%llu max)\n", option->name,
             (unsigned long long)*number, (unsigned long long)option->most);
    else
        return OK;
    return ERR_INVALID;
}

static int set_flag(uint64_t *flag, const char *value)
{
    if (value && strcmp(value, "0") && strcmp(value, "1"))
        return ERR_INVALID;
    *flag = !value || *value == '1';
    return OK;
}

static int set_value(struct fio_request *request, struct fio_job_options *options,
                     const struct description *option, const char *value)
{
    void *member = (char *)options + option->offset;
    if (option->kind == FLAG)
        return set_flag(member, value);
    if (!value || !*value)
        return ERR_INVALID;
    switch (option->kind) {
    case TEXT:
        memcpy(member, &value, sizeof value);
        return OK;
    case NUMBER:
        return set_number(request, option, member, value);
    case AMOUNT:
        return fio_parse_amount(value, member);
    case SECONDS:
        return fio_parse_time(value, NS_PER_SEC, member);
    case MICROSECONDS:
        return fio_parse_time(value, NS_PER_US, member);
    default:
        return option->set(options, value);
    }
}

/* What is wrong with a value of some options, or what it might have been. */
static void explain_value(struct invocation *self, const struct description *option,
                          const struct fio_job_options *options)
{
    if (option->set == set_distribution && options->zipf == FIO_MILLION)
        complain(self, "zipf theta must different than 1.0"); /* in the words of fio */
    if (option->set == set_engine)
        note(self, "fio: engine %s not loadable\nfio: failed to load engine\n", options->ioengine);
    const char *lead = "        valid values:";
    if (option->set == set_mode)
        for (size_t i = 0; i < ARRAY_SIZE(modes); i++, lead = "                    :")
            note(self, "%s %-10s %s\n", lead, modes[i].name, modes[i].help);
    if (option->set == set_verify)
        for (size_t i = 0; i < ARRAY_SIZE(verifies); i++, lead = "                    :")
            note(self, "%s %-10s %s\n", lead, verifies[i].name, verifies[i].help);
}

int fio_option_set(struct fio_request *request, struct fio_job_options *options, const char *name,
                   size_t name_length, const char *value)
{
    const struct description *option = find(name, name_length);
    if (!option)
        return ERR_NOT_FOUND;
    if (set_value(request, options, option, value) != OK) {
        explain_value(request->self, option, options);
        complain(request->self, "failed parsing %s=%s", option->name, value ? value : "");
        return ERR_INVALID;
    }
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++)
        if (options->least[i] < 1 || options->most[i] > UINT32_MAX) {
            complain(request->self, "failed parsing %s=%s", option->name, value ? value : "");
            return ERR_INVALID;
        }
    if (options->given_count < FIO_GIVEN) {
        options->given[options->given_count].name = option->name;
        options->given[options->given_count++].value = value ? value : "1";
    }
    return OK;
}

bool fio_option_is_flag(const char *name, size_t length)
{
    const struct description *option = find(name, length);
    return option && option->kind == FLAG;
}
