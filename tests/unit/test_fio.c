/*
 * fio at work, on a disk in memory that counts what happens to it, completes
 * in an order of its own, and can lose, tear and fail what it is given.
 */
#include "tests/unit/run_command.h"

#include <stdio.h>

#include "kernel/block/block.h"
#include "kernel/shell/commands/fio/fio.h"
#include "kernel/x86/clock.h"

#define BLOCK  512u
#define BLOCKS 8192u /* 4 MiB */

static struct {
    struct block_device device;
    uint8_t data[BLOCKS * BLOCK];
    unsigned reads[BLOCKS], writes[BLOCKS], discards[BLOCKS];
    struct block_request *queue[64];
    unsigned queued, most_queued, capacity;
    unsigned requests, flushes, largest;
    bool last_memory;          /* the first request finds none left */
    unsigned lose, tear, fail; /* the n-th request from now, 0: none */
    uint64_t last_lba;
    bool ascending, polled;
} disk;

static void count(const struct block_request *request)
{
    unsigned *counts = request->operation == BLOCK_READ    ? disk.reads
                       : request->operation == BLOCK_WRITE ? disk.writes
                                                           : disk.discards;
    for (uint32_t i = 0; i < request->blocks; i++)
        counts[request->lba + i]++;
    disk.ascending &= request->lba >= disk.last_lba;
    disk.last_lba = request->lba;
    disk.largest = MAX(disk.largest, request->blocks);
    disk.polled = request->polled;
    disk.requests++;
}

static int disk_submit(struct block_device *device, struct block_request *request)
{
    (void)device;
    if (disk.queued == disk.capacity)
        return ERR_AGAIN;
    assert_true(request->lba + request->blocks <= BLOCKS);
    if (disk.last_memory)
        host_allocations_left = 0;
    disk.queue[disk.queued++] = request;
    disk.most_queued = MAX(disk.most_queued, disk.queued);
    return OK;
}

static bool is_due(unsigned *counter)
{
    return *counter && --*counter == 0;
}

static void transfer(struct block_request *request)
{
    uint8_t *at = disk.data + request->lba * BLOCK;
    request->status = OK;
    if (request->operation == BLOCK_FLUSH) {
        disk.flushes++;
        return;
    }
    count(request);
    if (is_due(&disk.fail))
        request->status = ERR_IO;
    else if (is_due(&disk.lose) || request->operation == BLOCK_DISCARD)
        return;
    else if (is_due(&disk.tear))
        memcpy(at, request->segments->base, BLOCK);
    else
        host_block_copy(request, at);
}

/* The newest first, but for one: a device owes nobody an order. */
static void disk_poll(struct block_device *device, uint64_t deadline)
{
    (void)device, (void)deadline;
    struct block_request *done[64];
    unsigned some = disk.queued > 4 ? disk.queued - 1 : disk.queued;
    for (unsigned i = 0; i < some; i++)
        transfer(disk.queue[i]);
    memcpy(done, disk.queue, sizeof done);
    disk.queued -= some;
    memmove(disk.queue, disk.queue + some, disk.queued * sizeof *disk.queue);
    while (some--)
        block_complete(done[some]);
}

static const struct block_operations operations = {.submit = disk_submit, .poll = disk_poll};

static int prepare(void **state)
{
    (void)state;
    if (fs_start() != OK)
        return -1;
    disk.device = (struct block_device){.name = "disk",
                                        .block_size = BLOCK,
                                        .block_count = BLOCKS,
                                        .max_blocks = 256,
                                        .discard_blocks = 256,
                                        .dma_alignment = 4,
                                        .volatile_cache = true,
                                        .operations = &operations};
    if (block_register(&disk.device) != OK)
        return -1;
    return fs_add_device("disk", node_new_block(&disk.device));
}

static int setup(void **state)
{
    (void)state;
    struct block_device device = disk.device;
    memset(&disk, 0, sizeof disk);
    disk.device = device;
    disk.device.read_only = false;
    disk.device.discard_blocks = 256;
    disk.capacity = 64;
    disk.ascending = true;
    host_cpus = 1;
    host_interrupt_after = -1;
    return 0;
}

static int fio(const char *arguments)
{
    char line[500];
    snprintf(line, sizeof line, "fio --name=a --filename=/dev/disk --eta=never %s", arguments);
    return run(line);
}

static void expect_counts(const unsigned *counts, unsigned from, unsigned to, unsigned wanted)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        assert_int_equal(counts[i], i >= from && i < to ? wanted : 0);
}

