/*
 * nvme id-ctrl: Identify Controller. Nothing of what a device says is used as an index or a count
 * without a limit.
 */
#include "kernel/shell/commands/nvme/show.h"

#define CONTROLLER(member, kind, ...) CONTROLLER_AS(#member, member, kind, __VA_ARGS__)
#define CONTROLLER_AS(text, member, kind, ...) \
    FIELD_AS(struct nvme_identify_controller, member, text, kind, __VA_ARGS__)
#define SUPPORTED "{Not |}Supported"

/* Base figure 275, in its order. */
static const struct field controller_fields[] = {
    CONTROLLER(vid, HEX),
    CONTROLLER(ssvid, HEX),
    CONTROLLER(sn, TEXT),
    CONTROLLER(mn, TEXT),
    CONTROLLER(fr, TEXT),
    CONTROLLER(rab, NUMBER),
    CONTROLLER(ieee, OUI),
    CONTROLLER(cmic, HEX,
               .bits = BITS({3, 3, "ANA {not supported|supported}"}, {2, 2, "{PCI|SR-IOV}"},
                            {1, 1, "{Single|Multi} Controller"}, {0, 0, "{Single|Multi} Port"})),
    CONTROLLER(mdts, NUMBER),
    CONTROLLER(cntlid, HEX),
    CONTROLLER(ver, HEX),
    CONTROLLER(rtd3r, HEX),
    CONTROLLER(rtd3e, HEX),
    CONTROLLER(
        oaes, HEX,
        .bits = BITS({31, 31, "Discovery Log Change Notice " SUPPORTED},
                     {27, 27, "Zone Descriptor Changed Notices " SUPPORTED},
                     {15, 15, "Normal NSS Shutdown Event " SUPPORTED},
                     {14, 14, "Endurance Group Event Aggregate Log Page Change Notice " SUPPORTED},
                     {13, 13, "LBA Status Information Notices " SUPPORTED},
                     {12, 12, "Predictable Latency Event Aggregate Log Change Notices " SUPPORTED},
                     {11, 11, "Asymmetric Namespace Access Change Notices " SUPPORTED},
                     {9, 9, "Firmware Activation Notices " SUPPORTED},
                     {8, 8, "Namespace Attribute Changed Event " SUPPORTED})),
    CONTROLLER(
        ctratt, HEX,
        .bits = BITS(
            {19, 19, "Flexible Data Placement " SUPPORTED},
            {15, 15, "Extended LBA Formats " SUPPORTED}, {14, 14, "Delete NVM Set " SUPPORTED},
            {13, 13, "Delete Endurance Group " SUPPORTED},
            {12, 12, "Variable Capacity Management " SUPPORTED},
            {11, 11, "Fixed Capacity Management " SUPPORTED},
            {10, 10, "Multi Domain Subsystem " SUPPORTED}, {9, 9, "UUID List " SUPPORTED},
            {8, 8, "SQ Associations " SUPPORTED}, {7, 7, "Namespace Granularity " SUPPORTED},
            {6, 6, "Traffic Based Keep Alive " SUPPORTED},
            {5, 5, "Predictable Latency Mode " SUPPORTED}, {4, 4, "Endurance Groups " SUPPORTED},
            {3, 3, "Read Recovery Levels " SUPPORTED}, {2, 2, "NVM Sets " SUPPORTED},
            {1, 1, "Non-Operational Power State Permissive " SUPPORTED},
            {0, 0, "128-bit Host Identifier " SUPPORTED})),
    CONTROLLER(rrls, HEX),
    CONTROLLER(
        cntrltype, NUMBER,
        .bits = BITS({7, 2, "Reserved"}, {1, 0,
                                          "{Controller type not reported|I/O Controller|Discovery "
                                          "Controller|Administrative Controller}"})),
    CONTROLLER(fguid, UUID),
    CONTROLLER(crdt1, NUMBER),
    CONTROLLER(crdt2, NUMBER),
    CONTROLLER(crdt3, NUMBER),
    CONTROLLER(nvmsr, NUMBER,
               .bits = BITS({1, 1, "NVM subsystem {Not |}part of an Enclosure"},
                            {0, 0, "NVM subsystem {Not |}part of an Storage Device"})),
    CONTROLLER(vwci, NUMBER,
               .bits = BITS({7, 7, "VPD Write Cycles Remaining field is {Not |}valid."},
                            {6, 0, "VPD Write Cycles Remaining "})),
    CONTROLLER(
        mec, NUMBER,
        .bits = BITS(
            {1, 1, "NVM subsystem {Not |}contains a Management Endpoint on a PCIe port"},
            {0, 0, "NVM subsystem {Not |}contains a Management Endpoint on an SMBus/I2C port"})),
    CONTROLLER(oacs, HEX,
               .bits = BITS({10, 10, "Lockdown Command and Feature " SUPPORTED},
                            {9, 9, "Get LBA Status Capability " SUPPORTED},
                            {8, 8, "Doorbell Buffer Config " SUPPORTED},
                            {7, 7, "Virtualization Management " SUPPORTED},
                            {6, 6, "NVMe-MI Send and Receive " SUPPORTED},
                            {5, 5, "Directives " SUPPORTED}, {4, 4, "Device Self-test " SUPPORTED},
                            {3, 3, "NS Management and Attachment " SUPPORTED},
                            {2, 2, "FW Commit and Download " SUPPORTED},
                            {1, 1, "Format NVM " SUPPORTED},
                            {0, 0, "Security Send and Receive " SUPPORTED})),
    CONTROLLER(acl, NUMBER),
    CONTROLLER(aerl, NUMBER),
    CONTROLLER(frmw, HEX,
               .bits = BITS({5, 5, "Multiple FW or Boot Update Detection " SUPPORTED},
                            {4, 4, "Firmware Activate Without Reset " SUPPORTED},
                            {3, 1, "Number of Firmware Slots"},
                            {0, 0, "Firmware Slot 1 {Read/Write|Read-Only}"})),
    CONTROLLER(lpa, HEX,
               .bits =
                   BITS({6, 6, "Telemetry Log Data Area 4 " SUPPORTED},
                        {5, 5, "LID 0x0, Scope of each command in LID 0x5, 0x12, 0x13 " SUPPORTED},
                        {4, 4, "Persistent Event log " SUPPORTED},
                        {3, 3, "Telemetry host/controller initiated log page " SUPPORTED},
                        {2, 2, "Extended data for Get Log Page " SUPPORTED},
                        {1, 1, "Command Effects Log Page " SUPPORTED},
                        {0, 0, "SMART/Health Log Page per NS " SUPPORTED})),
    CONTROLLER(elpe, NUMBER, .bits = BITS({7, 0, "#d (0's based)\tError Log Page Entries (ELPE)"})),
    CONTROLLER(npss, NUMBER,
               .bits = BITS({7, 0, "#d (0's based)\tNumber of Power States Support (NPSS)"})),
    CONTROLLER(avscc, HEX,
               .bits = BITS(
                   {0, 0, "Admin Vendor Specific Commands uses {Vendor Specific|NVMe} Format"})),
    CONTROLLER(apsta, HEX, .bits = BITS({0, 0, "Autonomous Power State Transitions " SUPPORTED})),
    CONTROLLER(wctemp, NUMBER,
               .bits = BITS({15, 0, "#K\tWarning Composite Temperature Threshold (WCTEMP)"})),
    CONTROLLER(cctemp, NUMBER,
               .bits = BITS({15, 0, "#K\tCritical Composite Temperature Threshold (CCTEMP)"})),
    CONTROLLER(mtfa, NUMBER),
    CONTROLLER(hmpre, NUMBER),
    CONTROLLER(hmmin, NUMBER),
    CONTROLLER(tnvmcap, NUMBER),
    CONTROLLER(unvmcap, NUMBER),
    CONTROLLER(rpmbs, HEX,
               .bits = BITS({31, 24, "Access Size"}, {23, 16, "Total Size"},
                            {5, 3, "Authentication Method"}, {2, 0, "Number of RPMB Units"})),
    CONTROLLER(edstt, NUMBER),
    CONTROLLER(dsto, NUMBER),
    CONTROLLER(fwug, NUMBER),
    CONTROLLER(kas, NUMBER),
    CONTROLLER(hctma, HEX, .bits = BITS({0, 0, "Host Controlled Thermal Management " SUPPORTED})),
    CONTROLLER(mntmt, NUMBER,
               .bits = BITS({15, 0, "#K\tMinimum Thermal Management Temperature (MNTMT)"})),
    CONTROLLER(mxtmt, NUMBER,
               .bits = BITS({15, 0, "#K\tMaximum Thermal Management Temperature (MXTMT)"})),
    CONTROLLER(
        sanicap, HEX,
        .bits =
            BITS({31, 30,
                  "{Additional media modification after sanitize operation completes successfully "
                  "is not defined|Media is not additionally modified after sanitize operation "
                  "completes successfully|Media is additionally modified after sanitize operation "
                  "completes successfully|Reserved}"},
                 {29, 29,
                  "No-Deallocate After Sanitize bit in Sanitize command {Supported|Not Supported}"},
                 {2, 2, "Overwrite Sanitize Operation " SUPPORTED},
                 {1, 1, "Block Erase Sanitize Operation " SUPPORTED},
                 {0, 0, "Crypto Erase Sanitize Operation " SUPPORTED})),
    CONTROLLER(hmminds, NUMBER),
    CONTROLLER(hmmaxd, NUMBER),
    CONTROLLER(nsetidmax, NUMBER),
    CONTROLLER(endgidmax, NUMBER),
    CONTROLLER(anatt, NUMBER),
    CONTROLLER(anacap, NUMBER,
               .bits = BITS({7, 7, "Non-zero group ID " SUPPORTED},
                            {6, 6, "Group ID does {change|not change}"},
                            {4, 4, "ANA Change state " SUPPORTED},
                            {3, 3, "ANA Persistent Loss state " SUPPORTED},
                            {2, 2, "ANA Inaccessible state " SUPPORTED},
                            {1, 1, "ANA Non-optimized state " SUPPORTED},
                            {0, 0, "ANA Optimized state " SUPPORTED})),
    CONTROLLER(anagrpmax, NUMBER),
    CONTROLLER(nanagrpid, NUMBER),
    CONTROLLER(pels, NUMBER),
    CONTROLLER_AS("domainid", domain_id, NUMBER),
    CONTROLLER(megcap, NUMBER),
    CONTROLLER(sqes, HEX,
               .bits = BITS({7, 4, "Max SQ Entry Size (#^0)"}, {3, 0, "Min SQ Entry Size (#^0)"})),
    CONTROLLER(cqes, HEX,
               .bits = BITS({7, 4, "Max CQ Entry Size (#^0)"}, {3, 0, "Min CQ Entry Size (#^0)"})),
    CONTROLLER(maxcmd, NUMBER),
    CONTROLLER(nn, NUMBER),
    CONTROLLER(oncs, HEX,
               .bits =
                   BITS({8, 8, "Copy " SUPPORTED}, {7, 7, "Verify " SUPPORTED},
                        {6, 6, "Timestamp " SUPPORTED}, {5, 5, "Reservations " SUPPORTED},
                        {4, 4, "Save and Select " SUPPORTED}, {3, 3, "Write Zeroes " SUPPORTED},
                        {2, 2, "Data Set Management " SUPPORTED},
                        {1, 1, "Write Uncorrectable " SUPPORTED}, {0, 0, "Compare " SUPPORTED})),
    CONTROLLER(fuses, HEX, .bits = BITS({0, 0, "Fused Compare and Write " SUPPORTED})),
    CONTROLLER(fna, HEX,
               .bits =
                   BITS({3, 3, "Format NVM Broadcast NSID (FFFFFFFFh) {Supported|Not Supported}"},
                        {2, 2, "Crypto Erase {Not |}Supported as part of Secure Erase"},
                        {1, 1, "Crypto Erase Applies to {Single|All} Namespace(s)"},
                        {0, 0, "Format Applies to {Single|All} Namespace(s)"})),
    CONTROLLER(vwc, HEX,
               .bits = BITS({2, 1,
                             "{Support for the NSID field set to FFFFFFFFh is not "
                             "indicated|Reserved|The Flush command does not support NSID set to "
                             "FFFFFFFFh|The Flush command supports NSID set to FFFFFFFFh}"},
                            {0, 0, "Volatile Write Cache {Not |}Present"})),
    CONTROLLER(awun, NUMBER),
    CONTROLLER(awupf, NUMBER),
    CONTROLLER(icsvscc, NUMBER,
               .bits =
                   BITS({0, 0, "NVM Vendor Specific Commands uses {Vendor Specific|NVMe} Format"})),
    CONTROLLER(nwpc, NUMBER,
               .bits = BITS({2, 2, "Permanent Write Protect " SUPPORTED},
                            {1, 1, "Write Protect Until Power Supply " SUPPORTED},
                            {0, 0, "No Write Protect and Write Protect Namespace " SUPPORTED})),
    CONTROLLER(acwu, NUMBER),
    CONTROLLER_AS("ocfs", cdfs, HEX,
                  .bits = BITS({1, 1, "Controller Copy Format 1h " SUPPORTED},
                               {0, 0, "Controller Copy Format 0h " SUPPORTED})),
    CONTROLLER(sgls, HEX,
               .bits =
                   BITS({21, 21, "Transport SGL Data Block Descriptor " SUPPORTED},
                        {20, 20, "Address Offsets " SUPPORTED},
                        {19, 19, "Metadata Pointer Containing SGL Descriptor is " SUPPORTED},
                        {18, 18, "SGL Length Larger than Buffer " SUPPORTED},
                        {17, 17, "Byte-Aligned Contig. MD Buffer " SUPPORTED},
                        {16, 16, "SGL Bit-Bucket " SUPPORTED}, {15, 8, "SGL Descriptor Threshold"},
                        {2, 2, "Keyed SGL Data Block descriptor " SUPPORTED},
                        {1, 0,
                         "{Scatter-Gather Lists Not Supported|Scatter-Gather Lists Supported. No "
                         "Dword alignment required.|Scatter-Gather Lists Supported. Dword "
                         "alignment required.|Reserved}"})),
    CONTROLLER(mnan, NUMBER),
    CONTROLLER(maxdna, NUMBER),
    CONTROLLER(maxcna, NUMBER),
    CONTROLLER(subnqn, TEXT),
    /* NVMe over Fabrics 1.1, figure 28 */
    {.name = "ioccsz", .offset = 1792, .size = 4, .kind = FIELD_NUMBER},
    {.name = "iorcsz", .offset = 1796, .size = 4, .kind = FIELD_NUMBER},
    {.name = "icdoff", .offset = 1800, .size = 2, .kind = FIELD_NUMBER},
    {.name = "fcatt",
     .offset = 1802,
     .size = 1,
     .kind = FIELD_HEX,
     .bits = BITS({0, 0, "{Dynamic|Static} Controller Model"})},
    {.name = "msdbd", .offset = 1803, .size = 1, .kind = FIELD_NUMBER},
    {.name = "ofcs",
     .offset = 1804,
     .size = 2,
     .kind = FIELD_NUMBER,
     .bits = BITS({0, 0, "Disconnect command " SUPPORTED})},
};

