/*
 * What fio is asked: units, lists, patterns, command lines and job files, and
 * the messages for what is wrong with them.
 */
#include "tests/unit/run_command.h"

#include "kernel/shell/commands/fio/options.h"
#include "kernel/shell/shell.h"
#include "kernel/x86/clock.h"

#define INVALID UINT64_MAX

static struct fio_request request;

static int setup(void **state)
{
    (void)state;
    return fs_start();
}

static void test_bytes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {{"0", 0},
                 {"4096", 4096},
                 {"4k", 4096},
                 {"4K", 4096},
                 {"4kb", 4096},
                 {"4kB", 4096},
                 {"4ki", 4096},
                 {"4KiB", 4000},
                 {"4b", 4},
                 {"0x1000", 4096},
                 {"1m", 1u << 20},
                 {"1MiB", 1000000},
                 {"2g", 2ull << 30},
                 {"1T", 1ull << 40},
                 {"1p", 1ull << 50},
                 {"", INVALID},
                 {"k", INVALID},
                 {"4x", INVALID},
                 {"4kk", INVALID},
                 {"-1", INVALID},
                 {"4 k", INVALID},
                 {"9000p", INVALID},
                 {"99999999999999999999", INVALID}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t bytes = 0;
        int status = fio_parse_bytes(cases[i].text, strlen(cases[i].text), &bytes);
        assert_int_equal(status, cases[i].bytes == INVALID ? ERR_INVALID : OK);
        if (status == OK)
            assert_int_equal(bytes, cases[i].bytes);
    }
}

static void test_times(void **state)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } cases[] = {{"3", 3 * NS_PER_SEC},
                 {"3s", 3 * NS_PER_SEC},
                 {"1500ms", 1500 * NS_PER_MS},
                 {"20us", 20000},
                 {"20usec", 20000},
                 {"2m", 120 * NS_PER_SEC},
                 {"1h", 3600 * NS_PER_SEC},
                 {"1D", 86400 * NS_PER_SEC},
                 {"abc", INVALID},
                 {"", INVALID},
                 {"3x", INVALID},
                 {"300000d", INVALID}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t ns = 0;
        int status = fio_parse_time(cases[i].text, NS_PER_SEC, &ns);
        assert_int_equal(status, cases[i].ns == INVALID ? ERR_INVALID : OK);
        if (status == OK)
            assert_int_equal(ns, cases[i].ns);
    }
}

static void test_amounts_and_decimals(void **state)
{
    struct fio_amount amount;
    uint64_t value;
    (void)state;
    assert_int_equal(fio_parse_amount("10%", &amount), OK);
    assert_int_equal(amount.percent, 10);
    assert_int_equal(amount.bytes, 0);
    assert_int_equal(fio_parse_amount("1m", &amount), OK);
    assert_int_equal(amount.percent, 0);
    assert_int_equal(amount.bytes, 1 << 20);
    assert_int_equal(fio_parse_amount("101%", &amount), ERR_INVALID);
    assert_int_equal(fio_parse_amount("%", &amount), ERR_INVALID);
    assert_int_equal(fio_parse_decimal("99.95", 5, &value), OK);
    assert_int_equal(value, 99950000);
    assert_int_equal(fio_parse_decimal("7", 1, &value), OK);
    assert_int_equal(value, 7000000);
    assert_int_equal(fio_parse_decimal("1.x", 3, &value), ERR_INVALID);
    assert_int_equal(fio_parse_decimal(".5", 2, &value), ERR_INVALID);
}

