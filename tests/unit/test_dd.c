/*
 * dd: its operands, and its behaviour on a device that ends or fails. What a
 * host's dd can do as well is compared in test_gnu.py.
 */
#include <stdio.h>

#include "kernel/block/block.h"
#include "kernel/shell/commands/dd.h"
#include "lib/status.h"
#include "tests/unit/run_command.h"

#define BLOCK  512u
#define BLOCKS 64u

/* An allocation larger than any machine's memory is to fail, as in the kernel. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* Reads operands as dd does; run_error holds what it said. */
static int operands(struct dd *dd, const char *line)
{
    static char words[256]; /* names in *dd point into it */
    char *argv[32] = {"dd"};
    int argc = 1;
    strcpy(words, line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    struct file *error = run_file("", 0);
    struct invocation self = {
        .command = command_find("dd"), .argc = argc, .argv = argv, .error = error};
    *dd = (struct dd){.self = &self};
    int status = dd_operands(dd);
    dd->self = NULL;
    run_collect(error, run_error, sizeof run_error);
    file_close(error);
    return status;
}

static void test_operands(void **state)
{
    struct dd dd;
    (void)state;
    assert_int_equal(operands(&dd, ""), 0);
    assert_int_equal(dd.ibs, 512);
    assert_int_equal(dd.obs, 512);
    assert_true(dd.count == UINT64_MAX);
    assert_int_equal(dd.bs, 0);
    assert_null(dd.input_name);

    assert_int_equal(operands(&dd, "if=/dev/a of=b=c bs=4KiB ibs=1 count=2x3 skip=1M seek=1kB"), 0);
    assert_string_equal(dd.input_name, "/dev/a");
    assert_string_equal(dd.output_name, "b=c");
    assert_int_equal(dd.ibs, 4096);
    assert_int_equal(dd.obs, 4096);
    assert_int_equal(dd.count, 6);
    assert_int_equal(dd.skip, 1048576);
    assert_int_equal(dd.seek, 1000);
    assert_int_equal(dd.output_flags, DD_SEEK_BYTES); /* a B says bytes */
    assert_int_equal(dd.input_flags, 0);

    assert_int_equal(operands(&dd, "count=7B skip=2KiB conv=sync,noerror,fsync oflag=dsync,direct "
                                   "iflag=fullblock status=noxfer"),
                     0);
    assert_int_equal(dd.count, 7);
    assert_int_equal(dd.input_flags, DD_COUNT_BYTES | DD_SKIP_BYTES | DD_FULLBLOCK);
    assert_int_equal(dd.output_flags, DD_DURABLE | DD_DIRECT);
    assert_int_equal(dd.conversions, DD_PAD | DD_NOERROR | DD_FSYNC);
    assert_int_equal(dd.level, DD_NOXFER);
}

static void test_wrong_operands(void **state)
{
    static const struct {
        const char *line, *message;
    } wrong[] = {
        {"bs=0", "dd: invalid number: '0'\n"},
        {"bs=B", "dd: invalid number: 'B'\n"},
        {"bs=1BB", "dd: invalid number: '1BB'\n"},
        {"bs=1kBB", "dd: invalid number: '1kBB'\n"},
        {"count=", "dd: invalid number: ''\n"},
        {"skip=99999999999999999999999999999999B",
         "dd: invalid number: '99999999999999999999999999999999B'"},
        {"conv=sync,,fsync", "dd: invalid conversion: ''\nusage: dd [OPERAND]...\n"},
        {"iflag=sink", "dd: invalid input flag: 'sink'\nusage: dd [OPERAND]...\n"},
        {"if", "dd: unrecognized operand 'if'\nusage: dd [OPERAND]...\n"},
        {"iff=x", "dd: unrecognized operand 'iff=x'\nusage: dd [OPERAND]...\n"},
        {"-q", "dd: invalid option -- 'q'\nusage: dd [OPERAND]...\n"},
    };
    struct dd dd;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(operands(&dd, wrong[i].line), 1);
        assert_int_equal(strncmp(run_error, wrong[i].message, strlen(wrong[i].message)), 0);
    }
}

