/* lsblk: the block devices, a line each. */
#include "kernel/block/block.h"
#include "kernel/shell/command.h"
#include "lib/printf.h"
#include "lib/string.h"

#define SIZE_TEXT 24

/* "64M", "1.5G": one decimal where it is not zero. */
static void size_text(char text[SIZE_TEXT], uint64_t bytes)
{
    const char *unit = "BKMGTPE";
    uint64_t scale = 1;
    while (bytes / scale >= 1024) {
        scale *= 1024;
        unit++;
    }
    uint64_t rest = bytes % scale;
    uint64_t tenths = 10 * (bytes / scale) + (10 * rest + scale / 2) / scale;
    unsigned long long whole = tenths / 10, part = tenths % 10;
    if (part)
        snprintf(text, SIZE_TEXT, "%llu.%llu%c", whole, part, *unit);
    else
        snprintf(text, SIZE_TEXT, "%llu%c", whole, *unit);
}

static int lsblk(struct invocation *self)
{
    if (option_next(self))
        return 1;
    if (self->next < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next]);
    size_t name_width = 4, size_width = 4;
    char size[SIZE_TEXT];
    LIST_FOR_EACH(node, &block_devices)
    {
        const struct block_device *device = CONTAINER_OF(node, struct block_device, node);
        size_text(size, block_bytes(device));
        name_width = MAX(name_width, strlen(device->name));
        size_width = MAX(size_width, strlen(size));
    }
    out(self, "%-*s %*s LOG-SEC RO TYPE MODEL\n", (int)name_width, "NAME", (int)size_width, "SIZE");
    LIST_FOR_EACH(node, &block_devices)
    {
        const struct block_device *device = CONTAINER_OF(node, struct block_device, node);
        size_text(size, block_bytes(device));
        out(self, "%-*s %*s %7u %2d disk %s\n", (int)name_width, device->name, (int)size_width,
            size, device->block_size, device->read_only, device->model ? device->model : "");
    }
    return 0;
}

COMMAND(lsblk, .summary = "list block devices", .usage_status = 1, .run = lsblk)
