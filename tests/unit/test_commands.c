/*
 * What the commands do that a host's cannot be compared with: devices, Ctrl-C,
 * consoles, lack of memory.
 */
#include <stdio.h>

#include "kernel/block/block.h"
#include "kernel/command/path.h"
#include "kernel/command/reader.h"
#include "kernel/shell/shell.h"
#include "kernel/x86/clock.h"
#include "tests/unit/run_command.h"

/* Every command answers an unknown option with its usage and the status people know. */
static void test_all_commands(void **state)
{
    static const struct {
        const char *name;
        int status;
    } known[] = {{"cat", 1},        {"cmp", 2},     {"cp", 1},        {"dd", 1},
                 {"head", 1},       {"hexdump", 1}, {"ls", 2},        {"mv", 1},
                 {"rm", 1},         {"mkdir", 1},   {"lsblk", 1},     {"seq", 1},
                 {"wc", 1},         {"tail", 1},    {"tee", 1},       {"sleep", 1},
                 {"sync", 1},       {"xxd", 1},     {"uptime", 1},    {"date", 1},
                 {"cksum", 1},      {"md5sum", 1},  {"sha256sum", 1}, {"blockdev", 1},
                 {"blkdiscard", 1}, {"watch", 1},   {"help", 2},      {"grep", 2}};
    char line[64], first[64];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        snprintf(line, sizeof line, "%s --no-such-thing", known[i].name);
        assert_int_equal(run(line), known[i].status);
        int length = snprintf(first, sizeof first, "%s: unrecognized option '--no-such-thing'\n",
                              known[i].name);
        assert_int_equal(strncmp(run_error, first, (size_t)length), 0);
        snprintf(first, sizeof first, "\nusage: %s", known[i].name);
        assert_non_null(strstr(run_error, first));
        assert_string_equal(run_out, "");
    }
    assert_null(command_find("no-such-command"));
    assert_null(command_find(""));
}

static void test_interrupt(void **state)
{
    static const char *const lines[] = {"cat /dev/zero",
                                        "wc /dev/zero",
                                        "cmp /dev/zero /dev/full",
                                        "cp /dev/zero /o",
                                        "head -c 1E /dev/zero",
                                        "tail /dev/zero",
                                        "tail -c +10 /dev/zero",
                                        "head -n -1 /dev/zero",
                                        "hexdump /dev/zero",
                                        "xxd /dev/zero",
                                        "xxd -p /dev/zero",
                                        "seq 9",
                                        "sleep 1d",
                                        "sleep inf",
                                        "tee",
                                        "dd if=/dev/zero of=/dev/null status=none",
                                        "ls /dev",
                                        "cksum /dev/zero",
                                        "grep x /dev/zero",
                                        "xxd -r -p /dev/zero",
                                        "sha256sum /dev/zero",
                                        "sha256sum -c /dev/zero",
                                        "rm -r /directory"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        fs_make_directory("/directory");
        interrupt();
        assert_int_equal(run(lines[i]), STATUS_INTERRUPTED);
        assert_string_equal(run_error, "");
        console_clear_interrupt();
    }
    fs_remove_directory("/directory");
    fs_remove("/o");
}

static void test_sleep(void **state)
{
    static const struct {
        const char *line;
        uint64_t nanoseconds;
    } good[] = {{"sleep 0", 0},
                {"sleep 1", 1000000000},
                {"sleep .5", 500000000},
                {"sleep 1.25s", 1250000000},
                {"sleep 0.0000000019", 1},
                {"sleep 2m 1s", 121000000000},
                {"sleep 1.", 1000000000},
                {"sleep 0.01h", 36000000000},
                {"sleep 0.001d", 86400000000}};
    static const char *const wrong[] = {"sleep x",   "sleep .", "sleep 1x",
                                        "sleep 1ss", "sleep s", "sleep 1.5.1"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        uint64_t before = host_clock_offset;
        assert_int_equal(run(good[i].line), 0);
        /* Steps of a millisecond; a little real time passes as well. */
        uint64_t slept = host_clock_offset - before;
        assert_true(slept <= good[i].nanoseconds + 1000000);
        assert_true(slept + 100000000 >= good[i].nanoseconds);
    }
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(run(wrong[i]), 1);
        assert_non_null(strstr(run_error, "sleep: invalid time interval '"));
    }
}