/* What stands behind a word in the report. */
static unsigned long reported(const char *before)
{
    const char *at = strstr(run_out, before);
    assert_non_null(at);
    return strtoul(at + strlen(before), NULL, 10);
}

/* ---- Where it goes -----------------------------------------------------------------------------
 */

static void test_each_mode_meets_each_block_once(void **state)
{
    static const struct {
        const char *mode;
        unsigned *counts;
        bool ascending;
    } modes[] = {{"read", disk.reads, true},    {"randread", disk.reads, false},
                 {"write", disk.writes, true},  {"randwrite", disk.writes, false},
                 {"trim", disk.discards, true}, {"randtrim", disk.discards, false}};
    char arguments[100];
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        setup(state);
        sprintf(arguments, "--rw=%s --bs=4k", modes[i].mode);
        assert_int_equal(fio(arguments), 0);
        expect_counts(modes[i].counts, 0, BLOCKS, 1);
        assert_int_equal(disk.requests, BLOCKS / 8);
        assert_int_equal(disk.most_queued, 1);
        assert_int_equal(disk.ascending, modes[i].ascending);
    }
}

static void test_mix(void **state)
{
    (void)state;
    assert_int_equal(fio("--rw=randrw --bs=512 --rwmixread=75 --iodepth=4"), 0);
    unsigned reads = 0;
    for (unsigned i = 0; i < BLOCKS; i++) {
        assert_int_equal(disk.reads[i] + disk.writes[i], 1);
        reads += disk.reads[i];
    }
    assert_in_range(reads, BLOCKS * 72 / 100, BLOCKS * 78 / 100);
    assert_int_equal(reported("issued rwts: total="), reads);
}

static void test_region(void **state)
{
    (void)state;
    assert_int_equal(fio("--rw=randread --bs=1k --offset=1m --size=512k"), 0);
    expect_counts(disk.reads, 2048, 3072, 1);
    setup(state);
    assert_int_equal(fio("--rw=read --bs=1k --offset=50% --size=25%"), 0);
    expect_counts(disk.reads, 4096, 6144, 1);
    setup(state); /* 419430.4 bytes: the next block is the 103rd */
    assert_int_equal(fio("--rw=randread --bs=4k --offset=10% --size=64k"), 0);
    expect_counts(disk.reads, 824, 952, 1);
    setup(state); /* of the second job 419430 as well; of the third 838860 */
    assert_int_equal(fio("--rw=read --bs=4k --offset_increment=10% --numjobs=3 --size=4k"), 0);
    for (unsigned i = 0; i < BLOCKS; i++)
        assert_int_equal(disk.reads[i], i < 8 || i / 8 == 103 || i / 8 == 205);
    setup(state); /* twice over */
    assert_int_equal(fio("--rw=read --bs=1k --size=64k --io_size=128k"), 0);
    expect_counts(disk.reads, 0, 128, 2);
    setup(state);
    assert_int_equal(fio("--rw=randread --bs=1k --size=64k --io_size=192k"), 0);
    expect_counts(disk.reads, 0, 128, 3);
    setup(state);
    assert_int_equal(fio("--rw=read --bs=4k --number_ios=10"), 0);
    expect_counts(disk.reads, 0, 80, 1);
}

/* A last block that is begun is done, but not if it would be a pass of its own; the figures are
 * those of fio 3.33. */
static void test_whole_blocks(void **state)
{
    static const struct {
        const char *arguments;
        unsigned blocks;
    } cases[] = {{"--rw=read --bs=4k --size=64k --io_size=100", 1},
                 {"--rw=read --bs=4k --size=64k --io_size=5000", 2},
                 {"--rw=randread --bs=4k --size=64k --io_size=5000", 2},
                 {"--rw=randread --bs=4k --size=64k --io_size=5000 --thinktime=1", 2},
                 {"--rw=read --bs=1536 --size=10000", 7},
                 {"--rw=read --bs=1536 --size=10000 --thinktime=1", 7},
                 {"--rw=read --bs=4k --size=10000 --io_size=26000", 6},
                 {"--rw=read --bs=4k --size=10000 --io_size=30000", 8},
                 {"--rw=read --bs=4k --size=10000 --io_size=65700", 17},
                 {"--rw=read --bs=4k --size=64k --loops=3", 48},
                 {"--rw=randread --blocksize=4k --size=64k --loops=3 --thinktime=1", 48},
                 {"--rw=read --bs=4k --size=64k --io_size=10000 --loops=3", 8},
                 {"--rw=randread --bs=4k --size=10000", 2},
                 {"--rw=randread --bs=4k --size=10000 --norandommap", 3},
                 {"--rw=randread --bs=4k --size=10000 --io_size=26000", 6},
                 {"--rw=randread --bs=4k --size=10000 --io_size=30000", 8},
                 {"--rw=randread --bs=4k --size=10000 --io_size=65700", 16},
                 {"--rw=randread --bs=4k --size=64k --io_size=65700 --norandommap", 17}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        setup(state);
        assert_int_equal(fio(cases[i].arguments), 0);
        assert_int_equal(disk.requests, cases[i].blocks);
    }
    setup(state); /* a disk has an end */
    assert_int_equal(fio("--rw=read --bs=3k --offset=4090k --size=5k"), 0);
    expect_counts(disk.reads, 8180, 8192, 1);
    setup(state);
    assert_int_equal(fio("--rw=read --bs=3k --offset=4091k --size=5k"), 0);
    expect_counts(disk.reads, 8182, 8188, 1);
}

