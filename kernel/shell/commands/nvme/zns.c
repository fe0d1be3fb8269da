/*
 * nvme zns: zoned namespaces. Identify, reports of zones, and what can be done to a zone (ZNS 3.4);
 * zone-append is in blocks.c, where all is that is about one range of blocks. Each is a row of the
 * table at the end.
 */
#include "kernel/console.h"
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/string.h"

#define REPORT_BYTES (64u * 1024) /* of one command */
#define CHANGED_LOG  0xbfu

struct row {
    struct command command;
    enum nvme_zone_action action; /* 0: as an option says */
};

struct zns {
    struct target target;
    struct report report;
    struct log_request log;
    uint64_t start, count, states, action, bytes, timeout_ms;
    uint32_t bits; /* of dword 13, besides the action */
    const char *file;
    bool verbose, extended;
};

static struct zns zns_of(struct invocation *self)
{
    return (struct zns){.target = TARGET(self),
                        .report = {.self = self},
                        .action = CONTAINER_OF(self->command, const struct row, command)->action};
}

/* ---- Identify and the log -------------------------------------------------------------------- */

static bool take_query(struct target *target, int key)
{
    struct zns *z = CONTAINER_OF(target, struct zns, target);
    switch (key) {
    case 'o':
        return report_form(&z->report, target->self->argument);
    case 'H':
        return z->report.human = true;
    case 'v':
        return z->verbose = true;
    default: /* 'r' */
        return z->log.retain = true;
    }
}

static const struct option controller_options[] = {OPTION_FORMAT, {0}};

static int id_ctrl(struct invocation *self)
{
    struct zns z = zns_of(self);
    int status = target_open(&z.target, take_query, 0);
    if (status)
        return status;
    void *data = target_identify(&z.target, NVME_IDENTIFY_SET_CONTROLLER, 0, NVME_CSI_ZONED);
    if (data && z.report.form == FORM_BINARY)
        out_bytes(self, data, NVME_IDENTIFY_SIZE);
    else if (data)
        show_zoned_controller(&z.report, data);
    kfree(data);
    return data ? 0 : 1;
}

static const struct option namespace_options[] = {
    OPTION_NSID, OPTION_VENDOR, OPTION_FORMAT, OPTION_HUMAN, {0}};

static int id_ns(struct invocation *self)
{
    struct zns z = zns_of(self);
    int status = target_open(&z.target, take_query, TARGET_NEEDS_NSID);
    if (status)
        return status;
    uint32_t nsid = (uint32_t)z.target.nsid;
    void *plain = target_identify(&z.target, NVME_IDENTIFY_NAMESPACE, nsid, 0), *data = NULL;
    if (plain)
        data = target_identify(&z.target, NVME_IDENTIFY_SET_NAMESPACE, nsid, NVME_CSI_ZONED);
    if (data && z.report.form == FORM_BINARY)
        out_bytes(self, data, NVME_IDENTIFY_SIZE);
    else if (data)
        show_zoned_namespace(&z.report, data, plain, z.verbose);
    kfree(plain);
    kfree(data);
    return data ? 0 : 1;
}

static const struct option changed_options[] = {
    OPTION_NSID, OPTION_FORMAT, {'r', "rae", NULL, "retain the asynchronous event"}, {0}};

static int changed_zone_list(struct invocation *self)
{
    struct zns z = zns_of(self);
    int status = target_open(&z.target, take_query, TARGET_NEEDS_NSID);
    if (status)
        return status;
    z.log.lid = CHANGED_LOG;
    z.log.nsid = (uint32_t)z.target.nsid;
    z.log.csi = NVME_CSI_ZONED;
    z.log.bytes = sizeof(struct nvme_changed_zones_log);
    void *log = target_buffer(&z.target, z.log.bytes);
    status = log ? target_log(&z.target, &z.log, log) : 1;
    if (!status && z.report.form == FORM_BINARY)
        out_bytes(self, log, z.log.bytes);
    else if (!status)
        show_changed_zones(&z.report, log);
    kfree(log);
    return status;
}

