/*
 * What asks a controller for a structure and shows it: id-ctrl, id-ns, list-ns
 * and the log pages. Each is a row of the table at the end, which says how to
 * fetch the structure and how to print it; all else they have in common.
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/nvme/tool.h"

#define ERROR_ENTRIES_DEFAULT 64u

/* One run of a query. */
struct query {
    struct target target;
    struct log_request log; /* the row's, as the options change it */
    uint64_t entries;
    bool raw;
    size_t bytes; /* of what was fetched */
};

/* The options of all queries: which of them one has, its row says. */
static bool take(struct target *target, int key)
{
    struct query *q = CONTAINER_OF(target, struct query, target);
    switch (key) {
    case 'b':
        return q->raw = true;
    case 'e':
        return target_number(target, "log-entries", UINT32_MAX, &q->entries);
    case 'i':
        return target_number(target, "log-id", UINT8_MAX, &q->log.lid);
    case 'l':
        return target_number(target, "log-len", UINT32_MAX, &q->log.bytes);
    case 'o':
        return target_number(target, "lpo", UINT64_MAX, &q->log.offset);
    case 'r':
        return q->log.retain = true;
    case 's':
        return target_number(target, "lsp", 0x7f, &q->log.lsp);
    case 'S':
        return target_number(target, "lsi", UINT16_MAX, &q->log.lsi);
    default:
        return false;
    }
}

/* ---- Fetching: into new memory for kfree(); NULL after a message ---------------------------- */

static void *identify(struct query *q, uint32_t cns, uint64_t nsid)
{
    q->bytes = NVME_IDENTIFY_SIZE;
    return target_identify(&q->target, cns, (uint32_t)nsid);
}

static void *fetch_controller(struct query *q)
{
    return identify(q, NVME_IDENTIFY_CONTROLLER, 0);
}

static void *fetch_namespace(struct query *q)
{
    return identify(q, NVME_IDENTIFY_NAMESPACE, q->target.nsid);
}

/* The list is of identifiers above the one that is asked with (Base 5.17.2.3). */
static void *fetch_list(struct query *q)
{
    uint64_t first = q->target.nsid_given ? q->target.nsid : 1;
    if (first)
        return identify(q, NVME_IDENTIFY_ACTIVE_LIST, first - 1);
    complain(q->target.self, "invalid nsid parameter");
    return NULL;
}

static void *fetch_log(struct query *q)
{
    if (!q->log.bytes) {
        complain(q->target.self, "non-zero log-len is required param");
        return NULL;
    }
    /* Like nvme-cli, all namespaces even where the device is one. */
    q->log.nsid = q->target.nsid_given ? (uint32_t)q->target.nsid : NVME_NSID_ALL;
    q->bytes = q->log.bytes;
    void *data = target_buffer(&q->target, q->bytes);
    if (data && target_log(&q->target, &q->log, data)) {
        kfree(data);
        return NULL;
    }
    return data;
}

static void *fetch_errors(struct query *q)
{
    if (!q->entries) {
        complain(q->target.self, "non-zero log-entries is required param");
        return NULL;
    }
    q->entries = MIN(q->entries, q->target.controller->identify->elpe + 1ull);
    q->log.bytes = q->entries * sizeof(struct nvme_error_entry);
    return fetch_log(q);
}

/* ---- Showing -------------------------------------------------------------------------------- */

static void print_controller(const struct query *q, const void *data)
{
    show_controller(q->target.self, data);
}

static void print_namespace(const struct query *q, const void *data)
{
    show_namespace(q->target.self, (uint32_t)q->target.nsid, data);
}

static void print_list(const struct query *q, const void *data)
{
    const uint32_t *ids = data;
    for (unsigned i = 0; i < NVME_ACTIVE_LIST_IDS; i++)
        if (ids[i])
            out(q->target.self, "[%4u]:%#x\n", i, ids[i]);
}

static void print_log(const struct query *q, const void *data)
{
    out(q->target.self, "Device:%s log-id:%llu namespace-id:%#x\n", target_name(&q->target),
        (unsigned long long)q->log.lid, q->log.nsid);
    hex_print(q->target.self, data, q->bytes);
}

static void print_firmware(const struct query *q, const void *data)
{
    out(q->target.self, "Firmware Log for device:%s\n", target_name(&q->target));
    show_firmware(q->target.self, data);
}

static void print_smart(const struct query *q, const void *data)
{
    out(q->target.self, "Smart Log for NVME device:%s namespace-id:%x\n", target_name(&q->target),
        q->log.nsid);
    show_smart(q->target.self, data);
}

