/* Whom a sub-command is for, and the way there: names to devices, commands to queues. */
#include "kernel/command/reader.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/paging.h"
#include "kernel/nvme/nvme.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/number.h"
#include "lib/string.h"

#define PAGE     4096u
#define LOG_MOST 0x4000u /* without extended data: NUMD has 12 bits, before Base 1.2.1 */

/* Get Log Page: Base 5.16, figures 197 and 198 */
#define LOG_CDW10_LSP 0x00007f00u
#define LOG_CDW11_LSI 0xffff0000u
#define LOG_CDW14_CSI 0xff000000u
#define LOG_CDW14_OT  0x00800000u

#define IDENTIFY_CSI 0xff000000u /* dword 11: Base 5.17 */

/* As strtoull() with base 0: a leading 0 is octal. */
static int parse(const char *text, uint64_t *value, const char **end)
{
    bool octal = text[0] == '0' && text[1] >= '0' && text[1] <= '9';
    return number_prefix(text, octal ? 8 : 0, value, end);
}

static bool take_number(struct target *target, const char *name, const char *suffixes,
                        uint64_t most, uint64_t *value)
{
    const char *text = target->self->argument, *end, *suffix = NULL;
    uint64_t number = 0, factor = 1;
    bool valid = parse(text, &number, &end) == OK;
    if (*end && (suffix = strchr(suffixes, *end | ' '))) {
        factor <<= 10 * (suffix - suffixes + 1);
        end += end[1] == 'i' ? 2 : 1;
    }
    if (valid && !*end && !__builtin_mul_overflow(number, factor, value) && *value <= most)
        return true;
    complain(target->self, "invalid %s: '%s'", name, text);
    return false;
}

bool target_number(struct target *target, const char *name, uint64_t most, uint64_t *value)
{
    return take_number(target, name, "", most, value);
}

bool target_size(struct target *target, const char *name, uint64_t most, uint64_t *value)
{
    return take_number(target, name, "kmgtpe", most, value);
}

bool target_bits(struct target *target, const struct command_bits *table, int key,
                 struct nvme_command *command)
{
    uint32_t *const dwords[] = {&command->cdw10, &command->cdw11, &command->cdw12,
                                &command->cdw13, &command->cdw14, &command->cdw15};
    uint64_t value = 1;
    while (table->key && table->key != key)
        table++;
    if (!table->key)
        return false;
    const uint64_t most = (1ULL << table->width) - 1;
    uint32_t *dword = dwords[table->dword - 10];
    if (table->name && !target_number(target, table->name, most, &value))
        return false;
    *dword = (*dword & ~(uint32_t)(most << table->low)) | (uint32_t)value << table->low;
    return true;
}

static bool take_nsid(struct target *target)
{
    target->nsid_given = target_number(target, "namespace-id", UINT32_MAX, &target->nsid);
    return target->nsid_given;
}

int target_open(struct target *target, bool (*take)(struct target *target, int key),
                uint64_t otherwise)
{
    struct invocation *self = target->self;
    for (int key; (key = option_next(self));)
        if (key < 0 || !(key == 'n' ? take_nsid(target) : take(target, key)))
            return 1;
    if (self->next == self->argc)
        return usage(self, "missing device");
    target->path = self->argv[self->next];
    if (self->next + 1 < self->argc)
        return usage(self, "extra operand '%s'", self->argv[self->next + 1]);
    int status = nvme_device_find(target->path, &target->controller, &target->node_nsid);
    if (status == ERR_INVALID)
        return complain(self, "%s: not an NVMe device", target->path);
    if (status != OK)
        return complain(self, "%s: %s", target->path, status_text(status));
    if (target->nsid_given && (target->nsid || otherwise != TARGET_NEEDS_NSID))
        return 0;
    target->nsid = target->node_nsid ? target->node_nsid : otherwise;
    if (target->nsid == TARGET_NEEDS_NSID)
        return complain(self, "%s: a controller: say which namespace by --namespace-id",
                        target->path);
    return 0;
}

const char *target_name(const struct target *target)
{
    const char *slash = strrchr(target->path, '/');
    return slash ? slash + 1 : target->path;
}

static uint64_t needed_field(const struct target *target, const struct need *need)
{
    return bytes_value((const uint8_t *)target->controller->identify + need->offset, need->size);
}

bool target_has(const struct target *target, const struct need *need)
{
    return !need->field || needed_field(target, need) & need->mask;
}

bool target_offers(struct target *target, const struct need *need)
{
    bool has = target_has(target, need);
    if (!has)
        complain(target->self, "%s does not offer this: %s is %#llx, without %#x", target->path,
                 need->field, (unsigned long long)needed_field(target, need), need->mask);
    return has;
}

int target_numbers(struct target *target, const char *name, const char *text, uint64_t most,
                   uint64_t *values, unsigned room)
{
    unsigned count = 0;
    for (const char *at = text; *at; at += *at == ',') {
        if (count == room) {
            complain(target->self, "%s: at most %u", name, room);
            return -1;
        }
        if (parse(at, &values[count], &at) != OK || values[count++] > most || (*at && *at != ',')) {
            complain(target->self, "invalid %s: '%s'", name, text);
            return -1;
        }
    }
    return (int)count;
}

int target_complain(struct target *target, int error, uint16_t status)
{
    if (error != NVME_ERR_STATUS)
        return complain(target->self, "%s", nvme_error_text(error));
    note(target->self, "NVMe status: %s(%#x)\n", nvme_status_text(status), status);
    return 1;
}

