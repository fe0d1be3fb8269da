/* nvme admin-passthru and io-passthru: any command, with data in one direction. */
#include "kernel/mem/heap.h"
#include "kernel/shell/commands/nvme/tool.h"
#include "kernel/x86/clock.h"
#include "lib/string.h"

static const struct option options[] = {
    {'o', "opcode", "NUM", "opcode (required)"},
    {'f', "flags", "NUM", "command flags"},
    {'p', "prefill", "NUM", "byte that the data buffer is filled with (0)"},
    {'R', "rsvd", "NUM", "must be 0: the command identifier is the driver's"},
    {'n', "namespace-id", "NUM", "namespace (0)"},
    {'l', "data-len", "NUM", "bytes of data"},
    {'m', "metadata-len", "NUM", "bytes of metadata beside the data"},
    {'t', "timeout", "NUM", "in milliseconds"},
    {'2', "cdw2", "NUM", "dword 2 of the command"},
    {'3', "cdw3", "NUM", "dword 3"},
    {'4', "cdw10", "NUM", "dword 10"},
    {'5', "cdw11", "NUM", "dword 11"},
    {'6', "cdw12", "NUM", "dword 12"},
    {'7', "cdw13", "NUM", "dword 13"},
    {'8', "cdw14", "NUM", "dword 14"},
    {'9', "cdw15", "NUM", "dword 15"},
    {'i', "input-file", "FILE", "where data comes from (input), or goes to"},
    {'M', "metadata", "FILE", "the same of metadata"},
    {'b', "raw-binary", NULL, "the data as it is"},
    {'s', "show-command", NULL, "print the command before sending it"},
    {'d', "dry-run", NULL, "print it instead of sending it"},
    {'r', "read", NULL, "data comes from the device"},
    {'w', "write", NULL, "data goes to the device"},
    {'T', "latency", NULL, "say how long it took"},
    {0},
};

struct passthru {
    struct target target;
    struct exchange exchange;
    uint64_t prefill, metadata_bytes;
    bool opcode_given, raw, show, dry, read, write, latency;
    const char *file, *metadata_file;
};

static bool number32(struct passthru *p, uint32_t *to)
{
    uint64_t value;
    if (!target_number(&p->target, "command dword", UINT32_MAX, &value))
        return false;
    *to = (uint32_t)value;
    return true;
}

static bool number8(struct passthru *p, const char *name, uint8_t *to)
{
    uint64_t value;
    if (!target_number(&p->target, name, UINT8_MAX, &value))
        return false;
    *to = (uint8_t)value;
    return true;
}

static bool take_dword(struct passthru *p, int key)
{
    struct nvme_command *c = &p->exchange.command;
    uint32_t *const dwords[] = {&c->cdw2,  &c->cdw3,  &c->cdw10, &c->cdw11,
                                &c->cdw12, &c->cdw13, &c->cdw14, &c->cdw15};
    return key >= '2' && key <= '9' && number32(p, dwords[key - '2']);
}

static bool take(struct target *target, int key)
{
    struct passthru *p = CONTAINER_OF(target, struct passthru, target);
    uint64_t value;
    switch (key) {
    case 'o':
        return p->opcode_given = number8(p, "opcode", &p->exchange.command.opcode);
    case 'f':
        return target_number(target, "flags", 0, &value); /* as Linux: data is described here */
    case 'p':
        return target_number(target, "prefill", UINT8_MAX, &p->prefill);
    case 'R':
        return target_number(target, "rsvd", 0, &value);
    case 'l':
        if (!target_number(target, "data-len", UINT32_MAX, &value))
            return false;
        p->exchange.bytes = value;
        return true;
    case 't':
        return target_number(target, "timeout", UINT32_MAX, &p->exchange.timeout_ms);
    case 'm':
        return target_number(target, "metadata-len", UINT32_MAX, &p->metadata_bytes);
    case 'M':
        p->metadata_file = target->self->argument;
        return true;
    case 'i':
        p->file = target->self->argument;
        return true;
    case 'b':
        return p->raw = true;
    case 's':
        return p->show = true;
    case 'd':
        return p->dry = true;
    case 'r':
        return p->read = true;
    case 'w':
        return p->write = true;
    case 'T':
        return p->latency = true;
    default:
        return take_dword(p, key);
    }
}

