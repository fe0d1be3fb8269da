/* The controller's properties: a structure like others (Base 3.1.3, figure 35). */
#include "kernel/shell/commands/nvme/show.h"

#define ALIGN "                                           "

#define REGISTER(text, at, bytes, ...)                                                            \
    {                                                                                             \
        .name = text, .offset = at, .size = bytes, .kind = FIELD_PLAIN, .bits = BITS(__VA_ARGS__) \
    }

static const struct field registers[] = {
    REGISTER("cap", NVME_REG_CAP, 8,
             {59, 59, "Controller Ready With Media Support (CRWMS): {Not |}Supported"},
             {60, 60, "Controller Ready Independent of Media Support (CRIMS): {Not |}Supported"},
             {57, 57,
              "Controller Memory Buffer Supported (CMBS): The Controller Memory Buffer is "
              "{Not |}Supported"},
             {56, 56,
              "Persistent Memory Region Supported (PMRS): The Persistent Memory Region is "
              "{Not |}Supported"},
             {55, 52, "Memory Page Size Maximum         (MPSMAX): #^12 bytes"},
             {51, 48, "Memory Page Size Minimum         (MPSMIN): #^12 bytes"},
             {45, 45, "Boot Partition Support              (BPS): {No|Yes}"},
             {37, 37,
              "Command Sets Supported              (CSS): NVM command set is "
              "{Not |}Supported"},
             {43, 43, ALIGN "One or more I/O Command Sets are {Not |}Supported"},
             {44, 44, ALIGN "{I/O Command Set is|Only Admin Command Set} Supported"},
             {36, 36, "NVM Subsystem Reset Supported     (NSSRS): {No|Yes}"},
             {35, 32, "Doorbell Stride                   (DSTRD): #^2 bytes"},
             {31, 24, "Timeout                              (TO): #*500 ms"},
             {17, 17,
              "Arbitration Mechanism Supported     (AMS): Weighted Round Robin with Urgent "
              "Priority Class is {not |}supported"},
             {16, 16, "Contiguous Queues Required          (CQR): {No|Yes}"},
             {15, 0, "Maximum Queue Entries Supported    (MQES): #+"}),
    {.name = "version",
     .offset = NVME_REG_VS,
     .size = 4,
     .kind = FIELD_PLAIN,
     .key = "vs",
     .bits = BITS({31, 8, "NVMe specification #V"})},
    REGISTER("cc", NVME_REG_CC, 4,
             {24, 24, "Controller Ready Independent of Media Enable (CRIME): {Disabled|Enabled}"},
             {23, 20, "I/O Completion Queue Entry Size (IOCQES): #^0 bytes"},
             {19, 16, "I/O Submission Queue Entry Size (IOSQES): #^0 bytes"},
             {15, 14,
              "Shutdown Notification              (SHN): {No notification; no effect|"
              "Normal shutdown notification|Abrupt shutdown notification|Reserved}"},
             {13, 11,
              "Arbitration Mechanism Selected     (AMS): {Round Robin|Weighted Round Robin "
              "with Urgent Priority Class|Reserved|Reserved|Reserved|Reserved|Reserved|"
              "Vendor Specific}"},
             {10, 7, "Memory Page Size                   (MPS): #^12 bytes"},
             {6, 4,
              "I/O Command Set Selected           (CSS): {NVM Command Set|Reserved|Reserved|"
              "Reserved|Reserved|Reserved|All supported I/O Command Sets|"
              "Admin Command Set only}"},
             {0, 0, "Enable                              (EN): {No|Yes}"}),
    REGISTER("csts", NVME_REG_CSTS, 4, {5, 5, "Processing Paused               (PP): {No|Yes}"},
             {4, 4, "NVM Subsystem Reset Occurred (NSSRO): {No|Yes}"},
             {3, 2,
              "Shutdown Status               (SHST): {Normal operation (no shutdown has been "
              "requested)|Shutdown processing occurring|Shutdown processing complete|"
              "Reserved}"},
             {1, 1, "Controller Fatal Status        (CFS): {False|True}"},
             {0, 0, "Ready                          (RDY): {No|Yes}"}),
    REGISTER("nssr", NVME_REG_NSSR, 4, {31, 0, "NVM Subsystem Reset Control (NSSRC): #d"}),
    REGISTER("crto", 0x68, 4, {31, 16, "CRIMT                               : #*500 ms"},
             {15, 0, "CRWMT                               : #*500 ms"}),
    REGISTER("intms", NVME_REG_INTMS, 4, {31, 0, "Interrupt Vector Mask Set (IVMS): #x"}),
    REGISTER("intmc", NVME_REG_INTMC, 4, {31, 0, "Interrupt Vector Mask Clear (IVMC): #x"}),
    REGISTER("aqa", NVME_REG_AQA, 4, {27, 16, "Admin Completion Queue Size (ACQS): #+"},
             {11, 0, "Admin Submission Queue Size (ASQS): #+"}),
    REGISTER("asq", NVME_REG_ASQ, 8, {63, 0, "Admin Submission Queue Base (ASQB): #x"}),
    REGISTER("acq", NVME_REG_ACQ, 8, {63, 0, "Admin Completion Queue Base (ACQB): #x"}),
#define HERE "in Controller Memory Buffer is {Not |}supported"
    REGISTER("cmbloc", 0x38, 4,
             {31, 12,
              "Offset                                                        (OFST): 0x#x "
              "(See cmbsz.szu for granularity)"},
             {8, 8, "CMB Queue Dword Alignment                                     (CQDA): #d"},
             {7, 7,
              "CMB Data Metadata Mixed Memory Support                      (CDMMMS): "
              "{Not |}enforced"},
             {6, 6,
              "CMB Data Pointer and Command Independent Locations Support (CDPCILS): "
              "{Not |}enforced"},
             {5, 5,
              "CMB Data Pointer Mixed Locations Support                    (CDPMLS): "
              "{Not |}enforced"},
             {4, 4,
              "CMB Queue Physically Discontiguous Support                   (CQPDS): "
              "{Not |}enforced"},
             {3, 3,
              "CMB Queue Mixed Memory Support                               (CQMMS): "
              "{Not |}enforced"},
             {2, 0, "Base Indicator Register                                        (BIR): 0x#x"}),
    REGISTER("cmbsz", 0x3c, 4, {31, 12, "Size                      (SZ): #d"},
             {11, 8,
              "Size Units               (SZU): {4 KB|64 KB|1 MB|16 MB|256 MB|4 GB|64 GB|"
              "Reserved}"},
             {4, 4, "Write Data Support       (WDS): Write Data and metadata transfer " HERE},
             {3, 3, "Read Data Support        (RDS): Read Data and metadata transfer " HERE},
             {2, 2, "PRP SGL List Support   (LISTS): PRP/SG Lists " HERE},
             {1, 1, "Completion Queue Support (CQS): Admin and I/O Completion Queues " HERE},
             {0, 0, "Submission Queue Support (SQS): Admin and I/O Submission Queues " HERE}),
    REGISTER("bpinfo", 0x40, 4, {31, 31, "Active Boot Partition ID      (ABPID): #d"},
             {25, 24,
              "Boot Read Status                (BRS): {No Boot Partition read operation "
              "requested|Boot Partition read in progress|Boot Partition read completed "
              "successfully|Error completing Boot Partition read}"},
             {14, 0, "Boot Partition Size            (BPSZ): #d"}),
    REGISTER("bprsel", 0x44, 4, {31, 31, "Boot Partition Identifier      (BPID): #d"},
             {29, 10, "Boot Partition Read Offset    (BPROF): #x"},
             {9, 0, "Boot Partition Read Size      (BPRSZ): #x"}),
    REGISTER("bpmbl", 0x48, 8, {63, 12, "Boot Partition Memory Buffer Base Address (BMBBA): #x"}),
    REGISTER("cmbmsc", 0x50, 8, {63, 12, "Controller Base Address         (CBA): #x"},
             {1, 1, "Controller Memory Space Enable (CMSE): #x"},
             {0, 0,
              "Capabilities Registers Enabled  (CRE): CMBLOC and CMBSZ registers are "
              "{NOT |}enabled"}),
    REGISTER("cmbsts", 0x58, 4, {0, 0, "Controller Base Address Invalid (CBAI): #x"}),
    REGISTER("pmrcap", 0xe00, 4,
             {24, 24,
              "Controller Memory Space Supported                   (CMSS): Referencing PMR "
              "with host supplied addresses is {Not |}Supported"},
             {23, 16, "Persistent Memory Region Timeout                   (PMRTO): #x"},
             {13, 10, "Persistent Memory Region Write Barrier Mechanisms (PMRWBM): #x"},
             {9, 8,
              "Persistent Memory Region Time Units                (PMRTU): PMR time unit is "
              "{500 milliseconds|minutes|reserved}"},
             {7, 5, "Base Indicator Register                              (BIR): #x"},
             {4, 4,
              "Write Data Support                                   (WDS): Write data to the "
              "PMR is {not |}supported"},
             {3, 3,
              "Read Data Support                                    (RDS): Read data from the "
              "PMR is {not |}supported"}),
    REGISTER("pmrctl", 0xe04, 4, {0, 0, "Enable (EN): PMR is {Disabled|Enabled}"}),
    REGISTER("pmrsts", 0xe08, 4, {12, 12, "Controller Base Address Invalid (CBAI): #x"},
             {11, 9,
              "Health Status                   (HSTS): {Normal Operation|Restore Error|"
              "Read Only|Unreliable|Reserved}"},
             {8, 8,
              "Not Ready                       (NRDY): The Persistent Memory Region is "
              "{|Not }Ready to process PCI Express memory read and write requests"},
             {7, 0, "Error                            (ERR): #x"}),
#define UNITS "{Bytes|1 KB|1 MB|1 GB|Reserved}"
    REGISTER("pmrebs", 0xe0c, 4, {31, 8, "PMR Elasticity Buffer Size Base  (PMRWBZ): #x"},
             {4, 4,
              "Read Bypass Behavior                     : memory reads not conflicting with "
              "memory writes in the PMR Elasticity Buffer {MAY|SHALL} bypass those memory "
              "writes"},
             {3, 0, "PMR Elasticity Buffer Size Units (PMRSZU): " UNITS}),
    REGISTER("pmrswtp", 0xe10, 4, {31, 8, "PMR Sustained Write Throughput       (PMRSWTV): #x"},
             {3, 0, "PMR Sustained Write Throughput Units (PMRSWTU): " UNITS "/second"}),
    REGISTER("pmrmscl", 0xe14, 4, {31, 12, "Controller Base Address         (CBA): #x"},
             {1, 1, "Controller Memory Space Enable (CMSE): #x"}),
    REGISTER("pmrmscu", 0xe18, 4, {31, 0, "Controller Base Address         (CBA): #x"}),
};

