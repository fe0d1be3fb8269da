/*
 * What is in /dev: the devices that are always there, the console as a
 * terminal, block devices as files, and devices that come and go.
 */
#include "kernel/block/block.h"
#include "kernel/x86/coroutine.h"
#include "lib/chacha20.h"
#include "tests/unit/fs_check.h"

static void test_devices(void **state)
{
    static uint8_t bytes[1000], again[1000], zeros[1000];
    struct file *file;
    (void)state;
    assert_int_equal(file_open("/dev/null", O_READ | O_WRITE | O_CREATE | O_TRUNCATE, &file), OK);
    assert_int_equal(file_read(file, bytes, 1000), 0);
    assert_int_equal(file_write(file, bytes, 1000), 1000);
    assert_int_equal(file_seek(file, 1 << 20), OK);
    assert_int_equal(file_size(file), 0);
    assert_int_equal(file_truncate(file, 0), ERR_INVALID);
    file_close(file);

    memset(bytes, 1, sizeof bytes);
    assert_int_equal(file_open("/dev/zero", O_READ | O_WRITE, &file), OK);
    assert_int_equal(file_read(file, bytes, 1000), 1000);
    assert_memory_equal(bytes, zeros, 1000);
    assert_int_equal(file_write(file, bytes, 1000), 1000);
    file_close(file);

    memset(bytes, 1, sizeof bytes);
    assert_int_equal(file_open("/dev/full", O_READ | O_WRITE, &file), OK);
    assert_int_equal(file_read(file, bytes, 1000), 1000);
    assert_memory_equal(bytes, zeros, 1000);
    assert_int_equal(file_write(file, bytes, 1), ERR_NO_SPACE);
    assert_int_equal(file_write(file, bytes, 0), 0);
    file_close(file);

    assert_int_equal(file_open("/dev/urandom", O_READ | O_WRITE, &file), OK);
    assert_int_equal(file_write(file, "seed", 4), 4);
    assert_int_equal(file_read(file, bytes, 1000), 1000);
    assert_int_equal(file_read(file, again, 1000), 1000);
    assert_memory_not_equal(bytes, again, 1000);
    file_close(file);
}

/* Not a test of ChaCha20, which has its own: of gluing blocks and keys together. */
static void test_random(void **state)
{
    static uint8_t bytes[200 * 1024 + 8];
    unsigned long counts[256] = {0};
    (void)state;
    for (size_t length = 0; length < 200; length++) {
        memset(bytes, 0, 256);
        random_bytes(bytes, length);
        for (size_t i = length; i < 256; i++)
            assert_int_equal(bytes[i], 0);
    }
    random_bytes(bytes, sizeof bytes - 8);
    for (size_t i = 0; i < sizeof bytes - 8; i++)
        counts[bytes[i]]++;
    for (unsigned i = 0; i < 256; i++) /* 800 expected, sigma 28 */
        assert_in_range(counts[i], 600, 1000);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(bytes[sizeof bytes - 8 + i], 0);
    /* No block of it comes twice. */
    for (size_t a = 0; a < sizeof bytes - 8; a += 1024)
        for (size_t b = a + 64; b + 16 < sizeof bytes; b += 64)
            assert_memory_not_equal(bytes + a, bytes + b, 16);
    random_seed(bytes, 100);
    random_seed("", 0);
}

/* What is given out must not be a key that later bytes come from. */
static void test_random_key_is_kept(void **state)
{
    static const uint32_t nonce[3] = {0};
    uint32_t given[16], key[8];
    uint8_t next[64], guess[64];
    (void)state;
    random_bytes(given, sizeof given);
    random_bytes(next, sizeof next);
    for (unsigned at = 0; at <= 8; at++)
        for (uint32_t counter = 0; counter < 4; counter++) {
            memcpy(key, given + at, sizeof key);
            chacha20_block(key, counter, nonce, guess);
            assert_memory_not_equal(guess, next, sizeof next);
        }
}

