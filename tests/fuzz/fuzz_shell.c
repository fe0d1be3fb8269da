/*
 * Any text as a shell script, over RAM files, with commands that touch nothing
 * else. Ctrl-C comes after a while, and memory may run out before it does.
 */
#include "tests/fuzz/kernel.h"

#include "kernel/shell/shell.h"

#define QUESTIONS   500 /* that are asked about Ctrl-C before the answer is yes */
#define ALLOCATIONS 20000

static struct file *open_input(void)
{
    struct file *file = file_temporary();
    static const char text[] = "first line\nsecond\\\n  third\n";
    CHECK(file && file_write(file, text, sizeof text - 1) == sizeof text - 1);
    file_seek(file, 0);
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started)
        fuzz_kernel_clean();
    started = true;
    if (size < 1)
        return 0;
    struct file *in = open_input(), *out = file_temporary(), *error = file_temporary();
    CHECK(out && error);
    struct shell *shell = shell_new(in, out, error);
    CHECK(shell);
    /* The first byte: when memory runs out, if it is a character that no script begins with. */
    host_allocations_left = data[0] >= 128 ? data[0] - 128 : ALLOCATIONS;
    host_interrupt_after = QUESTIONS;
    int status = shell_run_text(shell, "sh", (const char *)data, size);
    CHECK(status >= 0 && status <= 255);
    shell_free(shell);
    file_close(in);
    file_close(out);
    file_close(error);
    fuzz_kernel_clean();
    return 0;
}
