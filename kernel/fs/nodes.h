/*
 * What the files of this room know of each other beyond fs.h: where a name
 * leads, the directory that holds it, the nodes of /dev that are always there.
 */
#ifndef KERNEL_FS_NODES_H
#define KERNEL_FS_NODES_H

#include "kernel/fs/fs.h"

/* What the last component of a path turned out to be. */
struct place {
    struct node *directory;     /* where the name is, or would be; NULL for "/" */
    struct entry *entry;        /* the name itself; NULL if missing and for ".", ".." and "/" */
    struct node *node;          /* what it leads to; NULL if missing */
    bool directory_meant;       /* a slash follows the name */
    char name[FS_NAME_MAX + 1]; /* "" for "/" */
};

/* OK also when only the last component is missing. Takes no reference. */
int fs_locate(const char *path, struct place *place);

/* Gives a node the name of a place that has none; takes over the reference if it succeeds. */
int fs_enter(struct place *place, struct node *node);

/* Adds null, zero, full, random, urandom and console to /dev. */
int devices_start(void);
bool node_is_console(const struct node *node);

/* As node_new_file(); it may take the last memory, too, which it gives back soon. */
struct node *node_new_temporary(void);

/* A node without `size` has no positions: a terminal, a pipe. */
static inline bool node_is_stream(const struct node *node)
{
    return node->type != NODE_DIRECTORY && !node->operations->size;
}

#endif
