/*
 * The data structures of the NVMe specifications: what Identify and Get Log
 * Page answer. Included by spec.h, which has the commands.
 */
#ifndef NVME_SPEC_DATA_H
#define NVME_SPEC_DATA_H

#include <stddef.h>
#include <stdint.h>

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

#define NVME_CTRATT_FORMATS 0x00008000u /* extended LBA formats: Identify tells more of each */

/* OACS, optional admin commands; ONCS, optional NVM commands */
#define NVME_OACS_FORMAT              0x0002u
#define NVME_OACS_NAMESPACES          0x0008u
#define NVME_OACS_DOORBELL_BUFFER     0x0100u
#define NVME_ONCS_COMPARE             0x0001u
#define NVME_ONCS_WRITE_UNCORRECTABLE 0x0002u
#define NVME_ONCS_DATASET             0x0004u
#define NVME_ONCS_WRITE_ZEROES        0x0008u
#define NVME_ONCS_TIMESTAMP           0x0040u
#define NVME_ONCS_VERIFY              0x0080u
#define NVME_ONCS_COPY                0x0100u

#define NVME_LPA_EXTENDED 0x04u /* log pages have offsets, and lengths above 16 KiB */

/* OAES has the bits of NVME_EVENTS_NAMESPACES and NVME_EVENTS_FIRMWARE */

#define NVME_SGLS_SUPPORT     0x00000003u
#define NVME_SGLS_BYTES       1u          /* SUPPORT: any address and length */
#define NVME_SGLS_DWORDS      2u          /* whole dwords only */
#define NVME_SGLS_DESCRIPTORS 0x0000ff00u /* of one command at most; 0: not told */

/* ---- Identify Controller data of the NVM command set: NVM figure 102 ------------------------ */

struct nvme_identify_nvm {
    uint8_t vsl;    /* largest Verify is CAP.MPSMIN pages << VSL; 0: no limit */
    uint8_t wzsl;   /* Write Zeroes, the same */
    uint8_t wusl;   /* Write Uncorrectable, the same */
    uint8_t dmrl;   /* Dataset Management: ranges */
    uint32_t dmrsl; /* blocks of one range */
    uint64_t dmsl;  /* blocks of all ranges */
    uint8_t reserved16[4080];
};
_Static_assert(sizeof(struct nvme_identify_nvm) == 4096, "NVM figure 102");
_Static_assert(offsetof(struct nvme_identify_nvm, dmsl) == 8, "NVM figure 102");

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
#define NVME_FLBAS_INTERLEAVED   0x10u /* metadata comes behind the data of each block */
#define NVME_DPS_TYPE            0x07u /* of protection information; 0: none */
#define NVME_NSATTR_WRITE_LOCKED 0x01u

/* ---- The same of the NVM command set alone: NVM figure 100 ---------------------------------- */

struct nvme_identify_namespace_nvm {
    uint64_t lbstm;
    uint8_t pic;
    uint8_t reserved9[3];
    uint32_t elbaf[64]; /* of each format; 0: guards of 16 bits, and no storage tag */
    uint8_t reserved268[3828];
};
_Static_assert(sizeof(struct nvme_identify_namespace_nvm) == 4096, "NVM figure 100");
_Static_assert(offsetof(struct nvme_identify_namespace_nvm, elbaf) == 12, "NVM figure 100");

/* ---- Namespace Identification Descriptors: Base 5.17.2.3, figure 277 ------------------------ */

struct nvme_descriptor {
    uint8_t type;   /* enum nvme_descriptor_type */
    uint8_t length; /* of what follows, bytes; 0: the end */
    uint16_t reserved2;
};
_Static_assert(sizeof(struct nvme_descriptor) == 4, "Base figure 277");

enum nvme_descriptor_type {
    NVME_DESCRIPTOR_EUI64 = 1, /* 8 bytes */
    NVME_DESCRIPTOR_NGUID = 2, /* 16 */
    NVME_DESCRIPTOR_UUID = 3,  /* 16 */
    NVME_DESCRIPTOR_CSI = 4,   /* 1: the I/O command set */
};

