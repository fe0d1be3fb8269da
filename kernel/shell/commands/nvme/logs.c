/* nvme get-log, smart-log, error-log and fw-log: log pages. */
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/nvme/tool.h"

#define ERROR_ENTRIES_DEFAULT 64u

/* Reads into new memory for kfree(); NULL after a message. */
static void *read_log(struct target *target, const struct log_request *log)
{
    void *data = target_buffer(target, log->bytes);
    if (data && target_log(target, log, data)) {
        kfree(data);
        return NULL;
    }
    return data;
}

enum {
    GET_LOG_LEN = 'l',
    GET_LOG_ID = 'i',
    GET_LOG_OFFSET = 'o',
    GET_LOG_LSP = 's',
    GET_LOG_LSI = 'S',
};

static const struct option get_log_options[] = {
    {'n', "namespace-id", "NUM", "namespace to ask about (all)"},
    {GET_LOG_ID, "log-id", "NUM", "identifier of the log"},
    {GET_LOG_LEN, "log-len", "NUM", "how many bytes to get"},
    {GET_LOG_OFFSET, "lpo", "NUM", "offset in the log to begin at"},
    {GET_LOG_LSP, "lsp", "NUM", "log specific field"},
    {GET_LOG_LSI, "lsi", "NUM", "log specific identifier"},
    {'r', "rae", NULL, "retain the asynchronous event"},
    {'b', "raw-binary", NULL, "the log as it is"},
    {0},
};

struct get_log {
    struct target target;
    uint64_t id, length, offset, lsp, lsi;
    bool raw, retain;
};

static bool get_log_option(struct get_log *get, int key)
{
    struct target *target = &get->target;
    switch (key) {
    case 'n':
        return target_nsid(target);
    case GET_LOG_ID:
        return target_number(target, "log-id", UINT8_MAX, &get->id);
    case GET_LOG_LEN:
        return target_number(target, "log-len", UINT32_MAX, &get->length);
    case GET_LOG_OFFSET:
        return target_number(target, "lpo", UINT64_MAX, &get->offset);
    case GET_LOG_LSP:
        return target_number(target, "lsp", 0x7f, &get->lsp);
    case GET_LOG_LSI:
        return target_number(target, "lsi", UINT16_MAX, &get->lsi);
    case 'r':
        return get->retain = true;
    case 'b':
        return get->raw = true;
    default:
        return false;
    }
}

static int get_log(struct invocation *self)
{
    struct get_log get = {.target = TARGET(self), .id = UINT8_MAX};
    for (int key; (key = option_next(self));)
        if (!get_log_option(&get, key))
            return 1;
    int status = target_open(&get.target, NVME_NSID_ALL);
    if (status)
        return status;
    if (!get.length)
        return complain(self, "non-zero log-len is required param");
    /* Like nvme-cli, all namespaces even where the device is one. */
    uint32_t nsid = get.target.nsid_given ? (uint32_t)get.target.nsid : NVME_NSID_ALL;
    const struct log_request log = {.nsid = nsid,
                                    .lid = (uint8_t)get.id,
                                    .lsp = (uint8_t)get.lsp,
                                    .lsi = (uint16_t)get.lsi,
                                    .offset = get.offset,
                                    .bytes = get.length,
                                    .retain = get.retain};
    void *data = read_log(&get.target, &log);
    if (!data)
        return 1;
    if (get.raw) {
        out_bytes(self, data, get.length);
    } else {
        out(self, "Device:%s log-id:%llu namespace-id:%#x\n", target_name(&get.target),
            (unsigned long long)get.id, nsid);
        hex_print(self, data, get.length);
    }
    kfree(data);
    return 0;
}

const struct command cli_get_log = {.name = "nvme get-log",
                                    .summary = "Generic NVMe get log, returns log in raw format",
                                    .operands = "DEVICE",
                                    .options = get_log_options,
                                    .usage_status = 1,
                                    .run = get_log};

static const struct option smart_options[] = {
    {'n', "namespace-id", "NUM", "namespace to ask about (all)"},
    {'b', "raw-binary", NULL, "the log as it is"},
    {0},
};

