/*
 * What the files of the model share: the command in work, and one function or
 * a few from each file.
 */
#ifndef NVMEVIRT_INTERNAL_H
#define NVMEVIRT_INTERNAL_H

#include "nvmevirt.h"
#include "spec.h"

enum command_state {
    COMMAND_FREE,
    COMMAND_WAITING, /* fetched; executed when `due` has come */
    COMMAND_WORKING, /* begun; goes on when `due` has come, and cannot be aborted */
    COMMAND_DONE,    /* executed; waits for room in its completion queue */
    COMMAND_HELD,    /* an Asynchronous Event Request without an event */
    COMMAND_TORN,    /* only the phase tag was posted; the rest follows when `due` has come */
};

struct nvmevirt_command {
    uint32_t dword[16];
    enum command_state state;
    bool begun;    /* WORKING before */
    bool conflict; /* its identifier belongs to another command */
    uint16_t sqid;
    uint16_t cid;
    uint8_t opcode;
    uint16_t status;
    uint32_t result, result_high; /* dwords 0 and 1 of the completion */
    uint64_t due;

    uint32_t faults; /* a bit for each nvmevirt_fault_kind */
    uint16_t fault_status;
    uint16_t fault_cid;
    uint16_t fault_sqid;
    uint32_t fault_result;
    uint64_t fault_torn;
    uint64_t torn_bus; /* the entry to complete */
    uint32_t torn_entry[4];
};

struct nvmevirt_zone {
    uint64_t written; /* blocks, up to the write pointer */
    uint8_t state;
};

struct nvmevirt_ns {
    struct nvmevirt_namespace config; /* in the format that it has now */
    bool own_memory;
    bool allocated;
    bool attached;
    bool changed;          /* since the log page of changes was read */
    uint64_t bytes;        /* in any format: its room, */
    uint64_t backed_at;    /* where memory begins, */
    uint64_t backed_bytes; /* and how much there is */
    uint8_t *bad;          /* a bit for each backed block: made uncorrectable */
    uint64_t bad_count;
    uint8_t *metadata; /* of all backed blocks; NULL: no format has any */
    uint8_t *bounce;   /* a block of any format on its way, and its metadata */
    struct nvmevirt_feature recovery;
    struct nvmevirt_zone *zones; /* NULL: it is not zoned */
};

/* An LBA format: bytes per block. */
struct nvmevirt_format {
    uint32_t block_size;
    uint16_t metadata_size;
};

/* The blocks of one command. */
struct nvmevirt_extent {
    struct nvmevirt_ns *ns;
    uint64_t lba;
    uint64_t blocks;
};

enum {
    VECTOR_MASKED = 1,
    VECTOR_PENDING = 2,
    VECTOR_UNCOALESCED = 4
};

/* Commands beyond those for I/O, so that a hanging queue never blocks the admin queue. */
#define ADMIN_COMMANDS 16

static inline uint32_t nvmevirt_low(uint64_t value)
{
    return (uint32_t)value;
}

static inline uint64_t nvmevirt_dwords(const struct nvmevirt_command *command, unsigned first)
{
    return command->dword[first] | (uint64_t)command->dword[first + 1] << 32;
}

/* CC.MPS as bytes. */
static inline uint32_t nvmevirt_page_size(const struct nvmevirt *controller)
{
    return 4096u << SPEC_GET(SPEC_CC_MPS, controller->cc);
}

static inline uint64_t nvmevirt_now(const struct nvmevirt *controller)
{
    return controller->environment.now_ns(controller->environment.context);
}

static inline bool nvmevirt_has_retry_delays(const struct nvmevirt *controller)
{
    const uint16_t *times = controller->config.crdt;
    return times[0] || times[1] || times[2];
}

/* Is more than one I/O command set on offer, if only in principle? */
static inline bool nvmevirt_has_command_sets(const struct nvmevirt *controller)
{
    return SPEC_GET(SPEC_CAP_CSS, controller->cap) & SPEC_CSS_IOCS;
}

/* When `delay` has passed from now on, or never. */
static inline uint64_t nvmevirt_later(const struct nvmevirt *controller, uint64_t delay)
{
    uint64_t now = nvmevirt_now(controller);
    return delay > NVMEVIRT_NEVER - now ? NVMEVIRT_NEVER : now + delay;
}

/* text.c: printf's %u %llx %s; and text padded with blanks, as Identify wants it. */
__attribute__((format(printf, 2, 3))) void nvmevirt_violation(struct nvmevirt *controller,
                                                              const char *format, ...);
void nvmevirt_pad(uint8_t *field, size_t size, const char *text);

