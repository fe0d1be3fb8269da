/*
 * The NVMe driver, for any system that provides the functions of host.h.
 *
 * A controller is started once, which leaves it with an admin queue pair, I/O
 * queue pairs and a table of namespaces. I/O is a request that the caller
 * owns: nvme_prepare_*() writes its command, nvme_submit() puts it into a
 * queue, nvme_ring() tells the device of all that was submitted since, and
 * nvme_reap() takes completions and calls each request's done(). Posting,
 * ringing and reaping are apart, so that a batch costs one doorbell.
 *
 * A queue pair belongs to one processor. Interrupts only wake a sleeper;
 * everything else happens in the caller's context, and so needs no lock. A
 * controller as a whole belongs to one processor too, on which it is started and
 * all functions are called; others call only nvme_submit(), nvme_submit_again(),
 * nvme_ring(), nvme_reap(), nvme_take(), nvme_nudge() and nvme_has_completion()
 * of their own queues, besides nvme_prepare_*(), if the host has exclusive().
 *
 * Every submitted request completes exactly once: with the device's answer,
 * or, when its deadline has passed, by the ladder of recovery.c. On the way
 * there a read, write, flush and the like may have been sent several times:
 * after an answer that calls for it, and after a reset (retry.c); but nothing
 * that writes to a zone. Requests are not ordered: who writes to a zone waits
 * for the end of one before the next. A request's memory is never given back
 * while a device may still write to it.
 *
 * done() may submit, ring, reap, poll and reset, but neither stop the
 * controller nor, while nvme_reset() or nvme_stop() runs, wait for another
 * request.
 */
#ifndef NVME_H
#define NVME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host.h"
#include "spec.h"

enum nvme_error {
    NVME_OK = 0,
    NVME_ERR_STATUS = -1,      /* the device answered with an error: see status */
    NVME_ERR_TIMEOUT = -2,     /* no answer before the deadline: aborted, or ended by a reset */
    NVME_ERR_RESET = -3,       /* the controller was reset while this was in flight */
    NVME_ERR_DEAD = -4,        /* the controller does not work any more, or is gone */
    NVME_ERR_BUSY = -5,        /* the queue is full: reap, then submit again */
    NVME_ERR_INVALID = -6,     /* the caller's mistake: range, alignment, length */
    NVME_ERR_NO_MEMORY = -7,   /* dma_alloc() gave none */
    NVME_ERR_DEVICE = -8,      /* the device says impossible things about itself */
    NVME_ERR_PENDING = -9,     /* not completed yet */
    NVME_ERR_NO_QUEUE = -10,   /* the device has had fewer queues since a reset: use another */
    NVME_ERR_GONE = -11,       /* the namespace is not there any more, or not as it was */
    NVME_ERR_NO_SUPPORT = -12, /* the controller does not offer this */
};

/* Words for an nvme_error. */
const char *nvme_error_text(int error);

/* Words for a status field (SCT and SC), as the specification has them. */
const char *nvme_status_text(uint16_t status);

/* ---- Requests ------------------------------------------------------------------------------ */

/* Data in the host's address space. */
struct nvme_segment {
    void *base;
    size_t length;
};

struct nvme_namespace;
struct nvme_queue;

/*
 * One command on its way. The caller owns it and leaves it alone from a successful
 * nvme_submit() until done() is called, or nvme_take() has returned it.
 */
struct nvme_request {
    struct nvme_request *next; /* in a chain of requests */
    struct nvme_command
        command; /* by nvme_prepare_*(), or any other; CID, PSDT, DPTR are set here */
    const struct nvme_segment *segments;
    unsigned segment_count;
    size_t data_bytes;   /* what the command transfers; the segments have to sum up to it */
    uint64_t timeout_ns; /* for each time that it is sent; 0: by the options, for its kind */
    bool once;           /* never sent again by the driver, whatever happens */
    void (*done)(struct nvme_request *request);
    void *context; /* the caller's */

