/*
 * The parts of NVM Express Base 2.0 and NVM Command Set 1.0 that the model acts
 * on, as read for the model alone: it shares no definition with any driver, so
 * that a misreading is not shared either. Sections are those of Base 2.0, or
 * with NVM of the NVM Command Set.
 */
#ifndef NVMEVIRT_SPEC_H
#define NVMEVIRT_SPEC_H

#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "all structures are little-endian");

/* A field is named by its mask. */
#define SPEC_GET(mask, value) (((value) & (mask)) / ((mask) & -(mask)))
#define SPEC_SET(mask, field) (((field) * ((mask) & -(mask))) & (mask))

/* 3.1.3: controller properties. */
enum {
    SPEC_CAP = 0x00,
    SPEC_VS = 0x08,
    SPEC_INTMS = 0x0C,
    SPEC_INTMC = 0x10,
    SPEC_CC = 0x14,
    SPEC_CSTS = 0x1C,
    SPEC_AQA = 0x24,
    SPEC_ASQ = 0x28,
    SPEC_ACQ = 0x30,
    SPEC_DOORBELLS = 0x1000,
};

#define SPEC_CAP_MQES   0xFFFFULL
#define SPEC_CAP_CQR    (1ULL << 16)
#define SPEC_CAP_TO     (0xFFULL << 24)
#define SPEC_CAP_DSTRD  (0xFULL << 32)
#define SPEC_CAP_CSS    (0xFFULL << 37)
#define SPEC_CAP_MPSMIN (0xFULL << 48)
#define SPEC_CAP_MPSMAX (0xFULL << 52)

#define SPEC_CSS_NVM        0x01u /* bits of CAP.CSS */
#define SPEC_CSS_IOCS       0x40u
#define SPEC_CSS_ADMIN_ONLY 0x80u

#define SPEC_CC_EN       0x00000001u
#define SPEC_CC_CSS      0x00000070u
#define SPEC_CC_MPS      0x00000780u
#define SPEC_CC_AMS      0x00003800u
#define SPEC_CC_SHN      0x0000C000u
#define SPEC_CC_IOSQES   0x000F0000u
#define SPEC_CC_IOCQES   0x00F00000u
#define SPEC_CC_RESERVED 0xFF00000Eu /* CRIME, bit 24, is for CAP.CRMS, which is 0 */

enum {
    SPEC_CC_CSS_NVM = 0,
    SPEC_CC_CSS_IOCS = 6,
    SPEC_CC_CSS_ADMIN_ONLY = 7
};
enum {
    SPEC_SHN_NONE,
    SPEC_SHN_NORMAL,
    SPEC_SHN_ABRUPT,
    SPEC_SHN_RESERVED
};

#define SPEC_CSTS_RDY  0x1u
#define SPEC_CSTS_CFS  0x2u
#define SPEC_CSTS_SHST 0xCu
#define SPEC_CSTS_PP   0x20u

enum {
    SPEC_SHST_NORMAL,
    SPEC_SHST_OCCURRING,
    SPEC_SHST_COMPLETE
};

#define SPEC_AQA_ASQS     0x00000FFFu
#define SPEC_AQA_ACQS     0x0FFF0000u
#define SPEC_AQA_RESERVED 0xF000F000u

/* 3.3.3: queue entries. */
#define SPEC_SQE_SHIFT 6
#define SPEC_CQE_SHIFT 4

#define SPEC_CDW0_OPCODE   0x000000FFu
#define SPEC_CDW0_FUSE     0x00000300u
#define SPEC_CDW0_RESERVED 0x00003C00u
#define SPEC_CDW0_PSDT     0x0000C000u
#define SPEC_CDW0_CID      0xFFFF0000u

enum {
    SPEC_DW_NSID = 1,
    SPEC_DW_MPTR = 4,
    SPEC_DW_PRP1 = 6,
    SPEC_DW_PRP2 = 8
};

enum {
    SPEC_PSDT_PRP,
    SPEC_PSDT_SGL,
    SPEC_PSDT_SGL_METADATA
};

