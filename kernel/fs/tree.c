/*
 * The tree: directories are sorted lists of names, and a path is walked from
 * the root or the working directory, one name at a time.
 *
 * A name holds a reference to its node, and a directory one to its parent, so
 * that ".." works in a directory that was removed while it was in use. The
 * names of device nodes are the kernel's: nobody else removes or moves them.
 */
#include "kernel/fs/fs.h"

#include "kernel/fs/nodes.h"
#include "kernel/mem/heap.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/coroutine.h"
#include "lib/bits.h"
#include "lib/string.h"

struct entry {
    struct list link; /* among its directory's, sorted by name */
    struct node *node;
    char name[];
};

struct directory {
    struct list entries;
    struct node *parent; /* itself for the root */
    struct entry *entry; /* its own name; NULL for the root and once removed */
};

static struct node *root, *devices, *working;

struct node *node_new(enum node_type type, const struct node_operations *operations, void *data)
{
    static uint64_t last_number;
    struct node *node = kmalloc(sizeof *node);
    if (node)
        *node = (struct node){.type = type,
                              .operations = operations,
                              .data = data,
                              .number = ++last_number,
                              .changed = clock_ns(),
                              .references = 1};
    return node;
}

static struct entry *entry_of(struct list *link)
{
    return CONTAINER_OF(link, struct entry, link);
}

static struct directory *directory_of(struct node *node)
{
    return node->data;
}

static bool directory_is_removed(struct node *node)
{
    return node != root && !directory_of(node)->entry;
}

static bool directory_is_empty(struct node *node)
{
    return list_is_empty(&directory_of(node)->entries);
}

static void directory_release(struct node *node)
{
    kfree(directory_of(node));
}

static const struct node_operations directory_operations = {.release = directory_release};

/* With a removed directory its parent's last reference may go, and so on: such a chain may be far
 * longer than the stack is deep. */
void node_release(struct node *node)
{
    while (node && !--node->references) {
        bool holds = node->type == NODE_DIRECTORY && node != root;
        struct node *parent = holds ? directory_of(node)->parent : NULL;
        if (node->operations->release)
            node->operations->release(node);
        kfree(node);
        node = parent;
    }
}

/* `parent` NULL makes the root. */
static struct node *directory_new(struct node *parent)
{
    struct directory *directory = kmalloc(sizeof *directory);
    if (!directory)
        return NULL;
    struct node *node = node_new(NODE_DIRECTORY, &directory_operations, directory);
    if (!node) {
        kfree(directory);
        return NULL;
    }
    list_init(&directory->entries);
    directory->entry = NULL;
    directory->parent = parent ? parent : node;
    if (parent)
        parent->references++;
    return node;
}

static struct entry *find(struct node *directory, const char *name)
{
    LIST_FOR_EACH(link, &directory_of(directory)->entries)
    {
        int order = strcmp(entry_of(link)->name, name);
        if (order == 0)
            return entry_of(link);
        if (order > 0)
            break;
    }
    return NULL;
}

/* Puts a new name into its directory; the node's reference is its own from now on. */
static void entry_link(struct node *directory, struct entry *entry, struct node *node)
{
    struct list *position = directory_of(directory)->entries.next;
    while (position != &directory_of(directory)->entries &&
           strcmp(entry_of(position)->name, entry->name) < 0)
        position = position->next;
    list_insert(position, &entry->link);
    entry->node = node;
    if (node->type == NODE_DIRECTORY)
        directory_of(node)->entry = entry;
    directory->changed = clock_ns();
}

/* The reverse; returns the node with its reference. */
static struct node *entry_unlink(struct node *directory, struct entry *entry)
{
    struct node *node = entry->node;
    if (node->type == NODE_DIRECTORY)
        directory_of(node)->entry = NULL;
    list_remove(&entry->link);
    kfree(entry);
    directory->changed = clock_ns();
    return node;
}

static struct entry *entry_new(const char *name)
{
    size_t size = strlen(name) + 1;
    struct entry *entry = kmalloc(sizeof *entry + size);
    if (entry)
        memcpy(entry->name, name, size);
    return entry;
}

/* One name further; place->node is where we stand. */
static int step(struct place *place, const char *name, size_t length)
{
    if (length > FS_NAME_MAX)
        return ERR_NAME_TOO_LONG;
    if (!place->node)
        return ERR_NOT_FOUND;
    if (place->node->type != NODE_DIRECTORY)
        return ERR_NOT_DIRECTORY;
    memcpy(place->name, name, length);
    place->name[length] = 0;
    place->directory = place->node;
    place->entry = NULL;
    if (strcmp(place->name, ".") == 0)
        return OK;
    if (strcmp(place->name, "..") == 0) {
        place->node = directory_of(place->directory)->parent;
        return OK;
    }
    place->entry = find(place->directory, place->name);
    place->node = place->entry ? place->entry->node : NULL;
    return OK;
}

