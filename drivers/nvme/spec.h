/*
 * What the NVMe specifications define, and nothing of this driver: registers,
 * commands, completions, data structures. "Base" is the NVM Express Base
 * Specification 2.0, "NVM" the NVM Command Set Specification 1.0, "PCIe" the
 * NVMe over PCIe Transport Specification 1.0. All values are little-endian,
 * as is every processor this driver supports (asserted below).
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

/* Base 3.1.3.1, figure 36 */
#define NVME_CAP_MQES   0x000000000000ffffULL /* entries per queue, 0's based */
#define NVME_CAP_CQR    0x0000000000010000ULL /* queues must be contiguous */
#define NVME_CAP_TO     0x00000000ff000000ULL /* units of 500 ms */
#define NVME_CAP_DSTRD  0x0000000f00000000ULL /* doorbell stride is 4 << DSTRD bytes */
#define NVME_CAP_NSSRS  0x0000001000000000ULL
#define NVME_CAP_CSS    0x00001fe000000000ULL
#define NVME_CAP_MPSMIN 0x000f000000000000ULL /* page is 4 KiB << MPSMIN at least */
#define NVME_CAP_MPSMAX 0x00f0000000000000ULL

#define NVME_CAP_CSS_NVM     0x01u /* bit 37: NVM command set */
#define NVME_CAP_CSS_SETS    0x40u /* bit 43: command sets by Identify CNS 1Ch */
#define NVME_CAP_CSS_NOTHING 0x80u /* bit 44: no I/O command set at all */

#define NVME_CAP_TO_UNIT_MS 500u

/* Base 3.1.3.5, figure 46 */
#define NVME_CC_EN     0x00000001u
#define NVME_CC_CSS    0x00000070u
#define NVME_CC_MPS    0x00000780u
#define NVME_CC_AMS    0x00003800u
#define NVME_CC_SHN    0x0000c000u
#define NVME_CC_IOSQES 0x000f0000u
#define NVME_CC_IOCQES 0x00f00000u

#define NVME_CC_CSS_NVM    0u
#define NVME_CC_SHN_NORMAL 1u

/* Base 3.1.3.6, figure 47 */
#define NVME_CSTS_RDY  0x00000001u
#define NVME_CSTS_CFS  0x00000002u
#define NVME_CSTS_SHST 0x0000000cu

#define NVME_CSTS_SHST_COMPLETE 2u

/* Base 3.1.3.8, figure 49: both 0's based, at most 4096 entries */
#define NVME_AQA_ASQS 0x00000fffu
#define NVME_AQA_ACQS 0x0fff0000u

/* PCIe 3.1.1: SQ y tail at 1000h + 2y * stride, CQ y head one stride behind it */
#define NVME_DOORBELLS 0x1000u

/* What a register reads as when there is no device behind it any more. */
#define NVME_REGISTER_GONE 0xffffffffu

/* ---- Submission queue entry: Base 3.3.3.1, figure 86 ff. ------------------------------------ */

struct nvme_command {
    uint8_t opcode;
    uint8_t flags; /* bits 7:6 PSDT: 0 for PRP */
    uint16_t cid;
    uint32_t nsid;
    uint32_t cdw2;
    uint32_t cdw3;
    uint64_t mptr;
    uint64_t prp1;
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
};

/* NVM opcodes: NVM figure 13 */
enum nvme_io_opcode {
    NVME_IO_FLUSH = 0x00,
    NVME_IO_WRITE = 0x01,
    NVME_IO_READ = 0x02,
};

/* Identify: Base 5.17, figure 273 */
#define NVME_IDENTIFY_NAMESPACE   0x00u
#define NVME_IDENTIFY_CONTROLLER  0x01u
#define NVME_IDENTIFY_ACTIVE_LIST 0x02u

#define NVME_IDENTIFY_SIZE     4096u
#define NVME_ACTIVE_LIST_IDS   1024u
#define NVME_NSID_HIGHEST_LIST 0xfffffffdu /* highest NSID that CNS 02h may be asked from */

/* Create I/O Completion Queue: Base 5.4, figures 155 and 156 */
#define NVME_CQ_CDW10_QID   0x0000ffffu
#define NVME_CQ_CDW10_QSIZE 0xffff0000u /* 0's based */
#define NVME_CQ_CDW11_PC    0x00000001u /* physically contiguous */
#define NVME_CQ_CDW11_IEN   0x00000002u /* interrupts enabled */
#define NVME_CQ_CDW11_IV    0xffff0000u /* interrupt vector */