static uint8_t disk_data[64 * 512];
static unsigned disk_flushes, disk_largest;
static bool disk_fails;

static struct block_request *disk_request;

static int disk_take(struct block_device *device, struct block_request *request)
{
    (void)device;
    if (disk_request)
        return ERR_AGAIN;
    disk_request = request;
    return OK;
}

static int disk_submit(struct block_device *device, struct block_request **list)
{
    return host_submit_each(device, list, disk_take);
}

static void disk_poll(struct block_device *device, uint64_t deadline)
{
    struct block_request *request = disk_request;
    (void)deadline;
    if (!request)
        return;
    uint8_t *at = disk_data + request->lba * device->block_size;
    for (unsigned i = 0; i < request->segment_count; i++) {
        if (request->operation == BLOCK_WRITE)
            memcpy(at, request->segments[i].base, request->segments[i].length);
        else
            memcpy(request->segments[i].base, at, request->segments[i].length);
        at += request->segments[i].length;
    }
    disk_flushes += request->operation == BLOCK_FLUSH;
    if (request->operation == BLOCK_DISCARD || request->operation == BLOCK_WRITE_ZEROES) {
        assert_int_equal(request->segment_count, 0);
        memset(at, request->operation == BLOCK_DISCARD ? 0xdd : 0,
               request->blocks * device->block_size);
        disk_largest = MAX(disk_largest, request->blocks);
    }
    request->status = disk_fails ? ERR_IO : OK;
    disk_request = NULL;
    block_complete(request);
}

static const struct block_operations disk_operations = {disk_submit, disk_poll};

static struct block_device disk = {.name = "nvme0n1",
                                   .block_size = 512,
                                   .block_count = 64,
                                   .max_blocks = 8,
                                   .dma_alignment = 4,
                                   .volatile_cache = true,
                                   .operations = &disk_operations,
                                   .model = "Test Disk"};

static int add_disk(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof disk_data; i++)
        disk_data[i] = (uint8_t)(i % 61 ? 'a' + i % 26 : '\n');
    assert_int_equal(block_register(&disk), OK);
    assert_int_equal(fs_add_device("nvme0n1", node_new_block(&disk)), OK);
    return 0;
}

static int remove_disk(void **state)
{
    (void)state;
    fs_remove_device("nvme0n1");
    block_unregister(&disk);
    return 0;
}

static void test_devices(void **state)
{
    (void)state;
    assert_int_equal(run("cat /dev/nvme0n1"), 0);
    assert_int_equal(run_out_length, sizeof disk_data);
    assert_memory_equal(run_out, disk_data, sizeof disk_data);
    assert_int_equal(run("wc -c /dev/nvme0n1"), 0);
    assert_string_equal(run_out, "32768 /dev/nvme0n1\n");
    assert_int_equal(run("tail -c 100 /dev/nvme0n1"), 0);
    assert_memory_equal(run_out, disk_data + sizeof disk_data - 100, 100);
    assert_int_equal(run_out_length, 100);
    assert_int_equal(run("tail -n 2 /dev/nvme0n1"), 0);
    assert_int_equal(run_out_length, (sizeof disk_data - 1) % 61 + 61);
    assert_int_equal(run("xxd -s -16 /dev/nvme0n1"), 0);
    assert_int_equal(strncmp(run_out, "00007ff0: ", 10), 0);
    assert_int_equal(run("xxd -s 32760 -p /dev/nvme0n1"), 0);
    assert_int_equal(run_out_length, 17);

    assert_int_equal(run("cp /dev/nvme0n1 /copy"), 0);
    assert_int_equal(run("cmp /copy /dev/nvme0n1"), 0);
    assert_int_equal(run("cmp -n 100K -i 99999999 /copy /dev/nvme0n1"), 0);
    assert_int_equal(run("dd if=/dev/zero of=/dev/nvme0n1 bs=1 seek=1000 count=1"), 0);
    assert_int_equal(run("cmp /copy /dev/nvme0n1"), 1);
    assert_non_null(strstr(run_out, "/copy /dev/nvme0n1 differ: byte 1001, line 18\n"));
    assert_int_equal(run("cp /copy /dev/nvme0n1"), 0);
    assert_int_equal(run("cmp /copy /dev/nvme0n1"), 0);

    make_file("/large", disk_data, sizeof disk_data);
    struct file *file;
    assert_int_equal(file_open("/large", O_WRITE | O_APPEND, &file), OK);
    file_write(file, "x", 1);
    file_close(file);
    assert_int_equal(run("cp /large /dev/nvme0n1"), 1);
    assert_string_equal(run_error, "cp: error writing '/dev/nvme0n1': No space left on device\n");
    assert_int_equal(run("rm /large /copy"), 0);
}

