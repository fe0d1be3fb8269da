/* See transfer.h. */
#include "kernel/shell/commands/transfer.h"

#include "kernel/command/path.h"
#include "lib/printf.h"
#include "lib/string.h"

static int into_directory(struct invocation *self, const char *from, const char *directory,
                          char path[FS_PATH_MAX])
{
    char name[FS_NAME_MAX + 1];
    size_t length;
    const char *last = path_last(from, &length);
    snprintf(name, sizeof name, "%.*s", (int)length, last);
    if (length <= FS_NAME_MAX && path_join(path, directory, name))
        return 0;
    return complain(self, "'%s/%s': %s", directory, last, status_text(ERR_NAME_TOO_LONG));
}

static int transfer_one(const struct transfer *transfer, const char *from, const char *to,
                        bool into)
{
    struct invocation *self = transfer->self;
    char path[FS_PATH_MAX];
    struct file_information source, target;
    int status = fs_information(from, &source);
    if (status != OK)
        return complain(self, "cannot stat '%s': %s", from, status_text(status));
    if (into) {
        if (into_directory(self, from, to, path))
            return 1;
        to = path;
    }
    bool there = fs_information(to, &target) == OK;
    if (there && target.number == source.number)
        return complain(self, "'%s' and '%s' are the same file", from, to);
    if (there && transfer->keep && target.type != NODE_DIRECTORY)
        return 0;
    return transfer->one(transfer, from, to);
}

int transfer(struct transfer *transfer)
{
    struct invocation *self = transfer->self;
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        transfer->recursive |= key == 'r' || key == 'R';
        transfer->verbose |= key == 'v';
        transfer->keep |= key == 'n';
    }
    int count = self->argc - self->next, worst = 0;
    char **operand = self->argv + self->next;
    if (count == 0)
        return usage(self, "missing file operand");
    if (count == 1)
        return usage(self, "missing destination file operand after '%s'", operand[0]);
    const char *to = operand[count - 1];
    struct file_information target;
    int status = fs_information(to, &target);
    bool into = status == OK && target.type == NODE_DIRECTORY;
    if (count > 2 && !into)
        return complain(self, "target '%s': %s", to,
                        status_text(status == OK ? ERR_NOT_DIRECTORY : status));
    for (int i = 0; i < count - 1; i++) {
        status = transfer_one(transfer, operand[i], to, into);
        if (status == STATUS_INTERRUPTED)
            return status;
        worst = MAX(worst, status);
    }
    return worst;
}