static void print_errors(const struct query *q, const void *data)
{
    const struct nvme_error_entry *entries = data;
    out(q->target.self, "Error Log Entries for device:%s entries:%llu\n.................\n",
        target_name(&q->target), (unsigned long long)q->entries);
    for (unsigned i = 0; i < q->entries; i++)
        show_error_entry(q->target.self, i, &entries[i]);
}

/* ---- The table ------------------------------------------------------------------------------ */

static const struct option controller_options[] = {
    {'b', "raw-binary", NULL, "the structure as it is"},
    {0},
};

static const struct option namespace_options[] = {
    {'n', "namespace-id", "NUM", "identifier of the namespace (that of the device)"},
    {'b', "raw-binary", NULL, "the structure as it is"},
    {0},
};

static const struct option list_options[] = {
    {'n', "namespace-id", "NUM", "first nsid that the list should start from (1)"},
    {0},
};

static const struct option log_options[] = {
    {'n', "namespace-id", "NUM", "namespace to ask about (all)"},
    {'i', "log-id", "NUM", "identifier of the log"},
    {'l', "log-len", "NUM", "how many bytes to get"},
    {'o', "lpo", "NUM", "offset in the log to begin at"},
    {'s', "lsp", "NUM", "log specific field"},
    {'S', "lsi", "NUM", "log specific identifier"},
    {'r', "rae", NULL, "retain the asynchronous event"},
    {'b', "raw-binary", NULL, "the log as it is"},
    {0},
};

static const struct option firmware_options[] = {
    {'b', "raw-binary", NULL, "the log as it is"},
    {0},
};

static const struct option smart_options[] = {
    {'n', "namespace-id", "NUM", "namespace to ask about (all)"},
    {'b', "raw-binary", NULL, "the log as it is"},
    {0},
};

static const struct option error_options[] = {
    {'e', "log-entries", "NUM", "number of entries (64, as far as there are)"},
    {'b', "raw-binary", NULL, "the log as it is"},
    {0},
};

struct row {
    struct command command;
    uint64_t otherwise;     /* as target_open() takes it */
    struct log_request log; /* what fetch_log() asks for */
    void *(*fetch)(struct query *q);
    void (*print)(const struct query *q, const void *data);
};

static int run(struct invocation *self)
{
    const struct row *row = CONTAINER_OF(self->command, const struct row, command);
    struct query q = {.target = TARGET(self), .log = row->log, .entries = ERROR_ENTRIES_DEFAULT};
    int status = target_open(&q.target, take, row->otherwise);
    if (status)
        return status;
    void *data = row->fetch(&q);
    if (!data)
        return 1;
    if (q.raw)
        out_bytes(self, data, q.bytes);
    else
        row->print(&q, data);
    kfree(data);
    return 0;
}

#define QUERY(text, about, its_options) \
    .command = {.name = "nvme " text,   \
                .summary = about,       \
                .operands = "DEVICE",   \
                .options = its_options, \
                .usage_status = 1,      \
                .run = run}

static const struct row rows[] = {
    {QUERY("id-ctrl", "Send NVMe Identify Controller", controller_options),
     .fetch = fetch_controller, .print = print_controller},
    {QUERY("id-ns", "Send NVMe Identify Namespace, display structure", namespace_options),
     .otherwise = TARGET_NEEDS_NSID, .fetch = fetch_namespace, .print = print_namespace},
    {QUERY("list-ns", "Send NVMe Identify List, display structure", list_options),
     .fetch = fetch_list, .print = print_list},
    {QUERY("get-log", "Generic NVMe get log, returns log in raw format", log_options),
     .log = {.lid = UINT8_MAX}, .fetch = fetch_log, .print = print_log},
    {QUERY("fw-log", "Retrieve FW Log, show it", firmware_options),
     .log = {.lid = NVME_LOG_FIRMWARE, .bytes = sizeof(struct nvme_firmware_log)},
     .fetch = fetch_log, .print = print_firmware},
    {QUERY("smart-log", "Retrieve SMART Log, show it", smart_options),
     .log = {.lid = NVME_LOG_HEALTH, .bytes = sizeof(struct nvme_health_log)}, .fetch = fetch_log,
     .print = print_smart},
    {QUERY("error-log", "Retrieve Error Log, show it", error_options),
     .log = {.lid = NVME_LOG_ERROR_INFORMATION}, .fetch = fetch_errors, .print = print_errors},
};

const unsigned cli_query_count = ARRAY_SIZE(rows);

const struct command *cli_query(unsigned index)
{
    return &rows[index].command;
}