static void test_lsblk(void **state)
{
    static const struct {
        uint64_t blocks;
        const char *line;
    } sizes[] = {
        {1, "nvme0n1 512B     512  0 disk Test Disk\n"},
        {64, "nvme0n1  32K     512  0 disk Test Disk\n"},
        {131072, "nvme0n1  64M     512  0 disk Test Disk\n"},
        {3145728, "nvme0n1 1.5G     512  0 disk Test Disk\n"},
        {1953525168, "nvme0n1 931.5G     512  0 disk Test Disk\n"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        disk.block_count = sizes[i].blocks;
        assert_int_equal(run("lsblk"), 0);
        assert_string_equal(strchr(run_out, '\n') + 1, sizes[i].line);
    }
    disk.block_count = 64;
    disk.read_only = true;
    disk.model = NULL;
    run("lsblk");
    assert_string_equal(run_out, "NAME    SIZE LOG-SEC RO TYPE MODEL\n"
                                 "nvme0n1  32K     512  1 disk \n");
    disk.read_only = false;
    disk.model = "Test Disk";
    assert_int_equal(run("lsblk x"), 32);
    assert_string_equal(run_out, "");
}

static void test_lsblk_columns(void **state)
{
    (void)state;
    disk.discard_blocks = 32;
    assert_int_equal(run("lsblk -bn -o path,Size,PHY-SEC,min-io,disc-max,model,name"), 0);
    assert_string_equal(run_out, "/dev/nvme0n1 32768 512 512 16384 Test Disk nvme0n1\n");
    assert_int_equal(run("lsblk -po NAME,DISC-MAX nvme0n1"), 0);
    assert_string_equal(run_out, "NAME         DISC-MAX\n/dev/nvme0n1      16K\n");
    disk.discard_blocks = 0;
    assert_int_equal(run("lsblk -dn -o disc-max,ro /dev/nvme0n1"), 0);
    assert_string_equal(run_out, "0B 0\n");
    assert_int_equal(run("lsblk -n /dev/null nvme0n1"), 64);
    assert_string_equal(run_error, "lsblk: /dev/null: not a block device\n");
    assert_string_equal(run_out, "nvme0n1 32K 512 0 disk Test Disk\n");
    disk.zone_blocks = 16;
    assert_int_equal(run("lsblk -zn"), 0);
    assert_string_equal(run_out, "nvme0n1 host-managed 8K 4\n");
    disk.zone_blocks = 0;
    assert_int_equal(run("lsblk -n -o ZONED,ZONE-SZ,ZONE-NR"), 0);
    assert_string_equal(run_out, "none 0B 0\n");
    assert_int_equal(run("lsblk -o NAME,,SIZE"), 1);
    assert_string_equal(run_error, "lsblk: unknown column: \n");
    assert_int_equal(run("lsblk -o a-name-that-is-far-too-long-for-a-column"), 1);
    assert_int_equal(run("lsblk -o ro,ro,ro,ro,ro,ro,ro,ro,ro,ro,ro,ro,ro,ro"), 1);
}

static void test_blockdev(void **state)
{
    (void)state;
    assert_int_equal(run("blockdev --getsize64 --getsz --getss --getpbsz --getiomin --getioopt "
                         "--getalignoff --getmaxsect --getro /dev/nvme0n1"),
                     0);
    assert_string_equal(run_out, "32768\n64\n512\n512\n512\n0\n0\n8\n0\n");
    assert_int_equal(run("blockdev --getfra --getdiscardzeroes /dev/nvme0n1"), 0);
    assert_string_equal(run_out, "0\n0\n");
    assert_int_equal(run("blockdev --getsz /dev/nvme0n1 /dev/nvme0n1"), 0);
    assert_string_equal(run_out, "64\n64\n");
    disk_flushes = 0;
    assert_int_equal(run("blockdev --flushbufs /dev/nvme0n1"), 0);
    assert_string_equal(run_out, "");
    assert_int_equal(disk_flushes, 1);
    disk_fails = true;
    assert_int_equal(run("blockdev --flushbufs --getsz /dev/nvme0n1"), 1);
    assert_string_equal(run_error, "blockdev: /dev/nvme0n1: Input/output error\n");
    disk_fails = false;
    disk.read_only = true;
    assert_int_equal(run("blockdev --report"), 0);
    assert_string_equal(run_out,
                        "RO    RA   SSZ   BSZ        StartSec            Size   Device\n"
                        "ro     0   512   512               0           32768   /dev/nvme0n1\n");
    disk.read_only = false;
    assert_int_equal(run("blockdev --getsz /dev/null /nope"), 1);
    assert_string_equal(run_error, "blockdev: /dev/null: not a block device\n"
                                   "blockdev: cannot open /nope: No such file or directory\n");
    assert_int_equal(run("blockdev /dev/nvme0n1"), 1);
    assert_int_equal(run("blockdev --getsz"), 1);
    assert_int_equal(run("blockdev --gets /dev/nvme0n1"), 1);
    assert_non_null(strstr(run_error, "ambiguous"));
}

/* The blocks of the disk that are all `byte`, as a run from *first on. */
static unsigned count_blocks(int byte, unsigned *first)
{
    unsigned count = 0;
    for (unsigned i = 0; i < 64; i++) {
        const uint8_t *block = disk_data + 512 * i;
        if (block[0] != byte || memcmp(block, block + 1, 511))
            continue;
        if (!count++)
            *first = i;
        assert_int_equal(i, *first + count - 1);
    }
    return count;
}

static void test_blkdiscard(void **state)
{
    unsigned first = 0;
    (void)state;
    assert_int_equal(run("blkdiscard /dev/nvme0n1"), 1);
    assert_string_equal(run_error,
                        "blkdiscard: /dev/nvme0n1: BLKDISCARD: Operation not supported\n");
    disk.discard_blocks = 10;
    assert_int_equal(run("blkdiscard -o 1K -l 20K -v /dev/nvme0n1"), 0);
    assert_string_equal(run_out, "/dev/nvme0n1: Discarded 20480 bytes from the offset 1024\n");
    assert_int_equal(count_blocks(0xdd, &first), 40);
    assert_int_equal(first, 2);
    assert_int_equal(disk_largest, 10);
    disk_largest = 0;
    assert_int_equal(run("blkdiscard -f --step 2048 -o 16384 /dev/nvme0n1"), 0);
    assert_int_equal(disk_largest, 4);
    assert_int_equal(count_blocks(0xdd, &first), 62);

    /* By the device's command, and by writing where it has none. */
    for (disk.zeroes_blocks = 0; disk.zeroes_blocks < 8; disk.zeroes_blocks += 7) {
        memset(disk_data, 'x', sizeof disk_data);
        assert_int_equal(run("blkdiscard -z -o 1536 -l 30K /dev/nvme0n1"), 0);
        assert_int_equal(count_blocks(0, &first), 60);
        assert_int_equal(first, 3);
    }
    static const struct {
        const char *line, *message;
    } wrong[] = {
        {"blkdiscard -o 1 /dev/nvme0n1", "offset 1 is not aligned to sector size 512\n"},
        {"blkdiscard -l 513 /dev/nvme0n1", "length 513 is not aligned to sector size 512\n"},
        {"blkdiscard -p 100 /dev/nvme0n1", "step 100 is not aligned to sector size 512\n"},
        {"blkdiscard -o 32K /dev/nvme0n1", "offset is greater than device size\n"},
        {"blkdiscard -o x /dev/nvme0n1", "failed to parse offset: 'x'\n"},
        {"blkdiscard /dev/null", "/dev/null: not a block device\n"},
        {"blkdiscard /nope", "cannot open /nope: No such file or directory\n"},
        {"blkdiscard", "no device specified\n"},
        {"blkdiscard a b", "unexpected number of arguments\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(run(wrong[i].line), 1);
        assert_non_null(strstr(run_error, wrong[i].message));
    }
    disk_fails = true;
    assert_int_equal(run("blkdiscard /dev/nvme0n1"), 1);
    assert_string_equal(run_error,
                        "blkdiscard: /dev/nvme0n1: discard failed: Input/output error\n");
    disk_fails = false;
    interrupt();
    assert_int_equal(run("blkdiscard /dev/nvme0n1"), STATUS_INTERRUPTED);
    console_clear_interrupt();
    disk.read_only = true;
    assert_int_equal(run("blkdiscard /dev/nvme0n1"), 1);
    assert_string_equal(run_error, "blkdiscard: /dev/nvme0n1: Read-only file system\n");
    disk.read_only = false;
    disk.discard_blocks = disk.zeroes_blocks = 0;
}

static void test_sync(void **state)
{
    (void)state;
    disk_flushes = 0;
    assert_int_equal(run("sync"), 0);
    assert_int_equal(disk_flushes, 1);
    assert_int_equal(run("sync /dev/nvme0n1 /dev/null"), 0);
    assert_int_equal(disk_flushes, 2);
    assert_int_equal(run("sync /nope"), 1);
    assert_string_equal(run_error, "sync: error opening '/nope': No such file or directory\n");
}

static void test_ls_details(void **state)
{
    (void)state;
    fs_make_directory("/d");
    fs_make_directory("/d/below");
    make_file("/d/file", "12345", 5);
    make_file("/d/.hidden", "", 0);
    host_start = 1700000000000000000 - clock_ns();
    assert_int_equal(run("ls -l /d"), 0);
    assert_string_equal(run_out, "drwxr-xr-x 2 root root 0 Nov 14 22:13 below\n"
                                 "-rw-r--r-- 1 root root 5 Nov 14 22:13 file\n");
    assert_int_equal(run("ls -la /d"), 0);
    assert_non_null(strstr(run_out, ".hidden\n"));
    assert_non_null(strstr(run_out, " ..\n"));
    assert_int_equal(run("ls -lA /d"), 0);
    assert_null(strstr(run_out, " ..\n"));
    assert_int_equal(run("ls -l /dev/nvme0n1 /d/file"), 0);
    assert_string_equal(run_out, "-rw-r--r-- 1 root root     5 Nov 14 22:13 /d/file\n"
                                 "brw-rw---- 1 root root 32768 Nov 14 22:13 /dev/nvme0n1\n");
    assert_int_equal(run("ls -l /dev/null"), 0);
    assert_int_equal(strncmp(run_out, "crw-rw-rw- 1 root root 0 ", 25), 0);
    assert_int_equal(run("ls -lh /dev/nvme0n1"), 0);
    assert_non_null(strstr(run_out, " root 32K "));
    static const struct {
        uint64_t blocks;
        const char *text;
    } human[] = {{1, " 512 "},     {3, " 1.5K "},          {19, " 9.5K "},  {21, "  11K "},
                 {2047, " 1.0M "}, {1953525168, " 932G "}, {20480, " 10M "}};
    for (size_t i = 0; i < ARRAY_SIZE(human); i++) {
        disk.block_count = human[i].blocks;
        assert_int_equal(run("ls -lh /dev/nvme0n1"), 0);
        assert_non_null(strstr(run_out, human[i].text + (human[i].text[1] == ' ')));
    }
    disk.block_count = 64;
    assert_int_equal(run("ls -ld /d"), 0);
    assert_string_equal(run_out, "drwxr-xr-x 3 root root 0 Nov 14 22:13 /d\n");
    host_clock_offset += 200ull * 86400 * 1000000000;
    assert_int_equal(run("ls -l /d/file"), 0);
    assert_string_equal(run_out, "-rw-r--r-- 1 root root 5 Nov 14  2023 /d/file\n");
    host_start = 0;
    assert_int_equal(run("rm -r /d"), 0);
    assert_int_equal(run("ls /d"), 2);
    assert_string_equal(run_error, "ls: cannot access '/d': No such file or directory\n");
}

/* In columns on a console, down and then across. */
static void test_ls_console(void **state)
{
    struct file *console;
    char name[32];
    (void)state;
    assert_int_equal(file_open("/dev/console", O_READ | O_WRITE, &console), OK);
    fs_make_directory("/many");
    for (unsigned i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "/many/a-name-of-18-char%u", i);
        make_file(name, "", 0);
    }
    host_console_clear();
    assert_int_equal(run_with("ls /many", NULL, console), 0);
    assert_string_equal(host_console_text(),
                        "a-name-of-18-char0  a-name-of-18-char3  a-name-of-18-char6\n"
                        "a-name-of-18-char1  a-name-of-18-char4  a-name-of-18-char7\n"
                        "a-name-of-18-char2  a-name-of-18-char5  a-name-of-18-char8\n");
    host_console_clear();
    assert_int_equal(run_with("ls -1 /many", NULL, console), 0);
    assert_int_equal(strncmp(host_console_text(), "a-name-of-18-char0\na-name-of-18-char1\n", 38),
                     0);
    host_console_clear();
    file_close(console);
    assert_int_equal(run("rm -r /many"), 0);
}

/* Time of day is what the machine's clock said at the start and the processor's since. */
static void test_clocks(void **state)
{
    (void)state;
    uint64_t day = 86400 * 1000000000ull, now = clock_ns();
    host_clock_offset += day - now % day + 3000000000; /* a while after midnight */
    host_start = 20000 * day;                          /* 2024-10-04 */
    unsigned days = (unsigned)(clock_ns() / day);
    char expected[64];
    assert_int_equal(run("uptime"), 0);
    snprintf(expected, sizeof expected, " up %u day%s, 0 min\n", days, days == 1 ? "" : "s");
    assert_string_equal(run_out + 9, expected);
    assert_int_equal(strncmp(run_out, " 00:00:0", 8), 0);
    host_clock_offset += 3 * 3600 * 1000000000ull + 61 * 1000000000ull;
    assert_int_equal(run("uptime"), 0);
    snprintf(expected, sizeof expected, " up %u day%s,  3:01\n", days, days == 1 ? "" : "s");
    assert_string_equal(run_out + 9, expected);
    assert_int_equal(run("uptime -p"), 0);
    snprintf(expected, sizeof expected, "up %u day%s, 3 hours, 1 minute\n", days,
             days == 1 ? "" : "s");
    assert_string_equal(run_out, expected);
    assert_int_equal(run("uptime --since"), 0);
    assert_string_equal(run_out, "2024-10-04 00:00:00\n");

    host_clock_offset += day - clock_ns() % day;
    assert_int_equal(run("date +%H:%M"), 0);
    assert_string_equal(run_out, "00:00\n");
    host_start -= days * day + day;
    assert_int_equal(run("date -I"), 0);
    assert_string_equal(run_out, "2024-10-04\n");
    host_start = 0;
}

static void test_echo(void **state)
{
    static const struct {
        const char *line, *text;
        size_t length;
    } cases[] = {
        {"echo", "\n", 1},
        {"echo a b", "a b\n", 4},
        {"echo -n a", "a", 1},
        {"echo a\\n", "a\\n\n", 4},
        {"echo -e a\\nb\\t\\\\", "a\nb\t\\\n", 6},
        {"echo -e \\x41\\x4a\\x4 \\0101\\0 \\q\\", "AJ\4 A\0 \\q\\\n", 11},
        {"echo -e a\\cb c", "a", 1},
        {"echo -ne -- x", "-- x", 4},
        {"echo -x -n", "-x -n\n", 6},
        {"echo -", "-\n", 2},
        {"echo -eE \\n", "\\n\n", 3},
        {"echo -e \\x \\xg \\08", "\\x \\xg \08\n", 10},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(run(cases[i].line), 0);
        assert_int_equal(run_out_length, cases[i].length);
        assert_memory_equal(run_out, cases[i].text, cases[i].length);
    }
}

static void test_rm_deep(void **state)
{
    char path[FS_PATH_MAX] = "/deep";
    (void)state;
    while (strlen(path) < FS_PATH_MAX - 8) {
        assert_int_equal(fs_make_directory(path), OK);
        strcat(path, "/d");
    }
    make_file("/deep/d/d/file", "x", 1);
    assert_int_equal(run("rm -r /deep/"), 0);
    struct file_information information;
    assert_int_equal(fs_information("/deep", &information), ERR_NOT_FOUND);

    assert_int_equal(run("rm -r /"), 1);
    assert_int_equal(run("rm -rf /dev"), 1);
    assert_non_null(strstr(run_error, "rm: cannot remove '/dev/"));
    assert_int_equal(fs_information("/dev/null", &information), OK);
}

static void test_path(void **state)
{
    char path[FS_PATH_MAX], name[FS_PATH_MAX];
    size_t length;
    (void)state;
    assert_true(path_join(path, "/", "x"));
    assert_string_equal(path, "/x");
    assert_true(path_join(path, "a/", "x"));
    assert_string_equal(path, "a/x");
    assert_true(path_join(path, "a", "x"));
    assert_string_equal(path, "a/x");
    memset(name, 'n', sizeof name);
    name[FS_PATH_MAX - 3] = 0;
    assert_true(path_join(path, "/", name));
    name[FS_PATH_MAX - 3] = 'n';
    name[FS_PATH_MAX - 2] = 0;
    assert_true(path_join(path, "/", name));
    name[FS_PATH_MAX - 2] = 'n';
    name[FS_PATH_MAX - 1] = 0;
    assert_false(path_join(path, "/", name));

    static const struct {
        const char *path, *last;
    } lasts[] = {{"a", "a"}, {"/a", "a"},  {"a/b", "b"}, {"a/b///", "b"},
                 {"/", "/"}, {"///", "/"}, {"", ""},     {"a//bc", "bc"}};
    for (size_t i = 0; i < ARRAY_SIZE(lasts); i++) {
        const char *last = path_last(lasts[i].path, &length);
        assert_int_equal(length, strlen(lasts[i].last));
        assert_memory_equal(last, lasts[i].last, length);
    }
}

static void test_offset_parse(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0}, {"10", 10}, {"0x10", 16}, {"010", 8}, {"1K", 1024}, {"2MB", 2000000}};
    static const char *const wrong[] = {"", "x", "-1", "4b", "2x3", "0x", "08", "1Q", "0x1g"};
    uint64_t value;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_int_equal(offset_parse(good[i].text, &value), OK);
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_not_equal(offset_parse(wrong[i], &value), OK);
}

