/*
 * A software NVMe controller that takes nothing for granted. It sees registers,
 * doorbells and bus addresses and nothing else; whatever rule of the
 * specification the host breaks is reported, in words. It works only when it is
 * polled and knows only the clock that it is given, so that a test decides when
 * things happen and a long time-out takes no time.
 *
 * Nothing here is reentrant: one caller at a time.
 */
#ifndef NVMEVIRT_NVMEVIRT_H
#define NVMEVIRT_NVMEVIRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the controller asks of its surroundings. All are required, except where it says so. */
struct nvmevirt_environment {
    void *context;

    /*
     * The memory behind `length` bytes at bus address `bus`, which stay valid until the next
     * entry into the controller; `write`: the controller is about to write them. NULL: the host
     * did not grant this access. The range lies within one memory page, but for whole queues,
     * which are asked for once when they are created.
     */
    void *(*dma)(void *context, uint64_t bus, size_t length, bool write);

    /* MSI-X message `vector`; without MSI-X, the pin is asserted (repeated on every poll). */
    void (*interrupt)(void *context, unsigned vector);

    uint64_t (*now_ns)(void *context);

    /* The host broke a rule. `text` is one line without a line feed, gone after the call. */
    void (*violation)(void *context, const char *text);

    /* Zeroed memory, NULL if there is none; only called from nvmevirt_init(). */
    void *(*allocate)(void *context, size_t size);
    void (*free)(void *context, void *memory);

    /* Optional: may change the 4096 bytes of any Identify answer before they are sent. */
    void (*identify)(void *context, uint8_t cns, uint32_t nsid, uint8_t *data);

    /* Optional: the same for the `size` bytes of a log page. */
    void (*log)(void *context, uint8_t page, uint32_t nsid, uint8_t *data, size_t size);
};

struct nvmevirt_namespace {
    uint32_t nsid;
    uint32_t block_size; /* bytes, a power of two, 512 to 65536 */
    uint64_t blocks;

    /*
     * The blocks from `backed_first` on have memory, `backed_count` of them (0: all up to the
     * end). Others read as zeros, and writing them ends in Write Fault. `memory` NULL: allocated.
     */
    void *memory;
    uint64_t backed_first;
    uint64_t backed_count;

    /* All zeros: not reported. */
    uint8_t eui64[8];
    uint8_t nguid[16];
    uint8_t uuid[16];

    /*
     * The LBA formats that Format NVM may switch to, as powers of two, ended by 0; `block_size`
     * is among them, and `backed_first` and `backed_count` are whole blocks in each. None: only
     * `block_size`.
     */
    uint8_t formats[16];
    uint16_t format_metadata[16]; /* bytes per block in each of them */

    /*
     * Metadata at first: bytes per block, as one of `formats` has them beside `block_size`; with
     * `interleaved` behind the data of each block. `protection` is DPS of the specification, for
     * which it takes eight bytes. Blocks without memory have zeros, as unprotected.
     */
    uint16_t metadata_size;
    bool interleaved;
    uint8_t protection;

    /* Zones of so many blocks, without a rest; 0: not a zoned namespace. It has one format, and the
     * controller has to offer command sets (css). */
    uint64_t zone_blocks;
    uint64_t zone_capacity; /* blocks that can be written; 0: all */
    uint32_t max_open;      /* 0: no limit, as for the next */
    uint32_t max_active;

    bool read_only;
    bool detached;    /* at first: allocated, not active */
    bool unallocated; /* at first: only its memory is there, for Namespace Management */
};

/* Optional commands and abilities, as the bits of `oncs`, `oacs`, `oaes`, `lpa` and `sgls`. */
enum {
    NVMEVIRT_ONCS_COMPARE = 1 << 0,
    NVMEVIRT_ONCS_WRITE_UNCORRECTABLE = 1 << 1,
    NVMEVIRT_ONCS_DATASET = 1 << 2,
    NVMEVIRT_ONCS_WRITE_ZEROES = 1 << 3,
    NVMEVIRT_ONCS_SAVE_SELECT = 1 << 4, /* of features */
    NVMEVIRT_ONCS_TIMESTAMP = 1 << 6,
    NVMEVIRT_ONCS_VERIFY = 1 << 7,
    NVMEVIRT_ONCS_COPY = 1 << 8,

    NVMEVIRT_OACS_FORMAT = 1 << 1,
    NVMEVIRT_OACS_NAMESPACES = 1 << 3, /* Namespace Management and Attachment */
    NVMEVIRT_OACS_DOORBELL_BUFFER = 1 << 8,

    NVMEVIRT_OAES_NAMESPACES = 1 << 8, /* a notice when they change, and log page 04h */

