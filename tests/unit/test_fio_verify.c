/*
 * fio verifies: what was written is found, and what is wrong with a disk is seen.
 */
#include "tests/unit/fio_disk.h"

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
                                       ("--rw=rw --bs=4k --numjobs=2 --size=1m "
                                        "--offset_increment=1m")};
    for (size_t m = 0; m < ARRAY_SIZE(methods); m++)
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
            setup(state);
            assert_int_equal(verify(methods[m], jobs[i]), 0);
            assert_string_equal(run_error, "");
        }
}

/* Each pass is written and read back before the next. */
static void test_every_loop_is_verified(void **state)
{
    (void)state;
    assert_int_equal(
        fio("--rw=randwrite --bs=4k --verify=crc32c --loops=3 --size=1m --end_fsync=1"), 0);
    assert_non_null(strstr(run_out, "issued rwts: total=768,768,0,"));
    assert_int_equal(disk.flushes, 3);
    assert_int_equal(
        fio("--rw=randwrite --bs=4k --verify=md5 --loops=3 --number_ios=10 --iodepth=4"), 0);
    assert_non_null(strstr(run_out, "issued rwts: total=30,30,0,"));
    assert_int_equal(fio("--rw=randwrite --bsrange=4k-32k --verify=md5 --loops=2 --size=1m"), 0);
    assert_int_equal(fio("--rw=write --bs=4k --verify=md5 --loops=3 --size=1m --do_verify=0"), 0);
    assert_non_null(strstr(run_out, "issued rwts: total=0,768,0,"));
    assert_int_equal(fio("--rw=write --bs=4k --verify=md5 --loops=1000000 --runtime=10ms"), 0);
}

static void test_buffers_are_refilled(void **state)
{
    (void)state;
    assert_int_equal(fio("--rw=write --bs=4k --size=64k"), 0);
    assert_memory_equal(disk.data, disk.data + 4096, 4096);
    assert_int_equal(fio("--rw=write --bs=4k --size=64k --refill_buffers"), 0);
    for (unsigned i = 1; i < 16; i++)
        assert_memory_not_equal(disk.data + 4096 * (i - 1), disk.data + 4096 * i, 4096);
    assert_int_equal(fio("--rw=write --bs=4k --size=64k --refill_buffers --zero_buffers"), 0);
    assert_true(disk.data[0] == 0 && !memcmp(disk.data, disk.data + 1, 65535));
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
        cmocka_unit_test_setup(test_what_is_written_is_found, setup),
        cmocka_unit_test_setup(test_every_loop_is_verified, setup),
        cmocka_unit_test_setup(test_buffers_are_refilled, setup),
        cmocka_unit_test_setup(test_rates_are_no_matter_to_verify, setup),
        cmocka_unit_test_setup(test_reading_verifies_too, setup),
        cmocka_unit_test_setup(test_damage_is_named, setup),
        cmocka_unit_test_setup(test_lost_and_torn_writes_are_seen, setup),
        cmocka_unit_test_setup(test_pattern, setup),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