/* The namespace, if it is a zoned one; NULL after a message. */
static const struct nvme_namespace *zoned_namespace(struct target *target)
{
    const struct nvme_namespace *ns = target_namespace(target);
    if (!ns || ns->zone_blocks)
        return ns;
    complain(target->self, "namespace %u of %s is not zoned", ns->id, target->path);
    return NULL;
}

/* How many bytes a zone's descriptor is extended by. 0, or the exit status after a message. */
static int extension_bytes(struct target *target, const struct nvme_namespace *ns, size_t *bytes)
{
    struct nvme_identify_zoned_namespace *data =
        target_identify(target, NVME_IDENTIFY_SET_NAMESPACE, ns->id, NVME_CSI_ZONED);
    if (!data)
        return 1;
    *bytes = data->lbafe[ns->format].extension_size * 64u;
    kfree(data);
    return 0;
}

/* ---- report-zones ------------------------------------------------------------------------------
 */

static const struct option report_options[] = {
    OPTION_NSID,
    {'s', "start-lba", "NUM", "where in the first zone (0)"},
    {'d', "descs", "NUM", "how many zones at most (all)"},
    {'S', "state", "NUM",
     "only those in a state: 1 empty, 2 and 3 open, 4 closed, 5 full, ... (0: any)"},
    OPTION_FORMAT,
    {'v', "verbose", NULL, "states in words"},
    {'e', "extended", NULL, "what was attached to their descriptors too"},
    {'p', "partial", NULL, "nothing: the zones that are shown are counted apart"},
    {0},
};

static bool take_report(struct target *target, int key)
{
    struct zns *z = CONTAINER_OF(target, struct zns, target);
    switch (key) {
    case 's':
        return target_size(target, "start-lba", UINT64_MAX, &z->start);
    case 'd':
        return target_number(target, "descs", UINT32_MAX, &z->count);
    case 'S':
        return target_number(target, "state", UINT8_MAX, &z->states);
    case 'e':
        return z->extended = true;
    case 'p':
        return true;
    default:
        return take_query(target, key);
    }
}

/* Zones from the LBA on, as many as fit; `partial`: just these are counted. */
static int fetch(struct zns *z, uint64_t lba, bool partial, struct nvme_zone_report *data,
                 size_t bytes)
{
    struct exchange x = {
        .io = true,
        .command = {.opcode = NVME_IO_ZONE_RECEIVE,
                    .nsid = (uint32_t)z->target.nsid,
                    .cdw10 = (uint32_t)lba,
                    .cdw11 = (uint32_t)(lba >> 32),
                    .cdw12 = (uint32_t)(bytes / 4 - 1),
                    .cdw13 = (z->extended ? NVME_ZONE_REPORT_EXTENDED : NVME_ZONE_REPORT) |
                             NVME_SET(NVME_ZONE_CDW13_STATES, (uint32_t)z->states) |
                             (partial ? NVME_ZONE_CDW13_PARTIAL : 0)},
        .data = data,
        .bytes = bytes,
    };
    return target_send(&z->target, &x);
}

static void put_zones(struct zns *z, const struct nvme_zone *zone, uint64_t count, size_t extension)
{
    const size_t each = sizeof *zone + extension;
    if (z->report.form == FORM_BINARY)
        out_bytes(z->target.self, zone, count * each);
    for (; count && z->report.form != FORM_BINARY; count--) {
        show_zone(&z->report, zone, extension, z->verbose);
        zone = (const void *)((const uint8_t *)zone + each);
    }
}

/* Piece by piece: a device may have very many. */
static int report_all(struct zns *z, const struct nvme_namespace *ns, size_t extension,
                      struct nvme_zone_report *data, size_t bytes)
{
    const size_t each = sizeof(struct nvme_zone) + extension;
    uint64_t lba = z->start;
    while (z->count && lba < ns->block_count) {
        if (console_interrupted())
            return STATUS_INTERRUPTED;
        uint64_t most = MIN((bytes - sizeof *data) / each, z->count);
        int status = fetch(z, lba, true, data, sizeof *data + most * each);
        if (status)
            return status;
        uint64_t count = MIN(data->zones, most);
        if (!count)
            break;
        const struct nvme_zone *last =
            (const void *)((const uint8_t *)data->zone + (count - 1) * each);
        put_zones(z, data->zone, count, extension);
        z->count -= count;
        if (last->start >= ns->block_count || last->start + ns->zone_blocks <= lba)
            return complain(z->target.self, "%s", nvme_error_text(NVME_ERR_DEVICE));
        lba = last->start + ns->zone_blocks;
    }
    return 0;
}

