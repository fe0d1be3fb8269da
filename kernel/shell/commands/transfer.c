/* See transfer.h. */
#include "kernel/shell/commands/transfer.h"

#include "kernel/command/path.h"
#include "lib/printf.h"
#include "lib/string.h"

/* There are no permissions that -f could force its way past. */
const struct option transfer_options[] = {{'f', "force", NULL, "do not ask (never done anyway)"},
                                          {0}};

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

static int transfer_one(struct invocation *self, const char *from, const char *to, bool into,
                        int (*one)(struct invocation *self, const char *from, const char *to))
{
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
    if (fs_information(to, &target) == OK && target.number == source.number)
        return complain(self, "'%s' and '%s' are the same file", from, to);
    return one(self, from, to);
}

int transfer(struct invocation *self,
             int (*one)(struct invocation *self, const char *from, const char *to))
{
    for (int key; (key = option_next(self));)
        if (key < 0)
            return 1;
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
        status = transfer_one(self, operand[i], to, into, one);
        if (status == STATUS_INTERRUPTED)
            return status;
        worst = MAX(worst, status);
    }
    return worst;
}