    NVMEVIRT_LPA_NAMESPACE_HEALTH = 1 << 0,
    NVMEVIRT_LPA_EFFECTS = 1 << 1,
    NVMEVIRT_LPA_EXTENDED = 1 << 2, /* offsets, and lengths above 16 KiB */

    NVMEVIRT_SGLS_BYTES = 1,  /* any address and length */
    NVMEVIRT_SGLS_DWORDS = 2, /* whole dwords only */
    NVMEVIRT_SGLS_BIT_BUCKET = 1 << 16,
    NVMEVIRT_SGLS_LONGER = 1 << 18,   /* than the data */
    NVMEVIRT_SGLS_METADATA = 1 << 19, /* PSDT 10b */
};

/* Kinds of commands that take their time, each another. */
enum nvmevirt_class {
    NVMEVIRT_CLASS_ADMIN, /* but for Asynchronous Event Request */
    NVMEVIRT_CLASS_READ,  /* Read, Compare, Verify */
    NVMEVIRT_CLASS_WRITE, /* Write, Write Zeroes, Write Uncorrectable, Copy */
    NVMEVIRT_CLASS_FLUSH,
    NVMEVIRT_CLASS_DATASET,
    NVMEVIRT_CLASSES
};

enum nvmevirt_order {
    NVMEVIRT_IN_ORDER, /* of fetching, round robin over the queues */
    NVMEVIRT_REVERSED, /* all that is ready in one poll, last first */
    NVMEVIRT_SHUFFLED, /* by `seed` */
};

struct nvmevirt_config {
    /* CAP, each field in the specification's encoding. */
    uint16_t mqes; /* 0's based */
    bool cqr;      /* queues must be physically contiguous */
    uint8_t to;    /* 500 ms */
    uint8_t dstrd;
    uint8_t css;
    uint8_t mpsmin;
    uint8_t mpsmax;
    uint32_t version; /* VS */

    uint8_t mdts; /* as in Identify: power of two of the minimum page size; 0: no limit */
    uint16_t queue_pairs;
    uint16_t vectors; /* of MSI-X; 0: pin interrupt */
    bool vwc;
    uint8_t abort_limit; /* ACL, 0's based */
    uint8_t event_limit; /* AERL, 0's based */
    bool abort_never;    /* Abort always answers "not aborted" */
    const char *serial;
    const char *model;
    const char *firmware;

    /* Identify, in the specification's encoding. What is not claimed is refused. */
    uint16_t oncs;
    uint16_t oacs;
    uint32_t oaes;
    uint8_t lpa;
    uint32_t sgls; /* bits 15:8: descriptors of one command, more are a violation */
    uint8_t fna;
    uint16_t cntlid;
    uint8_t npss;            /* power states, 0's based */
    uint8_t vsl, wzsl, wusl; /* Verify, Write Zeroes, Write Uncorrectable: like mdts */
    uint8_t dmrl;            /* Dataset Management: ranges; 0: no limit, as for the next two */
    uint32_t dmrsl;          /* blocks of one range */
    uint64_t dmsl;           /* blocks of all ranges */
    uint8_t zasl;            /* Zone Append: like mdts */
    uint16_t mssrl;          /* Copy: blocks of one range */
    uint32_t mcl;            /* blocks of all ranges */
    uint8_t msrc;            /* ranges, 0's based */
    uint16_t crdt[3];        /* Command Retry Delay Times, 100 ms; any: Host Behavior Support */
    uint32_t event_config;   /* the default of Asynchronous Event Configuration */

    uint64_t ready_ns;                     /* from CC.EN set to CSTS.RDY set */
    uint64_t disable_ns;                   /* from CC.EN cleared to CSTS.RDY cleared */
    uint64_t shutdown_ns;                  /* from CC.SHN to CSTS.SHST complete */
    uint64_t format_ns;                    /* from Format NVM to its completion */
    uint64_t latency_ns[NVMEVIRT_CLASSES]; /* from fetching to executing */
    uint16_t commands;                     /* I/O commands worked on at once, at least 1 */
    enum nvmevirt_order order;
    uint64_t seed;

    const struct nvmevirt_namespace *namespaces; /* in ascending order of nsid; copied */
    uint32_t namespace_count;
};

enum nvmevirt_fault_kind {
    /* To one command. Several may meet on the same one. */
    NVMEVIRT_DROP,       /* executed, its completion is lost for ever; Abort finds nothing */
    NVMEVIRT_DELAY,      /* executed `argument` ns after fetching; Abort finds it until then */
    NVMEVIRT_STATUS,     /* not executed, ends in status `argument` (NVMEVIRT_STATUS_FIELD) */
    NVMEVIRT_DUPLICATE,  /* the completion is posted twice */
    NVMEVIRT_WRONG_CID,  /* completes as command identifier `argument` */
    NVMEVIRT_WRONG_SQID, /* completes as of submission queue `argument` */
    NVMEVIRT_TORN,       /* phase tag first; the rest of the entry `argument` ns later, at a poll */
    NVMEVIRT_NO_INTERRUPT, /* the completion is posted without its interrupt */
    NVMEVIRT_RESULT,       /* dword 0 of the completion is `argument` */

