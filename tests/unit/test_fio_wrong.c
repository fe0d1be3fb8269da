/*
 * What goes wrong with fio: I/O that fails, jobs that cannot run, memory that is
 * not there.
 */
#include "tests/unit/fio_disk.h"

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

/* Nothing is issued any more, and what was is waited for. */
static void test_random_io_error(void **state)
{
    static const char *const depths[] = {"1", "7", "7 --numjobs=2"};
    char arguments[100];
    for (size_t i = 0; i < ARRAY_SIZE(depths); i++) {
        setup(state);
        disk.fail = 3;
        disk.lazy = (unsigned)i;
        snprintf(arguments, sizeof arguments, "--rw=randread --bs=4k --iodepth=%s", depths[i]);
        assert_int_equal(fio(arguments), 1);
        assert_non_null(strstr(run_error, "Input/output error: read offset="));
        assert_non_null(strstr(run_out, "err= 5 (error=Input/output error): pid="));
        assert_int_equal(disk.queued, 0);
        if (i == 0)
            assert_int_equal(disk.requests, 3);
        if (i < 2)
            assert_int_equal(reported("issued rwts: total="), disk.requests - 1);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_io_error, setup),
        cmocka_unit_test_setup(test_random_io_error, setup),
        cmocka_unit_test_setup(test_what_cannot_run, setup),
        cmocka_unit_test_setup(test_refused_jobs_are_not_reported, setup),
        cmocka_unit_test_setup(test_refused_jobs_lay_nothing_out, setup),
        cmocka_unit_test_setup(test_read_only, setup),
        cmocka_unit_test_setup(test_output, setup),
        cmocka_unit_test_setup(test_no_memory, setup),
        cmocka_unit_test_setup(test_a_report_needs_no_memory, setup),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
