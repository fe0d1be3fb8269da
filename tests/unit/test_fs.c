/*
 * The file system: names and paths, what open flags do, contents against plain
 * memory, names that go while files are open, memory that runs out at every
 * allocation.
 */
#include <pthread.h>

#include "tests/unit/fs_check.h"

static int open_status(const char *path, unsigned flags)
{
    struct file *file;
    int status = file_open(path, flags, &file);
    if (status == OK)
        file_close(file);
    return status;
}

static uint64_t number_of(const char *path)
{
    struct file_information information;
    assert_int_equal(fs_information(path, &information), OK);
    return information.number;
}

static void test_paths(void **state)
{
    (void)state;
    assert_int_equal(fs_make_directory("/a"), OK);
    assert_int_equal(fs_make_directory("a/b/"), OK);
    write_file("/a/b/f", "text");
    static const char *const same[] = {"/a/b/f",    "a/b/f",        "//a///b//f",
                                       "./a/./b/f", "/../../a/b/f", "a/../a/b/../b/f",
                                       "/a/b/./f",  "/dev/../a/b/f"};
    for (unsigned i = 0; i < ARRAY_SIZE(same); i++)
        assert_int_equal(number_of(same[i]), number_of("/a/b/f"));

    static const struct {
        const char *path;
        int status;
    } wrong[] = {
        {"", ERR_NOT_FOUND},
        {"/x", ERR_NOT_FOUND},
        {"/x/y", ERR_NOT_FOUND},
        {"/x/", ERR_NOT_FOUND},
        {"/x/../a", ERR_NOT_FOUND},
        {"/a/b/f/", ERR_NOT_DIRECTORY},
        {"/a/b/f/g", ERR_NOT_DIRECTORY},
        {"/a/b/f/..", ERR_NOT_DIRECTORY},
        {"/a/b/f/.", ERR_NOT_DIRECTORY},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct file_information information;
        assert_int_equal(fs_information(wrong[i].path, &information), wrong[i].status);
        assert_int_equal(open_status(wrong[i].path, O_READ), wrong[i].status);
        assert_int_equal(fs_remove(wrong[i].path), wrong[i].status);
        assert_int_equal(fs_remove_directory(wrong[i].path), wrong[i].status);
        assert_int_equal(fs_rename(wrong[i].path, "/new"), wrong[i].status);
        assert_int_equal(fs_change_directory(wrong[i].path), wrong[i].status);
    }
    assert_int_equal(fs_remove("a/b/f"), OK);
    assert_int_equal(fs_remove_directory("a/b"), OK);
    assert_int_equal(fs_remove_directory("a/"), OK);
}

static void test_long_names(void **state)
{
    char name[FS_NAME_MAX + 2], path[FS_PATH_MAX + 1];
    (void)state;
    memset(name, 'n', sizeof name);
    name[FS_NAME_MAX + 1] = 0;
    assert_int_equal(open_status(name, O_WRITE | O_CREATE), ERR_NAME_TOO_LONG);
    assert_int_equal(fs_make_directory(name), ERR_NAME_TOO_LONG);
    name[FS_NAME_MAX] = 0;
    write_file(name, "long");
    expect_file(name, "long");
    assert_int_equal(fs_remove(name), OK);

    memset(path, '/', sizeof path);
    path[FS_PATH_MAX] = 0;
    assert_int_equal(open_status(path, O_READ), ERR_NAME_TOO_LONG);
    path[FS_PATH_MAX - 1] = 0;
    assert_int_equal(open_status(path, O_READ), OK);

    /* Further down than a path can tell: the last step is refused. */
    unsigned depth = 0;
    int status;
    do {
        assert_int_equal(fs_make_directory(name), OK);
        status = fs_change_directory(name);
        depth += status == OK;
    } while (status == OK);
    assert_int_equal(status, ERR_NAME_TOO_LONG);
    assert_int_equal(depth, 3);
    assert_int_equal(strlen(fs_working_directory()), 3 * (FS_NAME_MAX + 1));
    for (; depth; depth--) {
        assert_int_equal(fs_remove_directory(name), OK);
        assert_int_equal(fs_change_directory(".."), OK);
    }
    assert_int_equal(fs_remove_directory(name), OK);
}