/* Commands in a sequence share their input: what one read ahead, the next still gets. */
static void test_shared_input(void **state)
{
    struct file *in = run_file("one\ntwo\nthree\n", 14);
    (void)state;
    run_with("head -n 1", in, NULL);
    assert_string_equal(run_out, "one\n");
    run_with("head -c 2", in, NULL);
    assert_string_equal(run_out, "tw");
    run_with("cat", in, NULL);
    assert_string_equal(run_out, "o\nthree\n");
    file_close(in);
}

/* Runs a command with ever more memory until it works: no leak, no crash, a status each time. */
static void test_lack_of_memory(void **state)
{
    static const char *const lines[] = {
        "cat /f",          "cmp /f /g",     "wc /f",     "tail -n 1 /f",    "head -n -1 /f",
        "cp /f /o",        "hexdump -C /f", "xxd /f",    "tee /o /p",       "ls -l /",
        "mkdir -p /q/r",   "rm -rf /q",     "cksum /f",  "cksum -a md5 /f", "sha256sum /f",
        "sha256sum -c /s", "grep a /f",     "xxd -r /f", "xxd /f /o"};
    (void)state;
    make_file("/f", "a\nb\nc\n", 6);
    make_file("/g", "a\nb\nc\n", 6);
    run("sha256sum /f");
    make_file("/s", run_out, run_out_length);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        int status = 1;
        for (long after = 0; status; after++) {
            char words[64], *argv[8];
            int argc = 0;
            strcpy(words, lines[i]);
            for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
                argv[argc++] = word;
            argv[argc] = NULL;
            struct file *in = run_file("text", 4), *text = run_file("", 0),
                        *error = run_file("", 0);
            struct invocation self = {.command = command_find(argv[0]),
                                      .argc = argc,
                                      .argv = argv,
                                      .in = in,
                                      .out = text,
                                      .error = error};
            host_allocations_left = after;
            status = self.command->run(&self);
            status |= self.output_failed;
            host_allocations_left = -1;
            file_close(in);
            file_close(text);
            file_close(error);
            assert_true(after < 100);
        }
    }
    fs_remove("/f");
    fs_remove("/g");
    fs_remove("/o");
    fs_remove("/p");
    fs_remove("/s");
}

