/*
 * dd with commands in flight: over devices that complete in any order it has to
 * say and to leave what a dd does that takes one record after another. That dd
 * is ours too, over nodes of the same devices that do not own up to being one.
 */
#include <stdio.h>

#include "kernel/block/block.h"
#include "kernel/shell/commands/dd.h"
#include "lib/status.h"
#include "tests/unit/fake_block.h"
#include "tests/unit/run_command.h"

#define MEGABYTE (1u << 20)

static struct fake disks[2];

static int64_t plain_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    struct block_device *device = node->data;
    size_t done = 0;
    int64_t count = 0;
    do { /* block by block, up to the bad one */
        size_t piece = device->block_size - (offset + done) % device->block_size;
        piece = MIN(piece, length - done);
        count = block_read(device, (char *)buffer + done, piece, offset + done);
        done += count > 0 ? (size_t)count : 0;
    } while (count > 0 && done < length);
    return done ? (int64_t)done : count;
}

static int64_t plain_write(struct node *node, const void *buffer, size_t length, uint64_t offset)
{
    return block_write(node->data, buffer, length, offset);
}

static int plain_sync(struct node *node)
{
    return block_flush(node->data);
}

static uint64_t plain_size(struct node *node)
{
    return block_bytes(node->data);
}

static const struct node_operations plain = {
    .read = plain_read, .write = plain_write, .sync = plain_sync, .size = plain_size};

/* /dev/a and /dev/b, and as /dev/plain-a and /dev/plain-b the same for one record at a time. */
static void disks_start(uint64_t blocks, uint32_t size_a, uint32_t size_b, uint32_t max_blocks,
                        unsigned depth)
{
    fake_start_named(&disks[0], "a", blocks, size_a, max_blocks, depth);
    fake_start_named(&disks[1], "b", blocks * size_a / size_b, size_b, max_blocks, depth);
    for (unsigned i = 0; i < 2; i++) {
        struct block_device *device = &disks[i].device;
        assert_int_equal(fs_add_device(i ? "b" : "a", node_new_block(device)), OK);
        assert_int_equal(
            fs_add_device(i ? "plain-b" : "plain-a", node_new(NODE_BLOCK, &plain, device)), OK);
    }
}

static int disks_end(void **state)
{
    static const char *const names[] = {"a", "b", "plain-a", "plain-b"};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        fs_remove_device(names[i]);
    fs_remove("/o");
    fs_remove("/in");
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(disks[i].in_flight, 0);
        block_unregister(&disks[i].device);
        free(disks[i].data);
    }
    host_allocations_left = -1;
    console_clear_interrupt();
    return 0;
}

/* The messages, but for times and rates. */
static const char *said(void)
{
    static char text[sizeof run_error];
    char *to = text;
    for (const char *line = run_error; *line;) {
        const char *end = strchr(line, '\n') + 1, *copied = strstr(line, " copied, ");
        if (!copied || copied > end)
            copied = end - 1;
        to = (char *)memcpy(to, line, (size_t)(copied - line)) + (copied - line);
        *to++ = '\n';
        line = end;
    }
    *to = 0;
    return text;
}

/* Small records in few commands: as large as the device takes them. */
static void test_commands(void **state)
{
    uint8_t *data = malloc(MEGABYTE);
    (void)state;
    disks_start(2048, 512, 512, 64, 16);
    memcpy(data, disks[0].data, MEGABYTE);
    assert_int_equal(run("dd if=/dev/a of=/o bs=512"), 0);
    assert_string_equal(said(), "2048+0 records in\n2048+0 records out\n"
                                "1048576 bytes (1.0 MB, 1.0 MiB)\n");
    assert_int_equal(disks[0].reads, 2048 / 64);
    expect_file("/o", data, MEGABYTE);

    memset(disks[1].data, 0, MEGABYTE);
    assert_int_equal(run("dd if=/o of=/dev/b"), 0);
    assert_int_equal(disks[1].writes, 2048 / 64);
    assert_memory_equal(disks[1].data, data, MEGABYTE);

    /* From one to the other neither side spoils the other's. */
    memset(disks[1].data, 0, MEGABYTE);
    disks[0].reads = disks[1].writes = 0;
    assert_int_equal(run("dd if=/dev/a of=/dev/b bs=512"), 0);
    assert_in_range(disks[0].reads, 2048 / 64, 2048 / 64 + 8);
    assert_int_equal(disks[1].writes, 2048 / 64);
    assert_memory_equal(disks[1].data, data, MEGABYTE);

    /* Large records in as many as they need, several of them at once. */
    disks[0].reads = disks[0].most_in_flight = 0;
    assert_int_equal(run("dd if=/dev/a of=/dev/null bs=64K"), 0);
    assert_int_equal(disks[0].reads, 2048 / 64);
    assert_int_equal(disks[0].most_in_flight, 16);
    free(data);
}