static void test_runs_repeat(void **state)
{
    static unsigned first[BLOCKS];
    (void)state;
    assert_int_equal(fio("--rw=randread --bs=512 --number_ios=1000"), 0);
    memcpy(first, disk.reads, sizeof first);
    setup(state);
    assert_int_equal(fio("--rw=randread --bs=512 --number_ios=1000"), 0);
    assert_memory_equal(first, disk.reads, sizeof first);
    setup(state);
    assert_int_equal(fio("--rw=randread --bs=512 --number_ios=1000 --randseed=7"), 0);
    assert_memory_not_equal(first, disk.reads, sizeof first);
}

static void test_blocks_of_several_sizes(void **state)
{
    (void)state;
    assert_int_equal(fio("--rw=read --bsrange=1k-8k"), 0);
    expect_counts(disk.reads, 0, BLOCKS, 1);
    assert_in_range(disk.requests, BLOCKS / 16, BLOCKS / 2);
    setup(state);
    assert_int_equal(fio("--rw=randread --bssplit=512/50:32k/50 --number_ios=400 --io_size=1g"), 0);
    unsigned blocks = 0;
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks += disk.reads[i];
    assert_in_range(blocks, 160 * 65, 240 * 65);
    setup(state); /* the second has four fifths */
    assert_int_equal(fio("--rw=randread --bssplit=512/20:32k/30 --number_ios=400 --io_size=1g"), 0);
    blocks = 0;
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks += disk.reads[i];
    assert_in_range(blocks, 300 * 64, 340 * 64);
}

static void test_blocks_larger_than_a_request(void **state)
{
    (void)state;
    assert_int_equal(fio("--rw=read --bs=1m --iodepth=2"), 0);
    expect_counts(disk.reads, 0, BLOCKS, 1);
    assert_int_equal(disk.largest, 256);
    assert_int_equal(reported("issued rwts: total="), 4);
}

static void test_zipf_prefers_some(void **state)
{
    (void)state;
    assert_int_equal(fio("--rw=randread --bs=512 --random_distribution=zipf:1.2 --number_ios=5000"),
                     0);
    unsigned most = 0;
    for (unsigned i = 0; i < BLOCKS; i++)
        most = MAX(most, disk.reads[i]);
    assert_in_range(most, 900, 1300); /* 1 / zeta(1.2) of them, about 1080 */
}

static void test_several_files(void **state)
{
    (void)state;
    make_file("/x", "", 0);
    assert_int_equal(
        run("fio --name=a --filename=/x:/y --rw=write --size=64k --buffer_pattern=0x41"), 0);
    char *wanted = malloc(32768);
    memset(wanted, 'A', 32768);
    expect_file("/x", wanted, 32768);
    expect_file("/y", wanted, 32768);
    free(wanted);
    assert_int_equal(run("fio --name=a --filename=/dev/disk:/x --size=64k"), 1);
    assert_non_null(strstr(run_error, "block devices and files in one job"));
    fs_remove("/x");
    fs_remove("/y");
}

/* ---- How it goes -------------------------------------------------------------------------------
 */

static void test_depth(void **state)
{
    (void)state;
    assert_int_equal(fio("--rw=randread --bs=4k --iodepth=32 --hipri"), 0);
    assert_int_equal(disk.most_queued, 32);
    assert_true(disk.polled);
    expect_counts(disk.reads, 0, BLOCKS, 1);
    setup(state);
    assert_int_equal(fio("--rw=randread --bs=4k --iodepth=32 --iodepth_batch=4"), 0);
    assert_in_range(disk.most_queued, 4, 8);
    setup(state);
    disk.capacity = 5;
    assert_int_equal(fio("--rw=randread --bs=4k --iodepth=32"), 0);
    assert_int_equal(disk.most_queued, 5);
    expect_counts(disk.reads, 0, BLOCKS, 1);
    setup(state);
    assert_int_equal(fio("--rw=randread --bs=4k --iodepth=16 --iodepth_batch_complete_min=16"), 0);
    expect_counts(disk.reads, 0, BLOCKS, 1);
    assert_non_null(strstr(run_out, "16=100.0%"));
}

