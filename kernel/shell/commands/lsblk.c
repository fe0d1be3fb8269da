/* lsblk: the block devices, a line each, in the columns that are asked for. */
#include "kernel/block/block.h"
#include "kernel/command/command.h"
#include "lib/printf.h"
#include "lib/string.h"

#define SIZE_TEXT 24

/* Exit statuses: of the devices that were named. */
#define NONE_FOUND 32
#define SOME_FOUND 64

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

enum column {
    NAME,
    PATH,
    SIZE,
    LOGICAL,
    PHYSICAL,
    LEAST,
    DISCARD,
    READ_ONLY,
    TYPE,
    MODEL,
    ZONED,
    ZONE_SIZE,
    ZONE_COUNT
};

static const struct {
    const char *name;
    bool left;
} columns[] = {[NAME] = {"NAME", true},          [PATH] = {"PATH", true},
               [SIZE] = {"SIZE", false},         [LOGICAL] = {"LOG-SEC", false},
               [PHYSICAL] = {"PHY-SEC", false},  [LEAST] = {"MIN-IO", false},
               [DISCARD] = {"DISC-MAX", false},  [READ_ONLY] = {"RO", false},
               [TYPE] = {"TYPE", true},          [MODEL] = {"MODEL", true},
               [ZONED] = {"ZONED", true},        [ZONE_SIZE] = {"ZONE-SZ", false},
               [ZONE_COUNT] = {"ZONE-NR", false}};

#define COLUMNS ARRAY_SIZE(columns)
#define CELL    80

struct lsblk {
    struct invocation *self;
    bool bytes, no_header, paths;
    unsigned chosen[COLUMNS], count; /* the columns to show */
    size_t width[COLUMNS];           /* of chosen[i] */
};

static void bytes_text(const struct lsblk *lsblk, char text[SIZE_TEXT], uint64_t bytes)
{
    if (lsblk->bytes || !bytes)
        snprintf(text, SIZE_TEXT, lsblk->bytes ? "%llu" : "%lluB", (unsigned long long)bytes);
    else
        size_text(text, bytes);
}

static void cell(const struct lsblk *lsblk, const struct block_device *device, unsigned column,
                 char text[CELL])
{
    switch (column) {
    case NAME:
    case PATH:
        snprintf(text, CELL, "%s%s", column == PATH || lsblk->paths ? "/dev/" : "", device->name);
        break;
    case SIZE:
        bytes_text(lsblk, text, block_bytes(device));
        break;
    case LOGICAL:
    case PHYSICAL:
    case LEAST:
        snprintf(text, CELL, "%u", device->block_size);
        break;
    case DISCARD:
        bytes_text(lsblk, text, (uint64_t)device->discard_blocks * device->block_size);
        break;
    case READ_ONLY:
        snprintf(text, CELL, "%u", device->read_only);
        break;
    case TYPE:
        snprintf(text, CELL, "disk");
        break;
    case ZONED:
        snprintf(text, CELL, "%s", device->zone_blocks ? "host-managed" : "none");
        break;
    case ZONE_SIZE:
        bytes_text(lsblk, text, device->zone_blocks * device->block_size);
        break;
    case ZONE_COUNT:
        snprintf(text, CELL, "%llu",
                 device->zone_blocks
                     ? (unsigned long long)(device->block_count / device->zone_blocks)
                     : 0);
        break;
    default:
        snprintf(text, CELL, "%s", device->model ? device->model : "");
    }
}

/* The last column ends where its text does. */
static void put(const struct lsblk *lsblk, unsigned i, const char *text)
{
    bool left = columns[lsblk->chosen[i]].left, last = i + 1 == lsblk->count;
    int width = left && last ? 0 : (int)lsblk->width[i];
    out(lsblk->self, "%*s%s", left ? -width : width, text, last ? "\n" : " ");
}