    /* To the controller: when the command is fetched, or at once by nvmevirt_inject(). */
    NVMEVIRT_FATAL,          /* CSTS.CFS, all work stops until reset */
    NVMEVIRT_RDY_STUCK_LOW,  /* the next `argument` enables (0: all) never reach RDY = 1 */
    NVMEVIRT_RDY_STUCK_HIGH, /* the next `argument` disables (0: all) never reach RDY = 0 */
    NVMEVIRT_REMOVED,        /* every register reads as ones, nothing else happens any more */
    NVMEVIRT_MUTE,           /* no interrupt is raised any more, not even a pending bit */
    NVMEVIRT_PAUSE, /* CSTS.PP, nothing is fetched or ends, for `argument` ns or to a reset */
};

#define NVMEVIRT_ANY   0xFFFF     /* queue, opcode: each */
#define NVMEVIRT_NEVER UINT64_MAX /* argument of NVMEVIRT_DELAY: hangs until aborted or reset */

/* The Status Field of a completion without the phase tag: SC 7:0, SCT 10:8, DNR 14. */
#define NVMEVIRT_STATUS_FIELD(sct, sc, dnr) \
    ((uint16_t)(((dnr) ? 0x4000u : 0u) | (((sct)&7u) << 8) | ((sc)&0xFFu)))

/* Added to it: Command Retry Delay 1 to 3. With `crdt` it is seen only by a host with ACRE set. */
#define NVMEVIRT_CRD(n) ((uint16_t)(((n)&3u) << 11))

/* Meets commands of `queue` with `opcode`: the `nth` of them (from 1), or with 0 every one. */
struct nvmevirt_fault {
    uint16_t queue;
    uint16_t opcode;
    uint32_t nth;
    enum nvmevirt_fault_kind kind;
    uint64_t argument;
    uint32_t seen; /* commands that matched so far: start with 0 */
};

struct nvmevirt_sq {
    bool exists;
    bool contiguous;
    uint16_t cqid;
    uint32_t size; /* entries */
    uint32_t head;
    uint32_t tail;
    uint32_t reported; /* the head that the host knows of */
    uint64_t base;
    uint32_t *busy; /* a bit for each command identifier */
    bool awake;     /* its shadow doorbell is looked at without a write to the real one */
};

struct nvmevirt_cq {
    bool exists;
    bool contiguous;
    bool interrupts;
    bool announce; /* posted since the last interrupt */
    bool asked;    /* by EventIdx for its real doorbell: full until that comes */
    uint8_t phase;
    uint16_t vector;
    uint32_t size; /* entries */
    uint32_t head;
    uint32_t tail;
    uint64_t base;
};

struct nvmevirt_error {
    uint64_t count;
    uint16_t sqid;
    uint16_t cid;
    uint16_t status;
    uint32_t nsid;
    uint64_t lba;
};

#define NVMEVIRT_ERRORS 8
#define NVMEVIRT_EVENTS 8

/* How much of what was done: for tests to look at. */
struct nvmevirt_counters {
    uint64_t violations;
    uint64_t fetched;
    uint64_t posted;
    uint64_t interrupts;
    uint64_t sq_doorbells;
    uint64_t cq_doorbells;
    uint64_t resets;
    uint64_t reads;
    uint64_t writes;
    uint64_t flushes;
    uint64_t bytes_read;
    uint64_t bytes_written;
    uint64_t fua;    /* reads, writes and copies with Force Unit Access */
    uint64_t sgl;    /* commands with SGLs */
    uint64_t shadow; /* values taken from shadow doorbells */
    uint64_t deallocated, verified, copied, made_uncorrectable; /* blocks */
    uint64_t formats;
};

/* A feature of the controller as a whole; `saved` is what a reset brings back. */
struct nvmevirt_feature {
    uint32_t current;
    uint32_t saved;
};

#define NVMEVIRT_FEATURES 0x0D /* by identifier; 0Ch is the lower temperature threshold */

struct nvmevirt_command;
struct nvmevirt_ns;

/* The caller provides the memory; all but `config`, `cap` and `counters` is the model's own. */
struct nvmevirt {
    struct nvmevirt_config config; /* times, order, claims and limits may be changed at any time */
    struct nvmevirt_environment environment;
    struct nvmevirt_counters counters;