    /* By nvme_prepare_*(): the namespace, and its `changes` then. NULL: any. */
    const struct nvme_namespace *ns;
    uint32_t ns_changes;
    struct nvme_segment array; /* the data of a command that takes ranges */

    /* The outcome, valid in and after done(). */
    union {
        struct {
            uint32_t value; /* command specific, completion dword 0 */
            int result;     /* NVME_OK, NVME_ERR_STATUS, _TIMEOUT, _RESET, _GONE or _DEAD */
        };
        uint64_t outcome; /* both: the value alone is an NVME_OK */
    };
    uint16_t status; /* the status field without phase tag, 0 if the device did not answer */
    uint8_t repeats; /* how often it was sent again */

    /* The driver's. */
    bool hurried;        /* is not sent again any more: see nvme_host.impatient */
    uint16_t list_first; /* first of its lists, NVME_NO_LIST for none */
    uint64_t again_end;  /* from LBAs below it, it may be submitted again with nothing to look at:
                            the last time has left no lists, status or repetitions */
    uint64_t deadline;   /* counted from the first command of a batch, which is rung together; or,
                            between two times that it is sent, when to send it */
};

#define NVME_NO_LIST 0xffffu

/* ---- Queue pairs ------------------------------------------------------------------------------
 */

/*
 * What has happened to a queue since the start; resets do not clear it. May be read at any time, by
 * anyone: each value is one aligned word that only ever grows.
 */
struct nvme_counters {
    uint64_t submitted;    /* requests that were taken */
    uint64_t completed;    /* requests that ended, `errors` of them not with NVME_OK */
    uint64_t errors;       /* without those for events that a reset has ended */
    uint64_t retries;      /* commands sent again: submitted + retries is what the device has got */
    uint64_t sq_doorbells; /* writes of the tail doorbell */
    uint64_t cq_doorbells; /* writes of the head doorbell */
    uint64_t shadow_doorbells; /* either of them left in memory: see shadow.c */
    uint64_t nudges;           /* registers written after all, as nothing came */
    uint64_t interrupts;       /* of its vector, counted by the handler */
    uint64_t polls;            /* looks into the completion queue */
    /* Interrupts whose look found nothing: nothing was there, or an earlier look had it already.
     * Cannot be told, and stays 0, where the vector is shared with another queue. */
    uint64_t spurious;
    uint64_t timeouts;        /* commands whose deadline has passed */
    uint64_t missed;          /* completions found only then: their interrupt got lost */
    uint64_t aborts;          /* Aborts sent for commands of this queue */
    uint64_t bad_completions; /* CQEs that belong to no command in flight */
    uint64_t resets;          /* controller resets that the queue went through */
};

enum nvme_slot_state {
    NVME_SLOT_SENT,    /* in the submission queue or beyond */
    NVME_SLOT_LATE,    /* the same, and its deadline has passed */
    NVME_SLOT_ABORTED, /* the same, and an Abort was sent for it */
    NVME_SLOT_WAITING, /* not with the device: sent when its time has come, or the reset is over */
    NVME_SLOT_FREE,
};

struct nvme_controller;

struct nvme_queue {
    struct nvme_controller *controller;
    uint16_t id;           /* 0: admin */
    uint16_t size;         /* entries, of both SQ and CQ */
    unsigned tail;         /* where the next SQE goes */
    unsigned rung;         /* what the tail doorbell was last told, or its shadow */
    unsigned head;         /* the next CQE to look at */
    unsigned untold;       /* how far the head doorbell, or its shadow, is behind the head */
    unsigned phase;        /* the phase tag that a new CQE has, 0 or 1 */
    uint32_t doorbells[2]; /* their registers' offsets: the tail's, the head's */
    uint16_t vector;
    bool has_vector;            /* false: polled */
    bool shares_vector;         /* with other queues, each of them in the chain of `sharer` */
    struct nvme_queue *sharer;  /* the next queue of this vector */
    uint64_t interrupts_looked; /* how many interrupts were followed by a look */
    unsigned unchecked;         /* nvme_poll()s that found something: now and then one checks */
    bool live;                  /* the controller knows it */
    bool open; /* live, and so is the controller; not admin: takes requests and sends them */
    uint64_t default_timeout_ns;
    uint64_t batch_deadline; /* of commands that are not rung yet, counted from the first of them */