/* A disk in memory with one block that can be neither read nor written, and that counts. */
static struct disk {
    struct block_device device;
    struct block_request *waiting[16];
    unsigned count;
    uint8_t data[BLOCK * BLOCKS];
    uint64_t bad;         /* NOWHERE: none */
    unsigned flushes;     /* seen */
    unsigned interrupted; /* Ctrl-C comes with the request of this number, from 1 on */
    unsigned requests;
    bool flush_fails;
} disk;

#define NOWHERE UINT64_MAX

static int disk_take(struct block_device *device, struct block_request *request)
{
    (void)device;
    if (disk.count == ARRAY_SIZE(disk.waiting))
        return ERR_AGAIN;
    if (++disk.requests == disk.interrupted)
        interrupt();
    disk.waiting[disk.count++] = request;
    return OK;
}

static int disk_submit(struct block_device *device, struct block_request **list)
{
    return host_submit_each(device, list, disk_take);
}

static int disk_do(struct block_request *request)
{
    if (request->operation == BLOCK_FLUSH) {
        disk.flushes++;
        return disk.flush_fails ? ERR_IO : OK;
    }
    assert_true(request->lba + request->blocks <= BLOCKS);
    if (disk.bad >= request->lba && disk.bad < request->lba + request->blocks)
        return ERR_IO;
    host_block_copy(request, disk.data + request->lba * BLOCK);
    return OK;
}

static void disk_poll(struct block_device *device, uint64_t deadline)
{
    (void)device;
    (void)deadline;
    for (unsigned i = 0; i < disk.count; i++) {
        disk.waiting[i]->status = disk_do(disk.waiting[i]);
        block_complete(disk.waiting[i]);
    }
    disk.count = 0;
}

static int set_up(void **state)
{
    static const struct block_operations disk_operations = {disk_submit, disk_poll};
    (void)state;
    disk = (struct disk){.device = {.name = "disk",
                                    .block_size = BLOCK,
                                    .block_count = BLOCKS,
                                    .max_blocks = 1, /* an error costs one block */
                                    .dma_alignment = 4,
                                    .volatile_cache = true,
                                    .operations = &disk_operations},
                         .bad = NOWHERE};
    for (size_t i = 0; i < sizeof disk.data; i++)
        disk.data[i] = (uint8_t)(i / BLOCK + 1 + i * 7);
    assert_int_equal(block_register(&disk.device), OK);
    assert_int_equal(fs_add_device("disk", node_new_block(&disk.device)), OK);
    console_clear_interrupt();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fs_remove_device("disk");
    block_unregister(&disk.device);
    fs_remove("/o");
    fs_remove("/in");
    console_clear_interrupt();
    host_allocations_left = -1;
    return 0;
}

/* The messages, but for the last line's time and rate. */
static void expect_report(const char *expected)
{
    char *copied = strstr(run_error, " copied, ");
    if (copied)
        strcpy(copied + strlen(" copied"), "\n");
    assert_string_equal(run_error, expected);
}

static void test_device(void **state)
{
    (void)state;
    assert_int_equal(run("dd if=/dev/disk of=/o bs=4K"), 0);
    expect_report("8+0 records in\n8+0 records out\n32768 bytes (33 kB, 32 KiB) copied\n");
    expect_file("/o", disk.data, sizeof disk.data);
    assert_int_equal(run("dd if=/dev/disk of=/o bs=5000"), 0);
    expect_report("6+1 records in\n6+1 records out\n32768 bytes (33 kB, 32 KiB) copied\n");
    expect_file("/o", disk.data, sizeof disk.data);

    /* Within blocks, leaving the neighbours alone. */
    uint8_t before[sizeof disk.data];
    memcpy(before, disk.data, sizeof before);
    make_file("/in", "0123456789", 10);
    assert_int_equal(run("dd if=/in of=/dev/disk bs=5 seek=101"), 0);
    memcpy(before + 505, "0123456789", 10);
    assert_memory_equal(disk.data, before, sizeof before);
}

