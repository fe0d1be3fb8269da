/*
 * From options to a job that can run: files are opened and measured, slots,
 * buffers and batches allocated. What is wrong with a job is said here, and
 * the job has an error from the start.
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/fio/fio.h"
#include "kernel/x86/clock.h"
#include "lib/string.h"

static bool writes(const struct fio_job_options *options)
{
    return options->directions & (BIT(FIO_WRITE) | BIT(FIO_TRIM));
}

static void wrong(struct fio_request *request, struct fio_job *job, int error, const char *function)
{
    note(request->self, "fio: pid=%u, err=%d/func=%s, error=%s\n", job->number + 1, error, function,
         fio_error_text(error));
    job->error = error;
}

/* ---- Files -------------------------------------------------------------------------------------
 */

static void open_failed(struct fio_request *request, struct fio_job *job,
                        const struct fio_target *target, int status)
{
    note(request->self, "fio: open(%s) failed: %s\n", target->name, status_text(status));
    wrong(request, job, fio_errno(status), "open");
}

/* Opens a name; a file that is not there, or is too short, will be `needed` bytes long. */
static void open_target(struct fio_request *request, struct fio_job *job, struct fio_target *target,
                        uint64_t needed)
{
    const struct fio_job_options *options = job->options;
    unsigned flags = O_READ | (writes(options) ? O_WRITE : 0);
    int status = file_open(target->name, flags, &target->file);
    target->size = needed;
    if (status == ERR_NOT_FOUND && needed)
        return;
    if (status == OK && target->file->node->type == NODE_BLOCK)
        target->device = target->file->node->data;
    else if (status == OK && target->file->node->type != NODE_FILE)
        status = target->file->node->type == NODE_DIRECTORY ? ERR_IS_DIRECTORY : ERR_INVALID;
    if (status == OK && target->device && target->device->read_only && writes(options))
        status = ERR_READ_ONLY;
    if (status == OK && target->device && options->directions & BIT(FIO_TRIM) &&
        !target->device->discard_blocks)
        status = ERR_NOT_SUPPORTED;
    if (status != OK) {
        open_failed(request, job, target, status);
        return;
    }
    if (target->device || file_size(target->file) > needed)
        target->size = file_size(target->file);
}

/* ---- Laying out: the last thing that is done, when nothing else can go wrong -------------------
 */

#define ABSENT UINT64_MAX

/* Makes a file as long as the job needs it; false after a message. */
static bool lay_out(struct fio_request *request, struct fio_job *job, struct fio_target *target)
{
    int status = OK;
    if (!target->file)
        status = file_open(target->name, O_READ | O_WRITE | O_CREATE, &target->file);
    if (status != OK) {
        open_failed(request, job, target, status);
        return false;
    }
    if (target->device || file_size(target->file) >= target->size)
        return true;
    if (request->format == FIO_NORMAL)
        out(request->self, "%s: Laying out IO file (1 file / %lluMiB)\n", job->options->name,
            (unsigned long long)(target->size >> 20));
    target->file->flags |= O_WRITE;
    status = file_truncate(target->file, target->size);
    if (status != OK)
        wrong(request, job, fio_errno(status), "ftruncate");
    return status == OK;
}

/* All files or none: what was laid out is taken back. */
static void lay_out_all(struct fio_request *request, struct fio_job *job)
{
    uint64_t before[FIO_FILES_MOST];
    unsigned done = 0;
    for (; done < job->target_count; done++) {
        struct fio_target *target = &job->targets[done];
        before[done] = target->file ? file_size(target->file) : ABSENT;
        if (!lay_out(request, job, target))
            break;
    }
    if (done == job->target_count)
        return;
    for (unsigned i = 0; i <= done; i++) {
        const struct fio_target *target = &job->targets[i];
        if (before[i] == ABSENT && target->file)
            fs_remove(target->name);
        else if (before[i] < target->size)
            file_truncate(target->file, before[i]);
    }
}

static uint64_t in_bytes(const struct fio_amount *amount, uint64_t whole)
{
    return amount->percent ? wide_scale(whole, amount->percent, 100) : amount->bytes;
}