static const struct layout layout = {.column = 8, .indent = "\t"};

void show_registers(struct report *report, const void *data)
{
    report_open(report, NULL, '{');
    fields_show(report, registers, ARRAY_SIZE(registers), &layout, data);
    report_close(report, '}');
}

static const char *title(uint32_t offset)
{
    static const struct {
        uint32_t offset;
        const char *title;
    } titles[] = {
        {NVME_REG_CAP, "Controller Capabilities"},
        {NVME_REG_VS, "Version"},
        {NVME_REG_INTMS, "Interrupt Vector Mask Set"},
        {NVME_REG_INTMC, "Interrupt Vector Mask Clear"},
        {NVME_REG_CC, "Controller Configuration"},
        {NVME_REG_CSTS, "Controller Status"},
        {NVME_REG_NSSR, "NVM Subsystem Reset"},
        {NVME_REG_AQA, "Admin Queue Attributes"},
        {NVME_REG_ASQ, "Admin Submission Queue Base Address"},
        {NVME_REG_ACQ, "Admin Completion Queue Base Address"},
        {0x38, "Controller Memory Buffer Location"},
        {0x3c, "Controller Memory Buffer Size"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
        if (titles[i].offset == offset)
            return titles[i].title;
    return "Unknown";
}

bool show_property(struct report *report, uint32_t offset, const void *data)
{
    for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
        char text[VALUE_SIZE];
        const struct field *field = &registers[i];
        if (field->offset != offset)
            continue;
        if (report->human)
            fields_show(report, field, 1, &layout, data);
        else
            report_say(report, "property: 0x%02x (%s), value: %s\n", offset, title(offset),
                       value_text(text, FIELD_PLAIN, (const uint8_t *)data + offset, field->size));
        return true;
    }
    return false;
}