int fs_locate(const char *path, struct place *place)
{
    if (!*path)
        return ERR_NOT_FOUND;
    if (strnlen(path, FS_PATH_MAX) == FS_PATH_MAX)
        return ERR_NAME_TOO_LONG;
    *place = (struct place){.node = *path == '/' ? root : working};
    for (;;) {
        while (*path == '/')
            path++;
        if (!*path)
            break;
        size_t length = 0;
        while (path[length] && path[length] != '/')
            length++;
        int status = step(place, path, length);
        if (status != OK)
            return status;
        path += length;
        place->directory_meant = *path == '/';
    }
    if (place->directory_meant && place->node && place->node->type != NODE_DIRECTORY)
        return ERR_NOT_DIRECTORY;
    return OK;
}

/* The same, and it has to be there. */
static int locate_existing(const char *path, struct place *place)
{
    int status = fs_locate(path, place);
    return status == OK && !place->node ? ERR_NOT_FOUND : status;
}

int fs_enter(struct place *place, struct node *node)
{
    if (directory_is_removed(place->directory))
        return ERR_NOT_FOUND;
    /* Or a mistyped device, or one that is missing today, would be a file that takes it all. */
    if (place->directory == devices)
        return node->type == NODE_FILE ? ERR_NO_DEVICE : ERR_NOT_PERMITTED;
    struct entry *entry = entry_new(place->name);
    if (!entry)
        return ERR_NO_SPACE;
    entry_link(place->directory, entry, node);
    return OK;
}

int fs_make_directory(const char *path)
{
    struct place place;
    int status = fs_locate(path, &place);
    if (status == OK && place.node)
        status = ERR_EXISTS;
    if (status != OK)
        return status;
    struct node *node = heap_is_short() ? NULL : directory_new(place.directory);
    if (!node)
        return ERR_NO_SPACE;
    status = fs_enter(&place, node);
    if (status != OK)
        node_release(node);
    return status;
}

static bool is_device(const struct node *node)
{
    return node->type == NODE_BLOCK || node->type == NODE_CHARACTER;
}

int fs_remove(const char *path)
{
    struct place place;
    int status = locate_existing(path, &place);
    if (status != OK)
        return status;
    if (place.node->type == NODE_DIRECTORY)
        return ERR_IS_DIRECTORY;
    if (is_device(place.node))
        return ERR_NOT_PERMITTED;
    node_release(entry_unlink(place.directory, place.entry));
    return OK;
}

int fs_remove_directory(const char *path)
{
    struct place place;
    int status = locate_existing(path, &place);
    if (status != OK)
        return status;
    if (place.node->type != NODE_DIRECTORY)
        return ERR_NOT_DIRECTORY;
    if (place.node == root)
        return ERR_BUSY;
    if (strcmp(place.name, ".") == 0)
        return ERR_INVALID;
    if (!place.entry || !directory_is_empty(place.node))
        return ERR_NOT_EMPTY;
    node_release(entry_unlink(place.directory, place.entry));
    return OK;
}

/* May the one name take the place of the other? */
static int check_rename(const struct place *from, const struct place *to)
{
    bool from_directory = from->node->type == NODE_DIRECTORY;
    if (!from->entry || from->node == devices || (to->node && !to->entry))
        return ERR_BUSY;
    if (is_device(from->node) || to->directory == devices)
        return ERR_NOT_PERMITTED;
    if (directory_is_removed(to->directory))
        return ERR_NOT_FOUND;
    for (struct node *at = to->directory; at != root; at = directory_of(at)->parent)
        if (at == from->node)
            return ERR_INVALID;
    if (!to->node)
        return to->directory_meant && !from_directory ? ERR_NOT_DIRECTORY : OK;
    if (to->node->type != NODE_DIRECTORY)
        return from_directory ? ERR_NOT_DIRECTORY : OK;
    if (!from_directory)
        return ERR_IS_DIRECTORY;
    return directory_is_empty(to->node) ? OK : ERR_NOT_EMPTY;
}

int fs_rename(const char *from_path, const char *to_path)
{
    struct place from, to;
    int status = locate_existing(from_path, &from);
    if (status == OK)
        status = fs_locate(to_path, &to);
    if (status != OK)
        return status;
    if (from.node == to.node)
        return from.entry ? OK : ERR_BUSY;
    status = check_rename(&from, &to);
    if (status != OK)
        return status;
    struct entry *entry = entry_new(to.name);
    if (!entry)
        return ERR_NO_SPACE;

    if (to.entry)
        node_release(entry_unlink(to.directory, to.entry));
    entry_link(to.directory, entry, entry_unlink(from.directory, from.entry));
    if (from.node->type == NODE_DIRECTORY) {
        directory_of(from.node)->parent = to.directory;
        to.directory->references++;
        node_release(from.directory);
    }
    return OK;
}