    struct nvme_command *sq, *sq_end; /* the end is behind the last entry */
    volatile struct nvme_completion *cq, *cq_end;
    uint64_t sq_bus, cq_bus;

    /*
     * Commands in flight. The low bits of a command identifier index `slots`, the high bits count
     * reuse, so that a late or repeated completion is recognised. A request that is to be sent
     * again keeps its slot and its PRP lists, so that this cannot fail.
     */
    struct nvme_slot {
        union {
            struct nvme_request *request;
            struct nvme_slot *next; /* of a free one: the next that is free */
        };
        union {
            struct {
                uint16_t cid;  /* of its command, or of the next one */
                uint16_t none; /* 0 */
                uint8_t state; /* enum nvme_slot_state */
                bool lists;    /* its request has some */
            };
            uint64_t key; /* all of it, which is compared with a completion at once */
        };
    } * slots;
    struct nvme_slot *free;
    uint32_t slot_mask; /* a power of two less one: there are at least `size` slots */
    unsigned free_count;
    unsigned waiting; /* slots in NVME_SLOT_WAITING */

    /* Lists of PRPs or SGL descriptors: `list_next` chains those of a request, or those that are
     * free. */
    uint8_t *lists;
    uint64_t lists_bus;
    uint32_t list_bytes; /* of each, a power of two up to a page */
    uint16_t *list_next;
    uint16_t list_count, lists_free, list_first_free;

    /* Requests that have ended and are not yet handed to their submitters, and where the next goes.
     */
    struct nvme_request *ended, **ended_end;

    uint32_t *shadow;         /* of the tail doorbell; NULL: there are the registers only */
    uint16_t written[2];      /* besides it: what the registers were told, of tail and head */
    uint64_t quiet_since;     /* a look has found nothing ... */
    uint64_t quiet_completed; /* ... since so many requests had ended */

    size_t rings_bytes, bookkeeping_bytes; /* of the allocations behind sq and slots */
    struct nvme_counters counters;
};

/* ---- Namespaces ------------------------------------------------------------------------------ */

/*
 * Stays where it is until the controller is stopped. One that has gone is marked, and lives again
 * if a namespace with its identifier comes back.
 */
struct nvme_namespace {
    struct nvme_controller *controller;
    struct nvme_namespace *next; /* by ascending id */
    void *context;               /* the host's; NULL at first */
    uint32_t id;
    uint32_t block_size; /* bytes */
    uint64_t block_count;
    bool gone; /* all commands are refused */
    bool write_protected;
    uint8_t format;   /* LBA format, index into Identify's table */
    uint32_t changes; /* another number whenever something changes of what is said here: requests
                         prepared before are refused; no two namespaces ever have the same */
    uint32_t most_blocks; /* in a read, write or compare; 0: there are none such */
    uint32_t rw_blocks;   /* the same, if a read or write wants no thought of metadata, or 0 */

    /*
     * What is in a block beside its data is no caller's business. Protection information is made
     * and checked by the controller, other metadata is written as zeros, and not looked at when it
     * is read.
     */
    uint16_t metadata_size; /* bytes per block, all of it */
    const char *unusable;   /* why not: all but a flush is refused; NULL: it is usable */
    uint32_t protection;    /* PRINFO, in dword 12 of reads and writes; 0: there is none */
    uint64_t metadata_bus;  /* MPTR: zeros, and behind them as much room; 0: not needed */

    /* Copy: blocks of one source range, blocks of all, ranges (NVM figure 97). */
    uint16_t copy_range_blocks;
    uint32_t copy_blocks;
    uint16_t copy_ranges;