static void test_directories(void **state)
{
    char name[FS_NAME_MAX + 1];
    struct file_information information;
    struct file *file;
    (void)state;
    assert_int_equal(fs_make_directory("/d"), OK);
    assert_int_equal(fs_make_directory("/d"), ERR_EXISTS);
    assert_int_equal(fs_make_directory("/"), ERR_EXISTS);
    assert_int_equal(fs_make_directory("/d/."), ERR_EXISTS);
    assert_int_equal(fs_make_directory("/x/y"), ERR_NOT_FOUND);
    write_file("/d/zebra", "");
    write_file("/d/Ant", "");
    assert_int_equal(fs_make_directory("/d/cow"), OK);
    static const char *const sorted[] = {"Ant", "cow", "zebra"};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(fs_entry("/d", i, name), OK);
        assert_string_equal(name, sorted[i]);
    }
    assert_int_equal(fs_entry("/d", 3, name), ERR_NOT_FOUND);
    assert_int_equal(fs_entry("/d/Ant", 0, name), ERR_NOT_DIRECTORY);
    assert_int_equal(fs_information("/d", &information), OK);
    assert_int_equal(information.type, NODE_DIRECTORY);
    assert_int_equal(information.links, 3);

    assert_int_equal(file_open("/d", O_READ, &file), OK);
    assert_int_equal(file_read(file, name, 1), ERR_IS_DIRECTORY);
    assert_int_equal(file_seek(file, 0), OK);
    file_close(file);
    assert_int_equal(open_status("/d", O_WRITE), ERR_IS_DIRECTORY);
    assert_int_equal(open_status("/d", O_READ | O_CREATE), ERR_IS_DIRECTORY);
    assert_int_equal(open_status("/d/new/", O_WRITE | O_CREATE), ERR_IS_DIRECTORY);

    assert_int_equal(fs_remove("/d"), ERR_IS_DIRECTORY);
    assert_int_equal(fs_remove_directory("/d"), ERR_NOT_EMPTY);
    assert_int_equal(fs_remove_directory("/d/Ant"), ERR_NOT_DIRECTORY);
    assert_int_equal(fs_remove_directory("/"), ERR_BUSY);
    assert_int_equal(fs_remove_directory("/d/cow/."), ERR_INVALID);
    assert_int_equal(fs_remove_directory("/d/cow/.."), ERR_NOT_EMPTY);
    assert_int_equal(fs_remove("/d/zebra"), OK);
    assert_int_equal(fs_remove("/d/Ant"), OK);
    assert_int_equal(fs_remove_directory("/d/cow"), OK);
    assert_int_equal(fs_remove_directory("/d"), OK);
}

static void test_working_directory(void **state)
{
    (void)state;
    assert_string_equal(fs_working_directory(), "/");
    assert_int_equal(fs_make_directory("one"), OK);
    assert_int_equal(fs_change_directory("one"), OK);
    assert_string_equal(fs_working_directory(), "/one");
    assert_int_equal(fs_make_directory("two"), OK);
    assert_int_equal(fs_change_directory("./two/../two/"), OK);
    assert_string_equal(fs_working_directory(), "/one/two");
    assert_int_equal(fs_rename("/one", "/three"), OK);
    assert_string_equal(fs_working_directory(), "/three/two");
    write_file("f", "here");
    expect_file("/three/two/f", "here");
    assert_int_equal(fs_change_directory("f"), ERR_NOT_DIRECTORY);
    assert_int_equal(fs_remove("f"), OK);

    /* Removed under our feet: nothing can be made there, and ".." still leads out. */
    assert_int_equal(fs_remove_directory("/three/two"), OK);
    assert_int_equal(fs_remove_directory("/three"), OK);
    assert_string_equal(fs_working_directory(), "/three/two");
    assert_int_equal(open_status("f", O_WRITE | O_CREATE), ERR_NOT_FOUND);
    assert_int_equal(fs_make_directory("d"), ERR_NOT_FOUND);
    write_file("/f", "");
    assert_int_equal(fs_rename("/f", "f"), ERR_NOT_FOUND);
    assert_int_equal(fs_remove("../../f"), OK);
    assert_int_equal(fs_change_directory("."), ERR_NOT_FOUND);
    assert_int_equal(fs_change_directory("../.."), OK);
    assert_string_equal(fs_working_directory(), "/");
}