/* registers.c */
void nvmevirt_tick(struct nvmevirt *controller);
bool nvmevirt_running(const struct nvmevirt *controller);

/* queue.c: NULL is a violation that was reported. */
void *nvmevirt_dma(struct nvmevirt *controller, uint64_t bus, size_t length, bool write,
                   const char *what);
void nvmevirt_sq_open(struct nvmevirt *controller, uint16_t qid, struct nvmevirt_sq queue);
void nvmevirt_cq_open(struct nvmevirt *controller, uint16_t qid, struct nvmevirt_cq queue);
void nvmevirt_queues_close(struct nvmevirt *controller);
bool nvmevirt_sq_entry(struct nvmevirt *controller, const struct nvmevirt_sq *queue, uint32_t index,
                       uint64_t *bus);
bool nvmevirt_cq_entry(struct nvmevirt *controller, const struct nvmevirt_cq *queue, uint32_t index,
                       uint64_t *bus);
uint16_t nvmevirt_sq_create(struct nvmevirt *controller, const struct nvmevirt_command *command);
uint16_t nvmevirt_cq_create(struct nvmevirt *controller, const struct nvmevirt_command *command);
uint16_t nvmevirt_sq_delete(struct nvmevirt *controller, const struct nvmevirt_command *command);
uint16_t nvmevirt_cq_delete(struct nvmevirt *controller, const struct nvmevirt_command *command);

/* doorbell.c */
void nvmevirt_doorbell(struct nvmevirt *controller, uint32_t offset, uint32_t value);
void nvmevirt_ring_sq(struct nvmevirt *controller, uint16_t qid, uint32_t tail);
void nvmevirt_ring_cq(struct nvmevirt *controller, uint16_t qid, uint32_t head);

/* shadow.c: a queue is there, and so must be its value; EventIdx is set. */
void nvmevirt_shadow_begin(struct nvmevirt *controller, uint16_t qid, bool completion);

/* True if the real doorbell of a queue, with this value, is only a wake-up. */
bool nvmevirt_shadow_wake(struct nvmevirt *controller, uint16_t qid, bool completion,
                          uint32_t value);
bool nvmevirt_shadow_look(struct nvmevirt *controller); /* true if something was submitted */
void nvmevirt_shadow_heads(struct nvmevirt *controller);
void nvmevirt_shadow_room(struct nvmevirt *controller, uint16_t cqid);
uint16_t nvmevirt_shadow_config(struct nvmevirt *controller,
                                const struct nvmevirt_command *command);

/* complete.c: false if the completion queue has no room. */
bool nvmevirt_post(struct nvmevirt *controller, struct nvmevirt_command *command);
void nvmevirt_post_rest(struct nvmevirt *controller, struct nvmevirt_command *command);

/* msix.c */
void nvmevirt_interrupts(struct nvmevirt *controller);
void nvmevirt_msix_reset(struct nvmevirt *controller);

/* rules.c: is it there, by what the controller claims? */
bool nvmevirt_supports(const struct nvmevirt *controller, bool io, uint8_t opcode);

/* Reports what a command sets that it must not. */
uint16_t nvmevirt_check_command(struct nvmevirt *controller,
                                const struct nvmevirt_command *command);

/* admin.c, identify.c, features.c, logs.c, io.c: the status; *result in command->result. */
uint16_t nvmevirt_admin(struct nvmevirt *controller, struct nvmevirt_command *command);
uint16_t nvmevirt_identify(struct nvmevirt *controller, const struct nvmevirt_command *command);
uint16_t nvmevirt_set_features(struct nvmevirt *controller, struct nvmevirt_command *command);
uint16_t nvmevirt_get_features(struct nvmevirt *controller, struct nvmevirt_command *command);
uint16_t nvmevirt_get_log(struct nvmevirt *controller, const struct nvmevirt_command *command);
void nvmevirt_log_error(struct nvmevirt *controller, const struct nvmevirt_command *command);
uint16_t nvmevirt_io(struct nvmevirt *controller, struct nvmevirt_command *command);

/* features.c */
void nvmevirt_features_default(struct nvmevirt *controller);
void nvmevirt_features_reset(struct nvmevirt *controller);
static inline uint32_t nvmevirt_feature(const struct nvmevirt *controller, unsigned id)
{
    return controller->features[id].current;
}

/* identify.c */
void nvmevirt_put16(uint8_t *data, unsigned offset, uint16_t value);
void nvmevirt_put32(uint8_t *data, unsigned offset, uint32_t value);
void nvmevirt_put64(uint8_t *data, unsigned offset, uint64_t value);

