/*
 * What the NVMe specifications define, and nothing of this driver: registers,
 * commands, completions; Identify data and log pages are in spec_data.h. "Base" is the NVM Express
 * Base Specification 2.0, "NVM" the NVM Command Set Specification 1.0, "PCIe" the NVMe over PCIe
 * Transport Specification 1.0. All values are little-endian, as is every processor this driver
 * supports (asserted below).
 */
#ifndef NVME_SPEC_H
#define NVME_SPEC_H

#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "NVMe structures are little-endian");

/* A field is named by its mask; shifts follow from it. */
#define NVME_GET(mask, value) (((value) & (mask)) / ((mask) & -(mask)))
#define NVME_SET(mask, field) (((field) * ((mask) & -(mask))) & (mask))

/* ---- Controller properties: Base 3.1.3 (figure 35 ff.), offsets in BAR0 ------------------- */

#define NVME_REG_CAP   0x00 /* 64 bits */
#define NVME_REG_VS    0x08
#define NVME_REG_INTMS 0x0c
#define NVME_REG_INTMC 0x10
#define NVME_REG_CC    0x14
#define NVME_REG_CSTS  0x1c
#define NVME_REG_NSSR  0x20
#define NVME_REG_AQA   0x24
#define NVME_REG_ASQ   0x28 /* 64 bits */
#define NVME_REG_ACQ   0x30 /* 64 bits */
#define NVME_REG_CRTO  0x68

/* Base 3.1.3.1, figure 36 */
#define NVME_CAP_MQES   0x000000000000ffffULL /* entries per queue, 0's based */
#define NVME_CAP_CQR    0x0000000000010000ULL /* queues must be contiguous */
#define NVME_CAP_TO     0x00000000ff000000ULL /* units of 500 ms */
#define NVME_CAP_DSTRD  0x0000000f00000000ULL /* doorbell stride is 4 << DSTRD bytes */
#define NVME_CAP_NSSRS  0x0000001000000000ULL
#define NVME_CAP_CSS    0x00001fe000000000ULL
#define NVME_CAP_MPSMIN 0x000f000000000000ULL /* page is 4 KiB << MPSMIN at least */
#define NVME_CAP_MPSMAX 0x00f0000000000000ULL
#define NVME_CAP_CRWMS  0x0800000000000000ULL /* CRTO counts, which may say more than TO can */

#define NVME_CAP_CSS_NVM     0x01u /* bit 37: NVM command set */
#define NVME_CAP_CSS_SETS    0x40u /* bit 43: command sets by Identify CNS 1Ch */
#define NVME_CAP_CSS_NOTHING 0x80u /* bit 44: no I/O command set at all */

#define NVME_CAP_TO_UNIT_MS 500u

/* Base 3.1.3.19: until RDY, with CC.CRIME 0; in CAP.TO's unit */
#define NVME_CRTO_CRWMT 0x0000ffffu

/* Base 3.1.3.5, figure 46 */
#define NVME_CC_EN     0x00000001u
#define NVME_CC_CSS    0x00000070u
#define NVME_CC_MPS    0x00000780u
#define NVME_CC_AMS    0x00003800u
#define NVME_CC_SHN    0x0000c000u
#define NVME_CC_IOSQES 0x000f0000u
#define NVME_CC_IOCQES 0x00f00000u

#define NVME_CC_CSS_NVM    0u
#define NVME_CC_CSS_ALL    6u /* all that are offered: needs NVME_CAP_CSS_SETS */
#define NVME_CC_SHN_NORMAL 1u

/* Base 3.1.3.6, figure 47 */
#define NVME_CSTS_RDY  0x00000001u
#define NVME_CSTS_CFS  0x00000002u
#define NVME_CSTS_SHST 0x0000000cu
#define NVME_CSTS_PP   0x00000020u /* commands are not processed for the moment */

#define NVME_CSTS_SHST_COMPLETE 2u