/* A directory that moved keeps its new parent, not its old one, for "..". */
static void *release(void *node)
{
    node_release(node);
    return NULL;
}

/* The last one holds them all, and a small stack suffices to let them go. */
static void test_chain_of_removed_directories(void **state)
{
    (void)state;
    unsigned deep = 0;
    while (fs_make_directory("d") == OK && fs_change_directory("d") == OK)
        deep++;
    assert_true(deep >= 500);
    assert_int_equal(fs_remove_directory("d"), OK);
    struct node *last = fs_hold_directory();
    for (; deep; deep--) {
        assert_int_equal(fs_change_directory(".."), OK);
        assert_int_equal(fs_remove_directory("d"), OK);
    }
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 32768), 0);
    assert_int_equal(pthread_create(&thread, &attributes, release, last), 0);
    pthread_join(thread, NULL);
}

static void test_moved_directory(void **state)
{
    (void)state;
    assert_int_equal(fs_make_directory("/old"), OK);
    assert_int_equal(fs_make_directory("/old/d"), OK);
    assert_int_equal(fs_make_directory("/new"), OK);
    assert_int_equal(fs_change_directory("/old/d"), OK);
    assert_int_equal(fs_rename("/old/d", "/new/d"), OK);
    assert_int_equal(fs_remove_directory("/old"), OK);
    assert_string_equal(fs_working_directory(), "/new/d");
    assert_int_equal(fs_remove_directory("/new/d"), OK);
    assert_int_equal(fs_remove_directory("/new"), OK);
    assert_int_equal(number_of("../.."), number_of("/"));
}

static void test_open_flags(void **state)
{
    char text[16];
    struct file *file;
    (void)state;
    assert_int_equal(open_status("f", O_READ), ERR_NOT_FOUND);
    assert_int_equal(open_status("f", O_WRITE | O_TRUNCATE), ERR_NOT_FOUND);
    assert_int_equal(open_status("no/f", O_WRITE | O_CREATE), ERR_NOT_FOUND);
    write_file("f", "first");
    assert_int_equal(open_status("f/g", O_WRITE | O_CREATE), ERR_NOT_DIRECTORY);
    assert_int_equal(open_status("f", O_WRITE | O_CREATE), OK);
    expect_file("f", "first");
    assert_int_equal(file_open("f", O_WRITE | O_APPEND, &file), OK);
    assert_int_equal(file_read(file, text, 1), ERR_BAD_FILE);
    assert_int_equal(file_seek(file, 1), OK);
    assert_int_equal(file_write(file, " second", 7), 7);
    assert_int_equal(file_truncate(file, 9), OK);
    assert_int_equal(file_write(file, "!", 1), 1);
    file_close(file);
    expect_file("f", "first sec!");
    assert_int_equal(file_open("f", O_READ, &file), OK);
    assert_int_equal(file_write(file, "x", 1), ERR_BAD_FILE);
    assert_int_equal(file_truncate(file, 0), ERR_INVALID);
    file_close(file);
    assert_int_equal(file_open("f", O_READ | O_WRITE, &file), OK);
    assert_int_equal(file_write(file, "F", 1), 1);
    struct file *shared = file_share(file);
    file_close(file);
    assert_int_equal(file_read(shared, text, 4), 4);
    assert_memory_equal(text, "irst", 4);
    assert_int_equal(file_sync(shared), OK);
    assert_false(file_is_console(shared));
    file_close(shared);
    file_close(NULL);
    expect_file("f", "First sec!");
    assert_int_equal(open_status("f", O_WRITE | O_TRUNCATE), OK);
    expect_file("f", "");
    assert_int_equal(fs_remove("f"), OK);
}