#define NVME_CSI_NVM   0u
#define NVME_CSI_ZONED 2u

/* ---- Zoned namespaces: ZNS 1.1, section 4.1.5 for Identify, 3.4.2 for reports -----------------
 */

struct nvme_identify_zoned_controller {
    uint8_t zasl; /* largest Zone Append is CAP.MPSMIN pages << ZASL; 0: MDTS is the limit */
    uint8_t reserved1[4095];
};
_Static_assert(sizeof(struct nvme_identify_zoned_controller) == 4096, "ZNS 4.1.5.2");

struct nvme_lba_format_extension {
    uint64_t zone_size;     /* in LBAs */
    uint8_t extension_size; /* of a zone's descriptor, in units of 64 bytes */
    uint8_t reserved9[7];
};
_Static_assert(sizeof(struct nvme_lba_format_extension) == 16, "ZNS 4.1.5.1");

struct nvme_identify_zoned_namespace {
    uint16_t zoc;
    uint16_t ozcs;
    uint32_t mar; /* active zones, 0's based; FFFFFFFFh: no limit */
    uint32_t mor; /* open zones, the same */
    uint32_t rrl;
    uint32_t frl;
    uint32_t rrl1;
    uint32_t rrl2;
    uint32_t rrl3;
    uint32_t frl1;
    uint32_t frl2;
    uint32_t frl3;
    uint32_t numzrwa;
    uint16_t zrwafg;
    uint16_t zrwasz;
    uint8_t zrwacap;
    uint8_t reserved53[2763];
    struct nvme_lba_format_extension lbafe[64];
    uint8_t vendor[256];
};
_Static_assert(sizeof(struct nvme_identify_zoned_namespace) == 4096, "ZNS 4.1.5.1");
_Static_assert(offsetof(struct nvme_identify_zoned_namespace, numzrwa) == 44, "ZNS 4.1.5.1");
_Static_assert(offsetof(struct nvme_identify_zoned_namespace, lbafe) == 2816, "ZNS 4.1.5.1");

struct nvme_zone {
    uint8_t type;  /* bits 3:0; 2: sequential write required */
    uint8_t state; /* bits 7:4, enum nvme_zone_state */
    uint8_t attributes;
    uint8_t information;
    uint8_t reserved4[4];
    uint64_t capacity; /* in LBAs */
    uint64_t start;
    uint64_t write_pointer; /* of no meaning where the state has none */
    uint8_t reserved32[32];
};
_Static_assert(sizeof(struct nvme_zone) == 64, "ZNS 3.4.2.2.3");
_Static_assert(offsetof(struct nvme_zone, write_pointer) == 24, "ZNS 3.4.2.2.3");

struct nvme_zone_report {
    uint64_t zones; /* how many follow, or would */
    uint8_t reserved8[56];
    struct nvme_zone zone[];
};
_Static_assert(sizeof(struct nvme_zone_report) == 64, "ZNS 3.4.2.2.1");

#define NVME_ZONE_EXTENSION_VALID 0x80u /* of its attributes */

#define NVME_ZONE_TYPE  0x0fu
#define NVME_ZONE_STATE 0xf0u

enum nvme_zone_state {
    NVME_ZONE_EMPTY = 0x1,
    NVME_ZONE_IMPLICITLY_OPEN = 0x2,
    NVME_ZONE_EXPLICITLY_OPEN = 0x3,
    NVME_ZONE_CLOSED = 0x4,
    NVME_ZONE_READ_ONLY = 0xd,
    NVME_ZONE_FULL = 0xe,
    NVME_ZONE_GONE_OFFLINE = 0xf,
};

struct nvme_changed_zones_log {
    uint16_t count; /* FFFFh: more than fit */
    uint8_t reserved2[6];
    uint64_t starts[511];
};
_Static_assert(sizeof(struct nvme_changed_zones_log) == 4096, "ZNS 4.1.1.1");