static void test_patterns(void **state)
{
    struct fio_pattern pattern;
    (void)state;
    assert_int_equal(fio_parse_pattern("0xdeadbeef", &pattern), OK);
    assert_int_equal(pattern.length, 4);
    assert_memory_equal(pattern.bytes, "\xde\xad\xbe\xef", 4);
    assert_int_equal(fio_parse_pattern("0xabc", &pattern), OK);
    assert_int_equal(pattern.length, 2);
    assert_memory_equal(pattern.bytes, "\x0a\xbc", 2);
    assert_int_equal(fio_parse_pattern("\"abc\"0x0d258", &pattern), OK);
    assert_memory_equal(pattern.bytes, "abc\x00\xd2\x58", 6);
    assert_int_equal(fio_parse_pattern("513", &pattern), OK);
    assert_memory_equal(pattern.bytes, "\x01\x02", 2);
    assert_int_equal(fio_parse_pattern("", &pattern), ERR_INVALID);
    assert_int_equal(fio_parse_pattern("\"open", &pattern), ERR_INVALID);
    assert_int_equal(fio_parse_pattern("0x", &pattern), ERR_INVALID);
    char much[2 * FIO_PATTERN_BYTES + 5] = "0x";
    memset(much + 2, '1', 2 * FIO_PATTERN_BYTES);
    assert_int_equal(fio_parse_pattern(much, &pattern), OK);
    strcat(much, "1");
    assert_int_equal(fio_parse_pattern(much, &pattern), ERR_INVALID);
}

static void test_lists(void **state)
{
    struct fio_job_options options;
    (void)state;
    fio_job_defaults(&options);
    assert_int_equal(fio_parse_sizes("8k", options.least), OK);
    assert_int_equal(options.least[FIO_TRIM], 8192);
    assert_int_equal(fio_parse_sizes("1k,,16k", options.least), OK);
    assert_int_equal(options.least[FIO_READ], 1024);
    assert_int_equal(options.least[FIO_WRITE], 8192);
    assert_int_equal(options.least[FIO_TRIM], 16384);
    assert_int_equal(fio_parse_sizes("1,2,3,4", options.least), ERR_INVALID);
    assert_int_equal(fio_parse_ranges("4k-16k,1k-2k", options.least, options.most), OK);
    assert_int_equal(options.most[FIO_READ], 16384);
    assert_int_equal(options.least[FIO_TRIM], 1024);
    assert_int_equal(fio_parse_ranges("4k", options.least, options.most), ERR_INVALID);

    assert_int_equal(fio_parse_splits(&options, "4k/10:64k/90"), OK);
    assert_int_equal(options.split[FIO_READ].count, 2);
    assert_int_equal(options.split[FIO_WRITE].of[1].percent, 90);
    assert_int_equal(options.most[FIO_READ], 65536);
    assert_int_equal(fio_parse_splits(&options, "4k/50:8k:16k,512/100"), OK);
    assert_int_equal(options.split[FIO_READ].of[2].percent, 25);
    assert_int_equal(options.most[FIO_WRITE], 512);
    assert_int_equal(fio_parse_splits(&options, "4k/50:8k/60"), ERR_INVALID);
    assert_int_equal(fio_parse_splits(&options, "4k/50"), OK);
    assert_int_equal(options.split[FIO_READ].count, 1);
    assert_int_equal(options.most[FIO_READ], 4096);

    assert_int_equal(fio_parse_percentiles(&options, "99:50:99.9"), OK);
    assert_int_equal(options.percentile_count, 3);
    assert_int_equal(options.percentiles[0], 50000000);
    assert_int_equal(options.percentiles[2], 99900000);
    assert_int_equal(fio_parse_percentiles(&options, "101"), ERR_INVALID);
    assert_int_equal(fio_parse_percentiles(&options, "50:"), ERR_INVALID);
}

/* ---- The command line --------------------------------------------------------------------------
 */

/* Reads it without running anything; the request is freed by the caller. */
static int read_line(char *text)
{
    static char *argv[32];
    static struct invocation self;
    struct file *error = run_file("", 0);
    int argc = 0;
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    self = (struct invocation){
        .command = command_find("fio"), .argc = argc, .argv = argv, .out = error, .error = error};
    request = (struct fio_request){.self = &self};
    int status = fio_request_read(&request);
    run_collect(error, run_error, sizeof run_error);
    file_close(error);
    return status;
}

