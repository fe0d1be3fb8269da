/* See path.h. */
#include "kernel/command/path.h"

#include "lib/printf.h"
#include "lib/string.h"

bool path_join(char path[FS_PATH_MAX], const char *directory, const char *name)
{
    size_t length = strlen(directory);
    const char *slash = length && directory[length - 1] == '/' ? "" : "/";
    return snprintf(path, FS_PATH_MAX, "%s%s%s", directory, slash, name) < FS_PATH_MAX;
}

const char *path_last(const char *path, size_t *length)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start && path[start - 1] != '/')
        start--;
    if (start == end && end)
        start--;
    *length = end - start;
    return path + start;
}

bool path_is_directory(const char *path)
{
    struct file_information information;
    return fs_information(path, &information) == OK && information.type == NODE_DIRECTORY;
}
