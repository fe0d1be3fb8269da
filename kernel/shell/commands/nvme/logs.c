/*
 * Log pages: error information, SMART and health, firmware slots, commands
 * supported and effects, changed namespaces. Nothing of what a device says is
 * used as an index or a count without a limit.
 */
#include "kernel/shell/commands/nvme/show.h"
#include "lib/printf.h"

#define SMART(text, member, kind, ...) \
    FIELD_AS(struct nvme_health_log, member, text, kind, __VA_ARGS__)

/* Base figure 207, in its order. */
static const struct field smart_fields[] = {
    SMART("critical_warning", critical, HEX,
          .bits = BITS({0, 0, "Available Spare[0]             : #d"},
                       {1, 1, "Temp. Threshold[1]             : #d"},
                       {2, 2, "NVM subsystem Reliability[2]   : #d"},
                       {3, 3, "Read-only[3]                   : #d"},
                       {4, 4, "Volatile mem. backup failed[4] : #d"},
                       {5, 5, "Persistent Mem. RO[5]          : #d"})),
    SMART("temperature", temperature, KELVIN),
    SMART("available_spare", spare, PERCENT, .key = "avail_spare"),
    SMART("available_spare_threshold", spare_threshold, PERCENT, .key = "spare_thresh"),
    SMART("percentage_used", used, PERCENT, .key = "percent_used"),
    SMART("endurance group critical warning summary", endurance_critical, HEX,
          .key = "endurance_grp_critical_warning_summary"),
    SMART("Data Units Read", data_read, UNITS, .key = "data_units_read"),
    SMART("Data Units Written", data_written, UNITS, .key = "data_units_written"),
    SMART("host_read_commands", host_reads, NUMBER),
    SMART("host_write_commands", host_writes, NUMBER),
    SMART("controller_busy_time", busy_minutes, NUMBER),
    SMART("power_cycles", power_cycles, NUMBER),
    SMART("power_on_hours", power_on_hours, NUMBER),
    SMART("unsafe_shutdowns", unsafe_shutdowns, NUMBER),
    SMART("media_errors", media_errors, NUMBER),
    SMART("num_err_log_entries", error_entries, NUMBER),
    SMART("Warning Temperature Time", warning_minutes, NUMBER, .key = "warning_temp_time"),
    SMART("Critical Composite Temperature Time", critical_minutes, NUMBER,
          .key = "critical_comp_time"),
};

static const struct field thermal_fields[] = {
    SMART("Thermal Management T1 Trans Count", throttle_count[0], NUMBER,
          .key = "thm_temp1_trans_count"),
    SMART("Thermal Management T2 Trans Count", throttle_count[1], NUMBER,
          .key = "thm_temp2_trans_count"),
    SMART("Thermal Management T1 Total Time", throttle_seconds[0], NUMBER,
          .key = "thm_temp1_total_time"),
    SMART("Thermal Management T2 Total Time", throttle_seconds[1], NUMBER,
          .key = "thm_temp2_total_time"),
};

void show_smart(struct report *report, const char *name, uint32_t nsid,
                const struct nvme_health_log *log)
{
    static const struct layout layout = {.column = 40, .tabs = true, .indent = "      "},
                               sensors = {.column = 31};
    report_open(report, NULL, '{');
    report_say(report, "Smart Log for NVME device:%s namespace-id:%x\n", name, nsid);
    fields_show(report, smart_fields, ARRAY_SIZE(smart_fields), &layout, log);
    for (unsigned i = 0; i < ARRAY_SIZE(log->sensors); i++) {
        char text[32], key[32];
        const struct field field = {
            .name = text, .key = key, .size = sizeof log->sensors[i], .kind = FIELD_KELVIN};
        snprintf(text, sizeof text, "Temperature Sensor %u", i + 1);
        snprintf(key, sizeof key, "temperature_sensor_%u", i + 1);
        if (log->sensors[i])
            fields_show(report, &field, 1, &sensors, &log->sensors[i]);
    }
    fields_show(report, thermal_fields, ARRAY_SIZE(thermal_fields), &layout, log);
    report_close(report, '}');
}

#define ERROR(text, member, kind, ...) \
    FIELD_AS(struct nvme_error_entry, member, text, kind, __VA_ARGS__)

/* Base figure 206; the status and the transport are words and stand between. */
static const struct field error_fields[] = {
    ERROR("error_count", count, NUMBER),
    ERROR("sqid", sq_id, NUMBER),
    ERROR("cmdid", cid, HEX),
};

static const struct field error_where_fields[] = {
    ERROR("parm_err_loc", parameter, HEX, .key = "parm_error_location"),
    ERROR("lba", lba, HEX),
    ERROR("nsid", nsid, HEX),
    ERROR("vs", vendor_log, NUMBER),
};

static const struct field error_transport_fields[] = {
    ERROR("cs", specific, HEX),
    ERROR("trtype_spec_info", transport_specific, HEX),
};

static const char *transport_text(uint8_t type)
{
    switch (type) {
    case 0:
        return "The transport type is not indicated or the error is not transport related.";
    case 1:
        return "RDMA Transport error.";
    case 2:
        return "Fibre Channel Transport error.";
    case 3:
        return "TCP Transport error.";
    case 254:
        return "Intra-host Transport error.";
    default:
        return "Reserved";
    }
}