static int smart_log(struct invocation *self)
{
    struct target target = TARGET(self);
    bool raw = false;
    for (int key; (key = option_next(self));) {
        if (key < 0 || (key == 'n' && !target_nsid(&target)))
            return 1;
        raw |= key == 'b';
    }
    int status = target_open(&target, NVME_NSID_ALL);
    if (status)
        return status;
    uint32_t nsid = target.nsid_given ? (uint32_t)target.nsid : NVME_NSID_ALL;
    const struct log_request log = {
        .nsid = nsid, .lid = NVME_LOG_HEALTH, .bytes = sizeof(struct nvme_health_log)};
    void *data = read_log(&target, &log);
    if (!data)
        return 1;
    if (raw) {
        out_bytes(self, data, sizeof(struct nvme_health_log));
    } else {
        out(self, "Smart Log for NVME device:%s namespace-id:%x\n", target_name(&target), nsid);
        show_smart(self, data);
    }
    kfree(data);
    return 0;
}

const struct command cli_smart_log = {.name = "nvme smart-log",
                                      .summary = "Retrieve SMART Log, show it",
                                      .operands = "DEVICE",
                                      .options = smart_options,
                                      .usage_status = 1,
                                      .run = smart_log};

static const struct option error_options[] = {
    {'e', "log-entries", "NUM", "number of entries (64, as far as there are)"},
    {'b', "raw-binary", NULL, "the log as it is"},
    {0},
};

static int error_log(struct invocation *self)
{
    struct target target = TARGET(self);
    uint64_t entries = ERROR_ENTRIES_DEFAULT;
    bool raw = false;
    for (int key; (key = option_next(self));) {
        if (key < 0 || (key == 'e' && !target_number(&target, "log-entries", UINT32_MAX, &entries)))
            return 1;
        raw |= key == 'b';
    }
    int status = target_open(&target, NVME_NSID_ALL);
    if (status)
        return status;
    if (!entries)
        return complain(self, "non-zero log-entries is required param");
    entries = MIN(entries, target.controller->identify->elpe + 1ull);
    const struct log_request log = {.nsid = NVME_NSID_ALL,
                                    .lid = NVME_LOG_ERROR_INFORMATION,
                                    .bytes = entries * sizeof(struct nvme_error_entry)};
    struct nvme_error_entry *data = read_log(&target, &log);
    if (!data)
        return 1;
    if (raw) {
        out_bytes(self, data, log.bytes);
    } else {
        out(self, "Error Log Entries for device:%s entries:%llu\n.................\n",
            target_name(&target), (unsigned long long)entries);
        for (unsigned i = 0; i < entries; i++)
            show_error_entry(self, i, &data[i]);
    }
    kfree(data);
    return 0;
}

const struct command cli_error_log = {.name = "nvme error-log",
                                      .summary = "Retrieve Error Log, show it",
                                      .operands = "DEVICE",
                                      .options = error_options,
                                      .usage_status = 1,
                                      .run = error_log};

static const struct option fw_options[] = {
    {'b', "raw-binary", NULL, "the log as it is"},
    {0},
};

static int fw_log(struct invocation *self)
{
    static const struct log_request log = {
        .nsid = NVME_NSID_ALL, .lid = NVME_LOG_FIRMWARE, .bytes = sizeof(struct nvme_firmware_log)};
    struct target target = TARGET(self);
    bool raw = false;
    for (int key; (key = option_next(self)); raw = true)
        if (key < 0)
            return 1;
    int status = target_open(&target, NVME_NSID_ALL);
    if (status)
        return status;
    void *data = read_log(&target, &log);
    if (!data)
        return 1;
    if (raw) {
        out_bytes(self, data, sizeof(struct nvme_firmware_log));
    } else {
        out(self, "Firmware Log for device:%s\n", target_name(&target));
        show_firmware(self, data);
    }
    kfree(data);
    return 0;
}

const struct command cli_fw_log = {.name = "nvme fw-log",
                                   .summary = "Retrieve FW Log, show it",
                                   .operands = "DEVICE",
                                   .options = fw_options,
                                   .usage_status = 1,
                                   .run = fw_log};
