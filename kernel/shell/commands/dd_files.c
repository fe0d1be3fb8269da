/* The files that dd reads and writes: opened, and positioned for output. */
#include "kernel/shell/commands/dd.h"

const char *dd_input_name(const struct dd *dd)
{
    return dd->input_name ? dd->input_name : "standard input";
}

const char *dd_output_name(const struct dd *dd)
{
    return dd->output_name ? dd->output_name : "standard output";
}

int dd_fail(struct dd *dd, const char *what, const char *name, int status)
{
    if (status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    return complain(dd->self, "%s '%s': %s", what, name, status_text(status));
}

bool dd_in_bytes(uint64_t count, uint64_t block, bool already, uint64_t *bytes)
{
    return !__builtin_mul_overflow(count, already ? 1 : block, bytes) && *bytes <= INT64_MAX;
}

static bool seek_bytes(const struct dd *dd, uint64_t *bytes)
{
    return dd_in_bytes(dd->seek, dd->obs, dd->output_flags & DD_SEEK_BYTES, bytes);
}

/* What has no blocks cannot be read or written in them. */
static int check_direct(const struct file *file, uint64_t flags)
{
    return flags & DD_DIRECT && file->node->type == NODE_CHARACTER ? ERR_INVALID : OK;
}

/* Without notrunc, the output ends where writing begins. */
static int open_output(struct dd *dd)
{
    uint64_t end;
    bool truncate = !(dd->conversions & DD_NOTRUNC);
    if (!seek_bytes(dd, &end))
        return complain(dd->self,
                        "offset too large: cannot truncate to a length of seek=%llu"
                        " (%llu-byte) blocks",
                        (unsigned long long)dd->seek, (unsigned long long)dd->obs);
    struct file_information there;
    if (dd->conversions & DD_EXCL && fs_information(dd->output_name, &there) == OK)
        return dd_fail(dd, "failed to open", dd->output_name, ERR_EXISTS);
    unsigned mode = O_WRITE;
    if (!(dd->conversions & DD_NOCREAT))
        mode |= O_CREATE;
    if (dd->output_flags & DD_APPEND)
        mode |= O_APPEND;
    if (truncate && end == 0)
        mode |= O_TRUNCATE;
    int status = file_open(dd->output_name, mode, &dd->out);
    if (status == OK)
        status = check_direct(dd->out, dd->output_flags);
    if (status != OK)
        return dd_fail(dd, "failed to open", dd->output_name, status);
    if (!truncate || end == 0 || dd->out->node->type != NODE_FILE)
        return 0;
    status = file_truncate(dd->out, end);
    if (status != OK)
        return complain(dd->self, "failed to truncate to %llu bytes in output file '%s': %s",
                        (unsigned long long)end, dd->output_name, status_text(status));
    return 0;
}

int dd_open_files(struct dd *dd)
{
    if (!dd->input_name) {
        dd->in = file_share(dd->self->in);
    } else {
        int status = file_open(dd->input_name, O_READ, &dd->in);
        if (status == OK)
            status = check_direct(dd->in, dd->input_flags);
        if (status != OK)
            return dd_fail(dd, "failed to open", dd->input_name, status);
    }
    if (dd->output_name)
        return open_output(dd);
    dd->out = file_share(dd->self->out);
    return 0;
}

int dd_seek_output(struct dd *dd)
{
    uint64_t bytes;
    int status = OK;
    if (!seek_bytes(dd, &bytes) || bytes > INT64_MAX - dd->out->position)
        return complain(dd->self, "%s: cannot seek: Value too large for defined data type",
                        dd_output_name(dd));
    if (bytes == 0)
        return 0;
    uint64_t position = dd->out->position + bytes;
    if (dd->out->node->type == NODE_BLOCK && position > file_size(dd->out))
        status = ERR_INVALID;
    else
        status = file_seek(dd->out, position);
    if (status != OK)
        return complain(dd->self, "%s: cannot seek: %s", dd_output_name(dd), status_text(status));
    return 0;
}