static void test_rename(void **state)
{
    (void)state;
    write_file("/f", "f");
    write_file("/g", "g");
    assert_int_equal(fs_make_directory("/d"), OK);
    assert_int_equal(fs_make_directory("/d/sub"), OK);
    assert_int_equal(fs_make_directory("/e"), OK);

    assert_int_equal(fs_rename("/f", "/f"), OK);
    assert_int_equal(fs_rename("/f", "/g"), OK);
    assert_false(exists("/f"));
    expect_file("/g", "f");
    assert_int_equal(fs_rename("/g", "/d"), ERR_IS_DIRECTORY);
    assert_int_equal(fs_rename("/g", "/new/"), ERR_NOT_DIRECTORY);
    assert_int_equal(fs_rename("/g", "/no/g"), ERR_NOT_FOUND);
    assert_int_equal(fs_rename("/d", "/g"), ERR_NOT_DIRECTORY);
    assert_int_equal(fs_rename("/d", "/d/sub/d"), ERR_INVALID);
    assert_int_equal(fs_rename("/d", "/d/d"), ERR_INVALID);
    assert_int_equal(fs_rename("/e", "/d"), ERR_NOT_EMPTY);
    assert_int_equal(fs_rename("/d/sub", "/d"), ERR_NOT_EMPTY);
    assert_int_equal(fs_rename("/", "/x"), ERR_BUSY);
    assert_int_equal(fs_rename("/d", "/"), ERR_BUSY);
    assert_int_equal(fs_rename("/d/.", "/x"), ERR_BUSY);
    assert_int_equal(fs_rename("/dev", "/x"), ERR_BUSY);

    uint64_t number = number_of("/d/sub");
    assert_int_equal(fs_rename("/d/sub", "/e/"), OK);
    assert_int_equal(number_of("/e"), number);
    assert_int_equal(number_of("/e/.."), number_of("/"));
    assert_int_equal(fs_rename("/e", "/d/back/"), OK);
    assert_int_equal(number_of("/d/back/.."), number_of("/d"));
    assert_int_equal(fs_rename("/g", "/d/back/g"), OK);
    expect_file("/d/back/g", "f");

    host_allocations_left = 0;
    assert_int_equal(fs_rename("/d/back/g", "/g"), ERR_NO_SPACE);
    host_allocations_left = -1;
    expect_file("/d/back/g", "f");
    assert_int_equal(fs_remove("/d/back/g"), OK);
    assert_int_equal(fs_remove_directory("/d/back"), OK);
    assert_int_equal(fs_remove_directory("/d"), OK);
}

static void test_remove_while_open(void **state)
{
    char text[8];
    struct file *file;
    (void)state;
    write_file("f", "old");
    assert_int_equal(file_open("f", O_READ | O_WRITE, &file), OK);
    assert_int_equal(fs_remove("f"), OK);
    assert_false(exists("f"));
    write_file("f", "new");
    assert_int_equal(file_write(file, "O", 1), 1);
    assert_int_equal(file_seek(file, 0), OK);
    assert_int_equal(file_read(file, text, sizeof text), 3);
    assert_memory_equal(text, "Old", 3);
    expect_file("f", "new");
    file_close(file);

    /* The same when another file takes its name. */
    assert_int_equal(file_open("f", O_READ, &file), OK);
    write_file("g", "other");
    assert_int_equal(fs_rename("g", "f"), OK);
    assert_int_equal(file_read(file, text, sizeof text), 3);
    file_close(file);
    expect_file("f", "other");
    assert_int_equal(fs_remove("f"), OK);
}

#define ORACLE_SIZE (600 * 4096ul)