/* Where the region begins; a share of the file is rounded up to a block. */
static uint64_t region_begin(const struct fio_job *job, uint64_t there)
{
    const struct fio_job_options *options = job->options;
    uint64_t begin = in_bytes(&options->offset, there) +
                     job->thread * in_bytes(&options->offset_increment, there);
    uint64_t block = UINT64_MAX;
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++)
        block = MIN(block, options->least[i]);
    if (options->offset.percent || options->offset_increment.percent)
        begin = (begin / block + (begin % block != 0)) * block;
    return begin;
}

/* The part of a file that is used; of `size` each of several files has its share. */
static void set_region(struct fio_request *request, struct fio_job *job, struct fio_target *target)
{
    const struct fio_job_options *options = job->options;
    uint64_t there = target->size;
    uint64_t size = options->size.percent ? wide_scale(there, options->size.percent, 100)
                                          : options->size.bytes / job->target_count;
    target->begin = region_begin(job, there);
    if (target->begin >= there) {
        if (there == 0)
            note(request->self, "%s: you need to specify size=\n", options->name);
        wrong(request, job, fio_errno(ERR_INVALID), "total_file_size");
        return;
    }
    target->length = there - target->begin;
    if (size)
        target->length = MIN(target->length, size);
}

/* Cuts the list of names at its colons; each is one of the directory, if there is one. */
static bool name_targets(struct fio_job *job)
{
    const struct fio_job_options *options = job->options;
    const char *list = options->filename ? options->filename : "", *directory = options->directory;
    size_t size = 1, before = directory ? strlen(directory) + 1 : 0;
    for (const char *at = list; *at; at++)
        size += *at == ':' ? before + 1 : 1;
    char *to = job->names = kmalloc(before + size);
    if (!to)
        return false;
    while (*list && job->target_count < FIO_FILES_MOST) {
        job->targets[job->target_count++].name = to;
        if (directory) {
            memcpy(to, directory, before - 1);
            to[before - 1] = '/';
            to += before;
        }
        while (*list && *list != ':')
            *to++ = *list++;
        *to++ = 0;
        list += *list == ':';
    }
    return true;
}

static void set_targets(struct fio_request *request, struct fio_job *job)
{
    const struct fio_job_options *options = job->options;
    if (!name_targets(job)) {
        wrong(request, job, fio_errno(ERR_NO_MEMORY), "setup_files");
    } else if (!job->target_count) {
        note(request->self, "%s: you need to specify filename=\n", options->name);
        wrong(request, job, fio_errno(ERR_INVALID), "setup_files");
    }
    for (unsigned i = 0; i < job->target_count && !job->error; i++) {
        uint64_t needed = options->size.bytes / job->target_count;
        if (needed)
            needed += options->offset.bytes + job->thread * options->offset_increment.bytes;
        open_target(request, job, &job->targets[i], needed);
        if (!job->error)
            set_region(request, job, &job->targets[i]);
    }
}

/* ---- Order -------------------------------------------------------------------------------------
 */

static void set_directions(struct fio_job *job)
{
    const struct fio_job_options *options = job->options;
    job->first = (uint8_t)__builtin_ctzll(options->directions);
    job->last = (uint8_t)(63 - __builtin_clzll(options->directions));
    job->direction = job->first;
    job->own = &job->stats.of[job->direction];
    job->mixed = job->first != job->last;
    job->read_threshold =
        (uint32_t)MIN(options->read_percent * (1ULL << 32) / 100, (uint64_t)UINT32_MAX);
}

/* Blocks of one size in all directions? 0 if not. */
static uint32_t only_size(const struct fio_job *job, uint64_t *least, uint64_t *most)
{
    const struct fio_job_options *options = job->options;
    *least = UINT64_MAX;
    *most = 0;
    for (unsigned i = job->first; i <= job->last; i++) {
        *least = MIN(*least, options->least[i]);
        *most = MAX(*most, options->most[i]);
    }
    return *least == *most ? (uint32_t)*least : 0;
}

static bool order_memory(const struct fio_job *job, struct fio_target *target)
{
    const struct fio_job_options *options = job->options;
    if (options->verify && options->directions & BIT(FIO_WRITE) && !job->block) {
        target->newest = kcalloc(target->length / target->unit + 1, sizeof *target->newest);
        if (!target->newest)
            return false;
    }
    if (target->order != FIO_ZIPF)
        return true;
    target->zipf = kmalloc(sizeof *target->zipf);
    if (target->zipf)
        fio_zipf_start(target->zipf, target->count, options->zipf);
    return target->zipf;
}