/* identify_ns.c: true if CNS is one of a namespace or of many, *status then. */
bool nvmevirt_identify_ns(const struct nvmevirt *controller, const struct nvmevirt_command *command,
                          uint8_t *data, uint16_t *status);

/* health.c */
uint8_t nvmevirt_critical_warning(const struct nvmevirt *controller);
void nvmevirt_health_look(struct nvmevirt *controller);

/* namespace.c: the active one, and the one that is at least allocated. */
struct nvmevirt_ns *nvmevirt_find(const struct nvmevirt *controller, uint32_t nsid);
struct nvmevirt_ns *nvmevirt_find_allocated(const struct nvmevirt *controller, uint32_t nsid);
uint32_t nvmevirt_highest_nsid(const struct nvmevirt *controller);
bool nvmevirt_namespaces_open(struct nvmevirt *controller);
void nvmevirt_namespaces_close(struct nvmevirt *controller);
bool nvmevirt_has_format(const struct nvmevirt_ns *ns, uint32_t index,
                         struct nvmevirt_format *format);
void nvmevirt_set_format(struct nvmevirt_ns *ns, struct nvmevirt_format format, uint64_t blocks);

/* format.c, manage.c */
uint16_t nvmevirt_format(struct nvmevirt *controller, struct nvmevirt_command *command);
bool nvmevirt_is_formatting(const struct nvmevirt *controller, uint32_t nsid);
uint16_t nvmevirt_manage(struct nvmevirt *controller, struct nvmevirt_command *command);
uint16_t nvmevirt_attachment(struct nvmevirt *controller, const struct nvmevirt_command *command);
void nvmevirt_changed(struct nvmevirt *controller, struct nvmevirt_ns *ns);

/* blocks.c: the longest run from the start that is all backed, or all not: *memory NULL. */
uint64_t nvmevirt_run(const struct nvmevirt_extent *extent, uint8_t **memory);
bool nvmevirt_is_backed(const struct nvmevirt_extent *extent);
uint16_t nvmevirt_in_range(const struct nvmevirt_extent *extent);
bool nvmevirt_is_bad(const struct nvmevirt_extent *extent);
void nvmevirt_mark(const struct nvmevirt_extent *extent, bool bad);
void nvmevirt_clear(struct nvmevirt_extent extent);

/* metadata.c: does the command transfer any? How much it transfers with the data, and data. */
bool nvmevirt_carries_metadata(const struct nvmevirt_ns *ns,
                               const struct nvmevirt_command *command);
uint64_t nvmevirt_transfer_size(const struct nvmevirt_extent *extent,
                                const struct nvmevirt_command *command);

/* What the command says of metadata and protection information. */
uint16_t nvmevirt_check_metadata(struct nvmevirt *controller,
                                 const struct nvmevirt_command *command,
                                 const struct nvmevirt_extent *extent);
uint8_t *nvmevirt_metadata(const struct nvmevirt_ns *ns, uint64_t lba); /* NULL: not backed */
void nvmevirt_clear_metadata(struct nvmevirt_extent extent);
void nvmevirt_copy_metadata(const struct nvmevirt_ns *ns, uint64_t from, uint64_t to);
uint16_t nvmevirt_verify_blocks(struct nvmevirt *controller, const struct nvmevirt_command *command,
                                const struct nvmevirt_extent *extent);
void nvmevirt_protect_zeroes(struct nvmevirt *controller, const struct nvmevirt_command *command,
                             const struct nvmevirt_extent *extent);

/* ranges.c */
uint16_t nvmevirt_dataset(struct nvmevirt *controller, const struct nvmevirt_command *command,
                          struct nvmevirt_ns *ns);
uint16_t nvmevirt_copy(struct nvmevirt *controller, struct nvmevirt_command *command,
                       struct nvmevirt_ns *ns);

/* zones.c: all but the commands does nothing for a namespace without zones. */
bool nvmevirt_zones_open(const struct nvmevirt *controller, struct nvmevirt_ns *ns);
void nvmevirt_zones_clear(struct nvmevirt_ns *ns);
bool nvmevirt_has_zones(const struct nvmevirt *controller); /* in any of its namespaces */
void nvmevirt_zones_identify(const struct nvmevirt_ns *ns, uint8_t *data);
uint16_t nvmevirt_zone_read(const struct nvmevirt_extent *extent);
uint16_t nvmevirt_zone_write(const struct nvmevirt_extent *extent); /* whether it may be */
void nvmevirt_zone_written(const struct nvmevirt_extent *extent);