static void test_end_of_device(void **state)
{
    (void)state;
    assert_int_equal(run("dd if=/dev/zero of=/dev/disk bs=1000 seek=32"), 1);
    expect_report("dd: error writing '/dev/disk': No space left on device\n"
                  "1+0 records in\n0+0 records out\n768 bytes copied\n");
    assert_int_equal(run("dd if=/dev/zero of=/dev/disk ibs=100 obs=1000 seek=32"), 1);
    expect_report("dd: writing to '/dev/disk': No space left on device\n"
                  "10+0 records in\n0+1 records out\n768 bytes copied\n");
    assert_int_equal(run("dd if=/dev/zero of=/dev/disk bs=512 seek=64 count=1"), 1);
    expect_report("dd: error writing '/dev/disk': No space left on device\n"
                  "1+0 records in\n0+0 records out\n0 bytes copied\n");
    assert_int_equal(run("dd if=/dev/zero of=/dev/disk seek=65 count=1"), 1);
    expect_report("dd: /dev/disk: cannot seek: Invalid argument\n"
                  "0+0 records in\n0+0 records out\n0 bytes copied\n");
    assert_int_equal(run("dd if=/dev/disk of=/o skip=64"), 0);
    expect_report("0+0 records in\n0+0 records out\n0 bytes copied\n");
    assert_int_equal(run("dd if=/dev/disk of=/o skip=65"), 1);
    expect_report("dd: /dev/disk: cannot skip: Invalid argument\n"
                  "0+0 records in\n0+0 records out\n0 bytes copied\n");
    assert_int_equal(run("dd if=/dev/zero of=/o bs=1M seek=9223372036854"), 1);
    assert_non_null(strstr(run_error, "dd: offset too large: cannot truncate to a length of "
                                      "seek=9223372036854 (1048576-byte) blocks\n"));
}

static void test_read_error(void **state)
{
    (void)state;
    disk.bad = 9;
    assert_int_equal(run("dd if=/dev/disk of=/o bs=512"), 1);
    expect_report("dd: error reading '/dev/disk': Input/output error\n"
                  "9+0 records in\n9+0 records out\n4608 bytes (4.6 kB, 4.5 KiB) copied\n");
    expect_file("/o", disk.data, 9 * BLOCK);

    /* The part in front of the bad block is a partial record. */
    assert_int_equal(run("dd if=/dev/disk of=/o bs=4096"), 1);
    assert_non_null(strstr(run_error, "1+1 records in\n1+1 records out\n"));
    assert_int_equal(run("dd if=/dev/disk of=/o ibs=512 obs=4096"), 1);
    assert_non_null(strstr(run_error, "9+0 records in\n1+1 records out\n"));
    expect_file("/o", disk.data, 9 * BLOCK);
}

/* However large the command was that failed, what stands before the bad block is read. */
static void test_good_part(void **state)
{
    (void)state;
    disk.device.max_blocks = 16;
    disk.bad = 29;
    assert_int_equal(run("dd if=/dev/disk of=/o bs=32K"), 1);
    expect_report("dd: error reading '/dev/disk': Input/output error\n"
                  "0+1 records in\n0+1 records out\n14848 bytes (15 kB, 14 KiB) copied\n");
    expect_file("/o", disk.data, 29 * BLOCK);
    assert_int_equal(run("cat /dev/disk"), 1);
    assert_int_equal(run_out_length, 29 * BLOCK);
    assert_memory_equal(run_out, disk.data, 29 * BLOCK);
    assert_string_equal(run_error, "cat: /dev/disk: Input/output error\n");
    assert_int_equal(run("tail -c +14001 /dev/disk"), 1);
    assert_int_equal(run_out_length, 29 * BLOCK - 14000);
    assert_int_equal(run("head -c 14848 /dev/disk"), 0);
    assert_int_equal(run_out_length, 29 * BLOCK);
    disk.bad = 0;
    assert_int_equal(run("cat /dev/disk"), 1);
    assert_int_equal(run_out_length, 0);
}