/* Base 3.1.3.8, figure 49: both 0's based, at most 4096 entries */
#define NVME_AQA_ASQS 0x00000fffu
#define NVME_AQA_ACQS 0x0fff0000u

/* PCIe 3.1.2: SQ y tail at 1000h + 2y * stride, CQ y head one stride behind it */
#define NVME_DOORBELLS 0x1000u

/* What a register reads as when there is no device behind it any more. */
#define NVME_REGISTER_GONE 0xffffffffu

/* ---- Submission queue entry: Base 3.3.3.1, figure 86 ff. ------------------------------------ */

struct nvme_command {
    uint8_t opcode;
    uint8_t flags; /* bits 7:6: NVME_FLAGS_PSDT */
    uint16_t cid;
    uint32_t nsid;
    uint32_t cdw2;
    uint32_t cdw3;
    uint64_t mptr;
    uint64_t prp1; /* DPTR: PRP entries 1 and 2, or one SGL descriptor */
    uint64_t prp2;
    uint32_t cdw10;
    uint32_t cdw11;
    uint32_t cdw12;
    uint32_t cdw13;
    uint32_t cdw14;
    uint32_t cdw15;
};
_Static_assert(sizeof(struct nvme_command) == 64, "SQE, Base figure 86");
_Static_assert(offsetof(struct nvme_command, prp1) == 24, "DPTR is CDW6, Base figure 87");
_Static_assert(offsetof(struct nvme_command, cdw10) == 40, "Base figure 87");

#define NVME_SQES 6 /* log2 of its size, for CC.IOSQES */

#define NVME_FLAGS_FUSE     0x03u /* Base figure 86: one of two commands that belong together */
#define NVME_FLAGS_PSDT     0xc0u /* Base figure 86: how DPTR is to be read */
#define NVME_FLAGS_PSDT_SGL 0x40u /* as an SGL descriptor, metadata in one buffer */

#define NVME_NSID_ALL 0xffffffffu

/* Admin opcodes: Base figure 138 */
enum nvme_admin_opcode {
    NVME_ADMIN_DELETE_SQ = 0x00,
    NVME_ADMIN_CREATE_SQ = 0x01,
    NVME_ADMIN_GET_LOG_PAGE = 0x02,
    NVME_ADMIN_DELETE_CQ = 0x04,
    NVME_ADMIN_CREATE_CQ = 0x05,
    NVME_ADMIN_IDENTIFY = 0x06,
    NVME_ADMIN_ABORT = 0x08,
    NVME_ADMIN_SET_FEATURES = 0x09,
    NVME_ADMIN_GET_FEATURES = 0x0a,
    NVME_ADMIN_ASYNC_EVENT = 0x0c,
    NVME_ADMIN_NAMESPACE_MANAGEMENT = 0x0d,
    NVME_ADMIN_FIRMWARE_COMMIT = 0x10,
    NVME_ADMIN_NAMESPACE_ATTACHMENT = 0x15,
    NVME_ADMIN_DOORBELL_BUFFER = 0x7c,
    NVME_ADMIN_FORMAT = 0x80,
    NVME_ADMIN_SANITIZE = 0x84,
};

/* NVM opcodes: NVM figure 18 */
enum nvme_io_opcode {
    NVME_IO_FLUSH = 0x00,
    NVME_IO_WRITE = 0x01,
    NVME_IO_READ = 0x02,
    NVME_IO_WRITE_UNCORRECTABLE = 0x04,
    NVME_IO_COMPARE = 0x05,
    NVME_IO_WRITE_ZEROES = 0x08,
    NVME_IO_DATASET = 0x09,
    NVME_IO_VERIFY = 0x0c,
    NVME_IO_COPY = 0x19,

    /* Of the zoned namespace command set: ZNS figure 24 */
    NVME_IO_ZONE_SEND = 0x79,
    NVME_IO_ZONE_RECEIVE = 0x7a,
    NVME_IO_ZONE_APPEND = 0x7d,
};