static int64_t marked_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    (void)offset;
    memset(buffer, *(char *)node->data, length);
    return (int64_t)length;
}

static void marked_release(struct node *node)
{
    *(char *)node->data = 'r';
}

static const struct node_operations marked_operations = {.read = marked_read,
                                                         .release = marked_release};

static void test_added_devices(void **state)
{
    char mark = 'm', text[4];
    struct file *file;
    struct file_information information;
    (void)state;
    struct node *node = node_new(NODE_CHARACTER, &marked_operations, &mark);
    node->references++;
    assert_int_equal(fs_add_device("one", node), OK);
    assert_int_equal(fs_add_device("two", node), OK);
    assert_int_equal(fs_information("/dev/one", &information), OK);
    assert_int_equal(information.links, 2);
    uint64_t number = information.number;
    assert_int_equal(fs_information("/dev/two", &information), OK);
    assert_int_equal(information.number, number);
    assert_int_equal(file_open("/dev/two", O_READ | O_WRITE, &file), OK);
    assert_int_equal(file_read(file, text, 4), 4);
    assert_memory_equal(text, "mmmm", 4);
    assert_int_equal(file_write(file, text, 4), ERR_INVALID);
    assert_int_equal(file_seek(file, 0), ERR_NOT_SEEKABLE);
    assert_int_equal(file_sync(file), OK);

    static const char *const wrong[] = {"", ".", "..", "a/b"};
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(fs_add_device(wrong[i], node_new_file()), ERR_INVALID);
    assert_int_equal(fs_add_device("null", node_new_file()), ERR_EXISTS);

    /* The names are the kernel's. */
    write_file("/f", "f");
    assert_int_equal(fs_remove("/dev/one"), ERR_NOT_PERMITTED);
    assert_int_equal(fs_rename("/dev/one", "/one"), ERR_NOT_PERMITTED);
    assert_int_equal(fs_rename("/f", "/dev/one"), ERR_NOT_PERMITTED);
    assert_int_equal(fs_rename("/f", "/dev/none"), ERR_NOT_PERMITTED);
    assert_int_equal(fs_make_directory("/dev/none"), ERR_NOT_PERMITTED);
    struct file *none;
    assert_int_equal(file_open("/dev/none", O_WRITE | O_CREATE, &none), ERR_NO_DEVICE);
    assert_int_equal(fs_remove("/f"), OK);

    /* With the last name, not before, the device is gone for those who have it open. */
    fs_remove_device("nothing");
    fs_remove_device("one");
    assert_int_equal(file_read(file, text, 4), 4);
    assert_int_equal(mark, 'm');
    fs_remove_device("two");
    assert_int_equal(mark, 'm'); /* it hears of it when the last of them closes its file */
    assert_int_equal(file_read(file, text, 4), ERR_NO_DEVICE);
    assert_int_equal(file_write(file, text, 4), ERR_NO_DEVICE);
    assert_int_equal(file_sync(file), ERR_NO_DEVICE);
    file_close(file);
    assert_int_equal(mark, 'r');
    assert_false(exists("/dev/two"));
}

/* Types `keys`, reads with a buffer of `size`, and expects what comes back and what is shown. */
static void expect_line(const char *keys, size_t size, const char *line, const char *shown)
{
    char text[64] = "";
    struct file *file;
    assert_int_equal(file_open("/dev/console", O_READ, &file), OK);
    host_console_clear();
    host_console_feed(keys, strlen(keys));
    assert_int_equal(file_read(file, text, size), strlen(line));
    assert_string_equal(text, line);
    assert_string_equal(host_console_text(), shown);
    file_close(file);
}