static void test_jobs(void **state)
{
    (void)state;
    host_cpus = 2;
    assert_int_equal(fio("--rw=randread --bs=4k --iodepth=4 --numjobs=3 --group_reporting"), 0);
    expect_counts(disk.reads, 0, BLOCKS, 3);
    assert_non_null(strstr(run_out, "a: (groupid=0, jobs=3): err= 0"));
    assert_int_equal(reported("issued rwts: total="), 3 * BLOCKS / 8);
    setup(state);
    assert_int_equal(fio("--rw=read --size=1m --numjobs=4 --offset_increment=1m"), 0);
    expect_counts(disk.reads, 0, BLOCKS, 1);
    assert_non_null(strstr(run_out, "pid=4"));
    setup(state);
    assert_int_equal(fio("--rw=read --size=64k --name=b --filename=/dev/disk --rw=write --size=64k "
                         "--stonewall"),
                     0);
    expect_counts(disk.writes, 0, 128, 1);
    assert_non_null(strstr(run_out, "b: (groupid=1, jobs=1): err= 0"));
    assert_non_null(strstr(run_out, "Run status group 1 (all jobs):\n  WRITE: bw="));
}

static void test_flushes(void **state)
{
    (void)state;
    assert_int_equal(fio("--rw=randwrite --bs=4k --size=400k --fsync=10 --iodepth=4"), 0);
    assert_int_equal(disk.flushes, 10);
    expect_counts(disk.writes, 0, 800, 1);
    assert_non_null(strstr(run_out, "fsync/fdatasync/sync_file_range:"));
    setup(state);
    assert_int_equal(fio("--rw=write --bs=4k --size=400k --fdatasync=20"), 0);
    assert_int_equal(disk.flushes, 5);
    setup(state);
    assert_int_equal(fio("--rw=write --bs=4k --size=400k --end_fsync=1 --verify=md5"), 0);
    assert_int_equal(disk.flushes, 1);
    assert_null(strstr(run_out, "fsync/fdatasync"));
    assert_int_equal(run("fio --name=a --filename=/x --rw=write --size=64k --end_fsync=1"), 0);
    assert_non_null(strstr(run_out, "total=0,16,0,0"));
    fs_remove("/x");
}

static void test_time(void **state)
{
    (void)state;
    uint64_t start = clock_ns();
    assert_int_equal(fio("--rw=read --bs=4k --rate_iops=100 --number_ios=50"), 0);
    assert_in_range((clock_ns() - start) / NS_PER_MS, 480, 1000);
    start = clock_ns();
    assert_int_equal(fio("--rw=read --bs=4k --thinktime=10ms --number_ios=50"), 0);
    assert_in_range((clock_ns() - start) / NS_PER_MS, 480, 1000);
    setup(state);
    start = clock_ns();
    assert_int_equal(fio("--rw=randread --bs=4k --size=64k --runtime=700ms --time_based "
                         "--ramp_time=300ms"),
                     0);
    assert_in_range((clock_ns() - start) / NS_PER_MS, 1000, 3000);
    assert_true(disk.reads[0] > 1);
    assert_true(reported("issued rwts: total=") < disk.requests);
    assert_non_null(strstr(run_out, "samples=1\n"));
    setup(state); /* each at its own rate */
    assert_int_equal(fio("--rw=randrw --bs=4k --rate_iops=200,50 --runtime=500ms"), 0);
    assert_in_range(reported("issued rwts: total="), 95, 101);
    unsigned writes = 0;
    for (unsigned i = 0; i < BLOCKS; i += 8)
        writes += disk.writes[i];
    assert_in_range(writes, 23, 26);
    setup(state); /* bytes */
    start = clock_ns();
    assert_int_equal(fio("--rw=read --bs=4k --rate=400k --number_ios=50"), 0);
    assert_in_range((clock_ns() - start) / NS_PER_MS, 480, 1000);
    setup(state);
    assert_int_equal(fio("--rw=randrw --bs=4k,16k --rate=800k --runtime=500ms"), 0);
    assert_in_range(reported("issued rwts: total="), 95, 101);
    writes = 0;
    for (unsigned i = 0; i < BLOCKS; i++)
        writes += disk.writes[i];
    assert_in_range(writes, 23 * 32, 26 * 32);
    setup(state);
    start = clock_ns();
    assert_int_equal(fio("--rw=read --bs=4k --rate_iops=10 --runtime=500ms"), 0);
    assert_in_range((clock_ns() - start) / NS_PER_MS, 490, 1000);
    assert_in_range(reported("issued rwts: total="), 5, 6);
}

