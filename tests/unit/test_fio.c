/*
 * fio at work: where I/O goes, and how: depth, jobs, time.
 */
#include "tests/unit/fio_disk.h"

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

/* Jobs of one processor take turns, whatever of theirs is still in flight, and miss nothing. */
static void test_slow_disk(void **state)
{
    for (unsigned lazy = 0; lazy < 5; lazy++) {
        setup(state);
        disk.lazy = lazy;
        assert_int_equal(fio("--rw=randread --bs=4k --numjobs=3 --group_reporting"), 0);
        expect_counts(disk.reads, 0, BLOCKS, 3);
        assert_in_range(disk.most_queued, 1, 3);
        assert_int_equal(reported("issued rwts: total="), 3 * BLOCKS / 8);
        assert_non_null(strstr(run_out, "depths    : 1=100.0%"));
        assert_non_null(strstr(run_out, "submit    : 0=0.0%, 4=100.0%"));
        assert_non_null(strstr(run_out, "complete  : 0=0.0%, 4=100.0%"));
        setup(state);
        disk.lazy = lazy;
        assert_int_equal(fio("--rw=randread --bs=4k --size=3000k --loops=3"), 0);
        expect_counts(disk.reads, 0, 6000, 3);
        assert_int_equal(reported("issued rwts: total="), 3 * 750);
        setup(state);
        disk.lazy = lazy;
        assert_int_equal(fio("--rw=randread --bs=4k --iodepth=9 --numjobs=3 --group_reporting"), 0);
        expect_counts(disk.reads, 0, BLOCKS, 3);
        assert_int_equal(reported("issued rwts: total="), 3 * BLOCKS / 8);
    }
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
        cmocka_unit_test_setup(test_slow_disk, setup),
        cmocka_unit_test_setup(test_flushes, setup),
        cmocka_unit_test_setup(test_time, setup),
        cmocka_unit_test_setup(test_time_based_without_a_time, setup),
        cmocka_unit_test_setup(test_reports_between, setup),
        cmocka_unit_test_setup(test_ctrl_c, setup),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
