/* mkdir: makes directories. */
#include "kernel/command/command.h"
#include "kernel/command/path.h"
#include "lib/string.h"

static const struct option options[] = {
    {'p', "parents", NULL, "make missing parents; no error if it exists"}, {0}};

static int make(struct invocation *self, const char *path)
{
    int status = fs_make_directory(path);
    if (status == OK)
        return 0;
    return complain(self, "cannot create directory '%s': %s", path, status_text(status));
}

/* Makes each directory on the way that is not there. */
static int make_with_parents(struct invocation *self, const char *path)
{
    char part[FS_PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof part)
        return complain(self, "cannot create directory '%s': %s", path,
                        status_text(ERR_NAME_TOO_LONG));
    for (size_t i = 1; i <= length; i++) {
        if (path[i] && (path[i] != '/' || path[i - 1] == '/'))
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        struct file_information information;
        int status = fs_information(part, &information);
        if (status == OK && information.type == NODE_DIRECTORY)
            continue;
        if (status == OK && path[i]) /* a file in the way */
            return complain(self, "cannot create directory '%s': %s", part,
                            status_text(ERR_NOT_DIRECTORY));
        if (make(self, part))
            return 1;
    }
    return 0;
}

static int mkdir(struct invocation *self)
{
    bool parents = false;
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        parents = true;
    }
    if (self->next == self->argc)
        return usage(self, "missing operand");
    int worst = 0;
    for (int i = self->next; i < self->argc; i++)
        worst |= parents && *self->argv[i] ? make_with_parents(self, self->argv[i])
                                           : make(self, self->argv[i]);
    return worst;
}

COMMAND(mkdir, .summary = "make directories", .operands = "DIRECTORY...", .options = options,
        .usage_status = 1, .run = mkdir)