static void test_time_based_without_a_time(void **state)
{
    (void)state;
    assert_int_equal(fio("--rw=read --size=64k --time_based"), 0);
    assert_string_equal(run_error, "fio: time_based requires a runtime/timeout setting\n");
    expect_counts(disk.reads, 0, 128, 1);
}

static void test_reports_between(void **state)
{
    unsigned lines = 0;
    (void)state;
    assert_int_equal(fio("--rw=read --time_based --rate_iops=100 --runtime=1s "
                         "--status-interval=300ms"),
                     0);
    for (const char *at = run_out; (at = strstr(at, "   READ: bw=")); lines++) {
        const char *end = strstr(at, "msec\n");
        assert_non_null(end);
        at = strstr(at, ", run=");
        unsigned long shortest = strtoul(at + 6, NULL, 10);
        unsigned wanted = lines < 3 ? 300 * (lines + 1) : 1000;
        assert_in_range(shortest, wanted - 10, wanted + 90);
    }
    assert_int_equal(lines, 4);
}

static void test_ctrl_c(void **state)
{
    (void)state;
    host_interrupt_after = 3;
    assert_int_equal(fio("--rw=read --time_based --runtime=1000"), 128);
    host_interrupt_after = -1;
    assert_false(console_interrupted());
    assert_non_null(strstr(run_error, "fio: terminating on signal 2\n"));
    assert_non_null(strstr(run_out, "  read: IOPS="));
}

/* ---- What goes wrong ---------------------------------------------------------------------------
 */

static void test_io_error(void **state)
{
    static const char message[] = "fio: io_u error on file /dev/disk: Input/output error: "
                                  "read offset=8192, buflen=4096\n";
    (void)state;
    disk.fail = 3;
    assert_int_equal(fio("--rw=read --bs=4k"), 1);
    assert_string_equal(run_error, message);
    assert_non_null(strstr(run_out, "err= 5 (error=Input/output error): pid=1"));
    assert_int_equal(disk.requests, 3);
    setup(state);
    disk.fail = 3;
    assert_int_equal(fio("--rw=read --bs=4k --iodepth=8 --thinktime=1 --output-format=terse"), 1);
    assert_string_equal(run_error, message);
    assert_memory_equal(run_out, "3;fio-3.33;a;0;5;", 17);
}

static void test_what_cannot_run(void **state)
{
    (void)state;
    disk.device.read_only = true;
    assert_int_equal(fio("--rw=write"), 1);
    assert_non_null(strstr(run_error, "fio: open(/dev/disk) failed: Read-only file system\n"));
    assert_int_equal(fio("--rw=read --size=4k"), 0);
    disk.device.discard_blocks = 0;
    disk.device.read_only = false;
    assert_int_equal(fio("--rw=trim"), 1);
    assert_non_null(strstr(run_error, "Operation not supported"));
    assert_int_equal(fio("--rw=read --bs=1000"), 1);
    assert_non_null(strstr(run_error, "Invalid argument: read offset=0, buflen=1000"));
    assert_int_equal(fio("--rw=read --bs=8m"), 1);
    assert_non_null(strstr(run_error, "fio: blocksize too large for data set\n"));
    assert_int_equal(fio("--rw=read --offset=4m"), 1);
    assert_int_equal(fio("--rw=write --verify=sha256 --bs=64"), 1);
    assert_non_null(strstr(run_error, "no room for a verify header"));
    assert_int_equal(fio("--rw=write --verify=pattern"), 1);
    assert_int_equal(run("fio --name=a --filename=nothing --rw=read"), 1);
    assert_non_null(strstr(run_error, "fio: open(nothing) failed: No such file or directory\n"));
    assert_int_equal(run("fio --name=a --filename=/dev/null --rw=read --size=4k"), 1);
    assert_int_equal(run("fio --name=a --filename=/dev --rw=read --size=4k"), 1);
}