/* A sequence of blocks of one size goes over the end of its region, as long as the file does not
 * end there: what is begun is a whole block. */
static void fill_last_block(const struct fio_job *job, struct fio_target *target)
{
    uint64_t rest = job->block ? target->length % job->block : 0;
    if (rest && target->size - target->begin - target->length >= job->block - rest)
        target->length += job->block - rest;
}

static void set_order(struct fio_request *request, struct fio_job *job, struct fio_target *target,
                      uint64_t least, uint64_t most)
{
    const struct fio_job_options *options = job->options;
    target->unit = least;
    if (target->length < most) {
        complain(request->self, "blocksize too large for data set");
        wrong(request, job, fio_errno(ERR_INVALID), "init_random_map");
        return;
    }
    if (!options->random)
        fill_last_block(job, target);
    target->count = (target->length - most) / least + 1;
    target->order = FIO_SEQUENTIAL;
    if (options->random && options->zipf)
        target->order = FIO_ZIPF;
    else if (options->random)
        target->order = options->no_map || !job->block ? FIO_EVEN : FIO_MAP;
    if (!order_memory(job, target))
        wrong(request, job, fio_errno(ERR_NO_MEMORY), "init_random_map");
}

/* Is there nothing that the short way does not do? */
static bool is_plain(const struct fio_job *job)
{
    const struct fio_job_options *options = job->options;
    const struct fio_target *target = &job->targets[0];
    const struct block_device *device = target->device;
    return job->target_count == 1 && job->block && !job->mixed && device && !options->verify &&
           !options->refill_buffers && !options->fsync && !options->end_fsync &&
           !options->think_time && !options->rate[FIO_READ] && !options->rate[FIO_WRITE] &&
           !options->rate[FIO_TRIM] && IS_ALIGNED(target->begin | job->block, device->block_size) &&
           job->block <= fio_request_bytes(device, job->direction);
}

static void set_plan(struct fio_request *request, struct fio_job *job)
{
    uint64_t least, most;
    enum fio_verify verify = (enum fio_verify)job->options->verify;
    set_directions(job);
    job->block = only_size(job, &least, &most);
    job->most = (uint32_t)most;
    if (verify && least < fio_verify_header_bytes(verify) + 8) {
        complain(request->self, "a block of %llu bytes has no room for a verify header",
                 (unsigned long long)least);
        wrong(request, job, fio_errno(ERR_INVALID), "setup_verify");
    }
    if (verify == FIO_VERIFY_PATTERN && !job->options->verify_pattern.length) {
        complain(request->self, "verify=pattern needs verify_pattern=");
        wrong(request, job, fio_errno(ERR_INVALID), "setup_verify");
    }
    for (unsigned i = 0; i < job->target_count && !job->error; i++)
        set_order(request, job, &job->targets[i], least, most);
    if (job->error)
        return;
    job->target = &job->targets[0];
    job->plain = is_plain(job);
    if (job->plain) {
        job->blocks = job->block / job->target->device->block_size;
        job->target->first = job->target->begin / job->target->device->block_size;
    }
}

/* ---- Memory ------------------------------------------------------------------------------------
 */

static void set_request(struct fio_job *job, struct fio_slot *slot, struct fio_part *part)
{
    static const enum block_operation operations[] = {
        [FIO_READ] = BLOCK_READ, [FIO_WRITE] = BLOCK_WRITE, [FIO_TRIM] = BLOCK_DISCARD};
    part->slot = slot;
    part->segment = (struct block_segment){slot->buffer, job->block};
    part->request = (struct block_request){.operation = operations[job->direction],
                                           .polled = job->options->hipri,
                                           .fixed = job->plain && job->options->random,
                                           .blocks = job->blocks,
                                           .segments = &part->segment,
                                           .segment_count = job->direction != FIO_TRIM,
                                           .ended = &job->ended,
                                           .device = job->target->device};
}

