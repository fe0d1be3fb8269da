/*
 * Unpacks a cpio archive in the "newc" form: per file a header of 13 numbers
 * of 8 hexadecimal digits behind a magic number, the name with its NUL, the
 * contents; name and contents each filled up to a multiple of 4 bytes.
 */
#include "kernel/fs/fs.h"
#include "kernel/log.h"
#include "lib/bits.h"
#include "lib/string.h"

#define MAGIC_PLAIN    "070701"
#define MAGIC_CHECKED  "070702" /* the same with sums of the contents, which nobody asks for */
#define MAGIC_LENGTH   6u
#define DIGITS         8u
#define HEADER_LENGTH  (MAGIC_LENGTH + 13 * DIGITS)
#define FIELD_MODE     1
#define FIELD_SIZE     6
#define FIELD_NAME     11
#define MODE_KIND      0170000u
#define MODE_DIRECTORY 0040000u
#define MODE_FILE      0100000u
#define TRAILER        "TRAILER!!!"

struct member {
    uint32_t mode;
    const char *name; /* NUL terminated */
    const uint8_t *contents;
    uint32_t size;
};

/* What is left of the archive. */
struct rest {
    const uint8_t *at;
    size_t length;
    size_t taken; /* padding counts from the start of the archive */
};

/* NULL when there is less. */
static const uint8_t *take(struct rest *rest, size_t length)
{
    if (length > rest->length)
        return NULL;
    const uint8_t *at = rest->at;
    rest->at += length;
    rest->length -= length;
    rest->taken += length;
    return at;
}

static bool take_padding(struct rest *rest)
{
    return take(rest, -rest->taken % 4) != NULL;
}

static bool read_field(const uint8_t *header, unsigned index, uint32_t *value)
{
    const uint8_t *digit = header + MAGIC_LENGTH + (size_t)index * DIGITS;
    *value = 0;
    for (unsigned i = 0; i < DIGITS; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *found = digit[i] ? strchr(digits, digit[i]) : NULL;
        if (!found)
            return false;
        *value = *value << 4 | ((uint32_t)(found - digits) & 15);
    }
    return true;
}

static bool next_member(struct rest *rest, struct member *member)
{
    uint32_t name_size;
    const uint8_t *header = take(rest, HEADER_LENGTH);
    if (!header || (memcmp(header, MAGIC_PLAIN, MAGIC_LENGTH) != 0 &&
                    memcmp(header, MAGIC_CHECKED, MAGIC_LENGTH) != 0))
        return false;
    if (!read_field(header, FIELD_MODE, &member->mode) ||
        !read_field(header, FIELD_SIZE, &member->size) ||
        !read_field(header, FIELD_NAME, &name_size))
        return false;
    member->name = (const char *)take(rest, name_size);
    if (!member->name || name_size < 2 || strnlen(member->name, name_size) != name_size - 1)
        return false;
    if (strcmp(member->name, TRAILER) == 0)
        return true;
    if (!take_padding(rest))
        return false;
    member->contents = take(rest, member->size);
    return member->contents && take_padding(rest);
}

/* Makes the directories that lead to a path, as far as they are missing. */
static int make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        int status = fs_make_directory(path);
        *slash = '/';
        if (status != OK && status != ERR_EXISTS)
            return status;
    }
    return OK;
}

static int make_directory(const char *path)
{
    struct file_information existing;
    int status = fs_make_directory(path);
    if (status == ERR_EXISTS && fs_information(path, &existing) == OK &&
        existing.type == NODE_DIRECTORY)
        return OK;
    return status;
}

/* Only over a file: an archive has no business with devices. */
static int make_file(const char *path, const void *contents, size_t size)
{
    struct file *file;
    struct file_information existing;
    if (fs_information(path, &existing) == OK && existing.type != NODE_FILE)
        return ERR_EXISTS;
    int status = file_open(path, O_WRITE | O_CREATE | O_TRUNCATE, &file);
    if (status != OK)
        return status;
    int64_t written = file_write(file, contents, size);
    if (written != (int64_t)size)
        status = written < 0 ? (int)written : ERR_NO_SPACE;
    file_close(file);
    return status;
}

static int unpack(const struct member *member)
{
    char path[FS_PATH_MAX] = "/";
    size_t length = strlen(member->name);
    if (length + 2 > sizeof path)
        return ERR_NAME_TOO_LONG;
    memcpy(path + 1, member->name, length + 1);

    uint32_t kind = member->mode & MODE_KIND;
    if (kind != MODE_DIRECTORY && kind != MODE_FILE) {
        log_line(LOG_WARNING, "cpio: %s: neither file nor directory, left out", path);
        return OK;
    }
    int status = make_parents(path);
    if (status != OK)
        return status;
    return kind == MODE_DIRECTORY ? make_directory(path)
                                  : make_file(path, member->contents, member->size);
}

int fs_unpack(const void *archive, size_t length)
{
    struct rest rest = {.at = archive, .length = length};
    for (;;) {
        struct member member;
        if (!next_member(&rest, &member))
            return ERR_INVALID;
        if (strcmp(member.name, TRAILER) == 0)
            return OK;
        int status = unpack(&member);
        if (status != OK)
            return status;
    }
}