static void test_refused_jobs_are_not_reported(void **state)
{
    (void)state;
    assert_int_equal(fio("--rw=read --bs=8m"), 1);
    assert_string_equal(run_out, "");
    assert_int_equal(fio("--rw=read --bs=8m --output-format=json"), 1);
    assert_string_equal(run_out, "");
    assert_int_equal(fio("--size=64k --numjobs=2 --name=b --filename=nothing --name=c "
                         "--filename=/dev/disk --size=4k"),
                     1);
    assert_non_null(strstr(run_error, "fio: open(nothing) failed: No such file or directory\n"));
    assert_non_null(strstr(run_out, "iodepth=1\n...\nc: (g=0)"));
    assert_non_null(strstr(run_out, "c: (groupid=0, jobs=1): err= 0: pid=4"));
    assert_null(strstr(run_out, "b: ("));
}

static void test_read_only(void **state)
{
    (void)state;
    assert_int_equal(fio("--readonly --rw=randrw"), 1);
    assert_string_equal(run_error, "fio: job <a> has write or trim bit set, but fio is in "
                                   "read-only mode\n");
    assert_int_equal(disk.requests, 0);
    assert_int_equal(fio("--readonly --rw=randread"), 0);
}

static void test_output(void **state)
{
    (void)state;
    make_file("/report", "", 0);
    assert_int_equal(fio("--minimal --output=/report --size=64k"), 0);
    assert_string_equal(run_out, "");
    assert_int_equal(run("cat /report"), 0);
    assert_memory_equal(run_out, "3;fio-3.33;a;0;0;", 17);
    fs_remove("/report");
    assert_int_equal(fio("--output=/dev/report --size=64k"), 1);
    assert_memory_equal(run_error, "fio: /dev/report: ", 18);
}

static bool is_there(const char *path)
{
    struct file *file;
    bool there = file_open(path, O_READ, &file) == OK;
    if (there)
        file_close(file);
    return there;
}

static void test_refused_jobs_lay_nothing_out(void **state)
{
    static const char *const jobs[] = {
        "--size=4k --bs=8k", "--size=64k --rw=write --verify=md5 --bs=16",
        "--size=64k --verify=pattern", "--filename=/x:/dev/disk --size=64k",
        "--filename=/x:/nowhere/y --size=64k"};
    (void)state;
    char line[200];
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
        snprintf(line, sizeof line, "fio --name=a --filename=/x %s", jobs[i]);
        assert_int_equal(run(line), 1);
        assert_false(is_there("/x"));
    }
    make_file("/x", "abc", 3);
    assert_int_equal(run("fio --name=a --filename=/x:/nowhere/y --size=64k"), 1);
    expect_file("/x", "abc", 3);
    fs_remove("/x");
}

/* Whichever allocation fails: a message, and nothing is left behind. */
static void test_no_memory(void **state)
{
    static char *argv[] = {"fio",           "--name=a",     "--filename=/dev/disk",
                           "--rw=randread", "--iodepth=8",  "--random_distribution=zipf:1.2",
                           "--bs=1m",       "--verify=md5", NULL};
    long most = 0;
    for (; disk.requests == 0 && most < 200; most++) {
        struct file *nothing = run_file("", 0);
        struct invocation self = {.command = command_find("fio"), .argc = 8, .argv = argv};
        assert_int_equal(file_open("/dev/null", O_WRITE, &self.out), OK);
        self.error = nothing;
        long live = host_allocations_live;
        host_allocations_left = most;
        int status = self.command->run(&self);
        host_allocations_left = -1;
        assert_int_equal(status, 1); /* in the end since there is nothing to verify */
        assert_true(host_allocations_live <= live + 2); /* of the file of messages */
        file_close(nothing);
        file_close(self.out);
    }
    assert_in_range(most, 20, 100);
    setup(state);
}

static void test_a_report_needs_no_memory(void **state)
{
    static char *argv[] = {"fio", "--name=a", "--filename=/dev/disk", "--numjobs=2", NULL};
    (void)state;
    struct invocation self = {.command = command_find("fio"), .argc = 4, .argv = argv};
    assert_int_equal(file_open("/dev/null", O_WRITE, &self.out), OK);
    self.error = self.out;
    disk.last_memory = true;
    int status = self.command->run(&self);
    host_allocations_left = -1;
    assert_int_equal(status, 0);
    expect_counts(disk.reads, 0, BLOCKS, 2);
    file_close(self.out);
}

/* ---- Verification ------------------------------------------------------------------------------
 */

static const char *const methods[] = {"crc32c", "md5", "sha256",
                                      "pattern --verify_pattern=0xdeadbeef\"fio\""};

/* Writes with --verify=`method`, reads back as part of it or later, in any order of blocks. */
static int verify(const char *method, const char *rest)
{
    char arguments[300];
    snprintf(arguments, sizeof arguments, "--verify=%s %s", method, rest);
    return fio(arguments);
}

