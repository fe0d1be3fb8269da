/* rm: removes files, and with -r directories with all that is in them. */
#include "kernel/command/command.h"
#include "kernel/command/path.h"
#include "kernel/console.h"
#include "lib/string.h"

static const struct option options[] = {{'f', "force", NULL, "do not mind missing files"},
                                        {'r', "recursive", NULL, "remove directories and contents"},
                                        {'R', NULL, NULL, "the same"},
                                        {0}};

static int report(struct invocation *self, const char *path, int status)
{
    return complain(self, "cannot remove '%s': %s", path, status_text(status));
}

/* Takes a tree apart from its leaves on. The path, not the stack, remembers the way: it goes down
 * to the first entry of each directory and back up when that is gone. */
static int remove_tree(struct invocation *self, const char *top)
{
    char path[FS_PATH_MAX], name[FS_NAME_MAX + 1], below[FS_PATH_MAX];
    size_t top_length = strlen(top);
    if (top_length >= sizeof path)
        return report(self, top, ERR_NAME_TOO_LONG);
    memcpy(path, top, top_length + 1);
    for (;;) {
        if (console_interrupted())
            return STATUS_INTERRUPTED;
        int status;
        if (!path_is_directory(path)) {
            status = fs_remove(path);
        } else if (fs_entry(path, 0, name) != OK) {
            status = fs_remove_directory(path);
        } else {
            if (!path_join(below, path, name))
                return report(self, path, ERR_NAME_TOO_LONG);
            memcpy(path, below, sizeof path);
            continue;
        }
        if (status != OK)
            return report(self, path, status);
        if (strlen(path) <= top_length)
            return 0;
        *MAX(strrchr(path, '/'), path + top_length) = 0;
    }
}

static bool is_dots(const char *path)
{
    size_t length;
    const char *last = path_last(path, &length);
    return (length == 1 && last[0] == '.') || (length == 2 && last[0] == '.' && last[1] == '.');
}

static int remove_one(struct invocation *self, const char *path, bool force, bool recursive)
{
    struct file_information information;
    int status = fs_information(path, &information);
    if (status != OK)
        return force && status == ERR_NOT_FOUND ? 0 : report(self, path, status);
    if (information.type != NODE_DIRECTORY || !recursive) {
        status = information.type == NODE_DIRECTORY ? ERR_IS_DIRECTORY : fs_remove(path);
        return status == OK ? 0 : report(self, path, status);
    }
    struct file_information root;
    if (is_dots(path))
        return complain(self, "refusing to remove '.' or '..' directory: skipping '%s'", path);
    if (fs_information("/", &root) == OK && root.number == information.number)
        return complain(self, "refusing to remove the root directory");
    return remove_tree(self, path);
}

static int rm(struct invocation *self)
{
    bool force = false, recursive = false;
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        if (key == 'f')
            force = true;
        else
            recursive = true;
    }
    if (self->next == self->argc)
        return force ? 0 : usage(self, "missing operand");
    int worst = 0;
    for (int i = self->next; i < self->argc; i++) {
        int status = remove_one(self, self->argv[i], force, recursive);
        if (status == STATUS_INTERRUPTED)
            return status;
        worst |= status;
    }
    return worst;
}

COMMAND(rm, .summary = "remove files and directories", .operands = "FILE...", .options = options,
        .usage_status = 1, .run = rm)
