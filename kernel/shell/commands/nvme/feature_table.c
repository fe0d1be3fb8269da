/*
 * Features: what they are called, how much data comes with them, what a controller
 * says if it has them, and what the bits of their values mean (Base figure 316,
 * NVM figure 79).
 */
#include "kernel/shell/commands/nvme/show.h"

#define ONCS_RESERVATIONS      0x20u
#define ONCS_TIMESTAMP         0x40u
#define OACS_LBA_STATUS        0x200u
#define CTRATT_NON_OPERATIONAL 0x2u
#define CTRATT_RECOVERY_LEVELS 0x8u
#define CTRATT_ENDURANCE       0x10u
#define CTRATT_PREDICTABLE     0x20u
#define CTRATT_PLACEMENT       0x80000u

#define SEND "{Do not send|Send} async event"

static const struct feature features[] = {
    [0x01] = {.name = "Arbitration",
              .bits = BITS({31, 24, "High Priority Weight   (HPW): #+"},
                           {23, 16, "Medium Priority Weight (MPW): #+"},
                           {15, 8, "Low Priority Weight    (LPW): #+"},
                           {2, 0,
                            "Arbitration Burst       (AB): "
                            "{1|2|4|8|16|32|64|No limit}"})},
    [0x02] = {.name = "Power Management",
              .bits =
                  BITS({7, 5,
                        "Workload Hint (WH): #d - {No Workload|Extended Idle Period with a Burst "
                        "of Random Writes|Heavy Sequential Writes|Reserved}"},
                       {4, 0, "Power State   (PS): #d"})},
    [0x03] = {.name = "LBA Range Type",
              .bytes = 4096,
              .bits = BITS({5, 0, "Number of LBA Ranges (NUM): #+"})},
    [0x04] = {.name = "Temperature Threshold",
              .bits =
                  BITS({21, 20,
                        "Threshold Type Select         (THSEL): #d - {Over Temperature Threshold|"
                        "Under Temperature Threshold|Reserved}"},
                       {19, 16,
                        "Threshold Temperature Select (TMPSEL): #d - {Composite Temperature|"
                        "Temperature Sensor 1|Temperature Sensor 2|Temperature Sensor 3|"
                        "Temperature Sensor 4|Temperature Sensor 5|Temperature Sensor 6|"
                        "Temperature Sensor 7|Temperature Sensor 8|Reserved}"},
                       {15, 0, "Temperature Threshold         (TMPTH): #K"})},
    [0x05] = {.name = "Error Recovery",
              .bits =
                  BITS({16, 16,
                        "Deallocated or Unwritten Logical Block Error Enable (DULBE): "
                        "{Disabled|Enabled}"},
                       {15, 0,
                        "Time Limited Error Recovery                          (TLER): #*100 ms"})},
    [0x06] = {.name = "Volatile Write Cache",
              .need = NEEDS(vwc, NVME_VWC_PRESENT),
              .bits = BITS({0, 0, "Volatile Write Cache Enable (WCE): {Disabled|Enabled}"})},
    [0x07] = {.name = "Number of Queues",
              .bits = BITS({31, 16, "Number of IO Completion Queues Allocated (NCQA): #+"},
                           {15, 0, "Number of IO Submission Queues Allocated (NSQA): #+"})},
    [0x08] = {.name = "Interrupt Coalescing",
              .bits = BITS({15, 8, "Aggregation Time     (TIME): #*100 usec"},
                           {7, 0, "Aggregation Threshold (THR): #+"})},
    [0x09] = {.name = "Interrupt Vector Configuration",
              .bits = BITS({16, 16, "Coalescing Disable (CD): {False|True}"},
                           {15, 0, "Interrupt Vector   (IV): #d"})},
    [0x0a] = {.name = "Write Atomicity Normal",
              .bits = BITS({0, 0, "Disable Normal (DN): {False|True}"})},
    [0x0b] = {.name = "Async Event Configuration",
              .bits = BITS(
                  {31, 31, "Discovery Log Page Change Notices                         : " SEND},
                  {14, 14, "Endurance Group Event Aggregate Log Change Notices        : " SEND},
                  {13, 13, "LBA Status Information Notices                            : " SEND},
                  {12, 12, "Predictable Latency Event Aggregate Log Change Notices    : " SEND},
                  {11, 11, "Asymmetric Namespace Access Change Notices                : " SEND},
                  {10, 10, "Telemetry Log Notices                                     : " SEND},
                  {9, 9, "Firmware Activation Notices                               : " SEND},
                  {8, 8, "Namespace Attribute Notices                               : " SEND},
                  {7, 0, "SMART / Health Critical Warnings                          : " SEND})},
    [0x0c] = {.name = "Autonomous Power State Transition",
              .bytes = 256,
              .need = NEEDS(apsta, 1),
              .bits = BITS(
                  {0, 0, "Autonomous Power State Transition Enable (APSTE): {Disabled|Enabled}"})},
    [0x0d] = {.name = "Host Memory Buffer",
              .bytes = 4096,
              .need = NEEDS(hmpre, UINT32_MAX),
              .bits = BITS({0, 0, "Enable Host Memory (EHM): {Disabled|Enabled}"})},
    [0x0e] = {.name = "Timestamp", .bytes = 8, .need = NEEDS(oncs, ONCS_TIMESTAMP)},
    [0x0f] = {.name = "Keep Alive Timer",
              .need = NEEDS(kas, UINT16_MAX),
              .bits = BITS({31, 0, "Keep Alive Timeout (KATO) in milliseconds: #d"})},
    [0x10] = {.name = "Host Controlled Thermal Management",
              .need = NEEDS(hctma, 1),
              .bits = BITS({31, 16, "Thermal Management Temperature 1 (TMT1) : #K"},
                           {15, 0, "Thermal Management Temperature 2 (TMT2) : #K"})},
    [0x11] = {.name = "Non-Operational Power State Config",
              .need = NEEDS(ctratt, CTRATT_NON_OPERATIONAL),
              .bits = BITS({0, 0,
                            "Non-Operational Power State Permissive Mode Enable (NOPPME): "
                            "{False|True}"})},
    [0x12] = {.name = "Read Recovery Level",
              .need = NEEDS(ctratt, CTRATT_RECOVERY_LEVELS),
              .bits = BITS({3, 0, "Read Recovery Level (RRL): #d"})},
    [0x13] = {.name = "Predictable Latency Mode Config",
              .bytes = 512,
              .need = NEEDS(ctratt, CTRATT_PREDICTABLE),
              .bits = BITS({0, 0, "Predictable Latency Window Enabled: {False|True}"})},
    [0x14] = {.name = "Predictable Latency Mode Window",
              .need = NEEDS(ctratt, CTRATT_PREDICTABLE),
              .bits = BITS({2, 0,
                            "Window Select: {Reserved|Deterministic Window (DTWIN)|"
                            "Non-deterministic Window (NDWIN)|Reserved}"})},
    [0x15] = {.name = "LBA Status Interval",
              .need = NEEDS(oacs, OACS_LBA_STATUS),
              .bits = BITS({31, 16, "LBA Status Information Poll Interval (LSIPI)  : #d"},
                           {15, 0, "LBA Status Information Report Interval (LSIRI): #d"})},
    [0x16] = {.name = "Host Behavior", .bytes = 512},
    [0x17] = {.name = "Sanitize",
              .need = NEEDS(sanicap, UINT32_MAX),
              .bits = BITS({0, 0, "No-Deallocate Response Mode (NODRM) : #d"})},
    [0x18] = {.name = "Endurance Event Group Configuration",
              .need = NEEDS(ctratt, CTRATT_ENDURANCE),
              .bits = BITS({15, 0, "Endurance Group Identifier (ENDGID): #d"},
                           {23, 16, "Endurance Group Critical Warnings  : #d"})},
    [0x19] = {.name = "I/O Command Set Profile",
              .bits = BITS({0, 0, "I/O Command Set Profile: {False|True}"})},
    [0x1a] = {.name = "Spinup Control",
              .bits = BITS({0, 0, "Spinup control feature Enabled: {False|True}"})},
    [0x1d] = {.name = "Flexible Direct Placement",
              .need = NEEDS(ctratt, CTRATT_PLACEMENT),
              .bits = BITS({0, 0, "Flexible Direct Placement Enable (FDPE)       : {No|Yes}"},
                           {11, 8, "Flexible Direct Placement Configuration Index : #d"})},
    [0x1e] = {.name = "Flexible Direct Placement Events",
              .bytes = 510,
              .need = NEEDS(ctratt, CTRATT_PLACEMENT)},
    [0x7d] = {.name = "Enhanced Controller Metadata", .bytes = 4096},
    [0x7e] = {.name = "Controller Metadata", .bytes = 4096},
    [0x7f] = {.name = "Namespace Metadata", .bytes = 4096},
    [0x80] = {.name = "Software Progress",
              .bits = BITS({7, 0, "Pre-boot Software Load Count (PBSLC): #d"})},
    [0x81] = {.name = "Host Identifier", .bytes = 8},
    [0x82] = {.name = "Reservation Notification Mask",
              .need = NEEDS(oncs, ONCS_RESERVATIONS),
              .bits =
                  BITS({3, 3, "Mask Reservation Preempted Notification  (RESPRE): {False|True}"},
                       {2, 2, "Mask Reservation Released Notification   (RESREL): {False|True}"},
                       {1, 1, "Mask Registration Preempted Notification (REGPRE): {False|True}"})},
    [0x83] = {.name = "Reservation Persistence",
              .need = NEEDS(oncs, ONCS_RESERVATIONS),
              .bits = BITS({0, 0, "Persist Through Power Loss (PTPL): {False|True}"})},
    [0x84] = {.name = "Namespace Write Protect",
              .need = NEEDS(nwpc, 1),
              .bits = BITS({2, 0,
                            "Namespace Write Protect: {No Write Protect|Write Protect|"
                            "Write Protect Until Power Cycle|Permanent Write Protect|"
                            "Reserved}"})},
};

const struct feature *feature_find(uint64_t id)
{
    return id < ARRAY_SIZE(features) && features[id].name ? &features[id] : NULL;
}
