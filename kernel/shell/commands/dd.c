/*
 * dd: copies blocks of one size into blocks of the same or another. How a
 * short block, an error, the end of a device and Ctrl-C are treated is what
 * GNU's manual says; the order of messages and counts is that of GNU's dd too.
 */
#include "kernel/shell/commands/dd.h"

#include "kernel/block/block.h"
#include "kernel/command/rate.h"
#include "kernel/console.h"
#include "kernel/x86/clock.h"
#include "lib/string.h"

static int no_memory(struct dd *dd, const char *which, uint64_t size)
{
    char text[RATE_SIZE_MAX];
    rate_size(text, size, 1024);
    return complain(dd->self, "memory exhausted by %s buffer of size %llu bytes (%s)", which,
                    (unsigned long long)size, text);
}

/* Where output blocks are: an input block is written out of the buffer it was read into. */
static struct dd_ring *output_ring(struct dd *dd)
{
    return dd->bs ? &dd->input : &dd->output;
}

static int get_buffers(struct dd *dd)
{
    if (dd->count == 0)
        return 0;
    struct dd_side from = {dd->in, file_block_device(dd->in, O_READ)};
    struct dd_side to = {dd->out, file_block_device(dd->out, O_WRITE)}, none = {0};
    /* A block may be read where one was just to be written. */
    if (from.device == to.device)
        from.device = to.device = NULL;
    /* One is durable before the next is begun; and what a person has typed does not wait. */
    if (dd->output_flags & DD_DURABLE || file_is_console(dd->in))
        to.device = NULL;
    if (!dd_ring_start(&dd->input, from, dd->bs ? to : none, dd->ibs, dd->count))
        return no_memory(dd, "input", dd->ibs);
    if (dd->bs || dd_ring_start(&dd->output, none, to, dd->obs, UINT64_MAX))
        return 0;
    return no_memory(dd, "output", dd->obs);
}

/* Directly, a device moves whole blocks only. Here every transfer is direct; who asks for it by
 * name wants to hear of it. */
static bool misaligned(const struct file *file, unsigned mode, uint64_t flags, size_t length)
{
    const struct block_device *device = file_block_device(file, mode);
    return flags & DD_DIRECT && device && !IS_ALIGNED(file->position | length, device->block_size);
}

/* The next input block, or what there is of it; 0 at the end. */
static int64_t read_block(struct dd *dd, size_t length)
{
    uint8_t *buffer = dd_ring_buffer(&dd->input);
    if (misaligned(dd->in, O_READ, dd->input_flags, length))
        return ERR_INVALID;
    if (length == dd->ibs && !console_interrupted()) {
        int64_t ready = dd_ring_read(&dd->input, dd->blocks - dd->full_in - dd->partial_in);
        if (ready)
            return ready;
    }
    size_t done = 0;
    do {
        int64_t part = console_interrupted() ? ERR_INTERRUPTED
                                             : file_read(dd->in, buffer + done, length - done);
        if (part <= 0)
            return done ? (int64_t)done : part;
        done += (size_t)part;
    } while (done < length && dd->input_flags & DD_FULLBLOCK);
    return (int64_t)done;
}

/* Skips by reading, where a file has no positions. */
static int read_past(struct dd *dd, uint64_t length)
{
    if (dd->count == 0 || !length)
        return 0;
    while (length) {
        int64_t done = read_block(dd, (size_t)MIN(length, dd->ibs));
        if (done < 0)
            return dd_fail(dd, "error reading", dd_input_name(dd), (int)done);
        if (done == 0) {
            complain(dd->self, "%s: cannot skip to specified offset", dd_input_name(dd));
            return 0;
        }
        length -= (uint64_t)done;
    }
    return 0;
}