    /* ZNS 4.1.5.1. Writes go to where the zone's write pointer is, so that they have to be sent one
     * after the other, and none is ever repeated by the driver. */
    uint64_t zone_blocks;       /* of each zone; 0: not a zoned namespace */
    uint32_t open_zones_most;   /* 0: no limit */
    uint32_t active_zones_most; /* the same */

    /* All zeros: none told. */
    uint8_t nguid[16], eui64[8], uuid[16];
};

/* ---- Controllers ----------------------------------------------------------------------------- */

/* How data is described to the device: see data.c. SGLs only where Identify offers them. */
enum nvme_data {
    NVME_DATA_AUTO,
    NVME_DATA_PRP,
    NVME_DATA_SGL, /* of all I/O commands */
};

/* Doorbells in memory: see shadow.c. Only where Identify offers them. */
enum nvme_shadow {
    NVME_SHADOW_AUTO, /* unless the device is known to lose them */
    NVME_SHADOW_ON,
    NVME_SHADOW_OFF,
};

/* Wishes; zeros mean the defaults in brackets. The device's limits always apply on top. */
struct nvme_options {
    unsigned io_queues;        /* pairs (1) */
    unsigned polled_queues;    /* of them, the last ones: without an interrupt vector (0) */
    unsigned queue_entries;    /* per I/O queue (as many as MQES allows, at most 4096) */
    unsigned admin_timeout_ms; /* (60000) */
    unsigned io_timeout_ms;    /* (30000) */
    unsigned slow_timeout_ms;  /* Format NVM, Sanitize and others that take their time (600000) */
    unsigned abort_timeout_ms; /* for an Abort and for what it aborts (5000) */
    int retries;               /* how often a request is sent again (5); negative: never */
    size_t max_transfer;       /* bytes in one command, where MDTS sets no limit (4 MiB) */
    enum nvme_data data;       /* (NVME_DATA_AUTO) */
    enum nvme_shadow shadow_doorbells; /* (NVME_SHADOW_AUTO) */

    /*
     * CC.MPS in bytes (the smallest that the device has). A page of the device has to be
     * contiguous on the bus, so that larger ones are of use only to hosts whose buffers are. For
     * those they are: in QEMU 128 KiB move three times as fast in PRPs of 64 KiB as of 4 KiB, and
     * half as fast again as in an SGL beside pages of 4 KiB.
     */
    uint32_t page_size;
    uint16_t pci_vendor; /* of the device, for what is known of it: see quirks.c */
    uint16_t pci_device;
};

/*
 * Sizes of commands without data: UINT64_MAX where there is no limit. Where ONCS offers the command
 * a limit is but advice, which is taken; where not, it is the limit that offers it. NVM figure 102.
 */
struct nvme_limits {
    uint64_t verify_bytes, zeroes_bytes, uncorrectable_bytes;
    uint64_t dataset_ranges, dataset_range_blocks, dataset_blocks;
    uint64_t append_bytes; /* of a Zone Append; 0: there is no zoned namespace */
    uint16_t offered;      /* bits of ONCS */
};

struct nvme_namespace_chunk;
struct nvme_scratch;

#define NVME_EVENTS_MOST 8

/* Asynchronous Event Requests, as many as AERL allows and this array holds: see event.c. */
struct nvme_events {
    struct nvme_request requests[NVME_EVENTS_MOST];
    uint32_t noted; /* a bit for each that has completed */
    uint32_t idle;  /* a bit for each that is not with the device */
    bool handling;
    uint64_t not_before; /* when the next round may be */
    uint64_t starts;
    uint64_t handled;   /* events since the start */
    uint64_t said_from; /* what is said is counted from then on */
    unsigned said, unsaid;
};

enum nvme_state {
    NVME_STOPPED,
    NVME_STARTING,
    NVME_LIVE,
    NVME_RESETTING,
    NVME_STOPPING,
    NVME_DEAD
};

