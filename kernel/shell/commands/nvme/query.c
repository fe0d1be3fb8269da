/*
 * What asks a controller for a structure and shows it: id-ctrl, id-ns, ns-descs,
 * list-ns and the log pages. Each is a row of the table at the end, which says how to
 * fetch the structure and how to print it; all else they have in common.
 */
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/nvme/tool.h"

#define FORCE 256 /* the key of id-ns --force */

#define ERROR_ENTRIES_DEFAULT 64u
#define EVENT_LOG_SIZE        4096u

#define LPA_HEALTH_BY_NAMESPACE 0x1u
#define LPA_EFFECTS             0x2u

/* CNS values: Base 5.17.1 */
#define IDENTIFY_ALLOCATED_LIST     0x10u
#define IDENTIFY_ALLOCATED          0x11u
#define IDENTIFY_SET_ALLOCATED_LIST 0x1au

/* One run of a query. */
struct query {
    struct target target;
    struct report report;
    struct log_request log; /* the row's, as the options change it */
    uint64_t entries;
    bool all, vendor, csi_given, raw;
    size_t bytes; /* of what was fetched */
};

/* The options of all queries but get-log: which of them one has, its row says. */
static bool take(struct target *target, int key)
{
    struct query *q = CONTAINER_OF(target, struct query, target);
    switch (key) {
    case 'o':
        return report_form(&q->report, target->self->argument);
    case 'b':
        return q->raw = true;
    case 'H':
        return q->report.human = true;
    case 'v':
        return q->vendor = true;
    case 'a':
    case FORCE:
        return q->all = true;
    case 'e':
        return target_number(target, "log-entries", UINT32_MAX, &q->entries);
    case 'c':
    case 'y':
        return q->csi_given = target_number(target, "csi", UINT8_MAX, &q->log.csi);
    default:
        return false;
    }
}

static bool take_log(struct target *target, int key)
{
    struct query *q = CONTAINER_OF(target, struct query, target);
    uint64_t event;
    switch (key) {
    case 'i':
        return target_number(target, "log-id", UINT8_MAX, &q->log.lid);
    case 'l':
        return target_number(target, "log-len", UINT32_MAX, &q->log.bytes);
    case 'o':
        return target_size(target, "lpo", UINT64_MAX, &q->log.offset);
    case 'r':
        return q->log.retain = true;
    case 's':
        return target_number(target, "lsp", 0x7f, &q->log.lsp);
    case 'S':
        return target_number(target, "lsi", UINT16_MAX, &q->log.lsi);
    case 'U':
        return target_number(target, "uuid-index", 0x7f, &q->log.uuid);
    case 'O':
        return q->log.index = true;
    case 'a':
        if (!target_number(target, "aen", UINT32_MAX, &event))
            return false;
        q->log.lid = NVME_GET(NVME_EVENT_LOG, event);
        q->log.bytes = EVENT_LOG_SIZE;
        return true;
    default:
        return take(target, key);
    }
}

/* ---- Fetching: into new memory for kfree(); NULL after a message ---------------------------- */

static void *identify(struct query *q, uint32_t cns, uint64_t nsid)
{
    q->bytes = NVME_IDENTIFY_SIZE;
    return target_identify(&q->target, cns, (uint32_t)nsid, (uint32_t)q->log.csi);
}

static void *fetch_controller(struct query *q)
{
    return identify(q, NVME_IDENTIFY_CONTROLLER, 0);
}

static const struct need management = NEEDS(oacs, NVME_OACS_NAMESPACES);

static void *fetch_namespace(struct query *q)
{
    if (q->all && !target_offers(&q->target, &management))
        return NULL;
    return identify(q, q->all ? IDENTIFY_ALLOCATED : NVME_IDENTIFY_NAMESPACE, q->target.nsid);
}

static void *fetch_descriptors(struct query *q)
{
    return identify(q, NVME_IDENTIFY_DESCRIPTORS, q->target.nsid);
}