static void show_error(struct report *report, unsigned index, const struct nvme_error_entry *entry)
{
    static const struct layout layout = {.column = 16, .tabs = true};
    const unsigned status = entry->status >> 1, phase = entry->status & NVME_CQE_PHASE;
    report_open(report, NULL, '{');
    report_say(report, " Entry[%2u]   \n.................\n", index);
    fields_show(report, error_fields, ARRAY_SIZE(error_fields), &layout, entry);
    report_say(report, "status_field\t: %#x(%s)\nphase_tag\t: %#x\n", status,
               nvme_status_text((uint16_t)status), phase);
    report_number(report, "status_field", status);
    report_number(report, "phase_tag", phase);
    fields_show(report, error_where_fields, ARRAY_SIZE(error_where_fields), &layout, entry);
    report_say(report, "trtype\t\t: %s\n", transport_text(entry->transport));
    report_number(report, "trtype", entry->transport);
    fields_show(report, error_transport_fields, ARRAY_SIZE(error_transport_fields), &layout, entry);
    report_say(report, ".................\n");
    report_close(report, '}');
}

void show_errors(struct report *report, const char *name, const struct nvme_error_entry *entries,
                 unsigned count)
{
    report_open(report, NULL, '{');
    report_say(report, "Error Log Entries for device:%s entries:%u\n.................\n", name,
               count);
    report_open(report, "errors", '[');
    for (unsigned i = 0; i < count; i++)
        show_error(report, i, &entries[i]);
    report_close(report, ']');
    report_close(report, '}');
}

void show_firmware(struct report *report, const char *name, const struct nvme_firmware_log *log)
{
    report_open(report, NULL, '{');
    report_open(report, name, '{');
    report_say(report, "Firmware Log for device:%s\nafi  : %#x\n", name, log->active);
    report_number(report, "Active Firmware Slot (afi)", log->active);
    for (unsigned i = 0; i < ARRAY_SIZE(log->revisions); i++) {
        char text[sizeof log->revisions[i] + 1] = "", key[32];
        const char *revision = log->revisions[i];
        unsigned long long value = bytes_value(revision, sizeof log->revisions[i]);
        for (unsigned c = 0; c < sizeof log->revisions[i]; c++)
            text[c] = revision[c] > ' ' && revision[c] <= '~' ? revision[c] : '.';
        snprintf(key, sizeof key, "Firmware Rev Slot %u", i + 1);
        if (!value)
            continue;
        report_say(report, "frs%u : %#016llx (%s)\n", i + 1, value, text);
        report_text(report, key, "%llu (%s)", value, text);
    }
    report_close(report, '}');
    report_close(report, '}');
}

/* Base figure 211; NVME_EFFECT_*. */
static const struct bits effect_bits[] = {
    {0, 0, "  CSUPP{-|+}"},
    {1, 1, "  LBCC{-|+}"},
    {2, 2, "  NCC{-|+}"},
    {3, 3, "  NIC{-|+}"},
    {4, 4, "  CCC{-|+}"},
    {19, 19, "  USS{-|+}"},
    {18, 16,
     "  {No command restriction|No other command for same namespace|No other command for any "
     "namespace|Reserved CSE}"},
};

/* `prefix` is ACS, or IOCS for the I/O commands. */
static void show_commands(struct report *report, const char *prefix, const char *key,
                          const uint32_t *effects, bool io)
{
    report_say(report, "%s Commands\n", io ? "I/O" : "Admin");
    report_open(report, key, '{');
    for (unsigned i = 0; i < 256; i++) {
        char text[64];
        if (!(effects[i] & NVME_EFFECT_SUPPORTED))
            continue;
        snprintf(text, sizeof text, "%s_%u (%s)", prefix, i, opcode_name(io, (uint8_t)i));
        report_number(report, text, effects[i]);
        report_say(report, "%s%-*u [%-32s] %08x", prefix, io ? 4 : 5, i,
                   opcode_name(io, (uint8_t)i), effects[i]);
        for (unsigned bit = 0; report->human && bit < ARRAY_SIZE(effect_bits); bit++)
            bits_say(report, &effect_bits[bit], effects[i]);
        report_say(report, "\n");
    }
    report_close(report, '}');
    report_say(report, "\n");
}

void show_effects(struct report *report, unsigned command_set, const struct nvme_effects_log *log)
{
    report_open(report, NULL, '{');
    if (command_set <= 2)
        report_say(report, "%s Command Set Log Page\n",
                   (const char *const[]){"NVM", "KV", "ZNS"}[command_set]);
    else
        report_say(report, "Command Set %u Log Page\n", command_set);
    report_say(report, "----------------------------------------"
                       "----------------------------------------\n");
    report_number(report, "command_set_identifier", command_set);
    show_commands(report, "ACS", "admin_cmd_set", log->admin, false);
    show_commands(report, "IOCS", "io_cmd_set", log->io, true);
    report_close(report, '}');
}

void show_changed(struct report *report, const char *name, const struct nvme_changed_log *log)
{
    report_open(report, NULL, '{');
    report_text(report, "Changed Namespace List Log", "%s", name);
    report_open(report, name, '{');
    if (log->ids[0] == NVME_NSID_ALL)
        report_say(report, "more than %zu ns changed\n", ARRAY_SIZE(log->ids));
    for (unsigned i = 0; i < ARRAY_SIZE(log->ids) && log->ids[i]; i++) {
        char key[16];
        if (log->ids[0] == NVME_NSID_ALL)
            break;
        snprintf(key, sizeof key, "[%4u]", i + 1);
        report_say(report, "[%4u]:%#x\n", i, log->ids[i]);
        report_text(report, key, "%#x", log->ids[i]);
    }
    report_close(report, '}');
    report_close(report, '}');
}