/* Writes the absolute path of a directory; false when it was removed or the path is too long. */
static bool path_of(struct node *node, char path[FS_PATH_MAX])
{
    char text[FS_PATH_MAX];
    size_t start = sizeof text - 1;
    text[start] = 0;
    for (; node != root; node = directory_of(node)->parent) {
        if (directory_is_removed(node))
            return false;
        const char *name = directory_of(node)->entry->name;
        size_t length = strlen(name);
        if (length + 1 > start)
            return false;
        start -= length + 1;
        text[start] = '/';
        memcpy(text + start + 1, name, length);
    }
    if (!text[start])
        text[--start] = '/';
    memcpy(path, text + start, sizeof text - start);
    return true;
}

int fs_change_directory(const char *path)
{
    struct place place;
    char ignored[FS_PATH_MAX];
    int status = locate_existing(path, &place);
    if (status != OK)
        return status;
    if (place.node->type != NODE_DIRECTORY)
        return ERR_NOT_DIRECTORY;
    if (!path_of(place.node, ignored))
        return directory_is_removed(place.node) ? ERR_NOT_FOUND : ERR_NAME_TOO_LONG;
    place.node->references++;
    node_release(working);
    working = place.node;
    return OK;
}

static void *save_directory(void)
{
    return fs_hold_directory();
}

static void restore_directory(void *directory)
{
    fs_return_directory(directory);
}

struct node *fs_hold_directory(void)
{
    working->references++;
    return working;
}

void fs_return_directory(struct node *directory)
{
    node_release(working);
    working = directory;
}

const char *fs_working_directory(void)
{
    static char path[FS_PATH_MAX] = "/"; /* a removed directory is still called what it was */
    path_of(working, path);
    return path;
}

/* How many names in /dev lead to the node. */
static unsigned device_names(const struct node *node)
{
    unsigned count = 0;
    LIST_FOR_EACH(link, &directory_of(devices)->entries)
    {
        count += entry_of(link)->node == node;
    }
    return count;
}

static unsigned count_links(struct node *node)
{
    if (is_device(node))
        return device_names(node);
    if (node->type == NODE_FILE)
        return 1;
    unsigned count = 2; /* its name and its "." */
    LIST_FOR_EACH(link, &directory_of(node)->entries)
    {
        count += entry_of(link)->node->type == NODE_DIRECTORY;
    }
    return count;
}

int fs_information(const char *path, struct file_information *information)
{
    struct place place;
    int status = locate_existing(path, &place);
    if (status != OK)
        return status;
    struct node *node = place.node;
    *information = (struct file_information){
        .type = node->type,
        .number = node->number,
        .size = node->operations->size ? node->operations->size(node) : 0,
        .changed = node->changed,
        .links = count_links(node),
    };
    return OK;
}

int fs_entry(const char *path, unsigned index, char name[FS_NAME_MAX + 1])
{
    struct place place;
    int status = locate_existing(path, &place);
    if (status != OK)
        return status;
    if (place.node->type != NODE_DIRECTORY)
        return ERR_NOT_DIRECTORY;
    LIST_FOR_EACH(link, &directory_of(place.node)->entries)
    {
        if (index-- == 0) {
            memcpy(name, entry_of(link)->name, strlen(entry_of(link)->name) + 1);
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

int fs_add_device(const char *name, struct node *node)
{
    int status = OK;
    struct entry *entry = NULL;
    if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        status = ERR_INVALID;
    else if (strnlen(name, FS_NAME_MAX + 1) > FS_NAME_MAX)
        status = ERR_NAME_TOO_LONG;
    else if (find(devices, name))
        status = ERR_EXISTS;
    else if (!(entry = entry_new(name)))
        status = ERR_NO_MEMORY;
    if (status == OK)
        entry_link(devices, entry, node);
    else
        node_release(node);
    return status;
}

static int64_t gone_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    (void)node, (void)buffer, (void)length, (void)offset;
    return ERR_NO_DEVICE;
}

static int64_t gone_write(struct node *node, const void *buffer, size_t length, uint64_t offset)
{
    (void)node, (void)buffer, (void)length, (void)offset;
    return ERR_NO_DEVICE;
}

static int gone_sync(struct node *node)
{
    (void)node;
    return ERR_NO_DEVICE;
}

static void gone_release(struct node *node)
{
    if (node->gone->release)
        node->gone->release(node);
}

static const struct node_operations gone_operations = {
    .read = gone_read, .write = gone_write, .sync = gone_sync, .release = gone_release};

/* With its last name the device cannot be reached through files that are still open; it hears of it
 * when the last of them is closed. */
void fs_remove_device(const char *name)
{
    struct entry *entry = find(devices, name);
    if (!entry || !is_device(entry->node))
        return;
    struct node *node = entry_unlink(devices, entry);
    if (device_names(node) == 0) {
        node->gone = node->operations;
        node->operations = &gone_operations;
    }
    node_release(node);
}

int fs_start(void)
{
    root = directory_new(NULL);
    if (!root)
        return ERR_NO_MEMORY;
    working = root;
    working->references++;
    coroutine_keep(save_directory, restore_directory);
    int status = fs_make_directory("/dev");
    if (status != OK)
        return status;
    struct place place;
    fs_locate("/dev", &place);
    devices = place.node;
    return devices_start();
}
