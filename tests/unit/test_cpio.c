/*
 * Unpacking cpio archives: good ones, and the same cut off or changed at every
 * byte, which may be refused or not but must not hurt.
 */
#include "tests/unit/fs_check.h"

/* One member of an archive, appended at `at`. */
static size_t add_member(uint8_t *at, unsigned mode, const char *name, const char *contents)
{
    size_t name_size = strlen(name) + 1, size = strlen(contents), length;
    length = (size_t)snprintf((char *)at, 111,
                              "070701%08X%08X%08X%08X%08X%08X%08zx%08X%08X%08X%08X%08zX%08X", 1u,
                              mode, 0u, 0u, 1u, 0u, size, 0u, 0u, 0u, 0u, name_size, 0u);
    memcpy(at + length, name, name_size);
    length = ROUND_UP(length + name_size, 4);
    memcpy(at + length, contents, size);
    return ROUND_UP(length + size, 4);
}

static uint8_t archive[2048];
static size_t archive_length;

static void make_archive(void)
{
    size_t length = 0;
    memset(archive, 0, sizeof archive);
    length += add_member(archive + length, 0040755, ".", "");
    length += add_member(archive + length, 0040755, "u", "");
    length += add_member(archive + length, 0100644, "u/empty", "");
    length += add_member(archive + length, 0100644, "u/one", "1");
    length += add_member(archive + length, 0100644, "u/deep/er/three", "123");
    length += add_member(archive + length, 0100644, "/u/four", "1234");
    length += add_member(archive + length, 0120777, "u/link", "one");
    length += add_member(archive + length, 0100644, "u/../u/five", "12345");
    archive_length = length;
    /* The trailer ends with its name. */
    archive_length += add_member(archive + length, 0, "TRAILER!!!", "") / 4 * 4 - 3;
    assert_int_equal(archive[archive_length - 1], 0);
    assert_int_equal(archive[archive_length - 2], '!');
}

/* Empties a directory. */
static void remove_below(const char *path)
{
    char name[FS_NAME_MAX + 1], below[2 * FS_NAME_MAX];
    while (fs_entry(path, 0, name) == OK) {
        snprintf(below, sizeof below, "%s/%s", path, name);
        remove_below(below);
        if (fs_remove(below) != OK)
            assert_int_equal(fs_remove_directory(below), OK);
    }
}

static void test_unpack(void **state)
{
    (void)state;
    make_archive();
    for (unsigned twice = 0; twice < 2; twice++) {
        assert_int_equal(fs_unpack(archive, archive_length), OK);
        expect_file("/u/empty", "");
        expect_file("/u/one", "1");
        expect_file("/u/deep/er/three", "123");
        expect_file("/u/four", "1234");
        expect_file("/u/five", "12345");
        assert_false(exists("/u/link"));
        assert_non_null(strstr(host_log_last, "/u/link"));
    }
    remove_below("/u");
    assert_int_equal(fs_remove_directory("/u"), OK);

    static uint8_t hostile[512];
    size_t length = add_member(hostile, 0100644, "dev/null", "x");
    assert_int_equal(fs_unpack(hostile, length), ERR_EXISTS);
    length = add_member(hostile, 0040755, "dev/null", "");
    assert_int_equal(fs_unpack(hostile, length), ERR_EXISTS);
    length = add_member(hostile, 0100644, "dev/null/x", "");
    assert_int_equal(fs_unpack(hostile, length), ERR_NOT_DIRECTORY);
    length = add_member(hostile, 0100644, "dev/", "");
    assert_int_equal(fs_unpack(hostile, length), ERR_EXISTS);
    assert_int_equal(fs_unpack(hostile, 0), ERR_INVALID);
}

/* In an allocation of its own length, so that reading further is seen. */
static int unpack_copy(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    memcpy(copy, bytes, length);
    int status = fs_unpack(copy, length);
    free(copy);
    return status;
}

static void test_unpack_truncated(void **state)
{
    (void)state;
    make_archive();
    for (size_t length = 0; length < archive_length; length++) {
        assert_int_equal(unpack_copy(archive, length), ERR_INVALID);
        /* "." and "u" take 112 bytes each. */
        assert_int_equal(exists("/u"), length >= 224);
        remove_below("/u");
        fs_remove_directory("/u");
    }
}

/* Every byte changed in several ways: any status, but the tree stays a tree. */
static void test_unpack_damaged(void **state)
{
    static const uint8_t changes[] = {0x01, 0x02, 0x10, 0x7F, 0x80, 0xFF, '/', 'F' ^ '0'};
    unsigned refused = 0;
    (void)state;
    make_archive();
    for (size_t at = 0; at < archive_length; at++)
        for (unsigned i = 0; i < ARRAY_SIZE(changes); i++) {
            archive[at] ^= changes[i];
            refused += unpack_copy(archive, archive_length) != OK;
            archive[at] ^= changes[i];
            /* All that may be there besides /dev is new. */
            char name[FS_NAME_MAX + 1], path[FS_NAME_MAX + 2];
            for (unsigned index = 0; fs_entry("/", index, name) == OK;) {
                snprintf(path, sizeof path, "/%s", name);
                if (strcmp(name, "dev") == 0) {
                    index++;
                    continue;
                }
                remove_below(path);
                if (fs_remove(path) != OK)
                    assert_int_equal(fs_remove_directory(path), OK);
            }
            assert_int_equal(host_allocations_live, live_at_start);
        }
    assert_true(refused > 1000);
}

static void test_unpack_without_memory(void **state)
{
    int status;
    long allowed = 0;
    (void)state;
    make_archive();
    do {
        host_allocations_left = allowed++;
        status = unpack_copy(archive, archive_length);
        host_allocations_left = -1;
        assert_int_not_equal(status, ERR_INVALID);
        remove_below("/u");
        fs_remove_directory("/u");
        assert_int_equal(host_allocations_live, live_at_start);
    } while (status != OK);
    assert_true(allowed > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_unpack),
        TEST(test_unpack_truncated),
        TEST(test_unpack_damaged),
        TEST(test_unpack_without_memory),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