/* No more is read than was asked for. */
static void test_count(void **state)
{
    (void)state;
    disks_start(2048, 512, 512, 8, 16);
    assert_int_equal(run("dd if=/dev/a of=/o bs=512 count=100 skip=3"), 0);
    assert_int_equal(disks[0].blocks_read, 100);
    expect_file("/o", disks[0].data + 3 * 512, 100 * 512);
    assert_int_equal(run("dd if=/dev/a of=/o bs=1K count=3000 iflag=count_bytes"), 0);
    assert_int_equal(disks[0].blocks_read, 106);
    expect_file("/o", disks[0].data, 3000);
}

/* The position of a file that others share moves by what was copied, not by what was read ahead. */
static void test_position(void **state)
{
    struct file *in, *out;
    (void)state;
    disks_start(2048, 512, 512, 8, 16);
    assert_int_equal(file_open("/dev/a", O_READ, &in), OK);
    assert_int_equal(file_open("/dev/b", O_WRITE, &out), OK);
    disks[1].bad_lba[0] = 20;
    assert_int_equal(run_with("dd of=/dev/b bs=512", in, NULL), 1);
    assert_string_equal(said(), "dd: error writing '/dev/b': Input/output error\n"
                                "21+0 records in\n20+0 records out\n10240 bytes (10 kB, 10 KiB)\n");
    assert_int_equal(in->position, 21 * 512);
    assert_int_equal(run_with("dd of=/dev/null bs=1K count=7", in, NULL), 0);
    assert_int_equal(in->position, 35 * 512);
    disks[1].bad_lba[0] = 28;
    assert_int_equal(run_with("dd bs=8K", in, out), 1);
    assert_int_equal(in->position, 67 * 512);
    assert_int_equal(out->position, 24 * 512); /* half of the second record */
    file_close(in);
    file_close(out);
}

/* Behind a bad block it does not at once read far ahead again: the next may be bad, too. */
static void test_bad_blocks(void **state)
{
    (void)state;
    disks_start(2048, 512, 512, 64, 16);
    disks[0].bad_lba[0] = 100;
    disks[0].bad_lba[1] = 101;
    assert_int_equal(run("dd if=/dev/a of=/o bs=512 conv=noerror,sync status=none"), 0);
    memset(disks[0].data + 100 * 512, 0, 2 * 512);
    expect_file("/o", disks[0].data, MEGABYTE);
    assert_in_range(disks[0].blocks_read, 2046, 2048 + 1024);
}

/* Each write is durable before the next is begun. */
static void test_durable(void **state)
{
    (void)state;
    disks_start(2048, 512, 512, 8, 16);
    assert_int_equal(run("dd if=/dev/a of=/dev/b bs=4K count=10 oflag=dsync"), 0);
    assert_int_equal(disks[1].most_in_flight, 1);
    assert_int_equal(disks[1].writes, 10);
    assert_int_equal(disks[1].flushes, 10);
    assert_int_equal(run("dd if=/dev/a of=/dev/b bs=4K count=10 conv=fsync"), 0);
    assert_int_equal(disks[1].flushes, 11);
    disks[1].device.read_only = true;
    assert_int_equal(run("dd if=/dev/a of=/dev/b bs=4K count=10"), 1);
    assert_non_null(strstr(said(), "Read-only file system\n1+0 records in\n0+0 records out\n"));
}

