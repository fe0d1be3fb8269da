/*
 * The shell as a program of the host, over the RAM file system:
 *
 *     host-shell [--import DIR] [--export DIR] SCRIPT [ARG]...
 *
 * SCRIPT is a file of the host. The files in DIR are in "/" before it starts;
 * what is in "/" afterwards, /dev aside, is written to the other DIR.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/shell/shell.h"
#include "tests/unit/host_kernel.h"

static int64_t host_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    (void)offset;
    ssize_t count = read(*(int *)node->data, buffer, length);
    return count < 0 ? ERR_IO : count;
}

static int64_t host_write(struct node *node, const void *buffer, size_t length, uint64_t offset)
{
    (void)offset;
    ssize_t count = write(*(int *)node->data, buffer, length);
    return count < 0 ? ERR_IO : count;
}

static struct file *host_file(int *descriptor)
{
    static const struct node_operations operations = {.read = host_read, .write = host_write};
    struct node *node = node_new(NODE_CHARACTER, &operations, descriptor);
    struct file *file;
    if (!node || file_open_node(node, O_READ | O_WRITE, &file) != OK)
        exit(125);
    return file;
}

static void fail(const char *what)
{
    perror(what);
    exit(125);
}

static char *read_host(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail(path);
    char *text = NULL;
    size_t size = 0, count;
    *length = 0;
    do {
        text = realloc(text, size += 65536);
        count = fread(text + *length, 1, size - *length, file);
        *length += count;
    } while (count);
    fclose(file);
    return text;
}

static void import(const char *from, const char *to)
{
    char host[4096], ours[FS_PATH_MAX + FS_NAME_MAX];
    DIR *directory = opendir(from);
    if (!directory)
        fail(from);
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(host, sizeof host, "%s/%s", from, entry->d_name);
        snprintf(ours, sizeof ours, "%s/%s", to, entry->d_name);
        struct stat information;
        struct file *file;
        if (stat(host, &information))
            fail(host);
        if (S_ISDIR(information.st_mode)) {
            fs_make_directory(ours);
            import(host, ours);
            continue;
        }
        size_t length;
        char *text = read_host(host, &length);
        if (file_open(ours, O_WRITE | O_CREATE | O_TRUNCATE, &file) != OK ||
            file_write(file, text, length) != (int64_t)length)
            fail(ours);
        file_close(file);
        free(text);
    }
    closedir(directory);
}

static void export_file(const char *from, const char *to)
{
    char buffer[65536];
    int64_t count;
    struct file *file;
    FILE *host = fopen(to, "wb");
    if (!host || file_open(from, O_READ, &file) != OK)
        fail(to);
    while ((count = file_read(file, buffer, sizeof buffer)) > 0)
        fwrite(buffer, 1, (size_t)count, host);
    file_close(file);
    if (fclose(host))
        fail(to);
}

static void export(const char *from, const char *to)
{
    char name[FS_NAME_MAX + 1], ours[FS_PATH_MAX + FS_NAME_MAX], host[4096];
    mkdir(to, 0777);
    for (unsigned i = 0; fs_entry(*from ? from : "/", i, name) == OK; i++) {
        struct file_information information;
        snprintf(ours, sizeof ours, "%s/%s", from, name);
        snprintf(host, sizeof host, "%s/%s", to, name);
        if (fs_information(ours, &information) != OK)
            continue;
        if (information.type == NODE_FILE)
            export_file(ours, host);
        else if (information.type == NODE_DIRECTORY && strcmp(ours, "/dev"))
            export(ours, host);
    }
}

int main(int argc, char **argv)
{
    static int descriptors[] = {0, 1, 2};
    const char *from = NULL, *to = NULL;
    int next = 1;
    for (; next + 1 < argc; next += 2) {
        if (!strcmp(argv[next], "--import"))
            from = argv[next + 1];
        else if (!strcmp(argv[next], "--export"))
            to = argv[next + 1];
        else
            break;
    }
    if (next >= argc) {
        fprintf(stderr, "usage: host-shell [--import DIR] [--export DIR] SCRIPT [ARG]...\n");
        return 125;
    }
    if (fs_start() != OK)
        return 125;
    if (from)
        import(from, "");
    struct file *in = host_file(&descriptors[0]), *out = host_file(&descriptors[1]);
    struct file *error = host_file(&descriptors[2]);
    struct shell *shell = shell_new(in, out, error);
    size_t length;
    char *script = read_host(argv[next], &length);
    arguments_set(shell, argc - next - 1, argv + next + 1);
    int status = shell_run_text(shell, argv[next], script, length);
    shell_free(shell);
    free(script);
    fs_change_directory("/");
    if (to)
        export("", to);
    file_close(in);
    file_close(out);
    file_close(error);
    return status;
}