/* A stream of seven pieces that takes 0.6 s for each. */
static int64_t slow_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    unsigned *left = node->data;
    (void)offset;
    host_clock_offset += 600000000;
    memset(buffer, 'x', length);
    return *left && (*left)-- ? 1000 : 0;
}

/* Long work says how far it is on a console, wipes that away, and is silent elsewhere. */
static void test_progress(void **state)
{
    static const struct node_operations slow = {.read = slow_read};
    static const char *const lines[] = {"wc -c", "cp /dev/slow /o", "cmp - /dev/zero"};
    unsigned left;
    struct file *in;
    (void)state;
    assert_int_equal(fs_add_device("slow", node_new(NODE_CHARACTER, &slow, &left)), OK);
    assert_int_equal(file_open("/dev/slow", O_READ, &in), OK);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        assert_int_equal(file_open("/dev/console", O_READ | O_WRITE, &run_messages), OK);
        host_console_clear();
        left = 7;
        run_with(lines[i], in, NULL);
        const char *text = host_console_text();
        const char *last = strrchr(text, '\r'), *first = strstr(text, "\r3000 bytes (3.0 kB, ");
        if (i < 2) {
            assert_non_null(first);
            assert_non_null(strstr(text, "\r5000 bytes (5.0 kB, 4.9 KiB) done, 2 s, "));
            assert_string_equal(last, "\r");
        } else {
            assert_string_equal(text, ""); /* over at the first piece */
        }
        file_close(run_messages);
        run_messages = NULL;
        left = 7;
        host_console_clear();
        run_with(lines[i], in, NULL);
        assert_string_equal(run_error, "");
        assert_string_equal(host_console_text(), "");
    }
    /* What a pipe brings to grep is its writer's business. */
    static const char pipeline[] = "cat /dev/slow 2>/dev/null | grep -c x";
    struct file *out = run_file("", 0);
    assert_int_equal(file_open("/dev/console", O_READ | O_WRITE, &run_messages), OK);
    struct shell *shell = shell_new(in, out, run_messages);
    left = 300; /* more than a pipe holds */
    assert_int_equal(shell_run_text(shell, "test", pipeline, strlen(pipeline)), 0);
    assert_string_equal(host_console_text(), "");
    shell_free(shell);
    file_close(run_messages);
    run_messages = NULL;
    file_close(out);
    file_close(in);
    fs_remove_device("slow");
    fs_remove("/o");
}