/* Identify: Base 5.17, figure 273 */
#define NVME_IDENTIFY_NAMESPACE       0x00u
#define NVME_IDENTIFY_CONTROLLER      0x01u
#define NVME_IDENTIFY_ACTIVE_LIST     0x02u
#define NVME_IDENTIFY_DESCRIPTORS     0x03u
/* Of one I/O command set, by CSI: where CC.CSS selects all command sets */
#define NVME_IDENTIFY_SET_NAMESPACE   0x05u
#define NVME_IDENTIFY_SET_CONTROLLER  0x06u
#define NVME_IDENTIFY_SET_ACTIVE_LIST 0x07u

#define NVME_IDENTIFY_CDW11_CSI 0xff000000u

#define NVME_IDENTIFY_SIZE     4096u
#define NVME_ACTIVE_LIST_IDS   1024u
#define NVME_NSID_HIGHEST_LIST 0xfffffffdu /* highest NSID that CNS 02h may be asked from */

/* Create I/O Completion Queue: Base 5.4, command dwords 10 and 11 */
#define NVME_CQ_CDW10_QID   0x0000ffffu
#define NVME_CQ_CDW10_QSIZE 0xffff0000u /* 0's based */
#define NVME_CQ_CDW11_PC    0x00000001u /* physically contiguous */
#define NVME_CQ_CDW11_IEN   0x00000002u /* interrupts enabled */
#define NVME_CQ_CDW11_IV    0xffff0000u /* interrupt vector */

/* Create I/O Submission Queue: Base 5.5, command dwords 10 and 11 */
#define NVME_SQ_CDW10_QID   0x0000ffffu
#define NVME_SQ_CDW10_QSIZE 0xffff0000u
#define NVME_SQ_CDW11_PC    0x00000001u
#define NVME_SQ_CDW11_CQID  0xffff0000u

/* Number of Queues: Base 5.27.1.5; counts are 0's based, FFFFh is not allowed */
#define NVME_FEATURE_QUEUES 0x07u
#define NVME_QUEUES_SQ      0x0000ffffu
#define NVME_QUEUES_CQ      0xffff0000u
#define NVME_QUEUES_MOST    0xfffeu

/* Get Features and Set Features: Base 5.15 and 5.27, command dword 10 */
#define NVME_FEATURE_CDW10_FID    0x000000ffu
#define NVME_FEATURE_CDW10_SELECT 0x00000700u /* Get Features */
#define NVME_FEATURE_CDW10_SAVE   0x80000000u /* Set Features */

enum nvme_feature_select {
    NVME_FEATURE_CURRENT = 0,
    NVME_FEATURE_DEFAULT = 1,
    NVME_FEATURE_SAVED = 2,
    NVME_FEATURE_CAPABILITIES = 3,
};

/* Host Behavior Support: Base 5.27.1.18; its data starts with ACRE, which allows CRD */
#define NVME_FEATURE_BEHAVIOR 0x16u
#define NVME_BEHAVIOR_SIZE    512u

/* Timestamp: Base 5.27.1.12 */
#define NVME_FEATURE_TIMESTAMP 0x0eu

/* Asynchronous Event Configuration: Base 5.27.1.8 */
#define NVME_FEATURE_EVENTS    0x0bu
#define NVME_EVENTS_SMART      0x000000ffu /* a bit for each of NVME_CRITICAL_* */
#define NVME_EVENTS_NAMESPACES 0x00000100u
#define NVME_EVENTS_FIRMWARE   0x00000200u

/* Asynchronous Event Request, completion dword 0: Base 5.2.1, figures 143 to 148 */
#define NVME_EVENT_TYPE        0x00000007u
#define NVME_EVENT_INFORMATION 0x0000ff00u
#define NVME_EVENT_LOG         0x00ff0000u /* the page to read, which allows the next event */

