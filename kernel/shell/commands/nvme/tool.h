/*
 * What the sub-commands of `nvme` share. Each is a struct command of its own,
 * named "nvme NAME" so that messages and the usage line say so; nvme.c holds
 * the table. fields.c and show.c print and know no device; the others send
 * commands by target.c.
 */
#ifndef KERNEL_SHELL_COMMANDS_NVME_TOOL_H
#define KERNEL_SHELL_COMMANDS_NVME_TOOL_H

#include "drivers/nvme/nvme.h"
#include "kernel/shell/command.h"

/* The LBA format that a namespace uses: an index in data->lbaf, but perhaps above data->nlbaf. */
static inline unsigned lba_format(const struct nvme_identify_namespace *data)
{
    unsigned high = NVME_GET(NVME_FLBAS_HIGH, (unsigned)data->flbas);
    return (data->flbas & NVME_FLBAS_LOW) | (data->nlbaf >= 16 ? high << 4 : 0);
}

extern const struct command cli_list, cli_get_feature, cli_set_feature, cli_format, cli_reset,
    cli_flush, cli_admin_passthru, cli_io_passthru, cli_show_regs;

/* query.c: those that fetch and show a structure, from 0 on. */
extern const unsigned cli_query_count;
const struct command *cli_query(unsigned index);

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

/*
 * Reads the options and finds the device, the only operand. All options but --namespace-id go to
 * `take`, which returns false after a message; NULL: there are none. What target->nsid is if no
 * --namespace-id was given is the node's namespace, or for a controller's node `otherwise`;
 * TARGET_NEEDS_NSID: an error. 0, or the exit status after a message.
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
    uint64_t timeout_ms; /* 0: the driver's */
    uint32_t value;      /* the answer: dword 0 of the completion */
    uint16_t status;     /* and its status field */
};

/* Sends a command and waits for it. 0, or the exit status after a message. */
int target_send(struct target *target, struct exchange *exchange);

/* The same without a message for an error status: an error of the driver's. */
int target_try(struct target *target, struct exchange *exchange);

/* Says what went wrong; 1. */
int target_complain(struct target *target, int error, uint16_t status);

/* Heap memory of zeros for a transfer: whole pages, so that a device that sends more than was
 * asked for, up to a page's end, hits nothing else. NULL after a message. */
void *target_buffer(struct target *target, size_t bytes);

/* Fills `data` from a file, or from the input for NULL; what it lacks stays zero. 0, or the exit
 * status after a message. */
int target_read_file(struct target *target, const char *path, void *data, size_t bytes);

/* Returns NVME_IDENTIFY_SIZE bytes for kfree(); NULL after a message. */
void *target_identify(struct target *target, uint32_t cns, uint32_t nsid);

/* Reads a log page into target_buffer() memory, in pieces where the device allows it. 0, or the
 * exit status after a message. */
struct log_request {
    uint32_t nsid;
    uint64_t lid, lsp, lsi; /* no wider than their fields: 8, 7 and 16 bits */
    uint64_t offset, bytes;
    bool retain;
};
int target_log(struct target *target, const struct log_request *log, void *data);

/* ---- fields.c: structures of the specification as text -------------------------------------- */

enum field_kind {
    FIELD_HEX,     /* "0x1f", zero is "0" */
    FIELD_NUMBER,  /* of up to 16 bytes */
    FIELD_TEXT,    /* ASCII, padded */
    FIELD_OUI,     /* three bytes, the last one first */
    FIELD_UUID,    /* 16 bytes with dashes */
    FIELD_BYTES,   /* in hexadecimal, the first one first */
    FIELD_PERCENT, /* "5%" */
    FIELD_KELVIN,  /* "27°C (300 Kelvin)" */
    FIELD_UNITS,   /* thousands of 512 bytes */
};

struct field {
    const char *name;
    uint16_t offset, size;
    uint8_t kind;
};

#define FIELD_AS(type, member, text, as)                           \
    {                                                              \
        text, offsetof(type, member), sizeof((type){0}.member), as \
    }

/* A line for each: the name, filled up to `column` with blanks, or with tabs, and the value. */
struct layout {
    unsigned column;
    bool tabs;
};
void fields_print(struct invocation *self, const struct field *fields, size_t count,
                  const struct layout *layout, const void *data);

/* Little-endian, up to 8 bytes. */
uint64_t bytes_value(const void *bytes, unsigned size);

/* 16 rows to the line, with text at the end, as nvme-cli dumps. */
void hex_print(struct invocation *self, const void *data, size_t length);

/* "67.11  MB" and "0.00 B": two digits behind the point, decimal units. */
struct quantity {
    uint64_t whole;
    unsigned hundredths;
    const char *prefix; /* "", "k", "M"... */
};
struct quantity quantity_of(const uint8_t value[16], uint32_t unit);

/* ---- show.c: what devices say of themselves ---------------------------------------------------
 */

void show_controller(struct invocation *self, const struct nvme_identify_controller *data);
void show_namespace(struct invocation *self, uint32_t nsid,
                    const struct nvme_identify_namespace *data);

void show_error_entry(struct invocation *self, unsigned index,
                      const struct nvme_error_entry *entry);
void show_smart(struct invocation *self, const struct nvme_health_log *log);
void show_firmware(struct invocation *self, const struct nvme_firmware_log *log);

#endif