/* A position behind the end of a file is no error, one behind the end of a device is. */
static int skip_input(struct dd *dd)
{
    uint64_t bytes;
    if (!dd_in_bytes(dd->skip, dd->ibs, dd->input_flags & DD_SKIP_BYTES, &bytes) ||
        bytes > INT64_MAX - dd->in->position)
        return complain(dd->self, "%s: cannot skip: Value too large for defined data type",
                        dd_input_name(dd));
    if (bytes == 0)
        return 0;
    uint64_t position = dd->in->position + bytes;
    uint64_t size = file_size(dd->in);
    int status = OK;
    if (dd->in->node->type == NODE_BLOCK && position > size) {
        status = ERR_INVALID;
    } else if (dd->in->node->type == NODE_FILE && position > size) {
        complain(dd->self, "%s: cannot skip to specified offset", dd_input_name(dd));
        position = MAX(size, dd->in->position);
    }
    if (status == OK)
        status = file_seek(dd->in, position);
    if (status == ERR_NOT_SEEKABLE)
        return read_past(dd, bytes);
    if (status != OK)
        return complain(dd->self, "%s: cannot skip: %s", dd_input_name(dd), status_text(status));
    return 0;
}

/* Counts a block of which `done` of `length` bytes were written; `size` is what a full one has. */
static int count_block(struct dd *dd, size_t done, size_t length, size_t size, int status,
                       const char *doing)
{
    dd->bytes += done;
    if (done == size)
        dd->full_out++;
    else if (done == length || (done && !dd->bs))
        dd->partial_out++;
    return status == OK ? 0 : dd_fail(dd, doing, dd_output_name(dd), status);
}

/* Writes the current block, all of it or as much as can be. */
static int write_block(struct dd *dd, size_t length, const char *doing)
{
    const struct dd_ring *ring = output_ring(dd);
    const uint8_t *bytes = dd_ring_buffer(ring);
    size_t done = 0;
    int status = OK;
    /* The last block, a short one, is excepted. */
    if (length == ring->size && misaligned(dd->out, O_WRITE, dd->output_flags, length))
        status = ERR_INVALID;
    while (done < length && status == OK) {
        int64_t part = console_interrupted() ? ERR_INTERRUPTED
                                             : file_write(dd->out, bytes + done, length - done);
        if (part > 0)
            done += (size_t)part;
        else
            status = part ? (int)part : ERR_NO_SPACE;
    }
    if (status == OK && dd->output_flags & DD_DURABLE)
        status = file_sync(dd->out);
    return count_block(dd, done, length, ring->size, status, doing);
}

/*
 * A block could not be written, and that is known only now. Everything is put back to where it
 * would be, had it been known at once: what was read since does not count. Blocks after it may be
 * on the device; so they would be after a page cache.
 */
static void put_back(struct dd *dd, const struct dd_record *record)
{
    struct dd_ring *ring = output_ring(dd);
    dd->full_in = record->mark.full_in;
    dd->partial_in = record->mark.partial_in;
    dd->pending = 0;
    file_seek(dd->in, record->mark.position);
    file_seek(dd->out,
              dd->out->position - (ring->current - ring->behind) * ring->size + record->moved);
    dd_ring_drop(ring);
}

/* Counts blocks whose writes have ended; waits for them while there are more than `most`. */
static int settle(struct dd *dd, uint64_t most)
{
    const struct dd_record *record;
    struct dd_ring *ring = output_ring(dd);
    while ((record = dd_ring_written(ring, most))) {
        int status = count_block(dd, record->moved, ring->size, ring->size, record->status,
                                 dd->bs ? "error writing" : "writing to");
        if (status) {
            put_back(dd, record);
            return status;
        }
        dd_ring_release(ring);
    }
    return 0;
}

/* conv=sparse: goes past a block of zeros. False if it has to be written. */
static bool leave_hole(struct dd *dd, size_t length)
{
    const uint8_t *bytes = dd_ring_buffer(output_ring(dd));
    return dd->conversions & DD_SPARSE && !*bytes && !memcmp(bytes, bytes + 1, length - 1) &&
           file_seek(dd->out, dd->out->position + length) == OK;
}

/* Writes the current record of the output, or the beginning of it, soon or now. */
static int put_block(struct dd *dd, size_t length, const char *doing)
{
    struct dd_ring *ring = output_ring(dd);
    struct dd_mark mark = {dd->full_in, dd->partial_in, dd->in->position};
    if (length == ring->size && !(dd->conversions & DD_SPARSE) && dd_ring_write(ring, &mark))
        return settle(dd, ring->count / 2);
    int status = settle(dd, 0);
    if (status == 0)
        status = leave_hole(dd, length) ? count_block(dd, length, length, ring->size, OK, doing)
                                        : write_block(dd, length, doing);
    if (status == 0)
        dd_ring_pass(ring);
    return status;
}

