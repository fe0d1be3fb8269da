/*
 * Structures of the specification as text. One table describes a structure, its
 * bits included; from it come the lines of `nvme`, what -H adds to them, and JSON.
 * Knows no device.
 */
#ifndef KERNEL_SHELL_COMMANDS_NVME_SHOW_H
#define KERNEL_SHELL_COMMANDS_NVME_SHOW_H

#include "drivers/nvme/nvme.h"
#include "kernel/command/command.h"

/* ---- report.c: where it goes --------------------------------------------------------------- */

struct report {
    struct invocation *self;
    enum {
        FORM_NORMAL,
        FORM_JSON,
        FORM_BINARY,
    } form;
    bool human; /* -H */
    bool filled;
    unsigned depth;
};

/* The argument of --output-format; false after a message. */
bool report_form(struct report *report, const char *name);

/* A line or a part of one, unless it is to be JSON. */
void report_say(struct report *report, const char *format, ...) PRINTF_LIKE(2, 3);

/* These are JSON's, and nothing without it. The bracket is { or [, and then } or ]. A member of a
 * list, and the whole, has no key: NULL. */
void report_open(struct report *report, const char *key, char bracket);
void report_close(struct report *report, char bracket);
void report_number(struct report *report, const char *key, uint64_t value);
void report_text(struct report *report, const char *key, const char *format, ...) PRINTF_LIKE(3, 4);

/* ---- values.c: one value ------------------------------------------------------------------- */

enum field_kind {
    FIELD_HEX,     /* "0x1f", zero is "0" */
    FIELD_PLAIN,   /* "1f" */
    FIELD_NUMBER,  /* of up to 16 bytes */
    FIELD_TEXT,    /* ASCII, padded */
    FIELD_OUI,     /* three bytes, the last one first */
    FIELD_UUID,    /* 16 bytes with dashes */
    FIELD_BYTES,   /* in hexadecimal, the first one first */
    FIELD_PERCENT, /* "5%" */
    FIELD_KELVIN,  /* "27°C (300 Kelvin)" */
    FIELD_UNITS,   /* thousands of 512 bytes */
};

#define VALUE_SIZE 264 /* of its text: a name of 256 bytes, or a number with its unit */

/* Returns `text`. */
const char *value_text(char text[VALUE_SIZE], enum field_kind kind, const void *bytes,
                       unsigned size);

/* Little-endian, up to 8 bytes. */
uint64_t bytes_value(const void *bytes, unsigned size);

/* "67.11  MB" and "0.00 B": two digits behind the point, decimal units. */
struct quantity {
    uint64_t whole;
    unsigned hundredths;
    const char *prefix; /* "", "k", "M"... */
};
struct quantity quantity_of(const uint8_t value[16], uint32_t unit);

/* 16 rows to the line, with text at the end, as nvme-cli dumps. */
void hex_print(struct invocation *self, const void *data, size_t length);

/* ---- fields.c: tables ---------------------------------------------------------------------- */

/*
 * Bits of a field, for -H. In the text, {a|b|c} is the one of the words that the value counts, the
 * last for all values beyond. #d is the value itself, #x in hexadecimal, #+ one more (0's based),
 * #*500 and #^12 the value times 500 and 2^(12 + value), #K kelvin, #V a version ("1.4").
 */
struct bits {
    uint8_t high, low;
    const char *text;
};
/* clang-format off */
#define BITS(...) (const struct bits[]){__VA_ARGS__, {0}}
/* clang-format on */

struct field {
    const char *name;
    uint16_t offset, size;
    uint16_t kind;
    const char *key;         /* in JSON; NULL: the name */
    const struct bits *bits; /* from the highest on; NULL: none */
};

/* clang-format off */
#define FIELD_AS(type, member, text, as, ...)                                                  \
    {.name = text, .offset = offsetof(type, member), .size = sizeof((type){0}.member),         \
     .kind = FIELD_##as, __VA_ARGS__}
/* clang-format on */

/* A line for each: the name, filled up to `column` with blanks, or with tabs, and the value. Bits
 * follow with their numbers, or behind `indent`. */
struct layout {
    unsigned column;
    bool tabs;
    const char *indent;
};
void fields_show(struct report *report, const struct field *fields, size_t count,
                 const struct layout *layout, const void *data);

void bits_show(struct report *report, const struct bits *bits, uint64_t value, unsigned size,
               const char *indent);

/* The text of one entry, for a value of the whole field. */
void bits_say(struct report *report, const struct bits *bits, uint64_t value);

/* The LBA format that a namespace uses: an index in data->lbaf, but perhaps above data->nlbaf. */
static inline unsigned lba_format(const struct nvme_identify_namespace *data)
{
    unsigned high = NVME_GET(NVME_FLBAS_HIGH, (unsigned)data->flbas);
    return (data->flbas & NVME_FLBAS_LOW) | (data->nlbaf >= 16 ? high << 4 : 0);
}

/* ---- What devices say of themselves: controller.c, namespace.c, zones.c, logs.c, registers.c */

void show_controller(struct report *report, const struct nvme_identify_controller *data,
                     bool vendor);
void show_namespace(struct report *report, uint32_t nsid,
                    const struct nvme_identify_namespace *data, bool vendor);
void show_descriptors(struct report *report, uint32_t nsid, const uint8_t *data);

void show_zoned_controller(struct report *report,
                           const struct nvme_identify_zoned_controller *data);
void show_zoned_namespace(struct report *report, const struct nvme_identify_zoned_namespace *data,
                          const struct nvme_identify_namespace *plain, bool vendor);
void show_changed_zones(struct report *report, const struct nvme_changed_zones_log *log);

/* One of a report's; behind it are `extension` bytes. */
void show_zone(struct report *report, const struct nvme_zone *zone, size_t extension, bool verbose);

void show_errors(struct report *report, const char *name, const struct nvme_error_entry *entries,
                 unsigned count);
void show_smart(struct report *report, const char *name, uint32_t nsid,
                const struct nvme_health_log *log);
void show_firmware(struct report *report, const char *name, const struct nvme_firmware_log *log);
void show_effects(struct report *report, unsigned command_set, const struct nvme_effects_log *log);
void show_changed(struct report *report, const char *name, const struct nvme_changed_log *log);

/* `data` is BAR0 from its begin on. False: there is no such property. */
#define REGISTERS_SIZE 0xe1cu
void show_registers(struct report *report, const void *data);
bool show_property(struct report *report, uint32_t offset, const void *data);

/* ---- feature_table.c ----------------------------------------------------------------------- */

/* What Identify Controller has to say before something is tried. */
struct need {
    const char *field; /* NULL: nothing is needed */
    uint16_t offset, size;
    uint32_t mask;
};
/* clang-format off */
#define NEEDS(member, bits)                                     \
    {#member, offsetof(struct nvme_identify_controller, member), \
     sizeof((struct nvme_identify_controller){0}.member), bits}
/* clang-format on */

struct feature {
    const char *name;
    uint16_t bytes; /* that are transferred */
    struct need need;
    const struct bits *bits; /* what -H says of the value; NULL: nothing */
};

/* NULL: reserved, or the vendor's own. */
const struct feature *feature_find(uint64_t id);

/* The specification's name of an opcode. */
const char *opcode_name(bool io, uint8_t opcode);

#endif