static void test_console_lines(void **state)
{
    (void)state;
    expect_line("hello\r", 60, "hello\n", "hello\n");
    expect_line("helo\x7Flo\n", 60, "hello\n", "helo\b \blo\n");
    expect_line("\b\bx\n", 60, "x\n", "x\n");
    expect_line("wrong\x15ok\n", 60, "ok\n", "wrong\b \b\b \b\b \b\b \b\b \bok\n");
    expect_line("\xC3\xA4\x7Fu\n", 60, "u\n", "\xC3\xA4\b \bu\n");
    expect_line("\x01\x7Fu\n", 60, "u\n", "^A\b \b\b \bu\n");
    expect_line("abcdef\t\x7F\n", 60, "abcdef\n", "abcdef\t\b \b\b \b\n");
    /* The end: at once, behind a piece of a line, and behind a line that came before. */
    expect_line("\x04", 60, "", "");
    expect_line("part\x04", 60, "part", "part");
    expect_line("\x04", 60, "", "");
    /* A short buffer gets the line in pieces, without further typing. */
    expect_line("pieces\n", 4, "piec", "pieces\n");
    expect_line("", 4, "es\n", "");
    expect_line("part\x04", 3, "par", "part");
    expect_line("", 4, "t", "");
    expect_line("", 4, "", "");
}

/* Who reads the console while another does. */
struct reading {
    struct file *file;
    size_t size;
    int64_t count;
    char text[100];
};

static void read_console(void *argument)
{
    struct reading *reading = argument;
    reading->count = file_read(reading->file, reading->text, reading->size);
}

static void read_both(struct reading *first, struct reading *second, const char *keys)
{
    host_console_feed(keys, strlen(keys));
    struct coroutine *a = coroutine_start(read_console, first);
    struct coroutine *b = coroutine_start(read_console, second);
    coroutine_finish(a);
    coroutine_finish(b);
}

/* The second one gets what the first left, or the next line. */
static void test_console_readers(void **state)
{
    (void)state;
    struct reading first = {.size = 1}, second = {.size = 100};
    assert_int_equal(file_open("/dev/console", O_READ, &first.file), OK);
    second.file = first.file;
    read_both(&first, &second, "abc\n\x15\x04");
    assert_int_equal(first.count, 1);
    assert_int_equal(second.count, 3);
    assert_memory_equal(second.text, "bc\n", 3);
    assert_int_equal(console_get(0), 0x15);
    assert_int_equal(console_get(0), 4);

    first.size = 100;
    read_both(&first, &second, "one\ntwo\n");
    assert_int_equal(first.count, 4);
    assert_memory_equal(first.text, "one\n", 4);
    assert_int_equal(second.count, 4);
    assert_memory_equal(second.text, "two\n", 4);

    read_both(&first, &second, "o\3");
    assert_int_equal(first.count, ERR_INTERRUPTED);
    assert_int_equal(second.count, ERR_INTERRUPTED);
    console_clear_interrupt();
    file_close(first.file);
}

static void test_console(void **state)
{
    static char keys[5001], line[5000];
    struct file *file;
    (void)state;
    assert_int_equal(file_open("/dev/console", O_READ | O_WRITE, &file), OK);
    assert_true(file_is_console(file));
    assert_int_equal(file_seek(file, 0), ERR_NOT_SEEKABLE);
    assert_int_equal(file_size(file), 0);
    assert_int_equal(file_write(file, "out\n", 4), 4);
    assert_string_equal(host_console_text(), "out\n");
    assert_int_equal(file_read(file, line, 0), 0);

    host_console_clear();
    host_console_feed("lost\3", 5);
    assert_int_equal(file_read(file, line, 100), ERR_INTERRUPTED);
    assert_string_equal(host_console_text(), "lost");
    console_clear_interrupt();
    host_console_feed("kept\n", 5);
    assert_int_equal(file_read(file, line, 100), 5);
    assert_memory_equal(line, "kept\n", 5);

    /* A line has an end, even one that is not ended. */
    memset(keys, 'k', 5000);
    keys[4999] = '\n';
    host_console_feed(keys, 5000);
    assert_int_equal(file_read(file, line, sizeof line), 4096);
    assert_int_equal(line[4094], 'k');
    assert_int_equal(line[4095], '\n');
    file_close(file);
}

