/* cp: copies the contents of files, to and from devices too, and with -r of directories. */
#include "kernel/command/path.h"
#include "kernel/command/reader.h"
#include "kernel/shell/commands/transfer.h"
#include "lib/string.h"

static int copy(struct invocation *self, struct reader *reader, struct file *file, const char *from,
                const char *to)
{
    reader_show(reader, self);
    while (reader_fill(reader)) {
        int64_t written = file_write(file, reader_bytes(reader), reader_available(reader));
        if (written < 0)
            return complain(self, "error writing '%s': %s", to, status_text((int)written));
        reader_take(reader, (size_t)written);
    }
    if (reader->status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    if (reader->status != OK)
        return complain(self, "error reading '%s': %s", from, status_text(reader->status));
    return 0;
}

static int copy_file(const struct transfer *transfer, const char *from, const char *to)
{
    struct invocation *self = transfer->self;
    if (path_is_directory(to))
        return complain(self, "cannot overwrite directory '%s' with non-directory", to);
    struct reader reader;
    struct file *file;
    int status = reader_open(&reader, self, from);
    if (status != OK)
        return complain(self, "cannot open '%s' for reading: %s", from, status_text(status));
    status = file_open(to, O_WRITE | O_CREATE | O_TRUNCATE, &file);
    if (status == OK) {
        if (transfer->verbose)
            out(self, "'%s' -> '%s'\n", from, to);
        status = copy(self, &reader, file, from, to);
        file_close(file);
    } else {
        status = complain(self, "cannot create regular file '%s': %s", to, status_text(status));
    }
    reader_close(&reader);
    return status;
}

/* ---- Directories: the names grow and shrink in place, so that a level takes little stack ------
 */

#define NAME_SIZE (FS_PATH_MAX + FS_NAME_MAX + 2) /* one more name than a path may have */

struct tree {
    const struct transfer *transfer;
    const char *top_from, *top_to;
    uint64_t made; /* the copy's number: it may lie within what is copied */
    char from[NAME_SIZE], to[NAME_SIZE];
};

static int copy_entry(struct tree *tree);

/* Makes the directory tree->to, if it is not there; 0, or 1 after a message. */
static int make_directory(struct tree *tree)
{
    struct invocation *self = tree->transfer->self;
    struct file_information there;
    if (fs_information(tree->to, &there) == OK)
        return there.type == NODE_DIRECTORY
                   ? 0
                   : complain(self, "cannot overwrite non-directory '%s' with directory '%s'",
                              tree->to, tree->from);
    int status = fs_make_directory(tree->to);
    if (status != OK)
        return complain(self, "cannot create directory '%s': %s", tree->to, status_text(status));
    if (tree->transfer->verbose)
        out(self, "'%s' -> '%s'\n", tree->from, tree->to);
    if (!tree->made && fs_information(tree->to, &there) == OK)
        tree->made = there.number;
    return 0;
}

static int copy_directory(struct tree *tree)
{
    const size_t from = strlen(tree->from), to = strlen(tree->to);
    int worst = make_directory(tree);
    for (unsigned i = 0; !worst || (worst == 1 && i); i++) {
        char *name = tree->from + from + 1;
        if (fs_entry(tree->from, i, name) != OK)
            break;
        size_t length = strlen(name);
        if (MAX(from, to) + 1 + length >= FS_PATH_MAX)
            return complain(tree->transfer->self, "'%s/%s': %s", tree->to, name,
                            status_text(ERR_NAME_TOO_LONG));
        tree->from[from] = tree->to[to] = '/';
        memcpy(tree->to + to + 1, name, length + 1);
        worst = MAX(worst, copy_entry(tree));
        tree->from[from] = tree->to[to] = 0;
    }
    return worst;
}

static int copy_entry(struct tree *tree)
{
    struct invocation *self = tree->transfer->self;
    struct file_information source, target;
    int status = fs_information(tree->from, &source);
    bool there = fs_information(tree->to, &target) == OK;
    if (status != OK)
        return complain(self, "cannot stat '%s': %s", tree->from, status_text(status));
    if (source.type == NODE_DIRECTORY && source.number == tree->made)
        return complain(self, "cannot copy a directory, '%s', into itself, '%s'", tree->top_from,
                        tree->top_to);
    if (source.type == NODE_DIRECTORY)
        return copy_directory(tree);
    if (source.type != NODE_FILE)
        return complain(self, "'%s' is a device, and not copied", tree->from);
    return there && tree->transfer->keep ? 0 : copy_file(tree->transfer, tree->from, tree->to);
}

static int cp_one(const struct transfer *transfer, const char *from, const char *to)
{
    if (!path_is_directory(from))
        return copy_file(transfer, from, to);
    if (!transfer->recursive)
        return complain(transfer->self, "-r not specified; omitting directory '%s'", from);
    struct tree tree = {.transfer = transfer, .top_from = from, .top_to = to};
    if (strlen(from) >= FS_PATH_MAX || strlen(to) >= FS_PATH_MAX)
        return complain(transfer->self, "'%s': %s", from, status_text(ERR_NAME_TOO_LONG));
    memcpy(tree.from, from, strlen(from) + 1);
    memcpy(tree.to, to, strlen(to) + 1);
    return copy_entry(&tree);
}

static const struct option options[] = {
    TRANSFER_OPTIONS,
    {'r', "recursive", NULL, "directories with all that is in them"},
    {'R', NULL, NULL, "the same"},
    {0},
};

static int cp(struct invocation *self)
{
    return transfer(&(struct transfer){.self = self, .one = cp_one});
}

COMMAND(cp, .summary = "copy files", .operands = "SOURCE... TARGET", .options = options,
        .usage_status = 1, .run = cp)