struct nvme_controller {
    const struct nvme_host *host;
    struct nvme_options options;
    enum nvme_state state;
    bool at_large; /* could neither be stopped nor isolated: its memory is kept for ever */
    bool
        quiescing; /* on the way to a disabled controller: nothing is sent, no deadline looked at */
    const struct nvme_quirk *quirk; /* NULL: none known */

    /* From CAP, VS and Identify, checked. */
    uint64_t cap;
    uint32_t version;
    uint32_t page_size;      /* CC.MPS, bytes */
    uint32_t doorbell_shift; /* log2 of the stride */
    uint64_t ready_timeout_ns;
    size_t max_transfer; /* bytes in one command */
    size_t simple_bytes; /* most that need neither a list of PRPs nor a thought of SGLs */
    bool volatile_cache;
    char serial[21], model[41], firmware[9]; /* printable, trimmed */
    struct nvme_identify_controller *identify;

    unsigned vectors;
    struct nvme_queue admin;
    struct nvme_queue *io; /* io_capacity of them, of which io_count work */
    unsigned io_count, io_capacity;
    uint32_t *shadows; /* a page of shadow doorbells, a page of EventIdx; NULL: not in use */
    uint64_t shadows_bus;

    struct nvme_limits limits;
    struct nvme_namespace *namespaces; /* the first; those that are gone are among them */
    unsigned namespace_count;          /* without those */
    uint32_t changes;                  /* the last that one of them has got */
    struct nvme_namespace_chunk *namespace_chunks;
    struct nvme_scratch *scratch;
    void *metadata; /* see nvme_namespace; NULL: no namespace has needed it so far */
    uint64_t metadata_bus;
    bool scanning[2], scan_again; /* scanning[1]: by a reset, in the middle of another or not */
    struct nvme_events events;

    unsigned exclusive;         /* how many of its functions want to be alone */
    uint64_t next_check;        /* when deadlines are looked at again */
    uint64_t pause_end;         /* what it says it pauses is believed so long; 0: it does not */
    uint64_t retry_delay_ns[3]; /* by the status field's CRD, from 1: CRDT1 to CRDT3 */
    uint64_t resets;

    /* The Abort on its way, of which there is one at a time: any ACL allows that. */
    struct {
        struct nvme_request request;
        struct nvme_queue *queue; /* whose command it is for; NULL: there is none */
        uint16_t cid;
    } abort;
};

/*
 * Resets and enables the controller, whatever state it was left in, and makes it ready for I/O.
 * `controller` needs no initialisation and stays the caller's; `host` has to outlive it. On an
 * error everything is given back and the device is disabled. A device that refuses to tell the
 * number of its queues gets none, and no namespaces: io_count is 0. Base 3.5.1.
 */
int nvme_start(struct nvme_controller *controller, const struct nvme_host *host,
               const struct nvme_options *options);

/*
 * Orderly end: deletes the queues, tells the device to get ready for power-off (CC.SHN, Base
 * 3.6.1), disables it, gives everything back. Requests still in flight get a moment to end, and
 * complete with NVME_ERR_RESET then. Harmless on a controller that is dead, or all zeros.
 * Not from done(): while a reset or a stop runs, it does nothing.
 */
void nvme_stop(struct nvme_controller *controller);

/*
 * Looks which namespaces there are now and what they are, and tells host->namespace_changed of each
 * difference. Called by the driver itself after a reset and when the device reports a change;
 * called while a scan is at work, it makes that one start again, and returns at once.
 */
int nvme_rescan(struct nvme_controller *controller);

/*
 * Disables and starts it again, twice if need be. What the device can still answer at once is
 * reaped before. Of the requests in flight then, those that may be repeated are sent again, the
 * others complete with NVME_ERR_RESET. The device may grant fewer queues than before: io_count
 * tells how many work, the others take requests again when a later reset brings them back.
 * NVME_ERR_DEAD: it does not come back; NVME_ERR_PENDING: a reset is running already (this is
 * done()), and what was asked for comes with it.
 */
