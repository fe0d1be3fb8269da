/*
 * Any bytes as an archive. It is unpacked or refused; what is there afterwards
 * can be read, and goes away without a trace.
 */
#include "tests/fuzz/kernel.h"

static void read_below(const char *path, unsigned depth)
{
    char name[FS_NAME_MAX + 1], below[2 * FS_PATH_MAX], bytes[512];
    for (unsigned i = 0; depth < 8 && fs_entry(path, i, name) == OK; i++) {
        struct file *file;
        if (!strcmp(path, "/") && !strcmp(name, "dev"))
            continue;
        snprintf(below, sizeof below, "%s/%s", strcmp(path, "/") ? path : "", name);
        if (file_open(below, O_READ, &file) != OK) {
            read_below(below, depth + 1);
            continue;
        }
        uint64_t left = file_size(file);
        for (int64_t got; (got = file_read(file, bytes, sizeof bytes)) > 0; left -= (uint64_t)got)
            CHECK((uint64_t)got <= left);
        CHECK(left == 0);
        file_close(file);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started)
        fuzz_kernel_clean();
    started = true;
    if (size < 1)
        return 0;
    /* The first byte: after how many allocations memory runs out. */
    host_allocations_left = data[0] ? data[0] : -1;
    int status = fs_unpack(data + 1, size - 1);
    host_allocations_left = -1;
    CHECK(status <= 0);
    read_below("/", 0);
    fuzz_kernel_clean();
    return 0;
}