static void test_globals_and_jobs(void **state)
{
    char line[] = "fio --bs=8k --runtime=3 --name=a --rw=randrw --rwmixread 70 --name=b -iodepth=8 "
                  "--time_based --bs=1m --output-format=json --eta=never --status-interval=2";
    (void)state;
    assert_int_equal(read_line(line), 0);
    assert_int_equal(request.job_count, 2);
    const struct fio_job_options *a = request.jobs[0], *b = request.jobs[1];
    assert_string_equal(a->name, "a");
    assert_int_equal(a->least[FIO_READ], 8192);
    assert_int_equal(a->runtime, 3 * NS_PER_SEC);
    assert_int_equal(a->directions, BIT(FIO_READ) | BIT(FIO_WRITE));
    assert_int_equal(a->read_percent, 70);
    assert_int_equal(a->depth, 1);
    assert_int_equal(a->time_based, 0);
    assert_string_equal(b->name, "b");
    assert_int_equal(b->least[FIO_WRITE], 1 << 20);
    assert_int_equal(b->directions, BIT(FIO_READ));
    assert_int_equal(b->depth, 8);
    assert_int_equal(b->time_based, 1);
    assert_int_equal(request.format, FIO_JSON);
    assert_int_equal(request.eta, FIO_ETA_NEVER);
    assert_int_equal(request.status_interval, 2 * NS_PER_SEC);
    fio_request_free(&request);
}

static void test_job_file(void **state)
{
    static const char text[] = "# a comment\n"
                               "[global]\n"
                               "  filename = /x:/y  \r\n"
                               "bs=16k\n"
                               "; another\n"
                               "[first job]\n"
                               "rw=randwrite\n"
                               "norandommap\n"
                               "\n"
                               "[global]\n"
                               "iodepth=4\n"
                               "[second]\n"
                               "stonewall\n"
                               "random_distribution=zipf:1.2";
    char line[] = "fio job.fio --size=25%";
    (void)state;
    make_file("job.fio", text, strlen(text));
    assert_int_equal(read_line(line), 0);
    assert_int_equal(request.job_count, 2);
    const struct fio_job_options *first = request.jobs[0], *second = request.jobs[1];
    assert_string_equal(first->name, "first job");
    assert_string_equal(first->filename, "/x:/y");
    assert_int_equal(first->size.percent, 25);
    assert_int_equal(first->least[FIO_WRITE], 16384);
    assert_int_equal(first->no_map, 1);
    assert_int_equal(first->depth, 1);
    assert_int_equal(second->depth, 4);
    assert_int_equal(second->stonewall, 1);
    assert_int_equal(second->zipf, 1200000);
    assert_int_equal(second->directions, BIT(FIO_READ));
    fio_request_free(&request);
}

static int run_script(const char *text)
{
    struct file *out = run_file("", 0), *error = run_file("", 0),
                *in = run_file(text, strlen(text));
    struct shell *shell = shell_new(in, out, error);
    int status = shell_run_text(shell, "test", text, strlen(text));
    run_collect(out, run_out, sizeof run_out);
    run_collect(error, run_error, sizeof run_error);
    shell_free(shell);
    file_close(in);
    file_close(out);
    file_close(error);
    return status;
}

static void test_job_file_words(void **state)
{
    static const char text[] =
        "[global]\nsize=64k ; four\nbs=4k# x\ndescription=of ${WHO}${NOBODY}\n"
        "[one]\nfilename=/${FILE}\n[two]\nfoo=1\n[three]\nfilename=/c";
    char line[] = "fio words.fio --section=one --section=three";
    (void)state;
    make_file("words.fio", text, strlen(text));
    assert_int_equal(read_line(line), 0);
    assert_int_equal(request.job_count, 2);
    assert_int_equal(request.jobs[0]->size.bytes, 65536);
    assert_int_equal(request.jobs[0]->least[FIO_READ], 4096);
    assert_string_equal(request.jobs[0]->description, "of "); /* nobody knows variables here */
    assert_string_equal(request.jobs[1]->name, "three");
    fio_request_free(&request);

    assert_int_equal(run_script("WHO=me; export FILE=named; export WHO; HIDDEN=1\n"
                                "fio words.fio --section=one --eta=never >report\n"
                                "grep 'Description  : .of me.$' report && cksum </named\n"),
                     0);
    assert_non_null(strstr(run_out, " 65536\n"));
    /* From the input. */
    assert_int_equal(run_script("printf '[a]\\nfilename=/f;\\nsize=8k\\n' | fio - --eta=never | "
                                "grep -c 'BW.*(8192B/'\n"),
                     0);
}