static int report_zones(struct invocation *self)
{
    struct zns z = zns_of(self);
    z.count = UINT64_MAX;
    size_t extension = 0;
    int status = target_open(&z.target, take_report, TARGET_NEEDS_NSID);
    if (status)
        return status;
    const struct nvme_namespace *ns = zoned_namespace(&z.target);
    if (!ns || (z.extended && extension_bytes(&z.target, ns, &extension)))
        return 1;
    size_t bytes = MIN(z.target.controller->max_transfer, (size_t)REPORT_BYTES);
    struct nvme_zone_report *data = target_buffer(&z.target, bytes);
    status = data ? fetch(&z, 0, false, data, sizeof *data) : 1;
    if (!status) {
        report_open(&z.report, NULL, '{');
        report_number(&z.report, "nr_zones", data->zones);
        if (z.report.form == FORM_BINARY)
            out_bytes(self, data, sizeof *data);
        else
            report_say(&z.report, "nr_zones: %llu\n", (unsigned long long)data->zones);
        report_open(&z.report, "zone_list", '[');
        status = report_all(&z, ns, extension, data, bytes);
        report_close(&z.report, ']');
        report_close(&z.report, '}');
    }
    kfree(data);
    return status;
}

/* ---- Zone Management Send ----------------------------------------------------------------------
 */

/* clang-format off */
#define OPTIONS_ZONE                                                   \
    OPTION_NSID,                                                       \
    {'s', "start-lba", "NUM", "first LBA of the zone (0)"}
#define OPTION_ALL     {'a', "select-all", NULL, "all zones that this can be done to"}
#define OPTION_TIMEOUT {'t', "timeout", "MS", "how long it may take, in milliseconds"}
#define OPTION_DATA    {'d', "data", "FILE", "where the data comes from (input)"}
/* clang-format on */

static const struct option zone_options[] = {OPTIONS_ZONE, OPTION_ALL, OPTION_TIMEOUT, {0}};

static const struct option open_options[] = {OPTIONS_ZONE,
                                             {'r', "zrwaa", NULL, "allocate a random write area"},
                                             OPTION_ALL,
                                             OPTION_TIMEOUT,
                                             {0}};

static const struct option extension_options[] = {
    OPTIONS_ZONE,
    {'r', "zrwaa", NULL, "allocate a random write area"},
    OPTION_DATA,
    OPTION_TIMEOUT,
    {0}};

static const struct option any_options[] = {
    OPTIONS_ZONE,
    OPTION_ALL,
    {'z', "zsa", "NUM", "what is to be done (required)"},
    {'o', "zsaso", NULL, "its option, of the action's own"},
    {'l', "data-len", "NUM", "bytes of data that belong to it"},
    OPTION_DATA,
    OPTION_TIMEOUT,
    {0},
};

static bool take_action(struct target *target, int key)
{
    struct zns *z = CONTAINER_OF(target, struct zns, target);
    switch (key) {
    case 's':
        return target_size(target, "start-lba", UINT64_MAX, &z->start);
    case 'a':
        return z->bits |= NVME_ZONE_CDW13_ALL;
    case 'r':
    case 'o':
        return z->bits |= NVME_ZONE_CDW13_OPTION;
    case 'z':
        return target_number(target, "zsa", UINT8_MAX, &z->action);
    case 'l':
        return target_number(target, "data-len", UINT32_MAX, &z->bytes);
    case 'd':
        z->file = target->self->argument;
        return true;
    default:
        return target_number(target, "timeout", UINT32_MAX, &z->timeout_ms);
    }
}

