/*
 * Files: a tree of nodes in memory, some of which are devices. One user, one
 * tree, one working directory. Not for interrupt handlers.
 *
 * A node is what a name leads to; a file is an open node with a position.
 * Removing a name leaves the node alive until its last file is closed.
 */
#ifndef KERNEL_FS_FS_H
#define KERNEL_FS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/list.h"
#include "lib/status.h"

#define FS_NAME_MAX 255
#define FS_PATH_MAX 1024

enum node_type {
    NODE_FILE,
    NODE_DIRECTORY,
    NODE_BLOCK,
    NODE_CHARACTER
};

struct block_device;
struct node;

/*
 * What makes a kind of node. Any may be NULL: the operation is then refused
 * (ERR_INVALID, or for sync: nothing to do).
 */
struct node_operations {
    /* Both return how many bytes, possibly fewer than asked; read 0 at the end. Nodes that are
     * streams (the console, a pipe) ignore `offset`. */
    int64_t (*read)(struct node *node, void *buffer, size_t length, uint64_t offset);
    int64_t (*write)(struct node *node, const void *buffer, size_t length, uint64_t offset);
    int (*truncate)(struct node *node, uint64_t size);
    int (*sync)(struct node *node);
    uint64_t (*size)(struct node *node);
    void (*release)(struct node *node); /* the last reference is gone: free `data` */
};

struct node {
    enum node_type type;
    const struct node_operations *operations;
    const struct node_operations *gone; /* a device's that has no name any more: what it had */
    void *data;                         /* the kind's own */
    uint64_t number;                    /* unique, for telling whether two paths are one node */
    uint64_t changed;                   /* clock_ns of the last write */
    unsigned references;
};

#define O_READ     1u
#define O_WRITE    2u
#define O_CREATE   4u  /* a RAM file, if the name is not there */
#define O_TRUNCATE 8u  /* RAM files only; devices ignore it, as on Linux */
#define O_APPEND   16u /* every write goes to the end */

struct file {
    struct node *node;
    uint64_t position;
    unsigned flags;
    unsigned references; /* file_share() */
};

/* Builds "/" and "/dev" with null, zero, full, random, urandom and console. Once, at start. */
int fs_start(void);

/* Unpacks a cpio archive (newc) below "/". ERR_INVALID if it is damaged; what came before the
 * damage is there. */
int fs_unpack(const void *archive, size_t length);

/* "/dev" holds devices only: making a file there is ERR_NO_DEVICE. Paths are absolute or relative
 * to the working directory; "." and ".." and repeated slashes work. Each fails with the error that
 * the system call of that name would give. */
int file_open(const char *path, unsigned flags, struct file **file);

/* Opens a node that has no name: pipes, temporary files. Takes over the caller's reference. */
int file_open_node(struct node *node, unsigned flags, struct file **file);

/* A RAM file without a name, to be written and read again; NULL without memory. */
struct file *file_temporary(void);

/* One that holds this already, at its beginning. */
int file_holding(const void *bytes, size_t length, struct file **file);

struct file *file_share(struct file *file); /* one more user of the same file and position */
void file_close(struct file *file);         /* NULL is allowed */

/* At the position, which moves on. file_write() writes everything or fails: a short count means
 * an error came after it (ask again to learn which). */
int64_t file_read(struct file *file, void *buffer, size_t length);
int64_t file_write(struct file *file, const void *buffer, size_t length);

int file_seek(struct file *file, uint64_t position); /* ERR_NOT_SEEKABLE on streams */
int file_truncate(struct file *file, uint64_t size);
int file_sync(struct file *file);
uint64_t file_size(struct file *file);   /* bytes; 0 for streams */
bool file_is_console(struct file *file); /* is this a person's terminal? */

/* A pipe: what is written to ends[1] is read from ends[0], each by a coroutine of its own. Reading
 * gives 0 once all of the other end is closed, writing ERR_PIPE; Ctrl-C ends the wait for either
 * (ERR_INTERRUPTED). */
int fs_pipe(struct file *ends[2]);
bool file_is_pipe(const struct file *file);   /* one of these ends? */
bool file_is_broken(const struct file *file); /* has a write failed with ERR_PIPE? */

/* The block device that a file is, if it is open for `mode` (O_READ or O_WRITE) at a position of
 * its own; else NULL. For who has several transfers in flight (kernel/block/block.h) and then
 * moves the position on. */
struct block_device *file_block_device(const struct file *file, unsigned mode);

int fs_make_directory(const char *path);
int fs_remove(const char *path);           /* not a directory */
int fs_remove_directory(const char *path); /* an empty one */
int fs_rename(const char *from, const char *to);

int fs_change_directory(const char *path);
const char *fs_working_directory(void); /* absolute, without a trailing slash but for "/" */

/* The working directory, to come back to; fs_return_directory() takes over the reference. */
struct node *fs_hold_directory(void);
void fs_return_directory(struct node *directory);

struct file_information {
    enum node_type type;
    uint64_t number;
    uint64_t size;
    uint64_t changed;
    unsigned links;
};
int fs_information(const char *path, struct file_information *information);

/* The index-th name of a directory in alphabetical order, without "." and ".."; ERR_NOT_FOUND
 * behind the last. */
int fs_entry(const char *path, unsigned index, char name[FS_NAME_MAX + 1]);

/* Calls found() for each path that matches, in alphabetical order (lib/pattern.h; a slash is
 * matched by a slash alone). False without memory. */
bool fs_match(const char *pattern, void (*found)(void *context, const char *path), void *context);

/* A name for a node, for device drivers: "/dev/" + name. Takes over the caller's reference. */
int fs_add_device(const char *name, struct node *node);
void fs_remove_device(const char *name);

/* A new node with one reference; NULL without memory. */
struct node *node_new(enum node_type type, const struct node_operations *operations, void *data);
struct node *node_new_file(void); /* an empty RAM file without a name */
void node_release(struct node *node);

/* A node that reads and writes a block device in bytes (kernel/fs/block_node.c). */
struct node *node_new_block(struct block_device *device);

/* Stirs unpredictable bytes into /dev/random. Any number of times. */
void random_seed(const void *bytes, size_t length);
void random_bytes(void *to, size_t length);

#endif