/* A disk in memory that completes a request at the next poll. */
static uint8_t disk[64 * 512];
static struct block_request *waiting;
static unsigned flushes;

static int disk_take(struct block_device *device, struct block_request *request)
{
    (void)device;
    if (waiting)
        return ERR_AGAIN;
    waiting = request;
    return OK;
}

static int disk_submit(struct block_device *device, struct block_request **list)
{
    return host_submit_each(device, list, disk_take);
}

static void disk_poll(struct block_device *device, uint64_t deadline)
{
    struct block_request *request = waiting;
    (void)device, (void)deadline;
    waiting = NULL;
    if (request->operation == BLOCK_READ)
        memcpy(request->segments->base, disk + request->lba * 512, request->segments->length);
    else if (request->operation == BLOCK_WRITE)
        memcpy(disk + request->lba * 512, request->segments->base, request->segments->length);
    else
        flushes++;
    request->status = OK;
    block_complete(request);
}

static void test_block_node(void **state)
{
    static const struct block_operations operations = {disk_submit, disk_poll};
    static uint8_t oracle[sizeof disk];
    struct block_device device = {.name = "disk",
                                  .block_size = 512,
                                  .block_count = 64,
                                  .max_blocks = 8,
                                  .dma_alignment = 4,
                                  .volatile_cache = true,
                                  .operations = &operations};
    struct file_information information;
    struct file *file;
    char text[16];
    (void)state;
    for (size_t i = 0; i < sizeof disk; i++)
        oracle[i] = disk[i] = (uint8_t)rand();
    assert_int_equal(block_register(&device), OK);
    assert_int_equal(fs_add_device("disk", node_new_block(&device)), OK);
    assert_int_equal(fs_information("/dev/disk", &information), OK);
    assert_int_equal(information.type, NODE_BLOCK);
    assert_int_equal(information.size, sizeof disk);

    /* O_CREATE and O_TRUNCATE do what they do to a device on Linux: nothing. */
    assert_int_equal(file_open("/dev/disk", O_READ | O_WRITE | O_CREATE | O_TRUNCATE, &file), OK);
    assert_int_equal(file_truncate(file, 0), OK);
    assert_int_equal(file_size(file), sizeof disk);
    assert_memory_equal(disk, oracle, sizeof disk);
    memcpy(oracle + 1020, "[WRITE]", 7);
    assert_int_equal(file_seek(file, 1020), OK);
    assert_int_equal(file_write(file, "[WRITE]", 7), 7);
    assert_memory_equal(disk, oracle, sizeof disk);
    assert_int_equal(file_read(file, text, 16), 16);
    assert_memory_equal(text, oracle + 1027, 16);
    assert_int_equal(file_sync(file), OK);
    assert_int_equal(flushes, 1);
    assert_int_equal(file_seek(file, sizeof disk - 3), OK);
    assert_int_equal(file_write(file, "12345", 5), 3);
    assert_int_equal(file_write(file, "45", 2), ERR_NO_SPACE);
    assert_int_equal(file_read(file, text, 16), 0);

    /* The device goes while the file is open. */
    fs_remove_device("disk");
    block_unregister(&device);
    memset(&device, 0, sizeof device);
    assert_int_equal(file_read(file, text, 16), ERR_NO_DEVICE);
    assert_int_equal(file_size(file), 0);
    file_close(file);
}

int main(void)
{
    srand(6);
    const struct CMUnitTest tests[] = {
        TEST(test_devices),       TEST(test_random),        TEST(test_random_key_is_kept),
        TEST(test_added_devices), TEST(test_console_lines), TEST(test_console_readers),
        TEST(test_console),       TEST(test_block_node),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