/* Base figure 276 */
#define PS_SCALE_SMALL     0x01u /* of the maximum power: 0.0001 W, otherwise 0.01 W */
#define PS_NON_OPERATIONAL 0x02u
#define PS_SCALE           0xc0u /* of idle and active power */
#define PS_SCALE_0001      1u
#define PS_SCALE_01        2u
#define PS_WORKLOAD        0x07u
#define PS_MASK            0x1fu

static void show_power(struct report *report, const char *name, unsigned power, unsigned scale)
{
    if (scale == 0)
        report_say(report, "%s-", name);
    else if (scale == PS_SCALE_0001)
        report_say(report, "%s%u.%04uW", name, power / 10000, power % 10000);
    else if (scale == PS_SCALE_01)
        report_say(report, "%s%u.%02uW", name, power / 100, power % 100);
    else
        report_say(report, "%sreserved", name);
}

#define POWER(member, text) FIELD_AS(struct nvme_power_state, member, #text, NUMBER)

static const struct field power_fields[] = {
    POWER(max_power, max_power),
    POWER(flags, flags),
    POWER(entry_latency, entry_lat),
    POWER(exit_latency, exit_lat),
    POWER(relative_read_throughput, read_tput),
    POWER(relative_read_latency, read_lat),
    POWER(relative_write_throughput, write_tput),
    POWER(relative_write_latency, write_lat),
    POWER(idle_power, idle_power),
    POWER(active_power, active_power),
};