/* Reads, writes and truncations anywhere, against an array. */
static void test_contents(void **state)
{
    uint8_t *oracle = calloc(1, ORACLE_SIZE), *buffer = malloc(ORACLE_SIZE);
    uint64_t size = 0;
    struct file *file;
    (void)state;
    assert_int_equal(file_open("f", O_READ | O_WRITE | O_CREATE, &file), OK);
    for (unsigned round = 0; round < 3000; round++) {
        uint64_t offset = (uint64_t)rand() % ORACLE_SIZE;
        size_t length = (size_t)rand() % (rand() % 8 ? 9000 : ORACLE_SIZE / 8);
        length = MIN(length, ORACLE_SIZE - offset);
        if (rand() % 3 == 0)
            offset = ROUND_DOWN(offset, 4096);
        assert_int_equal(file_seek(file, offset), OK);
        switch (rand() % 5) {
        case 0:
            assert_int_equal(file_truncate(file, offset), OK);
            if (offset < size)
                memset(oracle + offset, 0, size - offset);
            size = offset;
            break;
        case 1:
        case 2:
            for (size_t i = 0; i < length; i++)
                oracle[offset + i] = (uint8_t)(i * round);
            assert_int_equal(file_write(file, oracle + offset, length), length);
            size = length ? MAX(size, offset + length) : size;
            break;
        default:
            length = offset < size ? MIN(length, size - offset) : 0;
            assert_int_equal(file_read(file, buffer, length), length);
            assert_memory_equal(buffer, oracle + offset, length);
            assert_int_equal(file->position, offset + length);
        }
        assert_int_equal(file_size(file), size);
    }
    file_close(file);
    assert_int_equal(fs_remove("f"), OK);
    free(oracle);
    free(buffer);
}

/* Far offsets cost a page and the tables above it, not what lies before. */
static void test_sparse(void **state)
{
    char text[8];
    struct file *file;
    (void)state;
    assert_int_equal(file_open("f", O_READ | O_WRITE | O_CREATE, &file), OK);
    assert_int_equal(file_write(file, "near", 4), 4);
    assert_int_equal(file_seek(file, (1ULL << 48) - 6), OK);
    long before = host_allocations_live;
    assert_int_equal(file_write(file, "distance", 8), 6);
    assert_true(host_allocations_live - before < 10);
    assert_int_equal(file_size(file), 1ULL << 48);
    assert_int_equal(file_write(file, "x", 1), ERR_TOO_LARGE);
    assert_int_equal(file_truncate(file, (1ULL << 48) + 1), ERR_TOO_LARGE);
    assert_int_equal(file_seek(file, UINT64_MAX - 3), OK);
    assert_int_equal(file_write(file, "x", 1), ERR_TOO_LARGE);
    assert_int_equal(file_read(file, text, 8), 0);
    assert_int_equal(file_seek(file, (1ULL << 48) - 8), OK);
    assert_int_equal(file_read(file, text, 8), 8);
    assert_memory_equal(text, "\0\0distan", 8);
    assert_int_equal(file_seek(file, 0), OK);
    assert_int_equal(file_read(file, text, 8), 8);
    assert_memory_equal(text, "near\0\0\0\0", 8);
    assert_int_equal(file_truncate(file, 2), OK);
    assert_int_equal(file_truncate(file, 1ULL << 40), OK);
    assert_int_equal(file_seek(file, 0), OK);
    assert_int_equal(file_read(file, text, 8), 8);
    assert_memory_equal(text, "ne\0\0\0\0\0\0", 8);
    file_close(file);
    assert_int_equal(fs_remove("f"), OK);
}

/* 64 MiB in small steps: the time of an append must not grow with the file. */
static void test_large(void **state)
{
    static uint8_t piece[64 * 1024], found[sizeof piece];
    struct file *file;
    (void)state;
    assert_int_equal(file_open("f", O_READ | O_WRITE | O_CREATE | O_APPEND, &file), OK);
    for (unsigned i = 0; i < 1024; i++) {
        memset(piece, (int)i, sizeof piece);
        assert_int_equal(file_write(file, piece, sizeof piece), sizeof piece);
    }
    assert_int_equal(file_size(file), 64 << 20);
    assert_int_equal(file_seek(file, 0), OK);
    for (unsigned i = 0; i < 1024; i++) {
        memset(piece, (int)i, sizeof piece);
        assert_int_equal(file_read(file, found, sizeof found), sizeof found);
        assert_memory_equal(found, piece, sizeof piece);
    }
    file_close(file);
    assert_int_equal(fs_remove("f"), OK);
}

