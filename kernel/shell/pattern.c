/*
 * Patterns: matching a text, and finding the paths that match. A backslash
 * stands in front of each character that was quoted and so means itself.
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/internal.h"
#include "lib/string.h"

#define PATH_DEPTH 32

/* Matches `c` with the set behind "["; moves on behind its "]". NULL if there is no "]", and the
 * bracket is a plain character then. */
static const char *match_set(const char *set, const char *end, unsigned char c, bool *matches)
{
    bool inverted = set < end && (*set == '!' || *set == '^');
    const char *first = set += inverted;
    *matches = false;
    for (; set < end && (*set != ']' || set == first); set++) {
        if (*set == '\\' && set + 1 < end)
            set++;
        unsigned char low = (unsigned char)*set, high = low;
        if (end - set > 2 && set[1] == '-' && set[2] != ']') {
            set += set[2] == '\\' && end - set > 3 ? 3 : 2;
            high = (unsigned char)*set;
        }
        *matches |= c >= low && c <= high;
    }
    *matches ^= inverted;
    return set < end ? set + 1 : NULL;
}

/* Matches one character with the piece of pattern at *at (which is no star) and moves *at on. */
static bool match_one(const char **at, const char *end, char c)
{
    const char *pattern = *at;
    bool matches;
    if (*pattern == '[') {
        const char *behind = match_set(pattern + 1, end, (unsigned char)c, &matches);
        if (behind) {
            *at = behind;
            return matches;
        }
    }
    matches = *pattern == '?';
    if (*pattern == '\\' && pattern + 1 < end)
        pattern++;
    *at = pattern + 1;
    return matches || *pattern == c;
}

/* On a mismatch only the last star can give way: nothing before it would match more. */
bool pattern_match(const char *pattern, const char *end, const char *text, size_t length)
{
    const char *text_end = text + length, *star = NULL, *starred = NULL;
    for (;;) {
        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            starred = text;
        } else if (text == text_end && pattern == end) {
            return true;
        } else if (text < text_end && pattern < end && match_one(&pattern, end, *text)) {
            text++;
        } else if (star && starred < text_end) {
            pattern = star;
            text = ++starred;
        } else {
            return false;
        }
    }
}

void pattern_strip(char *pattern)
{
    char *to = pattern;
    for (; *pattern; pattern++) {
        if (*pattern == '\\' && pattern[1])
            pattern++;
        *to++ = *pattern;
    }
    *to = 0;
}

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

bool pattern_paths(const char *pattern, void (*found)(void *context, const char *path),
                   void *context)
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