int nvme_reset(struct nvme_controller *controller);

/* ---- Admin commands --------------------------------------------------------------------------
 *
 * Each is sent and waited for; what goes wrong is logged as well. `data` needs a bus address.
 */

/* NVME_IDENTIFY_SIZE bytes. For the NVM command set, where CNS is of one. Base 5.17. */
int nvme_identify(struct nvme_controller *controller, uint32_t cns, uint32_t nsid, void *data);

/*
 * `bytes` of a log page from `offset` on, both multiples of 4, in as many commands as it takes.
 * NVME_NSID_ALL: of the whole controller. `retain`: an event that the page stands for is not
 * cleared. NVME_ERR_NO_SUPPORT: an offset, or more than 16 KiB, on a device that has neither (LPA).
 * Base 5.16; pages are in spec_data.h.
 */
int nvme_get_log(struct nvme_controller *controller, uint32_t nsid, uint8_t page, uint64_t offset,
                 void *data, size_t bytes, bool retain);

/* Features whose value is one dword. Those with data: nvme_execute(). Base 5.15 and 5.27. */
int nvme_get_feature(struct nvme_controller *controller, uint32_t feature,
                     enum nvme_feature_select select, uint32_t *value);
int nvme_set_feature(struct nvme_controller *controller, uint32_t feature, uint32_t value,
                     uint32_t *result);

/*
 * Formats a namespace, or all by NVME_NSID_ALL, with an LBA format of Identify's table, and scans.
 * All data is lost. There must be no I/O to it in flight. Base 5.14.
 */
int nvme_format(struct nvme_controller *controller, uint32_t nsid, unsigned format,
                enum nvme_erase erase);

/* Attaches a namespace to this controller, or detaches it, and scans. Base 5.22. */
int nvme_attach(struct nvme_controller *controller, uint32_t nsid);
int nvme_detach(struct nvme_controller *controller, uint32_t nsid);

/* ---- I/O ----------------------------------------------------------------------------------------
 */

/*
 * Each of these writes the command of a request. What the device would refuse is refused here:
 * NVME_ERR_INVALID beyond the namespace's end, above a limit, to a write-protected namespace or an
 * unusable one; NVME_ERR_NO_SUPPORT where the device does not offer the command; NVME_ERR_GONE.
 *
 * Any other command, and these without the checks, can be written by hand: see nvme_execute().
 */

/* Is an optional command (NVME_ONCS_...) there? Its own word, or a limit for it, says so. */
static inline bool nvme_offers(const struct nvme_controller *controller, uint16_t oncs)
{
    return (controller->identify->oncs | controller->limits.offered) & oncs;
}

/* Read or Write (NVM 3.2.4, 3.2.6); the caller provides the segments. */
int nvme_prepare_rw(struct nvme_request *request, const struct nvme_namespace *ns, bool write,
                    uint64_t lba, uint32_t blocks);

/* Flush (Base 7.1). */
int nvme_prepare_flush(struct nvme_request *request, const struct nvme_namespace *ns);

/*
 * Compare (NVM 3.2.1): the segments with the medium; Compare Failure is a status of 285h. Metadata
 * is compared with zeros. Not offered with protection information, which the controller does not
 * make for this.
 */
int nvme_prepare_compare(struct nvme_request *request, const struct nvme_namespace *ns,
                         uint64_t lba, uint32_t blocks);

/* Write Zeroes (NVM 3.2.8); `deallocate`: the device may give the blocks' memory back. */
int nvme_prepare_write_zeroes(struct nvme_request *request, const struct nvme_namespace *ns,
                              uint64_t lba, uint32_t blocks, bool deallocate);

/* Verify (NVM 3.2.5): reads without a transfer. */
int nvme_prepare_verify(struct nvme_request *request, const struct nvme_namespace *ns, uint64_t lba,
                        uint32_t blocks);