enum nvme_event_type {
    NVME_EVENT_ERROR = 0,
    NVME_EVENT_SMART = 1,
    NVME_EVENT_NOTICE = 2,
    NVME_EVENT_COMMAND_SET = 6,
    NVME_EVENT_VENDOR = 7,
};

#define NVME_NOTICE_NAMESPACES 0x00u
#define NVME_NOTICE_FIRMWARE   0x01u

/* Abort: Base 5.1, command dword 10; completion dword 0 */
#define NVME_ABORT_CDW10_SQID 0x0000ffffu
#define NVME_ABORT_CDW10_CID  0xffff0000u
#define NVME_ABORT_NOT        0x00000001u /* the command was not aborted */

/* Get Log Page: Base 5.16, command dwords 10 to 13 */
#define NVME_LOG_CDW10_LID   0x000000ffu
#define NVME_LOG_CDW10_RAE   0x00008000u /* retain the asynchronous event */
#define NVME_LOG_CDW10_NUMDL 0xffff0000u /* dwords, 0's based, low half */
#define NVME_LOG_CDW11_NUMDU 0x0000ffffu

enum nvme_log_id {
    NVME_LOG_ERROR_INFORMATION = 0x01,
    NVME_LOG_HEALTH = 0x02,
    NVME_LOG_FIRMWARE = 0x03,
    NVME_LOG_CHANGED_NAMESPACES = 0x04,
    NVME_LOG_EFFECTS = 0x05,
};

/* Format NVM: Base 5.14, command dword 10 */
#define NVME_FORMAT_CDW10_LBAFL 0x0000000fu
#define NVME_FORMAT_CDW10_MSET  0x00000010u
#define NVME_FORMAT_CDW10_PI    0x000000e0u
#define NVME_FORMAT_CDW10_PIL   0x00000100u
#define NVME_FORMAT_CDW10_SES   0x00000e00u /* enum nvme_erase */

enum nvme_erase {
    NVME_ERASE_NONE = 0, /* contents are undefined afterwards all the same */
    NVME_ERASE_USER_DATA = 1,
    NVME_ERASE_CRYPTOGRAPHIC = 2,
};

/* Namespace Attachment: Base 5.22, command dword 10 */
#define NVME_ATTACHMENT_ATTACH 0u
#define NVME_ATTACHMENT_DETACH 1u

/* Commands on a range of blocks, command dword 12: NVM 3.2 */
#define NVME_RW_CDW12_NLB  0x0000ffffu /* 0's based */
#define NVME_RW_CDW12_DEAC 0x02000000u /* Write Zeroes: may deallocate */
#define NVME_RW_CDW12_FUA  0x40000000u

/* The same, PRINFO: NVM figure 11 */
#define NVME_RW_CDW12_PRACT       0x20000000u /* the controller makes protection information */
#define NVME_RW_CDW12_PRCHK_GUARD 0x10000000u /* and checks it: CRC of the data, */
#define NVME_RW_CDW12_PRCHK_REF   0x04000000u /* and the reference tag, from dword 14 on */

#define NVME_RW_BLOCKS_MOST 0x10000u

/* Dataset Management: NVM 3.2.3, command dwords 10 and 11 */
#define NVME_DATASET_RANGES      256u
#define NVME_DATASET_INTEGRAL_RD 0x1u
#define NVME_DATASET_INTEGRAL_WR 0x2u
#define NVME_DATASET_DEALLOCATE  0x4u

struct nvme_dataset_range {
    uint32_t attributes; /* hints, NVM figure 42; 0: none */
    uint32_t blocks;     /* not 0's based */
    uint64_t lba;
};
_Static_assert(sizeof(struct nvme_dataset_range) == 16, "NVM figure 41");

/* Copy: NVM 3.2.2, source ranges of descriptor format 0 */

struct nvme_copy_range {
    uint8_t reserved0[8];
    uint64_t lba;
    uint16_t blocks; /* 0's based */
    uint8_t reserved18[6];
    uint32_t reference_tag;
    uint16_t application_tag;
    uint16_t application_mask;
};
_Static_assert(sizeof(struct nvme_copy_range) == 32, "NVM figure 34");
_Static_assert(offsetof(struct nvme_copy_range, lba) == 8, "NVM figure 34");