static void show_command(const struct passthru *p)
{
    const struct nvme_command *c = &p->exchange.command;
    struct invocation *self = p->target.self;
    out(self,
        "opcode       : %02x\nflags        : %02x\nrsvd1        : %04x\nnsid         : %08x\n"
        "cdw2         : %08x\ncdw3         : %08x\ndata_len     : %08x\nmetadata_len : %08x\n",
        c->opcode, c->flags, 0, c->nsid, c->cdw2, c->cdw3, (unsigned)p->exchange.bytes,
        (unsigned)p->metadata_bytes);
    out(self, "addr         : %llx\nmetadata     : %llx\n",
        (unsigned long long)(uintptr_t)p->exchange.data,
        (unsigned long long)(uintptr_t)p->exchange.metadata);
    out(self,
        "cdw10        : %08x\ncdw11        : %08x\ncdw12        : %08x\ncdw13        : %08x\n"
        "cdw14        : %08x\ncdw15        : %08x\ntimeout_ms   : %08x\n",
        c->cdw10, c->cdw11, c->cdw12, c->cdw13, c->cdw14, c->cdw15,
        (unsigned)p->exchange.timeout_ms);
}

static int show_data(struct passthru *p)
{
    struct invocation *self = p->target.self;
    if (p->file)
        return target_write_file(&p->target, p->file, p->exchange.data, p->exchange.bytes);
    if (p->raw)
        out_bytes(self, p->exchange.data, p->exchange.bytes);
    else
        hex_print(self, p->exchange.data, p->exchange.bytes);
    return 0;
}

/* The data is there, if there is any. */
static int exchange(struct passthru *p)
{
    struct exchange *x = &p->exchange;
    int status = 0;
    if (p->write && x->bytes)
        status = target_read_file(&p->target, p->file, x->data, x->bytes);
    if (!status && p->write && p->metadata_bytes)
        status = target_read_file(&p->target, p->metadata_file, x->metadata, p->metadata_bytes);
    if (status)
        return status;
    if (p->show || p->dry)
        show_command(p);
    if (p->dry)
        return 0;
    const char *queue = x->io ? "IO" : "Admin", *name = opcode_name(x->io, x->command.opcode);
    uint64_t begin = clock_ns();
    status = target_send(&p->target, x);
    if (p->latency)
        out(p->target.self, "%s Command %s latency: %llu us\n", queue, name,
            (unsigned long long)((clock_ns() - begin) / 1000));
    if (status)
        return status;
    note(p->target.self, "%s Command %s is Success and result: 0x%08x\n", queue, name, x->value);
    if (p->read && x->bytes)
        status = show_data(p);
    if (!status && p->read && p->metadata_bytes)
        status = target_write_file(&p->target, p->metadata_file, x->metadata, p->metadata_bytes);
    return status;
}

/* NULL for no bytes, or after a message. */
static void *filled_buffer(struct passthru *p, size_t bytes)
{
    void *buffer = bytes ? target_buffer(&p->target, bytes) : NULL;
    return buffer ? memset(buffer, (int)p->prefill, bytes) : NULL;
}

/* Which way data goes is said by the opcode (Base 3.3.3.1): where nobody says it, that holds; who
 * says otherwise is wrong. False after a message. */
static bool direct(struct passthru *p)
{
    const uint8_t opcode = p->exchange.command.opcode;
    const bool to = opcode & 1, from = opcode & 2;
    if (p->read && p->write) {
        complain(p->target.self, "--read and --write exclude each other");
        return false;
    }
    if ((p->read && !from) || (p->write && !to)) {
        complain(p->target.self, "data of opcode %#x %s", opcode,
                 to     ? "goes to the device: --write"
                 : from ? "comes from the device: --read"
                        : "is none: neither --read nor --write");
        return false;
    }
    if (!p->read && !p->write) {
        p->write = to;
        p->read = from && !to;
    }
    return true;
}

static int passthru(struct invocation *self, bool io)
{
    struct passthru p = {.target = TARGET(self), .exchange = {.io = io}};
    struct exchange *x = &p.exchange;
    int status = target_open(&p.target, take, 0);
    if (status)
        return status;
    if (!p.opcode_given)
        return complain(self, "opcode required param");
    if (!direct(&p))
        return 1;
    /* As Linux: the node of one namespace is no way to another. */
    x->command.nsid = p.target.nsid_given ? (uint32_t)p.target.nsid : 0;
    if (p.target.node_nsid && x->command.nsid != p.target.node_nsid)
        return complain(self, "%s is namespace %u, not %u", p.target.path, p.target.node_nsid,
                        x->command.nsid);
    x->data = filled_buffer(&p, x->bytes);
    x->metadata = filled_buffer(&p, p.metadata_bytes);
    bool there = (x->data || !x->bytes) && (x->metadata || !p.metadata_bytes);
    status = there ? exchange(&p) : 1;
    kfree(x->data);
    kfree(x->metadata);
    return status;
}

static int admin_passthru(struct invocation *self)
{
    return passthru(self, false);
}

static int io_passthru(struct invocation *self)
{
    return passthru(self, true);
}

const struct command cli_admin_passthru = SUBCOMMAND(
    "admin-passthru", "Submit an arbitrary admin command, return results", options, admin_passthru);

const struct command cli_io_passthru = SUBCOMMAND(
    "io-passthru", "Submit an arbitrary IO command, return results", options, io_passthru);