/* Create I/O Submission Queue: Base 5.5, figures 160 and 161 */
#define NVME_SQ_CDW10_QID   0x0000ffffu
#define NVME_SQ_CDW10_QSIZE 0xffff0000u
#define NVME_SQ_CDW11_PC    0x00000001u
#define NVME_SQ_CDW11_CQID  0xffff0000u

/* Number of Queues: Base 5.27.1.5; counts are 0's based, FFFFh is not allowed */
#define NVME_FEATURE_QUEUES 0x07u
#define NVME_QUEUES_SQ      0x0000ffffu
#define NVME_QUEUES_CQ      0xffff0000u
#define NVME_QUEUES_MOST    0xfffeu

/* Read and Write, command dword 12: NVM 3.2.4 and 3.2.6 */
#define NVME_RW_CDW12_NLB 0x0000ffffu /* 0's based */
#define NVME_RW_CDW12_FUA 0x40000000u

#define NVME_RW_BLOCKS_MOST 0x10000u

/* ---- Completion queue entry: Base 3.3.3.2, figure 89 ff. ---------------------------------- */

struct nvme_completion {
    uint32_t dw0;
    uint32_t dw1;
    uint16_t sq_head;
    uint16_t sq_id;
    uint16_t cid;
    uint16_t status; /* bit 0: phase tag */
};
_Static_assert(sizeof(struct nvme_completion) == 16, "CQE, Base figure 89");
_Static_assert(offsetof(struct nvme_completion, status) == 14, "Base figure 91");

#define NVME_CQES 4

#define NVME_CQE_PHASE 0x0001u

/* The status field without the phase tag, i.e. shifted right by one: Base 3.3.3.2.1, figure 92 */
#define NVME_STATUS_SC   0x00ffu
#define NVME_STATUS_SCT  0x0700u
#define NVME_STATUS_CRD  0x1800u
#define NVME_STATUS_MORE 0x2000u
#define NVME_STATUS_DNR  0x4000u

/* ---- Identify Controller data: Base figure 275 -------------------------------------------- */

struct nvme_power_state {
    uint16_t max_power;
    uint8_t reserved2;
    uint8_t flags;
    uint32_t entry_latency;
    uint32_t exit_latency;
    uint8_t relative_read_throughput;
    uint8_t relative_read_latency;
    uint8_t relative_write_throughput;
    uint8_t relative_write_latency;
    uint16_t idle_power;
    uint8_t idle_scale;
    uint8_t reserved19;
    uint16_t active_power;
    uint8_t active_workload_scale;
    uint8_t reserved23[9];
};
_Static_assert(sizeof(struct nvme_power_state) == 32, "Base figure 276");