static void test_what_is_written_is_found(void **state)
{
    static const char *const jobs[] = {"--rw=write --bs=4k",
                                       "--rw=randwrite --bs=4k --iodepth=16",
                                       "--rw=randrw --bs=4k --iodepth=8",
                                       "--rw=randwrite --bsrange=4k-32k",
                                       "--rw=write --bssplit=4k/50:12k/50 --iodepth=4",
                                       "--rw=randwrite --bs=1m --iodepth=2",
                                       "--rw=write --bs=4k --size=64k --io_size=1m",
                                       "--rw=randwrite --bs=4k --norandommap",
                                       "--rw=randwrite --bs=512 --size=256k",
                                       "--rw=randwrite --bs=4k --random_distribution=zipf:1.1",
                                       "--rw=randwrite --bs=4k --zero_buffers",
                                       "--rw=rw --bs=4k --numjobs=2 --size=1m "
                                       "--offset_increment=1m"};
    for (size_t m = 0; m < ARRAY_SIZE(methods); m++)
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
            setup(state);
            assert_int_equal(verify(methods[m], jobs[i]), 0);
            assert_string_equal(run_error, "");
        }
}

static void test_rates_are_no_matter_to_verify(void **state)
{
    (void)state;
    assert_int_equal(fio("--rw=randrw --bs=4k --rate_iops=3000,7000 --verify=md5 --io_size=1m"), 0);
    unsigned writes = 0;
    for (unsigned i = 0; i < BLOCKS; i++)
        writes += disk.writes[i];
    assert_in_range(writes, 2048 * 69 / 100, 2048 * 71 / 100);
    disk.lose = 20;
    assert_int_equal(fio("--rw=randrw --bs=4k --rate_iops=3000,7000 --verify=md5 --io_size=1m "
                         "--randseed=3"),
                     1);
}

static void test_reading_verifies_too(void **state)
{
    for (size_t m = 0; m < ARRAY_SIZE(methods); m++) {
        setup(state);
        assert_int_equal(verify(methods[m], "--rw=randwrite --bs=4k --do_verify=0"), 0);
        expect_counts(disk.reads, 0, 0, 0);
        assert_int_equal(verify(methods[m], "--rw=read --bs=4k"), 0);
        assert_int_equal(verify(methods[m], "--rw=randread --bs=4k --iodepth=8"), 0);
        disk.data[3 * 4096 + 1000] ^= 4;
        assert_int_equal(verify(methods[m], "--rw=read --bs=4k"), 1);
        assert_non_null(strstr(run_error, "verify failed at file /dev/disk offset 12288, length "
                                          "4096 (requested block: offset=12288, length=4096)\n"));
        assert_non_null(strstr(run_out, "err=84 (error=Invalid or incomplete multibyte"));
        assert_int_equal(reported("issued rwts: total="), 1024); /* not fatal: all were read */
        assert_int_equal(verify(methods[m], "--rw=read --bs=4k --verify_fatal=1"), 1);
        assert_int_equal(reported("issued rwts: total="), 4);
    }
}

static void corrupt_and_expect(size_t at, uint8_t change, const char *message)
{
    disk.data[at] ^= change;
    assert_int_equal(fio("--rw=read --bs=4k --size=64k --verify=crc32c"), 1);
    assert_non_null(strstr(run_error, message));
    disk.data[at] ^= change;
}

static void test_damage_is_named(void **state)
{
    (void)state;
    assert_int_equal(fio("--rw=write --bs=4k --size=64k --verify=crc32c"), 0);
    corrupt_and_expect(8192, 0xf2,
                       "verify: bad magic header ac38, wanted acca at file /dev/disk "
                       "offset 8192, length 4096");
    corrupt_and_expect(8192 + 4, 1, "verify: bad header crc ");
    corrupt_and_expect(8192 + 40, 1, "       Expected CRC: ");
    corrupt_and_expect(8192 + 4095, 1, "       Received CRC: ");
    assert_int_equal(fio("--rw=read --bs=8k --size=64k --verify=crc32c"), 1);
    assert_non_null(strstr(run_error, "verify: bad header length 4096, wanted 8192"));
    assert_int_equal(fio("--rw=read --bs=4k --size=64k --verify=md5"), 1);
    assert_non_null(strstr(run_error, "fio: verify type mismatch (5 media, 2 given)"));
    assert_non_null(strstr(run_error, "fio: pid=1: 8 more failures\n"));

    memcpy(disk.data + 8192, disk.data + 12288, 4096); /* misplaced */
    assert_int_equal(fio("--rw=read --bs=4k --size=64k --verify=crc32c"), 1);
    assert_non_null(strstr(run_error, "verify: bad header offset 12288, wanted 8192"));
}