    uint64_t cap; /* may be overwritten after nvmevirt_init() with any nonsense */
    uint32_t cc;
    uint32_t aqa;
    uint64_t asq;
    uint64_t acq;
    uint32_t intms;
    bool ready;
    bool ready_target;
    bool fatal;
    bool removed;
    bool mute;
    uint8_t shst;
    uint64_t ready_at;
    uint64_t shutdown_at;
    uint64_t paused_until;   /* 0: it does not pause */
    uint64_t enable_written; /* when CC.EN last changed */
    uint32_t stuck_low;
    uint32_t stuck_high;

    struct nvmevirt_sq *sqs; /* queue_pairs + 1, the first is the admin queue */
    struct nvmevirt_cq *cqs;
    uint32_t *busy_memory;
    uint8_t *vectors; /* VECTOR_MASKED, VECTOR_PENDING */
    struct nvmevirt_ns *namespaces;

    struct nvmevirt_command *commands; /* in order of fetching */
    uint32_t command_count;
    uint32_t command_capacity;
    uint64_t random;

    struct nvmevirt_fault *faults;
    size_t fault_count;

    struct nvmevirt_feature features[NVMEVIRT_FEATURES];
    uint16_t temperature;  /* K */
    bool acre;             /* Advanced Command Retry Enable */
    uint64_t timestamp;    /* ms, as the host has set it */
    uint64_t timestamp_at; /* when that was; ns */
    uint8_t warnings;      /* Critical Warning, but for the temperature's */
    uint8_t reported;      /* Critical Warning when it was last looked at */
    uint64_t shadow;       /* bus addresses of shadow doorbells and EventIdx, 0: none */
    uint64_t event_index;
    struct nvmevirt_error errors[NVMEVIRT_ERRORS]; /* newest first */
    uint64_t error_count;
    uint32_t events[NVMEVIRT_EVENTS]; /* not yet reported, as dword 0 of the completion */
    uint32_t event_count;
    uint8_t events_masked[8]; /* by type: the log page that must be read first */
};

/* A plausible device: 4 KiB pages, 1024 entries, 4 queue pairs, 5 vectors, no namespace. */
struct nvmevirt_config nvmevirt_defaults(void);

/* The same with every option that there is, SGLs and two I/O command set selections included. */
struct nvmevirt_config nvmevirt_everything(void);

/* False: the configuration is nonsense or memory ran out; nothing is held then. */
bool nvmevirt_init(struct nvmevirt *controller, const struct nvmevirt_config *config,
                   const struct nvmevirt_environment *environment);
void nvmevirt_destroy(struct nvmevirt *controller);

/* BAR0, in bytes from its start, as the host reads and writes it. */
uint32_t nvmevirt_read32(struct nvmevirt *controller, uint32_t offset);
void nvmevirt_write32(struct nvmevirt *controller, uint32_t offset, uint32_t value);

/* Fetches, executes, completes and interrupts until nothing is left that can be done now. */
void nvmevirt_poll(struct nvmevirt *controller);

/* When the clock alone next gives the controller something to do; NVMEVIRT_NEVER: never. */
uint64_t nvmevirt_next_event(const struct nvmevirt *controller);

/* The vector's mask bit. All are masked at first; unmasking sends a pending message. */
void nvmevirt_msix_mask(struct nvmevirt *controller, unsigned vector, bool masked);
bool nvmevirt_msix_pending(const struct nvmevirt *controller, unsigned vector);

/* The script from now on; `faults` stays the caller's and must stay valid. NULL, 0: none. */
void nvmevirt_set_faults(struct nvmevirt *controller, struct nvmevirt_fault *faults, size_t count);

/* A fault of the controller's kind, at once. */
void nvmevirt_inject(struct nvmevirt *controller, enum nvmevirt_fault_kind kind, uint64_t argument);

/* Reports an asynchronous event: type and information of the specification, log page to read. */
void nvmevirt_event(struct nvmevirt *controller, uint8_t type, uint8_t information,
                    uint8_t log_page);

/*
 * What happens on its own in a device. Each sends the event that the host has enabled: in kelvin;
 * Critical Warning of the health log, but for bit 1, which follows the temperature.
 */
void nvmevirt_set_temperature(struct nvmevirt *controller, uint16_t kelvin);
void nvmevirt_set_warnings(struct nvmevirt *controller, uint8_t warnings);

/*
 * As if another controller of the subsystem had done it. False: there is no such namespace, it is
 * in that state already, or it cannot have that many blocks.
 */
bool nvmevirt_attach(struct nvmevirt *controller, uint32_t nsid, bool attached);
bool nvmevirt_resize(struct nvmevirt *controller, uint32_t nsid, uint64_t blocks);
bool nvmevirt_protect(struct nvmevirt *controller, uint32_t nsid, bool read_only);

/* False: there is no such zone. `state` is the specification's number. */
bool nvmevirt_set_zone(struct nvmevirt *controller, uint32_t nsid, uint64_t index, uint8_t state);

#endif