/* Cuts bytes into output blocks. */
static int cut(struct dd *dd, const uint8_t *input, size_t length)
{
    size_t taken = 0;
    while (taken < length) {
        size_t part = MIN(length - taken, dd->obs - dd->pending);
        memcpy(dd_ring_buffer(&dd->output) + dd->pending, input + taken, part);
        dd->pending += part;
        taken += part;
        if (dd->pending < dd->obs)
            break;
        dd->pending = 0;
        int status = put_block(dd, dd->obs, "writing to");
        if (status)
            return status;
    }
    return 0;
}

/* conv=swab: pairs of bytes, wherever blocks end; `odd` is one whose partner is yet to come. */
static int swap_and_cut(struct dd *dd, uint8_t *bytes, size_t length)
{
    int status = 0;
    if (dd->has_odd) {
        const uint8_t pair[2] = {bytes[0], dd->odd};
        status = cut(dd, pair, sizeof pair);
        bytes++;
        length--;
    }
    dd->has_odd = length & 1;
    if (dd->has_odd)
        dd->odd = bytes[--length];
    for (size_t i = 0; i < length; i += 2) {
        uint8_t first = bytes[i];
        bytes[i] = bytes[i + 1];
        bytes[i + 1] = first;
    }
    return status ? status : cut(dd, bytes, length);
}

static void change_case(const struct dd *dd, uint8_t *bytes, size_t length)
{
    uint8_t first = dd->conversions & DD_UCASE ? 'a' : 'A';
    for (size_t i = 0; i < length; i++)
        if (bytes[i] >= first && bytes[i] < first + 26)
            bytes[i] ^= 'a' ^ 'A';
}

/* Hands an input block on: as it is, or converted and cut into output blocks. */
static int pass_on(struct dd *dd, size_t length)
{
    if (dd->bs)
        return put_block(dd, length, "error writing");
    uint8_t *input = dd_ring_buffer(&dd->input);
    if (dd->conversions & (DD_LCASE | DD_UCASE))
        change_case(dd, input, length);
    int status =
        dd->conversions & DD_SWAB ? swap_and_cut(dd, input, length) : cut(dd, input, length);
    if (status == 0)
        dd_ring_pass(&dd->input);
    return status;
}

/* conv=noerror: goes on behind the block that could not be read. */
static int pass_bad_block(struct dd *dd)
{
    dd_report(dd);
    uint64_t position = dd->in->position + (dd->ibs - dd->partial);
    if (dd->in->node->type == NODE_BLOCK)
        position = MIN(position, file_size(dd->in));
    int status = file_seek(dd->in, position);
    if (status != OK)
        return complain(dd->self, "%s: cannot seek: %s", dd_input_name(dd), status_text(status));
    /* The good part of a block that was cut short has been passed on, padded, already. */
    bool replace = dd->conversions & DD_PAD && !dd->partial;
    dd->partial = 0;
    if (!replace)
        return 0;
    memset(dd_ring_buffer(&dd->input), 0, dd->ibs);
    dd->partial_in++;
    return pass_on(dd, dd->ibs);
}

static int pass_block(struct dd *dd, size_t length)
{
    dd->partial = 0;
    if (length == dd->ibs) {
        dd->full_in++;
    } else {
        dd->partial_in++;
        dd->partial = length;
        if (dd->conversions & DD_PAD) {
            memset(dd_ring_buffer(&dd->input) + length, 0, dd->ibs - length);
            length = dd->ibs;
        }
    }
    return pass_on(dd, length);
}