static void fill_buffer(const struct fio_job *job, struct fio_slot *slot, unsigned index)
{
    const struct fio_job_options *options = job->options;
    if (options->buffer_pattern.length)
        fio_repeat_pattern(slot->buffer, job->most, &options->buffer_pattern);
    else if (options->zero_buffers)
        memset(slot->buffer, 0, job->most);
    else
        fio_random_fill(slot->buffer, job->most, options->seed + index);
}

void fio_prepare_write(const struct fio_job *job, const struct fio_io *io, uint8_t *buffer)
{
    const struct fio_job_options *options = job->options;
    if (options->verify)
        fio_verify_fill(job, io, buffer);
    else if (options->refill_buffers && !options->buffer_pattern.length && !options->zero_buffers)
        fio_random_fill(buffer, io->length, options->seed + job->depth + io->sequence);
}

/* How many requests a block may need behind the first. */
static unsigned more_parts(const struct fio_job *job)
{
    unsigned most = 0;
    for (unsigned i = 0; i < job->target_count; i++) {
        const struct block_device *device = job->targets[i].device;
        if (device)
            most =
                MAX(most, (unsigned)((job->most - 1) / fio_request_bytes(device, job->direction)));
    }
    return most;
}

static bool set_slot(struct fio_job *job, unsigned index, unsigned more)
{
    struct fio_slot *slot = &job->slots[index];
    slot->buffer = kmalloc(MAX(ROUND_UP(job->most, 4096u), 4096u));
    if (!slot->buffer)
        return false;
    fill_buffer(job, slot, index);
    set_request(job, slot, &slot->whole);
    fio_slot_free(job, slot);
    if (!more)
        return true;
    slot->parts = kcalloc(more, sizeof *slot->parts);
    for (unsigned i = 0; slot->parts && i < more; i++)
        set_request(job, slot, &slot->parts[i]);
    return slot->parts;
}

static bool set_memory(struct fio_job *job)
{
    const struct fio_job_options *options = job->options;
    job->depth = job->block_engine ? (uint32_t)options->depth : 1;
    job->room = job->depth;
    job->batch_submit = (uint32_t)MIN(options->batch_submit, (uint64_t)job->depth);
    job->batch_complete = (uint32_t)options->batch_complete;
    block_ended_init(&job->ended);
    job->slots = kcalloc(job->depth, sizeof *job->slots);
    job->batches = kcalloc(job->depth, sizeof *job->batches);
    if (!job->slots || !job->batches)
        return false;
    unsigned more = more_parts(job);
    job->free = &job->none.whole.request;
    for (unsigned i = 0; i < job->depth; i++) {
        if (!set_slot(job, i, more))
            return false;
        job->batches[i].next = job->free_batches;
        job->free_batches = &job->batches[i];
    }
    return true;
}

/* Block devices have one loop, everything else another. */
static void set_engine(struct fio_request *request, struct fio_job *job)
{
    unsigned devices = 0;
    for (unsigned i = 0; i < job->target_count; i++)
        devices += job->targets[i].device != NULL;
    job->block_engine = devices == job->target_count;
    if (devices && !job->block_engine) {
        complain(request->self, "%s: block devices and files in one job", job->options->name);
        wrong(request, job, fio_errno(ERR_INVALID), "setup_files");
    }
}

struct fio_job *fio_job_new(struct fio_request *request, const struct fio_job_options *options,
                            unsigned number, unsigned thread)
{
    struct fio_job *job = kcalloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->options = options;
    job->number = number;
    job->thread = thread;
    fio_stats_clear(&job->stats);
    set_targets(request, job);
    if (!job->error)
        set_engine(request, job);
    if (!job->error)
        set_plan(request, job);
    if (!job->error && !set_memory(job))
        wrong(request, job, fio_errno(ERR_NO_MEMORY), "init_io_u");
    if (!job->error)
        lay_out_all(request, job);
    return job;
}

void fio_job_free(struct fio_job *job)
{
    if (!job)
        return;
    for (unsigned i = 0; job->slots && i < job->depth; i++) {
        kfree(job->slots[i].buffer);
        kfree(job->slots[i].parts);
    }
    for (unsigned i = 0; i < job->target_count; i++) {
        kfree(job->targets[i].zipf);
        kfree(job->targets[i].newest);
        file_close(job->targets[i].file);
    }
    kfree(job->slots);
    kfree(job->batches);
    kfree(job->names);
    kfree(job);
}