/* The list is of identifiers above the one that is asked with (Base 5.17.2.3). */
static void *fetch_list(struct query *q)
{
    static const uint32_t lists[2][2] = {
        {NVME_IDENTIFY_ACTIVE_LIST, IDENTIFY_ALLOCATED_LIST},
        {NVME_IDENTIFY_SET_ACTIVE_LIST, IDENTIFY_SET_ALLOCATED_LIST},
    };
    uint64_t first = q->target.nsid_given ? q->target.nsid : 1;
    if (q->all && !target_offers(&q->target, &management))
        return NULL;
    if (first)
        return identify(q, lists[q->csi_given][q->all], first - 1);
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

/* Of one command set; or, if the controller has several, of zoned namespaces and NVM, in nvme-cli's
 * order. */
static void *fetch_effects(struct query *q)
{
    uint64_t sets = NVME_GET(NVME_CAP_CSS, q->target.controller->cap);
    bool both = !q->csi_given && sets & NVME_CAP_CSS_SETS;
    struct nvme_effects_log *logs = target_buffer(&q->target, 2 * sizeof *logs);
    q->bytes = (both ? 2 : 1) * sizeof *logs;
    for (size_t i = 0; logs && i < q->bytes / sizeof *logs; i++) {
        q->log.csi = !both ? q->log.csi : i ? NVME_CSI_NVM : NVME_CSI_ZONED;
        if (target_log(&q->target, &q->log, &logs[i])) {
            kfree(logs);
            return NULL;
        }
    }
    return logs;
}

static void *fetch_smart(struct query *q)
{
    static const struct need by_namespace = NEEDS(lpa, LPA_HEALTH_BY_NAMESPACE);
    if (q->target.nsid_given && q->target.nsid != NVME_NSID_ALL &&
        !target_offers(&q->target, &by_namespace))
        return NULL;
    return fetch_log(q);
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

static void print_controller(struct query *q, const void *data)
{
    show_controller(&q->report, data, q->vendor);
}

static void print_namespace(struct query *q, const void *data)
{
    show_namespace(&q->report, (uint32_t)q->target.nsid, data, q->vendor);
}

static void print_descriptors(struct query *q, const void *data)
{
    show_descriptors(&q->report, (uint32_t)q->target.nsid, data);
}

static void print_list(struct query *q, const void *data)
{
    const uint32_t *ids = data;
    report_open(&q->report, NULL, '{');
    report_open(&q->report, "nsid_list", '[');
    for (unsigned i = 0; i < NVME_ACTIVE_LIST_IDS && ids[i]; i++) {
        report_say(&q->report, "[%4u]:%#x\n", i, ids[i]);
        report_open(&q->report, NULL, '{');
        report_number(&q->report, "nsid", ids[i]);
        report_close(&q->report, '}');
    }
    report_close(&q->report, ']');
    report_close(&q->report, '}');
}

static void print_log(struct query *q, const void *data)
{
    report_say(&q->report, "Device:%s log-id:%llu namespace-id:%#x\n", target_name(&q->target),
               (unsigned long long)q->log.lid, q->log.nsid);
    hex_print(q->target.self, data, q->bytes);
}

static void print_firmware(struct query *q, const void *data)
{
    show_firmware(&q->report, target_name(&q->target), data);
}

static void print_smart(struct query *q, const void *data)
{
    show_smart(&q->report, target_name(&q->target), q->log.nsid, data);
}

static void print_errors(struct query *q, const void *data)
{
    show_errors(&q->report, target_name(&q->target), data, (unsigned)q->entries);
}

static void print_effects(struct query *q, const void *data)
{
    const struct nvme_effects_log *logs = data;
    bool both = q->bytes > sizeof *logs;
    report_open(&q->report, NULL, '[');
    if (both)
        show_effects(&q->report, NVME_CSI_ZONED, &logs[0]);
    show_effects(&q->report, (unsigned)q->log.csi, &logs[both]);
    report_close(&q->report, ']');
}

static void print_changed(struct query *q, const void *data)
{
    show_changed(&q->report, target_name(&q->target), data);
}

/* ---- The table ------------------------------------------------------------------------------ */

static const struct option controller_options[] = {
    OPTION_FORMAT, OPTION_BINARY, OPTION_HUMAN, OPTION_VENDOR, {0}};

static const struct option namespace_options[] = {
    OPTION_NSID,   {FORCE, "force", NULL, "also one that is not attached"},
    OPTION_FORMAT, OPTION_BINARY,
    OPTION_HUMAN,  OPTION_VENDOR,
    {0},
};

static const struct option descriptor_options[] = {OPTION_NSID, OPTION_FORMAT, OPTION_BINARY, {0}};

static const struct option list_options[] = {
    {'n', "namespace-id", "NUM", "first nsid that the list should start from (1)"},
    {'y', "csi", "NUM", "only those of this command set"},
    {'a', "all", NULL, "those that are not attached too"},
    OPTION_FORMAT,
    {0},
};

/* clang-format off */
#define OPTION_ANY_NSID {'n', "namespace-id", "NUM", "namespace to ask about (all)"}
/* clang-format on */

static const struct option log_options[] = {
    OPTION_ANY_NSID,
    {'i', "log-id", "NUM", "identifier of the log"},
    {'l', "log-len", "NUM", "how many bytes to get"},
    {'o', "lpo", "NUM", "offset in the log to begin at"},
    {'s', "lsp", "NUM", "log specific field"},
    {'S', "lsi", "NUM", "log specific identifier"},
    {'y', "csi", "NUM", "command set identifier"},
    {'U', "uuid-index", "NUM", "index of the UUID of the vendor that the log is of"},
    {'a', "aen", "NUM", "result of an asynchronous event, which names the log"},
    {'O', "ot", NULL, "the offset is an index and not in bytes"},
    {'r', "rae", NULL, "retain the asynchronous event"},
    {'b', "raw-binary", NULL, "the log as it is"},
    {0},
};

static const struct option plain_options[] = {OPTION_FORMAT, OPTION_BINARY, {0}};

static const struct option smart_options[] = {
    OPTION_ANY_NSID, OPTION_FORMAT, OPTION_BINARY, OPTION_HUMAN, {0}};

static const struct option error_options[] = {
    {'e', "log-entries", "NUM", "number of entries (64, as far as there are)"},
    OPTION_FORMAT,
    OPTION_BINARY,
    {0},
};

static const struct option effects_options[] = {
    {'c', "csi", "NUM", "command set identifier (NVM, and zoned)"},
    OPTION_FORMAT,
    OPTION_HUMAN,
    OPTION_BINARY,
    {0},
};

struct row {
    struct command command;
    struct need need;
    uint64_t otherwise;     /* as target_open() takes it */
    struct log_request log; /* what fetch_log() asks for */
    bool (*take)(struct target *target, int key);
    void *(*fetch)(struct query *q);
    void (*print)(struct query *q, const void *data);
};

static int run(struct invocation *self)
{
    const struct row *row = CONTAINER_OF(self->command, const struct row, command);
    struct query q = {.target = TARGET(self),
                      .report = {.self = self},
                      .log = row->log,
                      .entries = ERROR_ENTRIES_DEFAULT};
    int status = target_open(&q.target, row->take ? row->take : take, row->otherwise);
    if (status)
        return status;
    void *data = target_offers(&q.target, &row->need) ? row->fetch(&q) : NULL;
    if (!data)
        return 1;
    if (q.raw || q.report.form == FORM_BINARY)
        out_bytes(self, data, q.bytes);
    else
        row->print(&q, data);
    kfree(data);
    return 0;
}

#define LOG(id, type) .log = {.lid = id, .bytes = sizeof(struct type)}

static const struct row rows[] = {
    {.command = SUBCOMMAND("id-ctrl", "Send NVMe Identify Controller", controller_options, run),
     .fetch = fetch_controller,
     .print = print_controller},
    {.command = SUBCOMMAND("id-ns", "Send NVMe Identify Namespace, display structure",
                           namespace_options, run),
     .otherwise = TARGET_NEEDS_NSID,
     .fetch = fetch_namespace,
     .print = print_namespace},
    {.command = SUBCOMMAND("ns-descs", "Send NVMe Namespace Descriptor List, display structure",
                           descriptor_options, run),
     .otherwise = TARGET_NEEDS_NSID,
     .fetch = fetch_descriptors,
     .print = print_descriptors},
    {.command =
         SUBCOMMAND("list-ns", "Send NVMe Identify List, display structure", list_options, run),
     .fetch = fetch_list,
     .print = print_list},
    {.command =
         SUBCOMMAND("get-log", "Generic NVMe get log, returns log in raw format", log_options, run),
     .log = {.lid = UINT8_MAX},
     .take = take_log,
     .fetch = fetch_log,
     .print = print_log},
    {.command = SUBCOMMAND("fw-log", "Retrieve FW Log, show it", plain_options, run),
     LOG(NVME_LOG_FIRMWARE, nvme_firmware_log),
     .fetch = fetch_log,
     .print = print_firmware},
    {.command = SUBCOMMAND("changed-ns-list-log", "Retrieve Changed Namespace List, show it",
                           plain_options, run),
     .need = NEEDS(oaes, NVME_EVENTS_NAMESPACES),
     LOG(NVME_LOG_CHANGED_NAMESPACES, nvme_changed_log),
     .fetch = fetch_log,
     .print = print_changed},
    {.command = SUBCOMMAND("smart-log", "Retrieve SMART Log, show it", smart_options, run),
     LOG(NVME_LOG_HEALTH, nvme_health_log),
     .fetch = fetch_smart,
     .print = print_smart},
    {.command = SUBCOMMAND("error-log", "Retrieve Error Log, show it", error_options, run),
     .log = {.lid = NVME_LOG_ERROR_INFORMATION},
     .fetch = fetch_errors,
     .print = print_errors},
    {.command =
         SUBCOMMAND("effects-log", "Retrieve Command Effects Log, show it", effects_options, run),
     .need = NEEDS(lpa, LPA_EFFECTS),
     LOG(NVME_LOG_EFFECTS, nvme_effects_log),
     .fetch = fetch_effects,
     .print = print_effects},
};

const unsigned cli_query_count = ARRAY_SIZE(rows);

const struct command *cli_query(unsigned index)
{
    return &rows[index].command;
}