/* The end of the input, or an error in it: *status tells which. False ends the copy. */
static bool next_block(struct dd *dd, size_t length, int *status)
{
    dd_progress(dd);
    int64_t done = read_block(dd, length);
    if (done == 0)
        return false;
    if (done > 0) {
        *status = pass_block(dd, (size_t)done);
        return *status == 0;
    }
    /* What is said now is true of all blocks before. */
    *status = settle(dd, 0);
    if (*status)
        return false;
    bool go_on = dd->conversions & DD_NOERROR && done != ERR_INTERRUPTED;
    if (!go_on || dd->level != DD_NONE)
        *status = dd_fail(dd, "error reading", dd_input_name(dd), (int)done);
    if (go_on)
        *status = pass_bad_block(dd);
    return go_on && *status == 0;
}

static int finish(struct dd *dd, int status)
{
    int write_status = settle(dd, 0);
    if (write_status == 0 && dd->has_odd && status != STATUS_INTERRUPTED)
        write_status = cut(dd, &dd->odd, 1);
    if (write_status == 0 && dd->pending && status != STATUS_INTERRUPTED)
        write_status = put_block(dd, dd->pending, "error writing");
    /* A hole at the end is none before the file has that length. */
    if (dd->conversions & DD_SPARSE && dd->out->node->type == NODE_FILE &&
        dd->out->position > file_size(dd->out))
        file_truncate(dd->out, dd->out->position);
    if (write_status)
        return write_status;
    if (status == STATUS_INTERRUPTED || !(dd->conversions & (DD_FSYNC | DD_FDATASYNC)))
        return status;
    int sync_status = file_sync(dd->out);
    if (sync_status == OK)
        return status;
    bool data = dd->conversions & DD_FDATASYNC;
    return dd_fail(dd, data ? "fdatasync failed for" : "fsync failed for", dd_output_name(dd),
                   sync_status);
}

static int copy(struct dd *dd)
{
    int status = skip_input(dd);
    if (status == 0)
        status = dd_seek_output(dd);
    if (status)
        return status;
    size_t rest = 0;
    dd->blocks = dd->count;
    if (dd->input_flags & DD_COUNT_BYTES && dd->count != UINT64_MAX) {
        dd->blocks = dd->count / dd->ibs;
        rest = (size_t)(dd->count % dd->ibs);
    }
    bool more = true;
    while (more && dd->full_in + dd->partial_in < dd->blocks)
        more = next_block(dd, dd->ibs, &status);
    if (more && rest)
        next_block(dd, rest, &status);
    return finish(dd, status);
}

static int dd(struct invocation *self)
{
    struct dd dd = {.self = self};
    int status = dd_operands(&dd);
    if (status)
        return status;
    status = dd_open_files(&dd);
    if (status == 0)
        status = get_buffers(&dd);
    if (status == 0) {
        dd.started = clock_ns();
        dd.progress_next = dd.started + NS_PER_SEC;
        status = copy(&dd);
        dd_report(&dd);
    }
    dd_ring_end(&dd.output);
    dd_ring_end(&dd.input);
    file_close(dd.out);
    file_close(dd.in);
    return status;
}

static const char *const names[] = {"if",    "of",    "bs",    "ibs",    "obs",
                                    "count", "skip",  "iseek", "seek",   "oseek",
                                    "conv",  "iflag", "oflag", "status", NULL};

COMMAND(dd, .summary = "copy and convert blocks of a file or device", .operands = "[OPERAND]...",
        .names = names, .usage_status = 1, .run = dd,
        .details = "  if=FILE      read FILE instead of the input\n"
                   "  of=FILE      write FILE instead of the output\n"
                   "  bs=N         copy N bytes at a time; ibs=N, obs=N: read, write (512)\n"
                   "  count=N      copy only N input blocks; with a B at its end, bytes\n"
                   "  skip=N       begin N input blocks into the input\n"
                   "  seek=N       begin N output blocks into the output\n"
                   "  conv=LIST    fsync fdatasync notrunc nocreat excl noerror sync sparse\n"
                   "               swab lcase ucase\n"
                   "  iflag=LIST   fullblock count_bytes skip_bytes direct nocache\n"
                   "  oflag=LIST   append seek_bytes dsync sync direct nocache\n"
                   "  status=WORD  none noxfer progress\n"
                   "Numbers take c w b K M G T P E (1024) and kB MB GB (1000), and products AxB.")