/* What was written before memory ran out stays, and the file goes on working. */
static void test_file_without_memory(void **state)
{
    static char text[40 * 4096], found[sizeof text];
    (void)state;
    memset(text, 't', sizeof text);
    for (long allowed = 0; allowed < 45; allowed++) {
        struct file *file;
        assert_int_equal(file_open("f", O_READ | O_WRITE | O_CREATE, &file), OK);
        assert_int_equal(file_write(file, "x", 1), 1);
        host_allocations_left = allowed;
        int64_t written = file_write(file, text, sizeof text);
        host_allocations_left = -1;
        /* The page that is there takes 4095 bytes; a table comes before the second. */
        int64_t fits = 4095 + 4096 * MAX(allowed - 1, 0);
        assert_int_equal(written, MIN(fits, (int64_t)sizeof text));
        assert_int_equal(file_size(file), written + 1);
        if (written < (int64_t)sizeof text) {
            host_allocations_left = 0;
            assert_int_equal(file_write(file, text, 1), ERR_NO_SPACE);
            host_allocations_left = -1;
        }
        assert_int_equal(file_seek(file, 1), OK);
        assert_int_equal(file_read(file, found, sizeof found), written);
        assert_memory_equal(found, text, (size_t)written);
        assert_int_equal(file_seek(file, (uint64_t)written + 1), OK);
        assert_int_equal(file_write(file, "more", 4), 4);
        file_close(file);
        assert_int_equal(fs_remove("f"), OK);
    }
}

/* Whichever allocation fails, the operation fails whole and nothing is lost. */
static void test_tree_without_memory(void **state)
{
    long allowed = 0;
    int status;
    (void)state;
    do {
        host_allocations_left = allowed++;
        status = fs_make_directory("d");
        host_allocations_left = -1;
        assert_int_equal(exists("d"), status == OK);
        assert_true(status == OK || status == ERR_NO_SPACE);
    } while (status != OK);
    assert_int_equal(allowed, 4);
    assert_int_equal(fs_remove_directory("d"), OK);

    allowed = 0;
    do {
        host_allocations_left = allowed++;
        status = open_status("f", O_WRITE | O_CREATE);
        host_allocations_left = -1;
        assert_true(status == OK || status == ERR_NO_SPACE || status == ERR_NO_MEMORY);
        if (exists("f"))
            assert_int_equal(fs_remove("f"), OK);
        assert_int_equal(host_allocations_live, live_at_start);
    } while (status != OK);
    assert_int_equal(allowed, 5);

    struct node *node = node_new_file();
    struct file *file;
    host_allocations_left = 0;
    assert_null(node_new_file());
    assert_int_equal(file_open_node(node, O_READ, &file), ERR_NO_MEMORY);
}

static void test_nameless(void **state)
{
    struct file *file;
    char text[4];
    (void)state;
    assert_int_equal(file_open_node(node_new_file(), O_READ | O_WRITE, &file), OK);
    assert_int_equal(file_write(file, "temp", 4), 4);
    assert_int_equal(file_seek(file, 0), OK);
    assert_int_equal(file_read(file, text, 4), 4);
    assert_memory_equal(text, "temp", 4);
    file_close(file);
}

int main(void)
{
    srand(5);
    const struct CMUnitTest tests[] = {
        TEST(test_paths),
        TEST(test_long_names),
        TEST(test_directories),
        TEST(test_working_directory),
        TEST(test_chain_of_removed_directories),
        TEST(test_moved_directory),
        TEST(test_open_flags),
        TEST(test_rename),
        TEST(test_remove_while_open),
        TEST(test_contents),
        TEST(test_sparse),
        TEST(test_large),
        TEST(test_file_without_memory),
        TEST(test_tree_without_memory),
        TEST(test_nameless),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