struct nvme_identify_controller {
    uint16_t vid;
    uint16_t ssvid;
    char sn[20]; /* ASCII, padded with blanks, no NUL */
    char mn[40];
    char fr[8];
    uint8_t rab;
    uint8_t ieee[3];
    uint8_t cmic;
    uint8_t mdts; /* largest transfer is CAP.MPSMIN pages << MDTS; 0: no limit */
    uint16_t cntlid;
    uint32_t ver;
    uint32_t rtd3r;
    uint32_t rtd3e; /* microseconds to enter power-off; 0: not told */
    uint32_t oaes;
    uint32_t ctratt;
    uint16_t rrls;
    uint8_t reserved102[9];
    uint8_t cntrltype;
    uint8_t fguid[16];
    uint16_t crdt1;
    uint16_t crdt2;
    uint16_t crdt3;
    uint8_t reserved134[119];
    uint8_t nvmsr;
    uint8_t vwci;
    uint8_t mec;
    uint16_t oacs;
    uint8_t acl;
    uint8_t aerl;
    uint8_t frmw;
    uint8_t lpa;
    uint8_t elpe;
    uint8_t npss;
    uint8_t avscc;
    uint8_t apsta;
    uint16_t wctemp;
    uint16_t cctemp;
    uint16_t mtfa;
    uint32_t hmpre;
    uint32_t hmmin;
    uint8_t tnvmcap[16];
    uint8_t unvmcap[16];
    uint32_t rpmbs;
    uint16_t edstt;
    uint8_t dsto;
    uint8_t fwug;
    uint16_t kas;
    uint16_t hctma;
    uint16_t mntmt;
    uint16_t mxtmt;
    uint32_t sanicap;
    uint32_t hmminds;
    uint16_t hmmaxd;
    uint16_t nsetidmax;
    uint16_t endgidmax;
    uint8_t anatt;
    uint8_t anacap;
    uint32_t anagrpmax;
    uint32_t nanagrpid;
    uint32_t pels;
    uint16_t domain_id;
    uint8_t reserved358[10];
    uint8_t megcap[16];
    uint8_t reserved384[128];
    uint8_t sqes; /* bits 3:0 smallest, 7:4 largest, log2 */
    uint8_t cqes;
    uint16_t maxcmd;
    uint32_t nn;
    uint16_t oncs;
    uint16_t fuses;
    uint8_t fna;
    uint8_t vwc; /* bit 0: a volatile write cache is present */
    uint16_t awun;
    uint16_t awupf;
    uint8_t icsvscc;
    uint8_t nwpc;
    uint16_t acwu;
    uint16_t cdfs;
    uint32_t sgls;
    uint32_t mnan;
    uint8_t maxdna[16];
    uint32_t maxcna;
    uint8_t reserved564[204];
    char subnqn[256];
    uint8_t reserved1024[768];
    uint8_t fabrics[256];
    struct nvme_power_state psd[32];
    uint8_t vendor[1024];
};
_Static_assert(sizeof(struct nvme_identify_controller) == 4096, "Base figure 275");
_Static_assert(offsetof(struct nvme_identify_controller, mdts) == 77, "Base figure 275");
_Static_assert(offsetof(struct nvme_identify_controller, oacs) == 256, "Base figure 275");
_Static_assert(offsetof(struct nvme_identify_controller, sqes) == 512, "Base figure 275");
_Static_assert(offsetof(struct nvme_identify_controller, vwc) == 525, "Base figure 275");
_Static_assert(offsetof(struct nvme_identify_controller, subnqn) == 768, "Base figure 275");
_Static_assert(offsetof(struct nvme_identify_controller, psd) == 2048, "Base figure 275");

#define NVME_VWC_PRESENT 0x01u

/* ---- Identify Namespace data, NVM command set: NVM figure 97 -------------------------------- */

struct nvme_lba_format {
    uint16_t metadata_size; /* bytes for each LBA */
    uint8_t data_size;      /* log2 of the LBA's size; 0: format not available */
    uint8_t performance;
};
_Static_assert(sizeof(struct nvme_lba_format) == 4, "NVM figure 98");

struct nvme_identify_namespace {
    uint64_t nsze; /* size in LBAs */
    uint64_t ncap;
    uint64_t nuse;
    uint8_t nsfeat;
    uint8_t nlbaf; /* 0's based */
    uint8_t flbas;
    uint8_t mc;
    uint8_t dpc;
    uint8_t dps;
    uint8_t nmic;
    uint8_t rescap;
    uint8_t fpi;
    uint8_t dlfeat;
    uint16_t nawun;
    uint16_t nawupf;
    uint16_t nacwu;
    uint16_t nabsn;
    uint16_t nabo;
    uint16_t nabspf;
    uint16_t noiob;
    uint8_t nvmcap[16];
    uint16_t npwg;
    uint16_t npwa;
    uint16_t npdg;
    uint16_t npda;
    uint16_t nows;
    uint16_t mssrl;
    uint32_t mcl;
    uint8_t msrc;
    uint8_t reserved81[11];
    uint32_t anagrpid;
    uint8_t reserved96[3];
    uint8_t nsattr; /* bit 0: write protected */
    uint16_t nvmsetid;
    uint16_t endgid;
    uint8_t nguid[16];
    uint8_t eui64[8];
    struct nvme_lba_format lbaf[64];
    uint8_t vendor[3712];
};
_Static_assert(sizeof(struct nvme_identify_namespace) == 4096, "NVM figure 97");
_Static_assert(offsetof(struct nvme_identify_namespace, nsattr) == 99, "NVM figure 97");
_Static_assert(offsetof(struct nvme_identify_namespace, nguid) == 104, "NVM figure 97");
_Static_assert(offsetof(struct nvme_identify_namespace, lbaf) == 128, "NVM figure 97");

#define NVME_FLBAS_LOW           0x0fu /* bits 3:0 of the format's index */
#define NVME_FLBAS_HIGH          0x60u /* bits 5:4 of it, where there are more than 16 formats */
#define NVME_NSATTR_WRITE_LOCKED 0x01u

#endif
