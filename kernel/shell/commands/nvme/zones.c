/*
 * What zoned namespaces say of themselves: Identify's structures of their command set, reports of
 * zones, and the log of those that have changed (ZNS 4.1.5, 3.4.2, 4.1.1). Nothing of what a device
 * says is used as an index or a count without a limit.
 */
#include "kernel/shell/commands/nvme/show.h"
#include "lib/printf.h"

#define CONTROLLER(member, kind) \
    FIELD_AS(struct nvme_identify_zoned_controller, member, #member, kind)
#define NAMESPACE(member, kind, ...) \
    FIELD_AS(struct nvme_identify_zoned_namespace, member, #member, kind, __VA_ARGS__)

#define EXTENSION_ROW 16u

static const struct layout layout = {.column = 8};

void show_zoned_controller(struct report *report, const struct nvme_identify_zoned_controller *data)
{
    static const struct field fields[] = {CONTROLLER(zasl, NUMBER)};
    report_open(report, NULL, '{');
    report_say(report, "NVMe ZNS Identify Controller:\n");
    fields_show(report, fields, ARRAY_SIZE(fields), &layout, data);
    report_close(report, '}');
}

/* ZNS 4.1.5.1, in its order. */
static const struct field namespace_fields[] = {
    NAMESPACE(zoc, NUMBER,
              .bits = BITS({1, 1, "  Zone Active Excursions: {No|Yes}"},
                           {0, 0, "  Variable Zone Capacity: {No|Yes}"})),
    NAMESPACE(ozcs, NUMBER,
              .bits = BITS({1, 1, "  Zone Random Write Area: {No|Yes}"},
                           {0, 0, "  Read Across Zone Boundaries: {No|Yes}"})),
    NAMESPACE(mar, HEX),
    NAMESPACE(mor, HEX),
    NAMESPACE(rrl, NUMBER),
    NAMESPACE(frl, NUMBER),
    NAMESPACE(rrl1, NUMBER),
    NAMESPACE(rrl2, NUMBER),
    NAMESPACE(rrl3, NUMBER),
    NAMESPACE(frl1, NUMBER),
    NAMESPACE(frl2, NUMBER),
    NAMESPACE(frl3, NUMBER),
    NAMESPACE(numzrwa, NUMBER),
    NAMESPACE(zrwafg, NUMBER),
    NAMESPACE(zrwasz, NUMBER),
    NAMESPACE(zrwacap, NUMBER, .bits = BITS({0, 0, "  Explicit ZRWA Flush Operations: {No|Yes}"})),
};

static void show_format(struct report *report, unsigned index,
                        const struct nvme_lba_format_extension *format, bool used)
{
    const unsigned long long size = format->zone_size;
    report_open(report, NULL, '{');
    report_number(report, "zsze", size);
    report_number(report, "zdes", format->extension_size);
    report_close(report, '}');
    report_say(report,
               report->human ? "LBA Format Extension %2u : Zone Size: %#llx LBAs - "
                               "Zone Descriptor Extension Size: %u bytes%s\n"
                             : "lbafe %2u: zsze:%#llx zdes:%u%s\n",
               index, size, format->extension_size * (report->human ? 64u : 1u),
               used ? " (in use)" : "");
}

void show_zoned_namespace(struct report *report, const struct nvme_identify_zoned_namespace *data,
                          const struct nvme_identify_namespace *plain, bool vendor)
{
    report_open(report, NULL, '{');
    report_say(report, "ZNS Command Set Identify Namespace:\n");
    fields_show(report, namespace_fields, ARRAY_SIZE(namespace_fields), &layout, data);
    report_open(report, "lbafe", '[');
    for (unsigned i = 0; i <= MIN((unsigned)plain->nlbaf, (unsigned)ARRAY_SIZE(data->lbafe) - 1);
         i++)
        show_format(report, i, &data->lbafe[i], i == lba_format(plain));
    report_close(report, ']');
    report_close(report, '}');
    if (vendor && report->form == FORM_NORMAL) {
        report_say(report, "vs[]    :\n");
        hex_print(report->self, data->vendor, sizeof data->vendor);
    }
}

static const char *state_text(unsigned state)
{
    switch (state) {
    case NVME_ZONE_EMPTY:
        return "EMPTY";
    case NVME_ZONE_IMPLICITLY_OPEN:
        return "IMP_OPENED";
    case NVME_ZONE_EXPLICITLY_OPEN:
        return "EXP_OPENED";
    case NVME_ZONE_CLOSED:
        return "CLOSED";
    case NVME_ZONE_READ_ONLY:
        return "READONLY";
    case NVME_ZONE_FULL:
        return "FULL";
    case NVME_ZONE_GONE_OFFLINE:
        return "OFFLINE";
    default:
        return "Unknown State";
    }
}

/* In JSON it is text, a row of it after the other. */
static void show_extension(struct report *report, const uint8_t *bytes, size_t count)
{
    report_open(report, "ext_data", '[');
    for (size_t row = 0; row < count && report->form == FORM_JSON; row += EXTENSION_ROW) {
        char text[EXTENSION_ROW + 1] = "";
        for (size_t i = 0; i < EXTENSION_ROW && row + i < count; i++)
            text[i] = (char)(bytes[row + i] >= ' ' && bytes[row + i] <= '~' ? bytes[row + i] : '.');
        report_text(report, NULL, "%s", text);
    }
    report_close(report, ']');
    report_say(report, "Extension Data: ");
    if (report->form != FORM_JSON)
        hex_print(report->self, bytes, count);
    report_say(report, "..\n");
}

void show_zone(struct report *report, const struct nvme_zone *zone, size_t extension, bool verbose)
{
    const unsigned state = NVME_GET(NVME_ZONE_STATE, (unsigned)zone->state);
    const unsigned type = zone->type & NVME_ZONE_TYPE;
    const char *type_text = type == 2 ? "SEQWRITE_REQ" : "Unknown";
    report_open(report, NULL, '{');
    report_number(report, "slba", zone->start);
    report_number(report, "wp", zone->write_pointer);
    report_number(report, "cap", zone->capacity);
    report_text(report, "state", "%s", state_text(state));
    report_text(report, "type", "%s", type_text);
    report_number(report, "attrs", zone->attributes);
    report_say(report, "SLBA: %#-10llx WP: %#-10llx Cap: %#-10llx ",
               (unsigned long long)zone->start, (unsigned long long)zone->write_pointer,
               (unsigned long long)zone->capacity);
    if (verbose)
        report_say(report, "State: %-12s Type: %-14s\nAttrs: Zone Descriptor Extension is %s\n",
                   state_text(state), type_text,
                   zone->attributes & NVME_ZONE_EXTENSION_VALID ? "Valid" : "Not Valid");
    else
        report_say(report, "State: %#-4x Type: %#-4x Attrs: %#-4x AttrsInfo: %#-4x\n", zone->state,
                   zone->type, zone->attributes, zone->information);
    if (extension && zone->attributes & NVME_ZONE_EXTENSION_VALID)
        show_extension(report, (const uint8_t *)(zone + 1), extension);
    else if (extension)
        report_text(report, "ext_data", "Not valid");
    report_close(report, '}');
}

void show_changed_zones(struct report *report, const struct nvme_changed_zones_log *log)
{
    const unsigned count = log->count;
    report_open(report, NULL, '{');
    report_number(report, "nrzid", count);
    report_say(report, "NVMe Changed Zone List:\nnrzid:  %u\n", count);
    for (unsigned i = 0; i < count && i < ARRAY_SIZE(log->starts); i++) {
        char key[16];
        snprintf(key, sizeof key, "zid %03u", i);
        report_number(report, key, log->starts[i]);
        report_say(report, "zid %03u:  %llx\n", i, (unsigned long long)log->starts[i]);
    }
    report_close(report, '}');
}