/* Ctrl-C: what was written counts, what was read ahead does not. */
static void test_interrupt(void **state)
{
    static const char *const lines[] = {
        "dd if=/dev/a of=/o bs=1K", "dd if=/dev/a of=/dev/b bs=4K", "dd if=/dev/zero of=/dev/b",
        "dd if=/dev/a of=/dev/b ibs=1K obs=8K", "dd if=/dev/a of=/dev/a seek=9 bs=1K"};
    (void)state;
    for (unsigned at = 1; at < 100; at += 7)
        for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
            unsigned in, out;
            unsigned long bytes;
            disks_start(2048, 512, 512, 8, 16);
            disks[0].interrupt_at = disks[1].interrupt_at = at;
            assert_int_equal(run(lines[i]), STATUS_INTERRUPTED);
            assert_int_equal(
                sscanf(said(), "%u+0 records in\n%u+0 records out\n%lu bytes", &in, &out, &bytes),
                3);
            assert_true(bytes <= MEGABYTE);
            struct file_information information;
            if (fs_information("/o", &information) == OK)
                assert_int_equal(information.size, bytes);
            if (strstr(lines[i], "if=/dev/a of=/dev/b"))
                assert_memory_equal(disks[0].data, disks[1].data, bytes);
            disks_end(NULL);
        }
    disks_start(8, 512, 512, 8, 16);
}

static void test_no_memory(void **state)
{
    static char *lines[][7] = {
        {"dd", "if=/dev/a", "of=/dev/b", "bs=4K", "count=100", "status=none", NULL},
        {"dd", "if=/dev/a", "of=/dev/b", "ibs=1K", "obs=4K", "status=none", NULL}};
    (void)state;
    disks_start(2048, 512, 512, 8, 16);
    long live = host_allocations_live;
    struct file *file = run_file("", 0);
    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
        int status = 1;
        unsigned succeeded = 0;
        for (long fails = 0; succeeded < 9; fails++) {
            struct invocation self = {.command = command_find("dd"),
                                      .argc = 6,
                                      .argv = lines[i],
                                      .in = file,
                                      .out = file,
                                      .error = file};
            memset(disks[1].data, 0, 400 * 1024);
            host_allocations_left = fails;
            status = self.command->run(&self);
            host_allocations_left = -1;
            assert_true(status == 1 || !memcmp(disks[0].data, disks[1].data, 400 * 1024));
            succeeded += status == 0;
            assert_true(fails < 30);
        }
    }
    file_close(file);
    assert_int_equal(host_allocations_live, live);
}

/* ---- Any line, both ways ----------------------------------------------------------------------
 */

#define MODEL_BLOCKS 512u

static unsigned pick(unsigned most)
{
    return (unsigned)rand() % (most + 1);
}

static const char *one_of(const char *const *words, unsigned count)
{
    return words[pick(count - 1)];
}

/* A line of dd's, "%s" standing where a device's name begins. */
static void random_line(char line[256])
{
    static const char *const inputs[] = {"/dev/%sa", "/dev/%sa", "/dev/%sa", "/in", "/dev/zero"};
    static const char *const outputs[] = {"/dev/%sb", "/dev/%sb", "/dev/%sb", "/dev/%sa", "/o"};
    static const char *const sizes[] = {"512",  "1K",   "1536", "4K", "7K",
                                        "4608", "1000", "32K",  "8K", "100K"};
    static const char *const more[] = {
        "",           " conv=noerror", " conv=noerror,sync",          " conv=sync",
        " conv=sync", " oflag=dsync",  " conv=noerror,sync,fdatasync"};
    char bs[64], name[2][32];
    snprintf(name[0], sizeof name[0], "%s", one_of(inputs, ARRAY_SIZE(inputs)));
    snprintf(name[1], sizeof name[1], "%s", one_of(outputs, ARRAY_SIZE(outputs)));
    if (pick(2))
        snprintf(bs, sizeof bs, "bs=%s", one_of(sizes, ARRAY_SIZE(sizes)));
    else
        snprintf(bs, sizeof bs, "ibs=%s obs=%s", one_of(sizes, ARRAY_SIZE(sizes)),
                 one_of(sizes, ARRAY_SIZE(sizes)));
    int length = snprintf(line, 256, "dd if=%s of=%s %s skip=%u seek=%u%s", name[0], name[1], bs,
                          pick(20), pick(20), one_of(more, ARRAY_SIZE(more)));
    if (pick(1) || !strcmp(name[0], "/dev/zero"))
        snprintf(line + length, 256 - (size_t)length, " count=%u%s", pick(600),
                 pick(3) ? "" : " iflag=fullblock");
}

