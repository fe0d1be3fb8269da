/*
 * What the sub-commands of `nvme` share. Each is a struct command of its own,
 * named "nvme NAME", or "nvme GROUP NAME", so that messages and the usage line
 * say so; nvme.c holds the table. What is declared in show.h prints and knows no device; the others
 * send commands by target.c.
 */
#ifndef KERNEL_SHELL_COMMANDS_NVME_TOOL_H
#define KERNEL_SHELL_COMMANDS_NVME_TOOL_H

#include "kernel/shell/commands/nvme/show.h"

extern const struct command cli_list, cli_zns_list, cli_list_subsys, cli_get_feature,
    cli_set_feature, cli_format, cli_reset, cli_subsystem_reset, cli_ns_rescan, cli_attach_ns,
    cli_detach_ns, cli_flush, cli_dsm, cli_copy, cli_admin_passthru, cli_io_passthru, cli_show_regs,
    cli_get_property, cli_counters;

/* query.c: those that fetch and show a structure, from 0 on. */
extern const unsigned cli_query_count;
const struct command *cli_query(unsigned index);

/* blocks.c: those about one range of blocks. */
extern const unsigned cli_blocks_count;
const struct command *cli_blocks(unsigned index);

/* zns.c: those about zoned namespaces. */
extern const unsigned cli_zns_count;
const struct command *cli_zns(unsigned index);

/* clang-format off */
#define SUBCOMMAND(text, about, its_options, function)                        \
    {.name = "nvme " text, .summary = about, .operands = "DEVICE",            \
     .options = its_options, .usage_status = 1, .long_only = true, .run = function}
/* clang-format on */

/* What several of them take. */
/* clang-format off */
#define OPTION_NSID   {'n', "namespace-id", "NUM", "namespace (that of the device)"}
#define OPTION_FORMAT {'o', "output-format", "FMT", "normal, json or binary (normal)"}
#define OPTION_BINARY {'b', "raw-binary", NULL, "the same as --output-format=binary"}
#define OPTION_HUMAN  {'H', "human-readable", NULL, "bits in words"}
#define OPTION_VENDOR {'v', "vendor-specific", NULL, "what is the vendor's own too"}
/* clang-format on */

/* ---- target.c: whom a command goes to, and sending it --------------------------------------- */

/* The device that was named, and the namespace: of its node, or by --namespace-id. */
struct target {
    struct invocation *self;
    const char *path;
    struct nvme_controller *controller;
    uint32_t node_nsid; /* 0: the node is a controller's */
    uint64_t nsid;
    bool nsid_given;
};
#define TARGET(self) ((struct target){.self = (self)})

/* The number that is the option's argument, up to `most`; false after a message. */
bool target_number(struct target *target, const char *name, uint64_t most, uint64_t *value);

/* The same, where nvme-cli takes a k, m, g, t, p or e behind it: powers of 1024. */
bool target_size(struct target *target, const char *name, uint64_t most, uint64_t *value);

/* An option whose argument is bits of dwords 10 to 15, or that is itself a bit. */
struct command_bits {
    int key;          /* 0 ends a table of them */
    const char *name; /* of the argument; NULL: it has none */
    uint8_t dword, low, width;
};

/* Takes one of them; false after a message, or when it is none of the table's. */
bool target_bits(struct target *target, const struct command_bits *table, int key,
                 struct nvme_command *command);

/*
 * Reads the options and finds the device, the only operand. All options but --namespace-id go to
 * `take`, which returns false after a message; NULL: there are none. What target->nsid is if no
 * --namespace-id was given is the node's namespace, or for a controller's node `otherwise`;
 * TARGET_NEEDS_NSID: an error, and 0 is no namespace that could be given. 0, or the exit status
 * after a message.
 */
#define TARGET_NEEDS_NSID UINT64_MAX
int target_open(struct target *target, bool (*take)(struct target *target, int key),
                uint64_t otherwise);

/* "nvme0n1", without the directory. */
const char *target_name(const struct target *target);

struct exchange {
    bool io;
    struct nvme_command command;
    void *data; /* target_buffer(), or NULL */
    size_t bytes;
    void *metadata;      /* the same, for metadata beside the data */
    uint64_t timeout_ms; /* 0: the driver's */
    uint32_t value;      /* the answer: dword 0 of the completion */
    uint16_t status;     /* and its status field */
};

/* Sends a command and waits for it. 0, or the exit status after a message. */
int target_send(struct target *target, struct exchange *exchange);

/* The same without a message for an error status: an error of the driver's. */
int target_try(struct target *target, struct exchange *exchange);

/* Does the controller say of itself that it has this? */
bool target_has(const struct target *target, const struct need *need);

/* The same; false after a message. */
bool target_offers(struct target *target, const struct need *need);

/* Comma-separated numbers; how many, or -1 after a message. */
int target_numbers(struct target *target, const char *name, const char *text, uint64_t most,
                   uint64_t *values, unsigned room);

/* Says what went wrong; 1. */
int target_complain(struct target *target, int error, uint16_t status);

/* Heap memory of zeros for a transfer: whole pages, so that a device that sends more than was
 * asked for, up to a page's end, hits nothing else. NULL after a message. */
void *target_buffer(struct target *target, size_t bytes);

/* Fills `data` from a file, or from the input for NULL; what it lacks stays zero. 0, or the exit
 * status after a message. */
int target_read_file(struct target *target, const char *path, void *data, size_t bytes);

/* The same the other way: into a file, or to the output. */
int target_write_file(struct target *target, const char *path, const void *data, size_t bytes);

/* The namespace, if the controller has it; NULL after a message. */
const struct nvme_namespace *target_namespace(struct target *target);

/* Returns NVME_IDENTIFY_SIZE bytes for kfree(); NULL after a message. The command set is for the
 * values of CNS that are about one. */
void *target_identify(struct target *target, uint32_t cns, uint32_t nsid, uint32_t command_set);

/* Reads a log page into target_buffer() memory, in pieces where the device allows it. 0, or the
 * exit status after a message. */
struct log_request {
    uint32_t nsid;
    uint64_t lid, lsp, lsi, csi, uuid; /* no wider than their fields: 8, 7, 16, 8 and 7 bits */
    uint64_t offset, bytes;
    bool retain, index; /* index: the offset is one of the page's, not in bytes */
};
int target_log(struct target *target, const struct log_request *log, void *data);

/* ---- list.c and subsystem.c -------------------------------------------------------------------
 */

struct listing {
    struct target target; /* of which only the controller is used */
    struct report report;
    bool verbose, zoned; /* zoned: only such namespaces */
};

/* Reads the options; of operands there are at most `most`. 0, or the exit status after a message.
 */
int listing_begin(struct listing *listing, struct invocation *self, int most);

/* In bytes, and as the tables have it. */
struct listed_size {
    uint64_t used, all;
    char usage[48], format[24];
};

/* 0, or the exit status after a message: all of it is taken for used. */
int listing_size(struct listing *listing, const struct nvme_namespace *ns,
                 struct listed_size *size);
void listing_size_json(struct report *report, const struct nvme_namespace *ns,
                       const struct listed_size *size);

/* The exit status. */
int list_verbose(struct listing *listing);

/* Are they controllers of one subsystem? */
bool nvme_same_subsystem(const struct nvme_controller *a, const struct nvme_controller *b);

/* clang-format off */
#define OPTIONS_LIST                                                   \
    {'o', "output-format", "FMT", "normal or json (normal)"},          \
    {'v', "verbose", NULL, "more of it"}
/* clang-format on */

#define DASHES "------------------------------------------------" /* for %.Ns below a title */

#endif