/* Measures a device's line, or prints it. */
static void do_device(struct lsblk *lsblk, const struct block_device *device, bool print)
{
    char text[CELL];
    for (unsigned i = 0; i < lsblk->count; i++) {
        cell(lsblk, device, lsblk->chosen[i], text);
        lsblk->width[i] = MAX(lsblk->width[i], strlen(text));
        if (print)
            put(lsblk, i, text);
    }
}

/* By its node, or by its name alone. */
static const struct block_device *named(const char *name)
{
    struct file *file;
    const char *slash = strrchr(name, '/');
    if (!slash || file_open(name, O_READ, &file) != OK)
        return slash ? NULL : block_find(name);
    const struct block_device *device = file_block_device(file, O_READ);
    file_close(file);
    return device;
}

static int do_devices(struct lsblk *lsblk, bool print)
{
    struct invocation *self = lsblk->self;
    int missing = 0;
    if (self->next == self->argc)
        LIST_FOR_EACH(node, &block_devices)
        {
            do_device(lsblk, CONTAINER_OF(node, struct block_device, node), print);
        }
    for (int i = self->next; i < self->argc; i++) {
        const struct block_device *device = named(self->argv[i]);
        if (device)
            do_device(lsblk, device, print);
        else if (print)
            complain(self, "%s: not a block device", self->argv[i]);
        missing += !device;
    }
    if (!missing)
        return 0;
    return missing == self->argc - self->next ? NONE_FOUND : SOME_FOUND;
}

/* "NAME,SIZE", in any case. */
static bool choose(struct lsblk *lsblk, const char *list)
{
    char name[16];
    lsblk->count = 0;
    for (;; list++) {
        size_t length = 0, column = 0;
        for (; *list && *list != ','; list++)
            if (length < sizeof name - 1)
                name[length++] = *list >= 'a' && *list <= 'z' ? (char)(*list - 32) : *list;
        name[length] = 0;
        while (column < COLUMNS && strcmp(columns[column].name, name) != 0)
            column++;
        if (column == COLUMNS || lsblk->count == COLUMNS) {
            complain(lsblk->self, "unknown column: %s", name);
            return false;
        }
        lsblk->chosen[lsblk->count++] = (unsigned)column;
        if (!*list)
            return true;
    }
}

static const struct option options[] = {
    {'b', "bytes", NULL, "sizes in bytes"},
    {'d', "nodeps", NULL, "devices alone (there is nothing below them)"},
    {'n', "noheadings", NULL, "print no header"},
    {'o', "output", "LIST", "these columns"},
    {'p', "paths", NULL, "names with /dev/"},
    {'z', "zoned", NULL, "columns NAME ZONED ZONE-SZ ZONE-NR"},
    {0}};

static int lsblk(struct invocation *self)
{
    struct lsblk lsblk = {.self = self};
    const char *list = "NAME,SIZE,LOG-SEC,RO,TYPE,MODEL";
    for (int key; (key = option_next(self));) {
        if (key < 0)
            return 1;
        lsblk.bytes |= key == 'b';
        lsblk.no_header |= key == 'n';
        lsblk.paths |= key == 'p';
        if (key == 'o')
            list = self->argument;
        if (key == 'z')
            list = "NAME,ZONED,ZONE-SZ,ZONE-NR";
    }
    if (!choose(&lsblk, list))
        return 1;
    for (unsigned i = 0; i < lsblk.count && !lsblk.no_header; i++)
        lsblk.width[i] = strlen(columns[lsblk.chosen[i]].name);
    lsblk.no_header |= do_devices(&lsblk, false) == NONE_FOUND;
    for (unsigned i = 0; i < lsblk.count && !lsblk.no_header; i++)
        put(&lsblk, i, columns[lsblk.chosen[i]].name);
    return do_devices(&lsblk, true);
}

COMMAND(lsblk, .summary = "list block devices", .operands = "[DEVICE]...", .options = options,
        .details = "Columns: NAME PATH SIZE LOG-SEC PHY-SEC MIN-IO DISC-MAX RO TYPE MODEL\n"
                   "ZONED ZONE-SZ ZONE-NR",
        .usage_status = 1, .lists_devices = true, .run = lsblk)
