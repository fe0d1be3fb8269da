/* sync: makes durable what was written, to one file or to all devices. */
#include "kernel/block/block.h"
#include "kernel/command/command.h"
#include "kernel/console.h"

static int sync_file(struct invocation *self, const char *name)
{
    struct file *file;
    int status = file_open(name, O_READ, &file);
    if (status != OK)
        return complain(self, "error opening '%s': %s", name, status_text(status));
    status = file_sync(file);
    file_close(file);
    return status == OK ? 0 : complain(self, "error syncing '%s': %s", name, status_text(status));
}

static int sync(struct invocation *self)
{
    int worst = 0;
    if (option_next(self))
        return 1;
    for (int i = self->next; i < self->argc; i++)
        worst |= sync_file(self, self->argv[i]);
    if (self->next < self->argc)
        return worst;
    /* Any of them may go meanwhile: then it begins again. */
    for (struct list *node = block_devices.next;
         node != &block_devices && !console_interrupted();) {
        struct block_device *device = CONTAINER_OF(node, struct block_device, node);
        block_hold(device);
        int status = block_flush(device);
        if (status != OK)
            worst = complain(self, "error syncing '%s': %s", device->name, status_text(status));
        node = list_is_empty(node) ? block_devices.next : node->next;
        block_let_go(device);
    }
    return worst;
}

COMMAND(sync, .summary = "make what was written durable", .operands = "[FILE]...",
        .usage_status = 1, .run = sync)