/* Directly, only whole blocks are moved, but for the last of the output. */
static void test_direct(void **state)
{
    (void)state;
    assert_int_equal(run("dd if=/dev/disk of=/o bs=1K iflag=direct"), 0);
    expect_file("/o", disk.data, sizeof disk.data);
    assert_int_equal(run("dd if=/dev/disk of=/o bs=100 iflag=direct"), 1);
    expect_report("dd: error reading '/dev/disk': Invalid argument\n"
                  "0+0 records in\n0+0 records out\n0 bytes copied\n");
    assert_int_equal(run("dd if=/dev/disk of=/o bs=512 skip=1 iflag=direct,skip_bytes"), 1);
    expect_report("dd: error reading '/dev/disk': Invalid argument\n"
                  "0+0 records in\n0+0 records out\n0 bytes copied\n");
    assert_int_equal(run("dd if=/dev/disk of=/o bs=512 count=513 iflag=direct,count_bytes"), 1);
    assert_non_null(strstr(run_error, "\n1+0 records in\n"));
    assert_int_equal(run("dd if=/dev/zero of=/dev/disk bs=1000 count=1 oflag=direct"), 1);
    expect_report("dd: error writing '/dev/disk': Invalid argument\n"
                  "1+0 records in\n0+0 records out\n0 bytes copied\n");
    make_file("/in", disk.data, 1200);
    assert_int_equal(run("dd if=/in of=/dev/disk bs=512 seek=7 oflag=direct"), 0);
    assert_memory_equal(disk.data + 7 * BLOCK, disk.data, 1200);
    assert_int_equal(run("dd if=/dev/zero of=/o iflag=direct count=1"), 1);
    assert_string_equal(run_error, "dd: failed to open '/dev/zero': Invalid argument\n");
}

/* conv=sparse leaves a device's blocks alone where zeros would come. */
static void test_sparse(void **state)
{
    uint8_t expected[sizeof disk.data], in[4 * BLOCK] = {0};
    (void)state;
    memcpy(expected, disk.data, sizeof expected);
    memset(in + BLOCK, 'x', BLOCK);
    memcpy(expected + 4 * BLOCK, in + BLOCK, BLOCK);
    make_file("/in", in, sizeof in);
    assert_int_equal(run("dd if=/in of=/dev/disk seek=3 conv=sparse"), 0);
    expect_report("4+0 records in\n4+0 records out\n2048 bytes (2.0 kB, 2.0 KiB) copied\n");
    assert_memory_equal(disk.data, expected, sizeof expected);
}

static void test_noerror(void **state)
{
    uint8_t expected[sizeof disk.data];
    (void)state;
    disk.bad = 9;
    memcpy(expected, disk.data, sizeof expected);
    memset(expected + 9 * BLOCK, 0, BLOCK);
    assert_int_equal(run("dd if=/dev/disk of=/o bs=512 conv=noerror,sync"), 0);
    expect_file("/o", expected, sizeof expected);
    assert_non_null(strstr(run_error, "dd: error reading '/dev/disk': Input/output error\n"
                                      "9+0 records in\n9+0 records out\n"));
    assert_non_null(strstr(run_error, "\n63+1 records in\n64+0 records out\n"));

    /* With larger blocks everything stays in its place, too. */
    assert_int_equal(run("dd if=/dev/disk of=/o bs=4096 conv=noerror,sync"), 0);
    struct file_information information;
    assert_int_equal(fs_information("/o", &information), OK);
    assert_int_equal(information.size, sizeof disk.data);
    memset(expected + 9 * BLOCK, 0, 7 * BLOCK);
    expect_file("/o", expected, sizeof expected);

    /* Without sync the bad part is missing. */
    assert_int_equal(run("dd if=/dev/disk of=/o bs=512 conv=noerror status=none"), 0);
    assert_string_equal(run_error, "");
    assert_int_equal(fs_information("/o", &information), OK);
    assert_int_equal(information.size, sizeof disk.data - BLOCK);

    /* The last block: there is nothing behind it to go on with. */
    disk.bad = BLOCKS - 1;
    assert_int_equal(run("dd if=/dev/disk of=/o bs=5000 conv=noerror"), 0);
    expect_file("/o", disk.data, sizeof disk.data - BLOCK);
}

