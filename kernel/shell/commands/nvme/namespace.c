/*
 * nvme id-ns and ns-descs: Identify Namespace, and the namespace's names. Nothing
 * of what a device says is used as an index or a count without a limit.
 */
#include "kernel/shell/commands/nvme/show.h"
#include "lib/string.h"

#define NAMESPACE(member, kind, ...) \
    FIELD_AS(struct nvme_identify_namespace, member, #member, kind, __VA_ARGS__)
#define SUPPORTED "{Not |}Supported"

/* NVM figure 97, in its order. */
static const struct field namespace_fields[] = {
    NAMESPACE(nsze, HEX),
    NAMESPACE(ncap, HEX),
    NAMESPACE(nuse, HEX),
    NAMESPACE(nsfeat, HEX,
              .bits =
                  BITS({4, 4, "NPWG, NPWA, NPDG, NPDA, and NOWS are " SUPPORTED},
                       {3, 3, "NGUID and EUI64 fields if non-zero, {Reused|Never Reused}"},
                       {2, 2, "Deallocated or Unwritten Logical Block error " SUPPORTED},
                       {1, 1, "Namespace uses {AWUN, AWUPF, and ACWU|NAWUN, NAWUPF, and NACWU}"},
                       {0, 0, "Thin Provisioning " SUPPORTED})),
    NAMESPACE(nlbaf, NUMBER),
    NAMESPACE(flbas, HEX,
              .bits = BITS(
                  {6, 5, "Most significant 2 bits of Current LBA Format Selected"},
                  {4, 4, "Metadata Transferred {in Separate Contiguous Buffer|at End of Data LBA}"},
                  {3, 0, "Least significant 4 bits of Current LBA Format Selected"})),
    NAMESPACE(mc, HEX,
              .bits = BITS({1, 1, "Metadata Pointer " SUPPORTED},
                           {0, 0, "Metadata as Part of Extended Data LBA " SUPPORTED})),
    NAMESPACE(
        dpc, HEX,
        .bits = BITS(
            {4, 4, "Protection Information Transferred as Last 8 Bytes of Metadata " SUPPORTED},
            {3, 3, "Protection Information Transferred as First 8 Bytes of Metadata " SUPPORTED},
            {2, 2, "Protection Information Type 3 " SUPPORTED},
            {1, 1, "Protection Information Type 2 " SUPPORTED},
            {0, 0, "Protection Information Type 1 " SUPPORTED})),
    NAMESPACE(
        dps, HEX,
        .bits = BITS(
            {3, 3, "Protection Information is Transferred as {Last|First} 8 Bytes of Metadata"},
            {2, 0,
             "Protection Information {Disabled|Type 1 Enabled|Type 2 Enabled|Type 3 "
             "Enabled|Reserved Enabled}"})),
    NAMESPACE(nmic, HEX, .bits = BITS({0, 0, "Namespace Multipath {Not |}Capable"})),
    NAMESPACE(
        rescap, HEX,
        .bits = BITS(
            {7, 7,
             "Ignore Existing Key - Used as defined in revision {1.2.1 or earlier|1.3 or later}"},
            {6, 6, "Exclusive Access - All Registrants " SUPPORTED},
            {5, 5, "Write Exclusive - All Registrants " SUPPORTED},
            {4, 4, "Exclusive Access - Registrants Only " SUPPORTED},
            {3, 3, "Write Exclusive - Registrants Only " SUPPORTED},
            {2, 2, "Exclusive Access " SUPPORTED}, {1, 1, "Write Exclusive " SUPPORTED},
            {0, 0, "Persist Through Power Loss " SUPPORTED})),
    NAMESPACE(fpi, HEX,
              .bits = BITS({7, 7, "Format Progress Indicator " SUPPORTED},
                           {6, 0, "Format Progress Indicator (Remaining #d%)"})),
    NAMESPACE(
        dlfeat, NUMBER,
        .bits = BITS(
            {4, 4,
             "Guard Field of Deallocated Logical Blocks is set to {0xFFFF|CRC of The Value Read}"},
            {3, 3, "Deallocate Bit in the Write Zeroes Command is " SUPPORTED},
            {2, 0,
             "Bytes Read From a Deallocated Logical Block and its Metadata are {Not "
             "Reported|0x00|0xFF|Reserved Value}"})),
    NAMESPACE(nawun, NUMBER),
    NAMESPACE(nawupf, NUMBER),
    NAMESPACE(nacwu, NUMBER),
    NAMESPACE(nabsn, NUMBER),
    NAMESPACE(nabo, NUMBER),
    NAMESPACE(nabspf, NUMBER),
    NAMESPACE(noiob, NUMBER),
    NAMESPACE(nvmcap, NUMBER),
};

#define NULBAF 82u /* offset: formats that are unique to it, behind NLBAF's */

/* Valid with NSFEAT.OPTPERF. */
static const struct field optimal_fields[] = {
    NAMESPACE(npwg, NUMBER), NAMESPACE(npwa, NUMBER), NAMESPACE(npdg, NUMBER),
    NAMESPACE(npda, NUMBER), NAMESPACE(nows, NUMBER),
};

static const struct field more_namespace_fields[] = {
    NAMESPACE(mssrl, NUMBER),
    NAMESPACE(mcl, NUMBER),
    NAMESPACE(msrc, NUMBER),
    {.name = "nulbaf", .offset = NULBAF, .size = 1, .kind = FIELD_NUMBER},
    NAMESPACE(anagrpid, NUMBER),
    NAMESPACE(nsattr, NUMBER),
    NAMESPACE(nvmsetid, NUMBER),
    NAMESPACE(endgid, NUMBER),
    NAMESPACE(nguid, BYTES),
    NAMESPACE(eui64, BYTES),
};

#define NSFEAT_OPTPERF   0x10u
#define LBAF_PERFORMANCE 0x03u

#define LBAF(member, text) FIELD_AS(struct nvme_lba_format, member, text, NUMBER)
static const struct field lbaf_fields[] = {
    LBAF(metadata_size, "ms"),
    LBAF(data_size, "ds"),
    LBAF(performance, "rp"),
};

static void show_lba_format(struct report *report, unsigned index,
                            const struct nvme_lba_format *format, bool used)
{
    static const char *const performance[] = {"Best", "Better", "Good", "Degraded"};
    static const struct layout none;
    unsigned rp = format->performance & LBAF_PERFORMANCE;
    report_open(report, NULL, '{');
    if (report->form == FORM_JSON)
        fields_show(report, lbaf_fields, ARRAY_SIZE(lbaf_fields), &none, format);
    else if (report->human)
        report_say(report,
                   "LBA Format %2u : Metadata Size: %-3u bytes - Data Size: %-2llu bytes - "
                   "Relative Performance: %#x %s %s\n",
                   index, format->metadata_size, 1ULL << (format->data_size & 63), rp,
                   performance[rp], used ? "(in use)" : "");
    else
        report_say(report, "lbaf %2u : ms:%-3u lbads:%-2u rp:%#x %s\n", index,
                   format->metadata_size, format->data_size, rp, used ? "(in use)" : "");
    report_close(report, '}');
}

void show_namespace(struct report *report, uint32_t nsid,
                    const struct nvme_identify_namespace *data, bool vendor)
{
    static const struct layout layout = {.column = 8};
    report_open(report, NULL, '{');
    report_say(report, "NVME Identify Namespace %u:\n", nsid);
    fields_show(report, namespace_fields, ARRAY_SIZE(namespace_fields), &layout, data);
    if (data->nsfeat & NSFEAT_OPTPERF)
        fields_show(report, optimal_fields, ARRAY_SIZE(optimal_fields), &layout, data);
    fields_show(report, more_namespace_fields, ARRAY_SIZE(more_namespace_fields), &layout, data);
    report_open(report, "lbafs", '[');
    const unsigned all = data->nlbaf + ((const uint8_t *)data)[NULBAF];
    unsigned last = MIN(all, (unsigned)ARRAY_SIZE(data->lbaf) - 1);
    for (unsigned i = 0; i <= last; i++)
        show_lba_format(report, i, &data->lbaf[i], i == lba_format(data));
    report_close(report, ']');
    report_close(report, '}');
    if (vendor && report->form == FORM_NORMAL) {
        report_say(report, "vs[]:\n");
        hex_print(report->self, data->vendor, sizeof data->vendor);
    }
}

/* Base figure 277, by type. */
static const struct field descriptors[] = {
    [NVME_DESCRIPTOR_EUI64] = {.name = "eui64", .offset = 0, .size = 8, .kind = FIELD_BYTES},
    [NVME_DESCRIPTOR_NGUID] = {.name = "nguid", .size = 16, .kind = FIELD_BYTES},
    [NVME_DESCRIPTOR_UUID] = {.name = "uuid", .size = 16, .kind = FIELD_UUID},
    [NVME_DESCRIPTOR_CSI] = {.name = "csi", .offset = 0, .size = 1, .kind = FIELD_HEX},
};

void show_descriptors(struct report *report, uint32_t nsid, const uint8_t *data)
{
    static const struct layout layout = {.column = 8};
    struct nvme_descriptor head;
    char text[VALUE_SIZE];
    report_open(report, NULL, '{');
    report_say(report, "NVME Namespace Identification Descriptors NS %u:\n", nsid);
    report_open(report, "ns-descs", '[');
    for (size_t at = 0; at + sizeof head <= NVME_IDENTIFY_SIZE; at += sizeof head + head.length) {
        memcpy(&head, data + at, sizeof head);
        if (!head.length)
            break;
        const struct field *field =
            head.type && head.type < ARRAY_SIZE(descriptors) ? &descriptors[head.type] : NULL;
        const uint8_t *value = data + at + sizeof head;
        if (!field || head.length < field->size ||
            at + sizeof head + head.length > NVME_IDENTIFY_SIZE)
            continue;
        if (report->form == FORM_NORMAL)
            fields_show(report, field, 1, &layout, value);
        report_open(report, NULL, '{');
        report_number(report, "loc", at);
        report_number(report, "nidt", head.type);
        report_number(report, "nidl", head.length);
        report_text(report, "type", "%s", field->name);
        report_text(report, field->name, "%s", value_text(text, field->kind, value, field->size));
        report_close(report, '}');
    }
    report_close(report, ']');
    report_close(report, '}');
}
