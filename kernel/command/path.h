/*
 * Paths as text, for commands that walk the tree.
 */
#ifndef KERNEL_COMMAND_PATH_H
#define KERNEL_COMMAND_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/fs/fs.h"

/* directory + "/" + name; false when it is too long. The arguments may not overlap `path`. */
bool path_join(char path[FS_PATH_MAX], const char *directory, const char *name);

/* The last name in a path, and its length without trailing slashes; "/" is its own. */
const char *path_last(const char *path, size_t *length);

bool path_is_directory(const char *path);

#endif