/* Write Uncorrectable (NVM 3.2.7): reads of the blocks fail until they are written. */
int nvme_prepare_write_uncorrectable(struct nvme_request *request, const struct nvme_namespace *ns,
                                     uint64_t lba, uint32_t blocks);

/*
 * Dataset Management (NVM 3.2.3): NVME_DATASET_* for up to 256 ranges. The device reads the array:
 * it needs a bus address, and stays the request's until done().
 */
int nvme_prepare_dataset(struct nvme_request *request, const struct nvme_namespace *ns,
                         uint32_t attributes, struct nvme_dataset_range *ranges, unsigned count);

/* Copy (NVM 3.2.2) of all ranges, one after the other, to `lba`; the array as above. Not offered
 * with protection information. */
int nvme_prepare_copy(struct nvme_request *request, const struct nvme_namespace *ns, uint64_t lba,
                      struct nvme_copy_range *ranges, unsigned count);

/*
 * Of zoned namespaces only (zones.c), else NVME_ERR_NO_SUPPORT. `zone` is a zone's first LBA.
 *
 * Zone Management Send (ZNS 3.4.3) for one zone, or for all that the action is for, where `zone` is
 * of no matter. Zone Management Receive (3.4.2): a report of zones from the one on, into as many
 * bytes as the segments have, a multiple of 4; struct nvme_zone_report. `states` is the
 * specification's number of which zones, 0 for all; `partial`: only those that fit are counted.
 */
int nvme_prepare_zone_send(struct nvme_request *request, const struct nvme_namespace *ns,
                           enum nvme_zone_action action, uint64_t zone, bool all);
int nvme_prepare_zone_report(struct nvme_request *request, const struct nvme_namespace *ns,
                             uint64_t zone, uint8_t states, bool partial, size_t bytes);

/*
 * Zone Append (ZNS 3.4.1): writes where the zone's write pointer is, so that several may be on
 * their way. The caller provides the segments. Where that was is told when it has ended well;
 * UINT64_MAX: the device names no place in the zone. Not for blocks with metadata, nor for zones of
 * more than 2^32 blocks, since only dword 0 of a completion is kept, which is enough to tell the
 * place within a smaller one.
 */
int nvme_prepare_append(struct nvme_request *request, const struct nvme_namespace *ns,
                        uint64_t zone, uint32_t blocks);
uint64_t nvme_appended_lba(const struct nvme_request *request);

/*
 * Force Unit Access, added to a prepared Read, Write, Compare, Write Zeroes, Verify, Copy
 * or Zone Append:
 * completed when the data is on the medium, and not only in a cache.
 */
static inline void nvme_set_fua(struct nvme_request *request)
{
    request->command.cdw12 |= NVME_RW_CDW12_FUA;
}

/*
 * Puts the request's command into the submission queue; the device learns of it by nvme_ring().
 * NVME_ERR_BUSY: no entry or PRP list is free; NVME_ERR_INVALID: the segments cannot be described
 * to the device: without SGLs every inner boundary has to be a page's, the first address a multiple
 * of 4;
 * NVME_ERR_DEAD: never again; NVME_ERR_NO_QUEUE: see there; NVME_ERR_GONE: the namespace has
 * changed since the request was prepared. Then done() is not called.
 *
 * While a reset runs (this is done()) I/O queues take requests as ever and send them when it is
 * over. The admin queue is needed for the reset itself: NVME_ERR_RESET.
 */
int nvme_submit(struct nvme_queue *queue, struct nvme_request *request);

/*
 * Submits Reads and Writes by nvme_prepare_rw() that have ended once more, each from where
 * nvme_set_lba() says now: a chain of at least one, linked by `next`. Their segments, what is in
 * them, in place and length, and their timeouts are the same as before, which saves most of the
 * work; their results need not be NVME_ERR_PENDING until they end. Returns the rest, from the first
 * on that was not taken; its result says why not, as above, and NVME_ERR_INVALID also beyond the
 * namespace's end. NULL: all were.
 */