struct outcome {
    int status;
    char said[4096], said_of[256];
    uint8_t data[2][MODEL_BLOCKS * 512];
    uint8_t *file;
    size_t file_length;
};

static void put_name(char *to, const char *line, const char *prefix)
{
    while (*line)
        if (line[0] == '%') {
            to = stpcpy(to, prefix);
            line += 2;
        } else {
            *to++ = *line++;
        }
    *to = 0;
}

static void forget(char *text, const char *word)
{
    size_t length = strlen(word);
    for (char *at; (at = strstr(text, word));)
        memmove(at, at + length, strlen(at + length) + 1);
}

static void outcome_of(const char *line, const char *prefix, struct outcome *outcome)
{
    put_name(outcome->said_of, line, prefix);
    outcome->status = run(outcome->said_of);
    assert_true(strlen(said()) < sizeof outcome->said);
    strcpy(outcome->said, said());
    forget(outcome->said, "plain-");
    for (unsigned i = 0; i < 2; i++)
        memcpy(outcome->data[i], disks[i].data, sizeof outcome->data[i]);
    struct file *file;
    outcome->file_length = 0;
    outcome->file = NULL;
    if (file_open("/o", O_READ, &file) != OK)
        return;
    outcome->file_length = file_size(file);
    outcome->file = malloc(outcome->file_length + 1);
    assert_int_equal(file_read(file, outcome->file, outcome->file_length + 1),
                     outcome->file_length);
    file_close(file);
    fs_remove("/o");
}

/* Where a write failed, blocks after it may have been written; nothing before may be missing. */
static void check_data(const struct outcome *got, const struct outcome *expected, unsigned disk)
{
    const struct fake *fake = &disks[disk];
    size_t same = sizeof got->data[disk];
    if (expected->status)
        for (unsigned i = 0; i < 2; i++)
            same = (size_t)MIN((uint64_t)same, fake->bad_lba[i] * fake->device.block_size);
    assert_memory_equal(got->data[disk], expected->data[disk], same);
}

static void test_both_ways(void **state)
{
    static struct outcome got, expected;
    static uint8_t in[300000], before[2][MODEL_BLOCKS * 512];
    (void)state;
    for (unsigned round = 0; round < 600; round++) {
        char line[256];
        disks_start(MODEL_BLOCKS, 512, pick(2) ? 512 : 4096, 1 + pick(20), 1 + pick(40));
        if (!pick(3))
            disks[pick(1)].device.zone_blocks = 1 + pick(30);
        for (unsigned i = 0; i < 4; i++)
            if (!pick(2))
                disks[i / 2].bad_lba[i % 2] = pick(MODEL_BLOCKS);
        if (!pick(2)) /* two in one record: the first counts, whichever is known first */
            disks[pick(1)].bad_lba[1] = disks[pick(1)].bad_lba[0] + pick(8);
        for (unsigned i = 0; i < 2; i++)
            memcpy(before[i], disks[i].data, sizeof before[i]);
        make_file("/in", in, pick(sizeof in));
        random_line(line);
        outcome_of(line, "", &got);
        for (unsigned i = 0; i < 2; i++)
            memcpy(disks[i].data, before[i], sizeof before[i]);
        outcome_of(line, "plain-", &expected);
        if (got.status != expected.status || strcmp(got.said, expected.said))
            fail_msg("%s\n%s(%d)\nand not:\n%s(%d)", got.said_of, got.said, got.status,
                     expected.said, expected.status);
        check_data(&got, &expected, 0);
        check_data(&got, &expected, 1);
        assert_int_equal(got.file_length, expected.file_length);
        if (got.file_length)
            assert_memory_equal(got.file, expected.file, got.file_length);
        free(got.file);
        free(expected.file);
        disks_end(NULL);
    }
    disks_start(8, 512, 512, 8, 16);
}

int main(void)
{
    srand(8);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_commands, disks_end),
        cmocka_unit_test_teardown(test_count, disks_end),
        cmocka_unit_test_teardown(test_position, disks_end),
        cmocka_unit_test_teardown(test_bad_blocks, disks_end),
        cmocka_unit_test_teardown(test_durable, disks_end),
        cmocka_unit_test_teardown(test_interrupt, disks_end),
        cmocka_unit_test_teardown(test_no_memory, disks_end),
        cmocka_unit_test_teardown(test_both_ways, disks_end),
    };
    if (fs_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