/* As nvme-cli's rows have it, each another. */
static void say_success(const struct zns *z, uint32_t value)
{
    struct invocation *self = z->target.self;
    const char *name = strrchr(self->command->name, ' ') + 1;
    const unsigned long long start = z->start;
    const unsigned nsid = (unsigned)z->target.nsid, action = (unsigned)z->action;
    const bool all = z->bits & NVME_ZONE_CDW13_ALL;
    if (self->command->options == open_options)
        out(self, "zns-%s: Success zone slba:%llx nsid:%u\n", name, start, nsid);
    else if (self->command->options == extension_options)
        out(self, "%s: Success, zone:%llx nsid:%u\n", name, start, nsid);
    else if (self->command->options == any_options)
        out(self, "%s: Success, action:%u zone:%llx all:%d nsid:%u\n", name, action, start, all,
            nsid);
    else
        out(self, "zns-%s: Success, action:%u zone:%llx all:%d zcapc:%u nsid:%u\n", name, action,
            start, all, value & 1, nsid);
}

/* The action, and the data that belongs to it. 0, or the exit status after a message. */
static int find_data(struct zns *z, struct exchange *x)
{
    if (!z->action)
        return complain(z->target.self, "zone send action must be specified");
    x->bytes = z->bytes;
    if (z->action == NVME_ZONE_SET_EXTENSION && !z->bytes) {
        const struct nvme_namespace *ns = zoned_namespace(&z->target);
        if (!ns || extension_bytes(&z->target, ns, &x->bytes))
            return 1;
        if (!x->bytes)
            return complain(z->target.self, "Zone Descriptor Extensions are not supported");
    }
    if (!x->bytes)
        return 0;
    x->data = target_buffer(&z->target, x->bytes);
    return x->data ? target_read_file(&z->target, z->file, x->data, x->bytes) : 1;
}

static int zone_send(struct invocation *self)
{
    struct zns z = zns_of(self);
    struct exchange x = {.io = true};
    int status = target_open(&z.target, take_action, TARGET_NEEDS_NSID);
    if (!status)
        status = find_data(&z, &x);
    x.command = (struct nvme_command){.opcode = NVME_IO_ZONE_SEND,
                                      .nsid = (uint32_t)z.target.nsid,
                                      .cdw10 = (uint32_t)z.start,
                                      .cdw11 = (uint32_t)(z.start >> 32),
                                      .cdw13 = (uint32_t)z.action | z.bits};
    x.timeout_ms = z.timeout_ms;
    if (!status)
        status = target_send(&z.target, &x);
    if (!status)
        say_success(&z, x.value);
    kfree(x.data);
    return status;
}

/* ---- The table ------------------------------------------------------------------------------ */

static const struct row rows[] = {
    {.command = SUBCOMMAND("zns id-ctrl",
                           "Send NVMe Identify Zoned Namespace Controller, display structure",
                           controller_options, id_ctrl)},
    {.command =
         SUBCOMMAND("zns id-ns", "Send NVMe Identify Zoned Namespace Namespace, display structure",
                    namespace_options, id_ns)},
    {.command = SUBCOMMAND("zns report-zones", "Report zones associated to a Zoned Namespace",
                           report_options, report_zones)},
    {.command = SUBCOMMAND("zns reset-zone", "Reset one or more zones", zone_options, zone_send),
     .action = NVME_ZONE_RESET},
    {.command = SUBCOMMAND("zns close-zone", "Close one or more zones", zone_options, zone_send),
     .action = NVME_ZONE_CLOSE},
    {.command = SUBCOMMAND("zns finish-zone", "Finish one or more zones", zone_options, zone_send),
     .action = NVME_ZONE_FINISH},
    {.command = SUBCOMMAND("zns open-zone", "Open one or more zones", open_options, zone_send),
     .action = NVME_ZONE_OPEN},
    {.command =
         SUBCOMMAND("zns offline-zone", "Offline one or more zones", zone_options, zone_send),
     .action = NVME_ZONE_OFFLINE},
    {.command = SUBCOMMAND("zns set-zone-desc", "Attach zone descriptor extension data to a zone",
                           extension_options, zone_send),
     .action = NVME_ZONE_SET_EXTENSION},
    {.command = SUBCOMMAND("zns zone-mgmt-send", "Send the zone management send command",
                           any_options, zone_send)},
    {.command = SUBCOMMAND("zns changed-zone-list", "Retrieve the changed zone list log",
                           changed_options, changed_zone_list)},
};

const unsigned cli_zns_count = ARRAY_SIZE(rows);

const struct command *cli_zns(unsigned index)
{
    return &rows[index].command;
}