/* Namespace Attachment's list of controllers: Base 4.4.1 */
struct nvme_controller_list {
    uint16_t count;
    uint16_t ids[2047];
};
_Static_assert(sizeof(struct nvme_controller_list) == 4096, "controller list, Base 4.4.1");

/* ---- Log pages: Base 5.16.1 ------------------------------------------------------------------ */

struct nvme_error_entry {
    uint64_t count; /* 0: no entry */
    uint16_t sq_id;
    uint16_t cid;
    uint16_t status; /* bit 0: phase tag */
    uint16_t parameter;
    uint64_t lba;
    uint32_t nsid;
    uint8_t vendor_log;
    uint8_t transport;
    uint8_t reserved30[2];
    uint64_t specific;
    uint16_t transport_specific;
    uint8_t reserved42[22];
};
_Static_assert(sizeof(struct nvme_error_entry) == 64, "Base figure 206");
_Static_assert(offsetof(struct nvme_error_entry, lba) == 16, "Base figure 206");

struct nvme_health_log {
    uint8_t critical;       /* NVME_CRITICAL_* */
    uint8_t temperature[2]; /* kelvin */
    uint8_t spare;          /* percent, as the next two */
    uint8_t spare_threshold;
    uint8_t used;
    uint8_t endurance_critical;
    uint8_t reserved7[25];
    uint8_t data_read[16]; /* thousands of 512 bytes; 128 bits, as all that follow */
    uint8_t data_written[16];
    uint8_t host_reads[16];
    uint8_t host_writes[16];
    uint8_t busy_minutes[16];
    uint8_t power_cycles[16];
    uint8_t power_on_hours[16];
    uint8_t unsafe_shutdowns[16];
    uint8_t media_errors[16];
    uint8_t error_entries[16];
    uint32_t warning_minutes;
    uint32_t critical_minutes;
    uint16_t sensors[8]; /* kelvin; 0: none */
    uint32_t throttle_count[2];
    uint32_t throttle_seconds[2];
    uint8_t reserved232[280];
};
_Static_assert(sizeof(struct nvme_health_log) == 512, "Base figure 207");
_Static_assert(offsetof(struct nvme_health_log, data_read) == 32, "Base figure 207");
_Static_assert(offsetof(struct nvme_health_log, sensors) == 200, "Base figure 207");

#define NVME_CRITICAL_SPARE       0x01u
#define NVME_CRITICAL_TEMPERATURE 0x02u
#define NVME_CRITICAL_RELIABILITY 0x04u
#define NVME_CRITICAL_READ_ONLY   0x08u
#define NVME_CRITICAL_BACKUP      0x10u
#define NVME_CRITICAL_PMR         0x20u

struct nvme_firmware_log {
    uint8_t active; /* bits 2:0 this slot, 6:4 the next one */
    uint8_t reserved1[7];
    char revisions[7][8];
    uint8_t reserved64[448];
};
_Static_assert(sizeof(struct nvme_firmware_log) == 512, "Base figure 209");

struct nvme_changed_log {
    uint32_t ids[1024]; /* ended by 0; FFFFFFFFh first: more than fit */
};
_Static_assert(sizeof(struct nvme_changed_log) == 4096, "Base 5.16.1.5");

struct nvme_effects_log {
    uint32_t admin[256]; /* by opcode, NVME_EFFECT_* */
    uint32_t io[256];
    uint8_t reserved2048[2048];
};
_Static_assert(sizeof(struct nvme_effects_log) == 4096, "Base figure 210");

#define NVME_EFFECT_SUPPORTED  0x00000001u
#define NVME_EFFECT_DATA       0x00000002u /* changes what blocks contain */
#define NVME_EFFECT_NAMESPACE  0x00000004u /* changes what a namespace can do */
#define NVME_EFFECT_INVENTORY  0x00000008u /* changes which namespaces there are */
#define NVME_EFFECT_CONTROLLER 0x00000010u

#endif