/* 5: admin commands. */
enum {
    SPEC_DELETE_SQ = 0x00,
    SPEC_CREATE_SQ = 0x01,
    SPEC_GET_LOG_PAGE = 0x02,
    SPEC_DELETE_CQ = 0x04,
    SPEC_CREATE_CQ = 0x05,
    SPEC_IDENTIFY = 0x06,
    SPEC_ABORT = 0x08,
    SPEC_SET_FEATURES = 0x09,
    SPEC_GET_FEATURES = 0x0A,
    SPEC_EVENT_REQUEST = 0x0C,
    SPEC_NAMESPACE_MANAGEMENT = 0x0D,
    SPEC_NAMESPACE_ATTACHMENT = 0x15,
    SPEC_DOORBELL_BUFFER = 0x7C,
    SPEC_FORMAT = 0x80,
};

/* NVM 3: I/O commands. */
enum {
    SPEC_FLUSH = 0x00,
    SPEC_WRITE = 0x01,
    SPEC_READ = 0x02,
    SPEC_WRITE_UNCORRECTABLE = 0x04,
    SPEC_COMPARE = 0x05,
    SPEC_WRITE_ZEROES = 0x08,
    SPEC_DATASET = 0x09,
    SPEC_VERIFY = 0x0C,
    SPEC_COPY = 0x19,
};

#define SPEC_DW12_FUA (1u << 30)

/* NVM 5.2: protection information with a guard of 16 bits. */
#define SPEC_PROTECTION_SIZE 8u
#define SPEC_DPS_TYPE        0x7u
#define SPEC_DPS_FIRST       0x8u /* it is the first, not the last, of the metadata */

#define SPEC_NSID_BROADCAST 0xFFFFFFFFu

/* 5.17: Identify. */
enum {
    SPEC_CNS_NAMESPACE,
    SPEC_CNS_CONTROLLER,
    SPEC_CNS_ACTIVE,
    SPEC_CNS_DESCRIPTORS,
    SPEC_CNS_SET_NAMESPACE = 0x05, /* of an I/O command set, CSI */
    SPEC_CNS_SET_CONTROLLER,
    SPEC_CNS_SET_ACTIVE,
    SPEC_CNS_INDEPENDENT,
    SPEC_CNS_ALLOCATED = 0x10,
    SPEC_CNS_ALLOCATED_NAMESPACE,
    SPEC_CNS_ATTACHED_CONTROLLERS,
    SPEC_CNS_CONTROLLERS,
    SPEC_CNS_SET_COMBINATIONS = 0x1C
};
enum {
    SPEC_NIDT_EUI64 = 1,
    SPEC_NIDT_NGUID = 2,
    SPEC_NIDT_UUID = 3,
    SPEC_NIDT_CSI = 4
};
#define SPEC_CSI_NVM       0
#define SPEC_IDENTIFY_SIZE 4096u

/* 5.16.1: log pages. */
enum {
    SPEC_LOG_SUPPORTED,
    SPEC_LOG_ERROR,
    SPEC_LOG_HEALTH,
    SPEC_LOG_FIRMWARE,
    SPEC_LOG_CHANGED,
    SPEC_LOG_EFFECTS
};

/* 5.27.1: features. */
enum {
    SPEC_FEATURE_ARBITRATION = 0x01,
    SPEC_FEATURE_POWER = 0x02,
    SPEC_FEATURE_TEMPERATURE = 0x04,
    SPEC_FEATURE_ERROR_RECOVERY = 0x05,
    SPEC_FEATURE_WRITE_CACHE = 0x06,
    SPEC_FEATURE_QUEUES = 0x07,
    SPEC_FEATURE_COALESCING = 0x08,
    SPEC_FEATURE_VECTOR = 0x09,
    SPEC_FEATURE_ATOMICITY = 0x0A,
    SPEC_FEATURE_EVENTS = 0x0B,
    SPEC_FEATURE_TIMESTAMP = 0x0e,
    SPEC_FEATURE_HOST_BEHAVIOR = 0x16,
    SPEC_FEATURE_SET_PROFILE = 0x19
};

/* 5.2: asynchronous events. */
enum {
    SPEC_EVENT_ERROR,
    SPEC_EVENT_HEALTH,
    SPEC_EVENT_NOTICE
};
enum {
    SPEC_EVENT_RELIABILITY,
    SPEC_EVENT_TEMPERATURE,
    SPEC_EVENT_SPARE
};
#define SPEC_EVENT_NAMESPACE 0 /* a notice: an attribute has changed */
enum {
    SPEC_EVENT_INVALID_DOORBELL = 0,
    SPEC_EVENT_INVALID_DOORBELL_VALUE = 1
};