/* Of an extent that begins with a zone makes the one that the data goes to. */
uint16_t nvmevirt_zone_append(struct nvmevirt *controller, struct nvmevirt_command *command,
                              struct nvmevirt_extent *extent);
uint16_t nvmevirt_zone_send(const struct nvmevirt_command *command, struct nvmevirt_ns *ns);
uint16_t nvmevirt_zone_receive(struct nvmevirt *controller, const struct nvmevirt_command *command,
                               const struct nvmevirt_ns *ns);

/* events.c */
void nvmevirt_events_deliver(struct nvmevirt *controller);
uint16_t nvmevirt_event_hold(struct nvmevirt *controller, struct nvmevirt_command *command);
void nvmevirt_event_unmask(struct nvmevirt *controller, uint8_t log_page);

/* faults.c */
void nvmevirt_apply_faults(struct nvmevirt *controller, struct nvmevirt_command *command);
static inline bool nvmevirt_has_fault(const struct nvmevirt_command *command,
                                      enum nvmevirt_fault_kind kind)
{
    return command->faults >> kind & 1;
}

enum nvmevirt_direction {
    NVMEVIRT_TO_HOST,
    NVMEVIRT_FROM_HOST,
    NVMEVIRT_COMPARE
};

/* sgl.c: a position in an SGL. */
struct nvmevirt_sgl {
    struct nvmevirt *controller;
    uint8_t first[SPEC_SGL_SIZE]; /* the descriptor in the command */
    uint64_t segment;             /* bus address of the next; 0: `first` */
    uint32_t left;                /* descriptors of this segment still to come */
    bool must_link;               /* this segment ends with a pointer to another, */
    bool may_link;                /* may do so */
    bool to_host;
    bool checked; /* what is odd but harmless has been reported */
    uint32_t seen;
};

/* Data, or with `bucket` bytes that go nowhere. */
struct nvmevirt_block {
    uint64_t bus;
    uint64_t length;
    bool bucket;
};

void nvmevirt_sgl_start(struct nvmevirt_sgl *sgl, struct nvmevirt *controller,
                        const struct nvmevirt_command *command, bool to_host);
bool nvmevirt_sgl_more(const struct nvmevirt_sgl *sgl);
uint16_t nvmevirt_sgl_next(struct nvmevirt_sgl *sgl, struct nvmevirt_block *block);
uint16_t nvmevirt_sgl_check(struct nvmevirt_sgl sgl, uint64_t length);

/* data.c: a position in the data that a command's PRPs or its SGL describe. */
struct nvmevirt_walk {
    struct nvmevirt *controller;
    enum nvmevirt_direction direction;
    uint64_t left;      /* bytes from the current page on */
    uint64_t page;      /* bus address of what is left of the current page or SGL block */
    uint64_t page_left; /* bytes */

    uint64_t prp1;
    uint64_t prp2;
    bool started;
    const uint8_t *list; /* the entries still to be used of the current list page */
    uint32_t list_count;
    bool list_chained; /* the last of them points to another list page */

    bool uses_sgl;
    bool bucket;
    struct nvmevirt_sgl sgl;
};

uint16_t nvmevirt_walk_start(struct nvmevirt_walk *walk, struct nvmevirt *controller,
                             const struct nvmevirt_command *command, uint64_t length,
                             enum nvmevirt_direction direction);

/* The next `length` bytes; `data` NULL stands for zeros. */
uint16_t nvmevirt_walk_move(struct nvmevirt_walk *walk, uint8_t *data, uint64_t length);

/* All at once, `length` checked against MDTS. */
uint16_t nvmevirt_send(struct nvmevirt *controller, const struct nvmevirt_command *command,
                       uint8_t *data, uint64_t length);
uint16_t nvmevirt_receive(struct nvmevirt *controller, const struct nvmevirt_command *command,
                          uint8_t *data, uint64_t length);
bool nvmevirt_exceeds_mdts(struct nvmevirt *controller, uint64_t length);

/* metadata.c: blocks with metadata, whether it is transferred or not. */
uint16_t nvmevirt_move_blocks(struct nvmevirt *controller, const struct nvmevirt_command *command,
                              const struct nvmevirt_extent *extent,
                              enum nvmevirt_direction direction);

/* prp.c */
uint16_t nvmevirt_prp_next(struct nvmevirt_walk *walk);

/* Page `index` of `total` that the PRP list at `list` names. */
bool nvmevirt_list_lookup(struct nvmevirt *controller, uint64_t list, uint32_t index,
                          uint32_t total, uint64_t *page);

#endif