int target_try(struct target *target, struct exchange *exchange)
{
    struct nvme_segment segment = {exchange->data, exchange->bytes};
    struct nvme_request request = {
        .command = exchange->command,
        .segments = &segment,
        .segment_count = exchange->bytes ? 1 : 0,
        .data_bytes = exchange->bytes,
        .timeout_ns = exchange->timeout_ms * 1000000,
        .once = true,
    };
    if (exchange->metadata)
        request.command.mptr = paging_physical(exchange->metadata);
    int error = nvme_device_execute(target->controller, exchange->io, &request);
    exchange->value = request.value;
    exchange->status = request.status;
    return error;
}

int target_send(struct target *target, struct exchange *exchange)
{
    int error = target_try(target, exchange);
    if (error == NVME_ERR_INVALID)
        return complain(target->self, "%zu bytes of data: at most %zu are possible",
                        exchange->bytes, target->controller->max_transfer);
    return error ? target_complain(target, error, exchange->status) : 0;
}

void *target_buffer(struct target *target, size_t bytes)
{
    void *buffer = bytes <= SIZE_MAX - PAGE ? kcalloc(1, MAX(ROUND_UP(bytes, PAGE), PAGE)) : NULL;
    if (!buffer)
        complain(target->self, "%s", status_text(ERR_NO_MEMORY));
    return buffer;
}

int target_read_file(struct target *target, const char *path, void *data, size_t bytes)
{
    struct reader reader;
    int status = reader_open(&reader, target->self, path ? path : "-");
    if (status == OK) {
        reader_read(&reader, data, bytes);
        status = reader.status;
        reader_close(&reader);
    }
    if (status == ERR_INTERRUPTED)
        return STATUS_INTERRUPTED;
    return status == OK
               ? 0
               : complain(target->self, "%s: %s", path ? path : "input", status_text(status));
}

int target_write_file(struct target *target, const char *path, const void *data, size_t bytes)
{
    struct file *file;
    if (!path) {
        out_bytes(target->self, data, bytes);
        return 0;
    }
    int status = file_open(path, O_WRITE | O_CREATE | O_TRUNCATE, &file);
    if (status == OK) {
        int64_t written = file_write(file, data, bytes);
        status = written < 0 ? (int)written : OK;
        if (status == OK && (size_t)written < bytes)
            status = ERR_NO_SPACE;
        file_close(file);
    }
    return status == OK ? 0 : complain(target->self, "%s: %s", path, status_text(status));
}

const struct nvme_namespace *target_namespace(struct target *target)
{
    const struct nvme_namespace *ns = target->controller->namespaces;
    while (ns && (ns->gone || ns->id != target->nsid))
        ns = ns->next;
    if (!ns)
        complain(target->self, "%s has no namespace %llu", target->path,
                 (unsigned long long)target->nsid);
    return ns;
}

void *target_identify(struct target *target, uint32_t cns, uint32_t nsid, uint32_t command_set)
{
    struct exchange identify = {
        .command = {.opcode = NVME_ADMIN_IDENTIFY,
                    .nsid = nsid,
                    .cdw10 = cns,
                    .cdw11 = NVME_SET(IDENTIFY_CSI, command_set)},
        .data = target_buffer(target, NVME_IDENTIFY_SIZE),
        .bytes = NVME_IDENTIFY_SIZE,
    };
    if (identify.data && target_send(target, &identify)) {
        kfree(identify.data);
        return NULL;
    }
    return identify.data;
}

/* Whole dwords: the buffer's last page has room for what is too much. Before the last piece is
 * read, no event may be reported that changes the page. */
static int read_piece(struct target *target, const struct log_request *log, uint64_t offset,
                      void *data, size_t bytes, bool retain)
{
    uint32_t dwords = (uint32_t)((bytes + 3) / 4 - 1); /* 0's based */
    struct exchange get = {
        .command = {.opcode = NVME_ADMIN_GET_LOG_PAGE,
                    .nsid = log->nsid,
                    .cdw10 = (uint32_t)log->lid | NVME_SET(LOG_CDW10_LSP, (uint32_t)log->lsp) |
                             (retain ? NVME_LOG_CDW10_RAE : 0) |
                             NVME_SET(NVME_LOG_CDW10_NUMDL, dwords & 0xffff),
                    .cdw11 = dwords >> 16 | NVME_SET(LOG_CDW11_LSI, (uint32_t)log->lsi),
                    .cdw12 = (uint32_t)offset,
                    .cdw13 = (uint32_t)(offset >> 32),
                    .cdw14 = NVME_SET(LOG_CDW14_CSI, (uint32_t)log->csi) |
                             (log->index ? LOG_CDW14_OT : 0) | (uint32_t)log->uuid},
        .data = data,
        .bytes = (size_t)(dwords + 1) * 4,
    };
    return target_send(target, &get);
}

int target_log(struct target *target, const struct log_request *log, void *data)
{
    bool pieces = target->controller->identify->lpa & NVME_LPA_EXTENDED;
    size_t most = target->controller->max_transfer;
    if (!pieces)
        most = MIN(most, (size_t)LOG_MOST);
    if (!pieces && (log->offset || log->bytes > most))
        return complain(target->self, "the controller gives %zu bytes of a log page, from 0 on",
                        most);
    for (size_t done = 0; done < log->bytes; done += most) {
        size_t piece = MIN(log->bytes - done, most);
        bool last = done + piece == log->bytes;
        int status = read_piece(target, log, log->offset + done, (uint8_t *)data + done, piece,
                                log->retain || !last);
        if (status)
            return status;
    }
    return 0;
}