static void test_wrong_options(void **state)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"fio --name=a --foo=3", "fio: unrecognized option '--foo=3'\n"},
        {"fio --name=a --bs=zz", "fio: failed parsing bs=zz\n"},
        {"fio --name=a --bs=0", "fio: failed parsing bs=0\n"},
        {"fio --name=a --iodepth=0",
         "iodepth: min value out of range: 0 (1 min)\nfio: failed parsing iodepth=0\n"},
        {"fio --rwmixread=120",
         "rwmixread: max value out of range: 120 (100 max)\nfio: failed parsing rwmixread=120\n"},
        {"fio --name=a --runtime=abc", "fio: failed parsing runtime=abc\n"},
        {"fio --name=a --runtime", "fio: failed parsing runtime=\n"},
        {"fio --output-format=xx",
         "fio: invalid output format xx\nfio: failed parsing output-format=xx\n"},
        {"fio --random_distribution=zipf:0", "fio: failed parsing random_distribution=zipf:0\n"},
        {"fio --random_distribution=zipf:1.0",
         "fio: zipf theta must different than 1.0\n"
         "fio: failed parsing random_distribution=zipf:1.0\n"},
        {"fio --ioengine=bogus", "fio: engine bogus not loadable\nfio: failed to load engine\n"},
        {"fio --randrepeat=2", "fio: failed parsing randrepeat=2\n"},
        {"fio --time_based=2", "fio: failed parsing time_based=2\n"},
        {"fio nofile", "fio: unable to open 'nofile' job file\n"},
        {"fio /", "fio: /: Is a directory\n"},
        {"fio outside", "fio: option <rw=read> outside of [] job section\n"},
        {"fio unknown", "Bad option <foo=1>\nfio: job global dropped\n"},
        {"fio wrong", "fio: failed parsing iodepth=x\nfio: job a dropped\n"},
        {"fio open", "fio: bad section [a\n"},
        {"fio --name=a --rw=randfoo", "        valid values: read       Sequential read\n"},
        {"fio --name=a --verify=crc", "        valid values: 0          Don't do IO"},
        {"fio --name=a", "a: you need to specify filename=\n"},
        {"fio", "No job(s) defined\n\nusage: fio"},
    };
    (void)state;
    make_file("outside", "rw=read\n[a]\n", 12);
    make_file("unknown", "[global]\nfoo=1\n", 15);
    make_file("wrong", "[a]\niodepth=x\n", 14);
    make_file("open", "[a\n", 3);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(run(cases[i].line), 1);
        assert_memory_equal(run_error, cases[i].message, strlen(cases[i].message));
    }
    run("fio --name=a --rw=randfoo");
    assert_non_null(strstr(run_error, "fio: failed parsing rw=randfoo\n"));
}

static void test_help_and_version(void **state)
{
    (void)state;
    assert_int_equal(run("fio --version"), 0);
    assert_string_equal(run_out, "fio-3.33\n");
    assert_int_equal(run("fio --help"), 0);
    assert_non_null(strstr(run_out, "--iodepth_batch_complete_min"));
    assert_non_null(strstr(run_out, "--status-interval"));
}

static void test_no_memory(void **state)
{
    (void)state;
    make_file("job.fio", "[a]\nsize=1m\n", 12);
    for (long n = 0; n < 5; n++) {
        static struct invocation self;
        static char *argv[] = {"fio", "--name=b", "--size=1m", "job.fio", NULL};
        self = (struct invocation){.command = command_find("fio"), .argc = 4, .argv = argv};
        self.out = self.error = run_file("", 0);
        request = (struct fio_request){.self = &self};
        long live = host_allocations_live;
        host_allocations_left = n;
        int status = fio_request_read(&request);
        host_allocations_left = -1;
        assert_int_equal(status, 1);
        fio_request_free(&request);
        assert_true(host_allocations_live <= live + 1); /* the file of messages may have grown */
        file_close(self.out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_amounts_and_decimals),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_globals_and_jobs),
        cmocka_unit_test(test_job_file),
        cmocka_unit_test(test_job_file_words),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_help_and_version),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