static void test_write_error(void **state)
{
    (void)state;
    disk.bad = 9;
    assert_int_equal(run("dd if=/dev/zero of=/dev/disk bs=512 count=20"), 1);
    expect_report("dd: error writing '/dev/disk': Input/output error\n"
                  "10+0 records in\n9+0 records out\n4608 bytes (4.6 kB, 4.5 KiB) copied\n");
    disk.device.read_only = true;
    assert_int_equal(run("dd if=/dev/zero of=/dev/disk bs=512 count=1"), 1);
    assert_non_null(strstr(run_error, "Read-only file system\n"));
}

static void test_durability(void **state)
{
    (void)state;
    run("dd if=/dev/zero of=/dev/disk count=4");
    assert_int_equal(disk.flushes, 0);
    run("dd if=/dev/zero of=/dev/disk count=4 conv=fsync");
    assert_int_equal(disk.flushes, 1);
    run("dd if=/dev/zero of=/dev/disk bs=512 count=4 oflag=dsync");
    assert_int_equal(disk.flushes, 5);
    disk.flush_fails = true;
    assert_int_equal(run("dd if=/dev/zero of=/dev/disk count=4 conv=fsync"), 1);
    expect_report("dd: fsync failed for '/dev/disk': Input/output error\n"
                  "4+0 records in\n4+0 records out\n2048 bytes (2.0 kB, 2.0 KiB) copied\n");
    assert_int_equal(run("dd if=/dev/zero of=/dev/disk count=4 conv=fdatasync status=none"), 1);
    assert_string_equal(run_error, "dd: fdatasync failed for '/dev/disk': Input/output error\n");
}

static void test_interrupt(void **state)
{
    (void)state;
    disk.interrupted = 5;
    assert_int_equal(run("dd if=/dev/disk of=/o bs=512"), STATUS_INTERRUPTED);
    assert_non_null(strstr(run_error, " records in\n"));
    assert_null(strstr(run_error, "dd:"));
    /* Of what was read ahead when it came, only counts what was written. */
    unsigned in, out;
    assert_int_equal(sscanf(run_error, "%u+0 records in\n%u+0 records out\n", &in, &out), 2);
    assert_in_range(in, 1, 5);
    assert_int_equal(out, in - 1); /* that write was not begun any more */
    expect_file("/o", disk.data, out * BLOCK);
    console_clear_interrupt();

    interrupt();
    assert_int_equal(run("dd if=/dev/zero of=/dev/null"), STATUS_INTERRUPTED);
    expect_report("0+0 records in\n0+0 records out\n0 bytes copied\n");
}

static uint64_t slow_read_size;

/* Half a second a read. */
static int64_t slow_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    (void)node;
    (void)offset;
    host_clock_offset += 500000000;
    length = slow_read_size < length ? slow_read_size : length;
    slow_read_size -= length;
    memset(buffer, 'x', length);
    return (int64_t)length;
}

