/*
 * Identify data and log pages, line by line as nvme-cli has them. Nothing of
 * what a device says is used as an index or a count without a limit.
 */
#include "kernel/shell/commands/nvme/tool.h"
#include "lib/printf.h"

#define CONTROLLER(member, kind) \
    FIELD_AS(struct nvme_identify_controller, member, #member, FIELD_##kind)
#define CONTROLLER_AS(text, member, kind) \
    FIELD_AS(struct nvme_identify_controller, member, text, FIELD_##kind)

/* Base figure 275, in its order. */
static const struct field controller_fields[] = {
    CONTROLLER(vid, HEX),
    CONTROLLER(ssvid, HEX),
    CONTROLLER(sn, TEXT),
    CONTROLLER(mn, TEXT),
    CONTROLLER(fr, TEXT),
    CONTROLLER(rab, NUMBER),
    CONTROLLER(ieee, OUI),
    CONTROLLER(cmic, HEX),
    CONTROLLER(mdts, NUMBER),
    CONTROLLER(cntlid, HEX),
    CONTROLLER(ver, HEX),
    CONTROLLER(rtd3r, HEX),
    CONTROLLER(rtd3e, HEX),
    CONTROLLER(oaes, HEX),
    CONTROLLER(ctratt, HEX),
    CONTROLLER(rrls, HEX),
    CONTROLLER(cntrltype, NUMBER),
    CONTROLLER(fguid, UUID),
    CONTROLLER(crdt1, NUMBER),
    CONTROLLER(crdt2, NUMBER),
    CONTROLLER(crdt3, NUMBER),
    CONTROLLER(nvmsr, NUMBER),
    CONTROLLER(vwci, NUMBER),
    CONTROLLER(mec, NUMBER),
    CONTROLLER(oacs, HEX),
    CONTROLLER(acl, NUMBER),
    CONTROLLER(aerl, NUMBER),
    CONTROLLER(frmw, HEX),
    CONTROLLER(lpa, HEX),
    CONTROLLER(elpe, NUMBER),
    CONTROLLER(npss, NUMBER),
    CONTROLLER(avscc, HEX),
    CONTROLLER(apsta, HEX),
    CONTROLLER(wctemp, NUMBER),
    CONTROLLER(cctemp, NUMBER),
    CONTROLLER(mtfa, NUMBER),
    CONTROLLER(hmpre, NUMBER),
    CONTROLLER(hmmin, NUMBER),
    CONTROLLER(tnvmcap, NUMBER),
    CONTROLLER(unvmcap, NUMBER),
    CONTROLLER(rpmbs, HEX),
    CONTROLLER(edstt, NUMBER),
    CONTROLLER(dsto, NUMBER),
    CONTROLLER(fwug, NUMBER),
    CONTROLLER(kas, NUMBER),
    CONTROLLER(hctma, HEX),
    CONTROLLER(mntmt, NUMBER),
    CONTROLLER(mxtmt, NUMBER),
    CONTROLLER(sanicap, HEX),
    CONTROLLER(hmminds, NUMBER),
    CONTROLLER(hmmaxd, NUMBER),
    CONTROLLER(nsetidmax, NUMBER),
    CONTROLLER(endgidmax, NUMBER),
    CONTROLLER(anatt, NUMBER),
    CONTROLLER(anacap, NUMBER),
    CONTROLLER(anagrpmax, NUMBER),
    CONTROLLER(nanagrpid, NUMBER),
    CONTROLLER(pels, NUMBER),
    CONTROLLER_AS("domainid", domain_id, NUMBER),
    CONTROLLER(megcap, NUMBER),
    CONTROLLER(sqes, HEX),
    CONTROLLER(cqes, HEX),
    CONTROLLER(maxcmd, NUMBER),
    CONTROLLER(nn, NUMBER),
    CONTROLLER(oncs, HEX),
    CONTROLLER(fuses, HEX),
    CONTROLLER(fna, HEX),
    CONTROLLER(vwc, HEX),
    CONTROLLER(awun, NUMBER),
    CONTROLLER(awupf, NUMBER),
    CONTROLLER(icsvscc, NUMBER),
    CONTROLLER(nwpc, NUMBER),
    CONTROLLER(acwu, NUMBER),
    CONTROLLER_AS("ocfs", cdfs, HEX),
    CONTROLLER(sgls, HEX),
    CONTROLLER(mnan, NUMBER),
    CONTROLLER(maxdna, NUMBER),
    CONTROLLER(maxcna, NUMBER),
    CONTROLLER(subnqn, TEXT),
    /* NVMe over Fabrics 1.1, figure 28 */
    {"ioccsz", 1792, 4, FIELD_NUMBER},
    {"iorcsz", 1796, 4, FIELD_NUMBER},
    {"icdoff", 1800, 2, FIELD_NUMBER},
    {"fcatt", 1802, 1, FIELD_HEX},
    {"msdbd", 1803, 1, FIELD_NUMBER},
    {"ofcs", 1804, 2, FIELD_NUMBER},
};

/* Base figure 276 */
#define PS_SCALE_SMALL     0x01u /* of the maximum power: 0.0001 W, otherwise 0.01 W */
#define PS_NON_OPERATIONAL 0x02u
#define PS_SCALE           0xc0u /* of idle and active power */
#define PS_SCALE_0001      1u
#define PS_SCALE_01        2u
#define PS_WORKLOAD        0x07u
#define PS_MASK            0x1fu

static void show_power(struct invocation *self, const char *name, unsigned power, unsigned scale)
{
    if (scale == 0)
        out(self, "%s-", name);
    else if (scale == PS_SCALE_0001)
        out(self, "%s%u.%04uW", name, power / 10000, power % 10000);
    else if (scale == PS_SCALE_01)
        out(self, "%s%u.%02uW", name, power / 100, power % 100);
    else
        out(self, "%sreserved", name);
}

static void show_power_state(struct invocation *self, unsigned index,
                             const struct nvme_power_state *ps)
{
    static const char *const workloads[] = {"-", "1MiB 32 RW, 30s idle", "80K 128KiB SW"};
    unsigned scale = NVME_GET(PS_SCALE, (unsigned)ps->active_workload_scale);
    unsigned workload = ps->active_workload_scale & PS_WORKLOAD;
    out(self, "ps   %4u : ", index);
    show_power(self, "mp:", ps->max_power,
               ps->flags & PS_SCALE_SMALL ? PS_SCALE_0001 : PS_SCALE_01);
    out(self, " %soperational enlat:%u exlat:%u rrt:%u rrl:%u\n            rwt:%u rwl:%u",
        ps->flags & PS_NON_OPERATIONAL ? "non-" : "", ps->entry_latency, ps->exit_latency,
        ps->relative_read_throughput & PS_MASK, ps->relative_read_latency & PS_MASK,
        ps->relative_write_throughput & PS_MASK, ps->relative_write_latency & PS_MASK);
    show_power(self, " idle_power:", ps->idle_power, NVME_GET(PS_SCALE, (unsigned)ps->idle_scale));
    show_power(self, " active_power:", ps->active_power, scale);
    out(self, "\n            active_power_workload:%s\n",
        workload < ARRAY_SIZE(workloads) ? workloads[workload] : "reserved");
}

void show_controller(struct invocation *self, const struct nvme_identify_controller *data)
{
    static const struct layout layout = {.column = 10};
    out(self, "NVME Identify Controller:\n");
    fields_print(self, controller_fields, ARRAY_SIZE(controller_fields), &layout, data);
    unsigned last = MIN((unsigned)data->npss, (unsigned)ARRAY_SIZE(data->psd) - 1);
    for (unsigned i = 0; i <= last; i++)
        show_power_state(self, i, &data->psd[i]);
}

#define NAMESPACE(member, kind) \
    FIELD_AS(struct nvme_identify_namespace, member, #member, FIELD_##kind)

/* NVM figure 97, in its order. */
static const struct field namespace_fields[] = {
    NAMESPACE(nsze, HEX),      NAMESPACE(ncap, HEX),     NAMESPACE(nuse, HEX),
    NAMESPACE(nsfeat, HEX),    NAMESPACE(nlbaf, NUMBER), NAMESPACE(flbas, HEX),
    NAMESPACE(mc, HEX),        NAMESPACE(dpc, HEX),      NAMESPACE(dps, HEX),
    NAMESPACE(nmic, HEX),      NAMESPACE(rescap, HEX),   NAMESPACE(fpi, HEX),
    NAMESPACE(dlfeat, NUMBER), NAMESPACE(nawun, NUMBER), NAMESPACE(nawupf, NUMBER),
    NAMESPACE(nacwu, NUMBER),  NAMESPACE(nabsn, NUMBER), NAMESPACE(nabo, NUMBER),
    NAMESPACE(nabspf, NUMBER), NAMESPACE(noiob, NUMBER), NAMESPACE(nvmcap, NUMBER),
};

#define NULBAF 82u /* offset: formats that are unique to it, behind NLBAF's */

/* Valid with NSFEAT.OPTPERF. */
static const struct field optimal_fields[] = {
    NAMESPACE(npwg, NUMBER), NAMESPACE(npwa, NUMBER), NAMESPACE(npdg, NUMBER),
    NAMESPACE(npda, NUMBER), NAMESPACE(nows, NUMBER),
};

static const struct field more_namespace_fields[] = {
    NAMESPACE(mssrl, NUMBER),    NAMESPACE(mcl, NUMBER),
    NAMESPACE(msrc, NUMBER),     {"nulbaf", NULBAF, 1, FIELD_NUMBER},
    NAMESPACE(anagrpid, NUMBER), NAMESPACE(nsattr, NUMBER),
    NAMESPACE(nvmsetid, NUMBER), NAMESPACE(endgid, NUMBER),
    NAMESPACE(nguid, BYTES),     NAMESPACE(eui64, BYTES),
};

#define NSFEAT_OPTPERF   0x10u
#define LBAF_PERFORMANCE 0x03u

void show_namespace(struct invocation *self, uint32_t nsid,
                    const struct nvme_identify_namespace *data)
{
    static const struct layout layout = {.column = 8};
    out(self, "NVME Identify Namespace %u:\n", nsid);
    fields_print(self, namespace_fields, ARRAY_SIZE(namespace_fields), &layout, data);
    if (data->nsfeat & NSFEAT_OPTPERF)
        fields_print(self, optimal_fields, ARRAY_SIZE(optimal_fields), &layout, data);
    fields_print(self, more_namespace_fields, ARRAY_SIZE(more_namespace_fields), &layout, data);
    const unsigned all = data->nlbaf + ((const uint8_t *)data)[NULBAF];
    unsigned last = MIN(all, (unsigned)ARRAY_SIZE(data->lbaf) - 1);
    unsigned used = lba_format(data);
    for (unsigned i = 0; i <= last; i++)
        out(self, "lbaf %2u : ms:%-3u lbads:%-2u rp:%#x %s\n", i, data->lbaf[i].metadata_size,
            data->lbaf[i].data_size, data->lbaf[i].performance & LBAF_PERFORMANCE,
            i == used ? "(in use)" : "");
}

#define SMART(text, member, kind) FIELD_AS(struct nvme_health_log, member, text, FIELD_##kind)

/* Base figure 207, in its order. */
static const struct field smart_fields[] = {
    SMART("critical_warning", critical, HEX),
    SMART("temperature", temperature, KELVIN),
    SMART("available_spare", spare, PERCENT),
    SMART("available_spare_threshold", spare_threshold, PERCENT),
    SMART("percentage_used", used, PERCENT),
    SMART("endurance group critical warning summary", endurance_critical, HEX),
    SMART("Data Units Read", data_read, UNITS),
    SMART("Data Units Written", data_written, UNITS),
    SMART("host_read_commands", host_reads, NUMBER),
    SMART("host_write_commands", host_writes, NUMBER),
    SMART("controller_busy_time", busy_minutes, NUMBER),
    SMART("power_cycles", power_cycles, NUMBER),
    SMART("power_on_hours", power_on_hours, NUMBER),
    SMART("unsafe_shutdowns", unsafe_shutdowns, NUMBER),
    SMART("media_errors", media_errors, NUMBER),
    SMART("num_err_log_entries", error_entries, NUMBER),
    SMART("Warning Temperature Time", warning_minutes, NUMBER),
    SMART("Critical Composite Temperature Time", critical_minutes, NUMBER),
};

static const struct field thermal_fields[] = {
    SMART("Thermal Management T1 Trans Count", throttle_count[0], NUMBER),
    SMART("Thermal Management T2 Trans Count", throttle_count[1], NUMBER),
    SMART("Thermal Management T1 Total Time", throttle_seconds[0], NUMBER),
    SMART("Thermal Management T2 Total Time", throttle_seconds[1], NUMBER),
};

void show_smart(struct invocation *self, const struct nvme_health_log *log)
{
    static const struct layout layout = {.column = 40, .tabs = true}, sensors = {.column = 31};
    fields_print(self, smart_fields, ARRAY_SIZE(smart_fields), &layout, log);
    for (unsigned i = 0; i < ARRAY_SIZE(log->sensors); i++) {
        char name[32];
        const struct field field = {name, 0, sizeof log->sensors[i], FIELD_KELVIN};
        snprintf(name, sizeof name, "Temperature Sensor %u", i + 1);
        if (log->sensors[i])
            fields_print(self, &field, 1, &sensors, &log->sensors[i]);
    }
    fields_print(self, thermal_fields, ARRAY_SIZE(thermal_fields), &layout, log);
}

#define ERROR(text, member, kind) FIELD_AS(struct nvme_error_entry, member, text, FIELD_##kind)

/* Base figure 206; the status and the transport are words and stand between. */
static const struct field error_fields[] = {
    ERROR("error_count", count, NUMBER),
    ERROR("sqid", sq_id, NUMBER),
    ERROR("cmdid", cid, HEX),
};

static const struct field error_where_fields[] = {
    ERROR("parm_err_loc", parameter, HEX),
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

void show_error_entry(struct invocation *self, unsigned index, const struct nvme_error_entry *entry)
{
    static const struct layout layout = {.column = 16, .tabs = true};
    unsigned status = entry->status >> 1;
    out(self, " Entry[%2u]   \n.................\n", index);
    fields_print(self, error_fields, ARRAY_SIZE(error_fields), &layout, entry);
    out(self, "status_field\t: %#x(%s)\nphase_tag\t: %#x\n", status,
        nvme_status_text((uint16_t)status), entry->status & NVME_CQE_PHASE);
    fields_print(self, error_where_fields, ARRAY_SIZE(error_where_fields), &layout, entry);
    out(self, "trtype\t\t: %s\n", transport_text(entry->transport));
    fields_print(self, error_transport_fields, ARRAY_SIZE(error_transport_fields), &layout, entry);
    out(self, ".................\n");
}

void show_firmware(struct invocation *self, const struct nvme_firmware_log *log)
{
    out(self, "afi  : %#x\n", log->active);
    for (unsigned i = 0; i < ARRAY_SIZE(log->revisions); i++) {
        char text[sizeof log->revisions[i] + 1] = "";
        const char *revision = log->revisions[i];
        uint64_t value = bytes_value(revision, sizeof log->revisions[i]);
        for (unsigned c = 0; c < sizeof log->revisions[i]; c++)
            text[c] = revision[c] > ' ' && revision[c] <= '~' ? revision[c] : '.';
        if (value)
            out(self, "frs%u : %#016llx (%s)\n", i + 1, (unsigned long long)value, text);
    }
}