static void test_lost_and_torn_writes_are_seen(void **state)
{
    (void)state;
    disk.lose = 5;
    assert_int_equal(fio("--rw=write --bs=4k --size=64k --verify=crc32c"), 1);
    assert_non_null(strstr(run_error, "verify: bad magic header 0, wanted acca at file /dev/disk "
                                      "offset 16384"));
    setup(state);
    assert_int_equal(fio("--rw=write --bs=4k --size=64k --verify=crc32c"), 0);
    disk.lose = 5; /* what is there now is from the run before */
    assert_int_equal(fio("--rw=write --bs=4k --size=64k --verify=crc32c"), 1);
    assert_non_null(strstr(run_error, "verify: bad header rand_seed "));
    assert_int_equal(fio("--rw=write --bs=4k --size=64k --verify=crc32c"), 0);
    disk.tear = 5;
    assert_int_equal(fio("--rw=write --bs=4k --size=64k --verify=crc32c"), 1);
    assert_non_null(strstr(run_error, "crc32c: verify failed at file /dev/disk offset 16384"));
}

static void test_pattern(void **state)
{
    (void)state;
    assert_int_equal(
        fio("--rw=write --bs=4k --size=64k --verify=pattern --verify_pattern=0xdeadbeef"), 0);
    assert_memory_equal(disk.data, "\xde\xad\xbe\xef\xde\xad\xbe\xef", 8);
    disk.data[8192 + 808] = 0x58;
    assert_int_equal(
        fio("--rw=read --bs=4k --size=64k --verify=pattern --verify_pattern=0xdeadbeef"), 1);
    assert_memory_equal(run_error,
                        "fio: got pattern '58', wanted 'de'. Bad bits 3\n"
                        "fio: bad pattern block offset 808\n"
                        "pattern: verify failed at file /dev/disk offset 8192, length 4096",
                        100);
    setup(state);
    assert_int_equal(fio("--rw=write --bs=4k --size=64k --buffer_pattern=\"abc\""), 0);
    assert_memory_equal(disk.data, "abcabcabca", 10);
    assert_int_equal(fio("--rw=write --bs=4k --size=64k --zero_buffers"), 0);
    assert_int_equal(disk.data[0] | disk.data[65535], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_mode_meets_each_block_once, setup),
        cmocka_unit_test_setup(test_mix, setup),
        cmocka_unit_test_setup(test_region, setup),
        cmocka_unit_test_setup(test_whole_blocks, setup),
        cmocka_unit_test_setup(test_runs_repeat, setup),
        cmocka_unit_test_setup(test_blocks_of_several_sizes, setup),
        cmocka_unit_test_setup(test_blocks_larger_than_a_request, setup),
        cmocka_unit_test_setup(test_zipf_prefers_some, setup),
        cmocka_unit_test_setup(test_several_files, setup),
        cmocka_unit_test_setup(test_depth, setup),
        cmocka_unit_test_setup(test_jobs, setup),
        cmocka_unit_test_setup(test_flushes, setup),
        cmocka_unit_test_setup(test_time, setup),
        cmocka_unit_test_setup(test_time_based_without_a_time, setup),
        cmocka_unit_test_setup(test_reports_between, setup),
        cmocka_unit_test_setup(test_ctrl_c, setup),
        cmocka_unit_test_setup(test_io_error, setup),
        cmocka_unit_test_setup(test_what_cannot_run, setup),
        cmocka_unit_test_setup(test_refused_jobs_are_not_reported, setup),
        cmocka_unit_test_setup(test_refused_jobs_lay_nothing_out, setup),
        cmocka_unit_test_setup(test_read_only, setup),
        cmocka_unit_test_setup(test_output, setup),
        cmocka_unit_test_setup(test_no_memory, setup),
        cmocka_unit_test_setup(test_a_report_needs_no_memory, setup),
        cmocka_unit_test_setup(test_what_is_written_is_found, setup),
        cmocka_unit_test_setup(test_rates_are_no_matter_to_verify, setup),
        cmocka_unit_test_setup(test_reading_verifies_too, setup),
        cmocka_unit_test_setup(test_damage_is_named, setup),
        cmocka_unit_test_setup(test_lost_and_torn_writes_are_seen, setup),
        cmocka_unit_test_setup(test_pattern, setup),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
