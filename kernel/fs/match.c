/*
 * The paths that match a pattern: component by component, looking into a
 * directory only where the pattern has something to match there.
 */
#include "kernel/fs/fs.h"
#include "kernel/mem/heap.h"
#include "lib/pattern.h"
#include "lib/string.h"

#define PATH_DEPTH 32

struct walk {
    void (*found)(void *context, const char *path);
    void *context;
    unsigned depth;
    char path[FS_PATH_MAX + 1];
    char name[FS_NAME_MAX + 1];
};

static void descend(struct walk *walk, size_t length, const char *pattern);

/* `name` is one of those in path[0..length): go on below it. */
static void enter(struct walk *walk, size_t length, const char *name, const char *rest)
{
    size_t more = strlen(name);
    if (length + more > FS_PATH_MAX)
        return;
    memcpy(walk->path + length, name, more + 1);
    descend(walk, length + more, rest);
    walk->path[length] = 0;
}

static void descend(struct walk *walk, size_t length, const char *pattern)
{
    while (*pattern == '/' && length < FS_PATH_MAX)
        walk->path[length++] = *pattern++;
    walk->path[length] = 0;
    struct file_information information;
    if (!*pattern) {
        if (fs_information(walk->path, &information) == OK)
            walk->found(walk->context, walk->path);
        return;
    }
    if (walk->depth == PATH_DEPTH)
        return;
    walk->depth++;
    const char *end = pattern + 1;
    bool plain = !strchr("*?[", *pattern) && *pattern != '\\';
    for (; *end && *end != '/'; end++)
        plain &= !strchr("*?[\\", *end);
    if (plain && (size_t)(end - pattern) <= FS_NAME_MAX) {
        memcpy(walk->name, pattern, (size_t)(end - pattern));
        walk->name[end - pattern] = 0;
        enter(walk, length, walk->name, end);
    }
    for (unsigned i = 0; !plain; i++) {
        if (fs_entry(length ? walk->path : ".", i, walk->name) != OK)
            break;
        bool hidden = walk->name[0] == '.' && *pattern != '.';
        if (!hidden && pattern_match(pattern, end, walk->name, strlen(walk->name)))
            enter(walk, length, walk->name, end);
    }
    walk->depth--;
}

bool fs_match(const char *pattern, void (*found)(void *context, const char *path), void *context)
{
    struct walk *walk = kcalloc(1, sizeof *walk);
    if (!walk)
        return false;
    walk->found = found;
    walk->context = context;
    descend(walk, 0, pattern);
    kfree(walk);
    return true;
}