/* --help, or as much of it as is unambiguous, is the command's description and success. */
static void test_help(void **state)
{
    (void)state;
    assert_int_equal(run("wc --lines --help"), 0);
    assert_int_equal(strncmp(run_out, "wc: count lines, words and bytes\nusage: wc [-c] [-l]", 50),
                     0);
    assert_string_equal(run_error, "");
    assert_int_equal(run("cmp --hel"), 0);
    assert_int_equal(strncmp(run_out, "cmp: ", 5), 0);
    assert_int_equal(run("cmp --help=x"), 2);
    assert_int_equal(run("cd --help"), 0);
    assert_int_equal(strncmp(run_out, "cd: ", 4), 0);
    assert_int_equal(run("echo --help"), 0);
    assert_string_equal(run_out, "--help\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_commands),
        cmocka_unit_test_setup_teardown(test_interrupt, note_memory, check_memory),
        cmocka_unit_test_setup_teardown(test_progress, note_memory, check_memory),
        cmocka_unit_test_setup_teardown(test_help, note_memory, check_memory),
        cmocka_unit_test(test_sleep),
        cmocka_unit_test_setup_teardown(test_devices, add_disk, remove_disk),
        cmocka_unit_test_setup_teardown(test_lsblk, add_disk, remove_disk),
        cmocka_unit_test_setup_teardown(test_lsblk_columns, add_disk, remove_disk),
        cmocka_unit_test_setup_teardown(test_blockdev, add_disk, remove_disk),
        cmocka_unit_test_setup_teardown(test_blkdiscard, add_disk, remove_disk),
        cmocka_unit_test_setup_teardown(test_sync, add_disk, remove_disk),
        cmocka_unit_test_setup_teardown(test_ls_details, add_disk, remove_disk),
        cmocka_unit_test_setup_teardown(test_ls_console, note_memory, check_memory),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_echo),
        cmocka_unit_test_setup_teardown(test_rm_deep, note_memory, check_memory),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_offset_parse),
        cmocka_unit_test_setup_teardown(test_shared_input, note_memory, check_memory),
        cmocka_unit_test_setup_teardown(test_lack_of_memory, note_memory, check_memory),
    };
    if (fs_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