struct nvme_request *nvme_submit_again(struct nvme_queue *queue, struct nvme_request *chain);

static inline void nvme_set_lba(struct nvme_request *request, uint64_t lba)
{
    request->command.cdw10 = (uint32_t)lba;
    request->command.cdw11 = (uint32_t)(lba >> 32);
}

/* Writes the tail doorbell, if anything was submitted since it was last written. */
void nvme_ring(struct nvme_queue *queue);

/*
 * Takes what the device has finished. done() is called for each, but for those that are sent again.
 * Returns how many there were.
 */
unsigned nvme_reap(struct nvme_queue *queue);

/*
 * The same, for who wants many at once: a chain of those that have ended, in that order, linked by
 * `next`; NULL: none. done() is not called: the caller does that, or what it would do.
 */
struct nvme_request *nvme_take(struct nvme_queue *queue);

/*
 * For whoever waits, after a look that found nothing: sees to it that a device with shadow
 * doorbells has not slept through what it was told there. Returns when to call this again, as
 * now_ns, if still nothing has come by then. nvme_poll() does it, and nvme_check() twice a second.
 */
uint64_t nvme_shadow_nudge(struct nvme_queue *queue);
static inline uint64_t nvme_nudge(struct nvme_queue *queue)
{
    return queue->shadow ? nvme_shadow_nudge(queue) : UINT64_MAX;
}

/* How many requests it has that have not ended; its own processor. */
static inline unsigned nvme_queue_in_flight(const struct nvme_queue *queue)
{
    return queue->slots ? queue->size - 1u - queue->free_count : 0;
}

/* Is there a completion to reap? Reads one word of memory; any context. */
static inline bool nvme_has_completion(const struct nvme_queue *queue)
{
    return queue->live && (queue->cq[queue->head].status & NVME_CQE_PHASE) == queue->phase;
}

/* Has it raised an interrupt since the last look into its completion queue? */
static inline bool nvme_has_interrupted(const struct nvme_queue *queue)
{
    return queue->counters.interrupts != queue->interrupts_looked;
}

/*
 * Takes completions of admin commands, sends what has waited for its time, looks at the deadlines
 * of all requests of the controller if it is time to, and climbs the ladder for one that has
 * passed. Events that the device has reported are handled here as well: who never waits calls
 * this a few times a second. Whoever waits for a completion calls this before each sleep and sleeps
 * no longer than until the time it returns (as now_ns).
 */
uint64_t nvme_check(struct nvme_controller *controller);

/* Rings, reaps what is there, and if there was nothing but something is in flight, sleeps until
 * there is or `deadline` comes. */
void nvme_poll(struct nvme_queue *queue, uint64_t deadline);

/*
 * Submits one request, waits for it, returns its result. request->done is used. Waits also for a
 * free entry. For admin commands: queue is &controller->admin. In done() while a reset runs:
 * NVME_ERR_RESET.
 *
 * This passes any command through, of any opcode, with data either way: the caller writes opcode,
 * NSID and dwords 2, 3 and 10 to 15; data is in the segments, whose sum is data_bytes, and the
 * driver describes it to the device. The device's answer is in status and value. Without data the
 * pointers are sent as they were written. Nothing is checked, least of all commands that pull the
 * rug from under the driver: queues, Doorbell Buffer Config; and an Asynchronous Event Request
 * answers to nobody.
 *
 *     struct nvme_segment segment = {.base = buffer, .length = 4096};
 *     struct nvme_request request = {
 *         .command = {.opcode = 0xc2, .nsid = 1, .cdw10 = 1024},
 *         .segments = &segment, .segment_count = 1, .data_bytes = 4096};
 *     int error = nvme_execute(&controller->admin, &request);
 */
int nvme_execute(struct nvme_queue *queue, struct nvme_request *request);

#endif