/* Zone Management Send and Receive: ZNS 3.4.3 and 3.4.2, command dword 13 */
#define NVME_ZONE_CDW13_ACTION  0x000000ffu
#define NVME_ZONE_CDW13_ALL     0x00000100u /* Send: all zones that the action is for */
#define NVME_ZONE_CDW13_OPTION  0x00000200u /* Send: the action's own */
#define NVME_ZONE_CDW13_STATES  0x0000ff00u /* Receive: which zones; 0: all */
#define NVME_ZONE_CDW13_PARTIAL 0x00010000u /* Receive: only those that fit are counted */

enum nvme_zone_action {
    NVME_ZONE_CLOSE = 0x01,
    NVME_ZONE_FINISH = 0x02,
    NVME_ZONE_OPEN = 0x03,
    NVME_ZONE_RESET = 0x04,
    NVME_ZONE_OFFLINE = 0x05,
    NVME_ZONE_SET_EXTENSION = 0x10,
};

#define NVME_ZONE_REPORT          0x00u /* actions of Receive */
#define NVME_ZONE_REPORT_EXTENDED 0x01u

/* ---- SGL descriptors: Base 4.1.2 ------------------------------------------------------------ */

struct nvme_sgl {
    uint64_t address;
    uint32_t length; /* bytes */
    uint8_t reserved12[3];
    uint8_t type;
};
_Static_assert(sizeof(struct nvme_sgl) == 16, "SGL descriptor, Base 4.1.2");
_Static_assert(offsetof(struct nvme_sgl, type) == 15, "SGL descriptor, Base 4.1.2");

/* Bits 7:4 of it; sub type 0 is an address */
#define NVME_SGL_DATA         0x00u
#define NVME_SGL_SEGMENT      0x20u /* the next descriptors: not the last of them */
#define NVME_SGL_LAST_SEGMENT 0x30u

/* ---- Completion queue entry: Base 3.3.3.2, figure 89 ff. ---------------------------------- */

struct nvme_completion {
    uint32_t dw0;
    uint32_t dw1;
    uint16_t sq_head;
    uint16_t sq_id;
    union {
        struct {
            uint16_t cid;
            uint16_t status; /* bit 0: phase tag */
        };
        uint32_t dw3;
    };
};
_Static_assert(sizeof(struct nvme_completion) == 16, "CQE, Base figure 89");
_Static_assert(offsetof(struct nvme_completion, status) == 14, "Base figure 91");

#define NVME_CQES 4

#define NVME_CQE_PHASE           0x0001u
#define NVME_CQE_DW3_PHASE_SHIFT 16

/* The status field without the phase tag, i.e. shifted right by one: Base 3.3.3.2.1, figure 92 */
#define NVME_STATUS_SC   0x00ffu
#define NVME_STATUS_SCT  0x0700u
#define NVME_STATUS_CRD  0x1800u
#define NVME_STATUS_MORE 0x2000u
#define NVME_STATUS_DNR  0x4000u

/* SCT and SC of what the driver acts on: Base figures 93 to 99, NVM figures 15 to 17 */
enum nvme_status_code {
    NVME_STATUS_DATA_TRANSFER = 0x004,
    NVME_STATUS_INTERNAL = 0x006,
    NVME_STATUS_ABORTED = 0x007, /* by an Abort */
    NVME_STATUS_INTERRUPTED = 0x021,
    NVME_STATUS_TRANSPORT = 0x022,
    NVME_STATUS_NOT_READY = 0x082,
    NVME_STATUS_PATH_INTERNAL = 0x300,
    NVME_STATUS_PATH_TRANSITION = 0x303,
    NVME_STATUS_PATH_CONTROLLER = 0x360,
};

#include "spec_data.h"

#endif