static void show_power_json(struct report *report, const struct nvme_power_state *ps)
{
    static const struct layout none;
    report_open(report, NULL, '{');
    fields_show(report, power_fields, ARRAY_SIZE(power_fields), &none, ps);
    report_number(report, "idle_scale", NVME_GET(PS_SCALE, (unsigned)ps->idle_scale));
    report_number(report, "active_power_work", ps->active_workload_scale & PS_WORKLOAD);
    report_number(report, "active_scale", NVME_GET(PS_SCALE, (unsigned)ps->active_workload_scale));
    report_close(report, '}');
}

static void show_power_state(struct report *report, unsigned index,
                             const struct nvme_power_state *ps)
{
    static const char *const workloads[] = {"-", "1MiB 32 RW, 30s idle", "80K 128KiB SW"};
    unsigned scale = NVME_GET(PS_SCALE, (unsigned)ps->active_workload_scale);
    unsigned workload = ps->active_workload_scale & PS_WORKLOAD;
    report_say(report, "ps   %4u : ", index);
    show_power(report, "mp:", ps->max_power,
               ps->flags & PS_SCALE_SMALL ? PS_SCALE_0001 : PS_SCALE_01);
    report_say(report, " %soperational enlat:%u exlat:%u rrt:%u rrl:%u\n            rwt:%u rwl:%u",
               ps->flags & PS_NON_OPERATIONAL ? "non-" : "", ps->entry_latency, ps->exit_latency,
               ps->relative_read_throughput & PS_MASK, ps->relative_read_latency & PS_MASK,
               ps->relative_write_throughput & PS_MASK, ps->relative_write_latency & PS_MASK);
    show_power(report, " idle_power:", ps->idle_power,
               NVME_GET(PS_SCALE, (unsigned)ps->idle_scale));
    show_power(report, " active_power:", ps->active_power, scale);
    report_say(report, "\n            active_power_workload:%s\n",
               workload < ARRAY_SIZE(workloads) ? workloads[workload] : "reserved");
}

void show_controller(struct report *report, const struct nvme_identify_controller *data,
                     bool vendor)
{
    static const struct layout layout = {.column = 10};
    report_open(report, NULL, '{');
    report_say(report, "NVME Identify Controller:\n");
    fields_show(report, controller_fields, ARRAY_SIZE(controller_fields), &layout, data);
    report_open(report, "psds", '[');
    unsigned last = MIN((unsigned)data->npss, (unsigned)ARRAY_SIZE(data->psd) - 1);
    for (unsigned i = 0; i <= last; i++)
        if (report->form == FORM_JSON)
            show_power_json(report, &data->psd[i]);
        else
            show_power_state(report, i, &data->psd[i]);
    report_close(report, ']');
    report_close(report, '}');
    if (vendor && report->form == FORM_NORMAL) {
        report_say(report, "vs[]:\n");
        hex_print(report->self, data->vendor, sizeof data->vendor);
    }
}