/* 4.1.2: SGL descriptors. The identifier, byte 15, is type and sub type. */
#define SPEC_SGL_SIZE 16u
enum {
    SPEC_SGL_DATA = 0x00,
    SPEC_SGL_BUCKET = 0x10,
    SPEC_SGL_SEGMENT = 0x20,
    SPEC_SGL_LAST = 0x30
};

/* 5.17.2.1: SGLS. */
#define SPEC_SGLS_SUPPORT   0x3u
#define SPEC_SGLS_THRESHOLD 0xFF00u
#define SPEC_SGLS_BUCKET    (1u << 16)
#define SPEC_SGLS_LONGER    (1u << 18)
#define SPEC_SGLS_METADATA  (1u << 19)
#define SPEC_SGLS_DWORDS    2u /* SUPPORT: addresses and lengths of whole dwords only */

/* 3.3.3.2.1: Status Field without the phase tag; repeating the command is of no use with DNR. */
#define SPEC_DNR 0x4000u
#define SPEC_CRD 0x1800u
enum {
    SPEC_SUCCESS = 0,
    SPEC_INVALID_OPCODE = 0x001 | SPEC_DNR,
    SPEC_INVALID_FIELD = 0x002 | SPEC_DNR,
    SPEC_CID_CONFLICT = 0x003 | SPEC_DNR,
    SPEC_DATA_TRANSFER_ERROR = 0x004,
    SPEC_ABORT_REQUESTED = 0x007,
    SPEC_INVALID_NAMESPACE = 0x00B | SPEC_DNR,
    SPEC_SEQUENCE_ERROR = 0x00C | SPEC_DNR,
    SPEC_SGL_SEGMENT_INVALID = 0x00D | SPEC_DNR,
    SPEC_SGL_COUNT_INVALID = 0x00E | SPEC_DNR,
    SPEC_SGL_LENGTH_INVALID = 0x00F | SPEC_DNR,
    SPEC_SGL_TYPE_INVALID = 0x011 | SPEC_DNR,
    SPEC_PRP_OFFSET_INVALID = 0x013 | SPEC_DNR,
    SPEC_SGL_GRANULARITY_INVALID = 0x01E | SPEC_DNR,
    SPEC_WRITE_PROTECTED = 0x020 | SPEC_DNR,
    SPEC_LBA_OUT_OF_RANGE = 0x080 | SPEC_DNR,
    SPEC_FORMAT_IN_PROGRESS = 0x084,

    SPEC_CQ_INVALID = 0x100 | SPEC_DNR,
    SPEC_INVALID_QUEUE_ID = 0x101 | SPEC_DNR,
    SPEC_INVALID_QUEUE_SIZE = 0x102 | SPEC_DNR,
    SPEC_ABORT_LIMIT = 0x103,
    SPEC_EVENT_LIMIT = 0x105 | SPEC_DNR,
    SPEC_INVALID_VECTOR = 0x108 | SPEC_DNR,
    SPEC_INVALID_LOG_PAGE = 0x109 | SPEC_DNR,
    SPEC_INVALID_FORMAT = 0x10A | SPEC_DNR,
    SPEC_INVALID_QUEUE_DELETION = 0x10C | SPEC_DNR,
    SPEC_FEATURE_NOT_SAVEABLE = 0x10D | SPEC_DNR,
    SPEC_FEATURE_NOT_BY_NAMESPACE = 0x10F | SPEC_DNR,
    SPEC_INSUFFICIENT_CAPACITY = 0x115 | SPEC_DNR,
    SPEC_ALREADY_ATTACHED = 0x118 | SPEC_DNR,
    SPEC_NOT_ATTACHED = 0x11A | SPEC_DNR,
    SPEC_NO_THIN_PROVISIONING = 0x11B | SPEC_DNR,
    SPEC_CONTROLLER_LIST_INVALID = 0x11C | SPEC_DNR,
    SPEC_COMMAND_SET_NOT_SUPPORTED = 0x129 | SPEC_DNR,
    SPEC_SIZE_LIMIT = 0x183 | SPEC_DNR,

    SPEC_INVALID_PROTECTION = 0x181 | SPEC_DNR,
    SPEC_WRITE_FAULT = 0x280,
    SPEC_UNRECOVERED_READ = 0x281,
    SPEC_GUARD_CHECK = 0x282,
    SPEC_APPLICATION_TAG_CHECK = 0x283,
    SPEC_REFERENCE_TAG_CHECK = 0x284,
    SPEC_COMPARE_FAILURE = 0x285 | SPEC_DNR,
};

#endif