static void test_progress(void **state)
{
    static const struct node_operations slow = {.read = slow_read};
    struct file *in;
    (void)state;
    slow_read_size = 8000;
    file_open_node(node_new(NODE_CHARACTER, &slow, NULL), O_READ, &in);
    assert_int_equal(run_with("dd bs=2000 status=progress skip=1", in, NULL), 0);
    file_close(in);
    assert_int_equal(run_out_length, 6000);
    assert_int_equal(run_error[0], '\r');
    assert_non_null(strstr(run_error, " bytes (2.0 kB, 2.0 KiB) copied, 1 s, "));
    assert_non_null(strstr(run_error, " bytes (6.0 kB, 5.9 KiB) copied, 2 s, "));
    assert_non_null(strstr(run_error, "/s\n3+0 records in\n3+0 records out\n6000 bytes"));
}

static void test_short_reads(void **state)
{
    static const char text[] = "The quick brown fox";
    struct file *in;
    (void)state;
    /* A stream in pieces of at most 7: what a pipe does. */
    static const struct node_operations slow = {.read = slow_read};
    slow_read_size = 10;
    file_open_node(node_new(NODE_CHARACTER, &slow, NULL), O_READ, &in);
    assert_int_equal(run_with("dd bs=7 status=noxfer", in, NULL), 0);
    assert_string_equal(run_error, "1+1 records in\n1+1 records out\n");
    file_close(in);

    in = run_file(text, strlen(text));
    assert_int_equal(run_with("dd ibs=4 obs=6 count=3 skip=1 status=noxfer", in, NULL), 0);
    assert_string_equal(run_out, "quick brown ");
    assert_string_equal(run_error, "3+0 records in\n2+0 records out\n");
    /* The input has moved on, as for a sequence of commands that share it. */
    assert_int_equal(run_with("dd status=none", in, NULL), 0);
    assert_string_equal(run_out, "fox");
    file_close(in);
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(run("dd if=/dev/zero of=/o bs=9000000000G"), 1);
    assert_string_equal(run_error, "dd: invalid number: '9000000000G': Value too large for defined "
                                   "data type\n");
    assert_int_equal(run("dd if=/dev/zero of=/o bs=6E count=1"), 1);
    assert_string_equal(run_error, "dd: memory exhausted by input buffer of size "
                                   "6917529027641081856 bytes (6.0 EiB)\n");
    assert_int_equal(run("dd if=/dev/zero of=/o obs=6E count=1"), 1);
    assert_string_equal(run_error, "dd: memory exhausted by output buffer of size "
                                   "6917529027641081856 bytes (6.0 EiB)\n");
    assert_int_equal(run("dd if=/dev/zero of=/o bs=6E count=0 status=none"), 0);
}

/* Whatever allocation fails, nothing is lost and the status says so. */
static void test_every_allocation(void **state)
{
    (void)state;
    int status = 1;
    long live = host_allocations_live;
    struct file *in = run_file("abc", 3), *out = run_file("", 0), *error = run_file("", 0);
    long with_files = host_allocations_live;
    for (long after = 0; status; after++) {
        char *argv[] = {"dd", "if=/dev/disk", "of=/o", "ibs=512", "obs=1024", "count=3", NULL};
        struct invocation self = {.command = command_find("dd"),
                                  .argc = 6,
                                  .argv = argv,
                                  .in = in,
                                  .out = out,
                                  .error = error};
        fs_remove("/o");
        host_allocations_left = after;
        status = self.command->run(&self);
        host_allocations_left = -1;
        assert_true(after < 50);
        assert_true(status == 0 || status == 1);
    }
    fs_remove("/o");
    assert_true(host_allocations_live <= with_files + 1); /* the error file's own page */
    file_close(in);
    file_close(out);
    file_close(error);
    assert_int_equal(host_allocations_live, live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operands),
        cmocka_unit_test(test_wrong_operands),
        cmocka_unit_test_setup_teardown(test_device, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_end_of_device, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_good_part, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_direct, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sparse, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_noerror, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_durability, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_interrupt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_progress, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_short_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation, set_up, tear_down),
    };
    if (fs_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
