/* What the driver's own files share. Nothing in here is for its users. */
#ifndef NVME_INTERNAL_H
#define NVME_INTERNAL_H

#include "nvme.h"

#define NVME_NS_PER_MS 1000000ULL

/* Kept out of line, so that what calls it now and then is short where it does not. */
#define NVME_RARE __attribute__((noinline, cold))

/* How often CSTS is looked at while commands are in flight: a fatal status raises no interrupt. */
#define NVME_CHECK_INTERVAL_NS (500 * NVME_NS_PER_MS)

/*
 * A command identifier is a slot's index and above it a count of the slot's reuse. FFFFh, which is
 * not to be used (Base 3.3.3.1), never comes up: one entry of a ring stays empty, so there is no
 * slot FFFh.
 */
#define NVME_MOST_ENTRIES (1u << 12)

/* The identifier under which a slot's next command goes. */
static inline uint16_t nvme_next_cid(uint16_t cid)
{
    return (uint16_t)(cid + NVME_MOST_ENTRIES);
}

/* How long a queue without an interrupt vector sleeps between looks at its completion queue. */
#define NVME_POLL_INTERVAL_NS 50000ULL

static inline uint32_t nvme_read32(struct nvme_controller *controller, uint32_t offset)
{
    return controller->host->read32(controller->host->context, offset);
}

static inline void nvme_write32(struct nvme_controller *controller, uint32_t offset, uint32_t value)
{
    controller->host->write32(controller->host->context, offset, value);
}

/* For nvme_host.wait(): nothing but the deadline ends it. */
static inline bool nvme_never(void *argument)
{
    (void)argument;
    return false;
}

static inline uint64_t nvme_now(struct nvme_controller *controller)
{
    return controller->host->now_ns(controller->host->context);
}

/* The smallest page that there may be: CAP.MPSMIN counts from it. */
#define NVME_PAGE_LEAST 4096u

/* A limit as Identify tells it: a power of two in units of the controller's smallest page. 0 is
 * none, and so is one that overflows. */
static inline uint64_t nvme_bytes_limit(const struct nvme_controller *controller, uint8_t shift)
{
    uint64_t page = (uint64_t)NVME_PAGE_LEAST << NVME_GET(NVME_CAP_MPSMIN, controller->cap);
    return shift && shift < 32 ? page << shift : UINT64_MAX;
}

/* There is no memcmp() where there is no C library. */
static inline bool nvme_same_bytes(const void *one, const void *other, size_t count)
{
    const uint8_t *a = one, *b = other;
    uint8_t difference = 0;
    while (count--)
        difference |= *a++ ^ *b++;
    return !difference;
}

/* Is its bus address known without asking? See nvme_host.direct_start. */
static inline bool nvme_direct_address(const struct nvme_host *host, const void *memory,
                                       size_t bytes, uint64_t *bus)
{
    uintptr_t offset = (uintptr_t)memory - host->direct_start;
    *bus = host->direct_bus + offset;
    return offset < host->direct_length && bytes <= host->direct_length - offset;
}

/* Between the two no other processor is at work on the controller's queues. They nest. */
static inline void nvme_exclusive_begin(struct nvme_controller *controller)
{
    if (controller->exclusive++ == 0 && controller->host->exclusive)
        controller->host->exclusive(controller->host->context, true);
}

static inline void nvme_exclusive_end(struct nvme_controller *controller)
{
    if (--controller->exclusive == 0 && controller->host->exclusive)
        controller->host->exclusive(controller->host->context, false);
}

/*
 * Sees to it that nvme_check() looks at `when`. Any processor: what two of them write at the same
 * time may get lost, and is then seen by the check that comes anyway.
 */
static inline void nvme_check_by(struct nvme_controller *controller, uint64_t when)
{
    if (when < __atomic_load_n(&controller->next_check, __ATOMIC_RELAXED))
        __atomic_store_n(&controller->next_check, when, __ATOMIC_RELAXED);
}

/* controller.c */
void nvme_log(struct nvme_controller *controller, enum nvme_log_level level, const char *format,
              ...) __attribute__((format(printf, 3, 4)));

/* Memory from the host, zeroed; aligned to the smallest page that there may be. */
void *nvme_alloc(struct nvme_controller *controller, size_t bytes, uint64_t *bus);

/* Memory for rings and lists, aligned to the controller's page, and not zeroed: what was never
 * touched may be slow the first time. */
void *nvme_alloc_raw(struct nvme_controller *controller, size_t bytes, uint64_t *bus);

void nvme_free(struct nvme_controller *controller, void *memory, size_t bytes);

/* CC.EN to 0 from any state, and CSTS.RDY seen at 0. */
int nvme_disable(struct nvme_controller *controller);

/* From a disabled controller to one whose admin and I/O queues work. */
int nvme_bring_up(struct nvme_controller *controller);

/* queue.c */
int nvme_queue_allocate(struct nvme_controller *controller, struct nvme_queue *queue, uint16_t id,
                        unsigned entries, unsigned prp_entries);
void nvme_queue_free(struct nvme_queue *queue);

/* Empties both rings, for a controller that is about to learn of them. */
void nvme_queue_clear(struct nvme_queue *queue);

/* Says whether requests may go the short way: the controller is live, or is not any more. */
void nvme_queues_open(struct nvme_controller *controller, bool open);

/* What the head doorbell was last told, or its shadow. */
static inline unsigned nvme_queue_told(const struct nvme_queue *queue)
{
    return queue->head - queue->untold + (queue->head < queue->untold ? queue->size : 0);
}

/* Writes the register of the tail doorbell, or of the head's. */
void nvme_queue_doorbell(struct nvme_queue *queue, unsigned is_cq, uint32_t value);

/* Takes the request out of its slot and calls its done(), after those of all that ended before. */
void nvme_queue_finish(struct nvme_queue *queue, struct nvme_slot *slot, int result);

/* Puts the command of an occupied slot into the submission queue. */
void nvme_queue_send(struct nvme_queue *queue, struct nvme_slot *slot);

/* Keeps an occupied slot's command back until `when`, or for a reset's end; then it has another
 * identifier. */
void nvme_queue_hold(struct nvme_queue *queue, struct nvme_slot *slot, uint64_t when);

/* Sends what is held back and due, unless a reset runs. */
void nvme_queues_send_due(struct nvme_controller *controller, uint64_t now);

/* data.c: describes the request's data in its command, as PRPs or as an SGL, and in lists. */
NVME_RARE int nvme_data_build_any(struct nvme_queue *queue, struct nvme_request *request);
void nvme_data_release(struct nvme_queue *queue, struct nvme_request *request);

/*
 * The same. What most commands have is done without further ado: one run of bytes, up to a page, in
 * memory whose address is known.
 */
static inline int nvme_data_build(struct nvme_queue *queue, struct nvme_request *request)
{
    const struct nvme_controller *controller = queue->controller;
    const struct nvme_segment *segment = request->segments;
    const size_t bytes = request->data_bytes;
    request->list_first = NVME_NO_LIST;
    request->command.flags &= (uint8_t)~NVME_FLAGS_PSDT;
    uint64_t bus;
    if (request->segment_count != 1 || segment->length != bytes ||
        bytes - 1 >= controller->simple_bytes ||
        !nvme_direct_address(controller->host, segment->base, bytes, &bus) || bus % 4)
        return nvme_data_build_any(queue, request);
    /* Its end lies in the same page as its start, or in the next. */
    uint64_t second = (bus | (controller->page_size - 1)) + 1;
    request->command.prp1 = bus;
    request->command.prp2 = bus + bytes > second ? second : 0;
    return NVME_OK;
}

/* Walks the data of a request. */
struct nvme_cursor {
    struct nvme_controller *controller;
    const struct nvme_segment *segment, *end;
    const uint8_t *at; /* in the segment */
    size_t left;       /* of the segment, behind the run */
    uint64_t run_bus;  /* bytes known to be contiguous on the bus */
    size_t run;
};

struct nvme_cursor nvme_cursor_start(struct nvme_controller *controller,
                                     const struct nvme_request *request);

/* Makes sure that the run is not empty; false at the end of the data, or of what has an address:
 * then `left` is not 0. */
bool nvme_cursor_fill(struct nvme_cursor *cursor);

/* Moves `count` lists from the pool to the front of the request's. */
bool nvme_lists_take(struct nvme_queue *queue, struct nvme_request *request, unsigned count);

/* prp.c, sgl.c: for nvme_data_build(). NVME_ERR_INVALID: this cannot be said so, or not in `most`
 * descriptors. */
int nvme_prp_build(struct nvme_queue *queue, struct nvme_request *request);
int nvme_sgl_build(struct nvme_queue *queue, struct nvme_request *request, unsigned most);

/* The most list pages that a transfer of `entries` PRP entries needs. */
unsigned nvme_prp_lists(unsigned entries, uint32_t list_bytes);

/*
 * shadow.c: gives the device its shadow doorbells, if that is wanted, before I/O queues are
 * created. Without memory, or if the device refuses, it goes on with registers.
 */
int nvme_shadow_start(struct nvme_controller *controller);

/* Leaves the new value of the tail doorbell, or the head's, in memory; true: the register has to be
 * written too. Only if the queue has a shadow. */
bool nvme_shadow_tell(struct nvme_queue *queue, unsigned is_cq, unsigned before, unsigned now);

/* admin.c */

/* Sends an admin command and waits for it; what goes wrong is logged as being of `what`. */
int nvme_admin_request(struct nvme_controller *controller, struct nvme_request *request,
                       const char *what);

/* The same, where nothing but the value is of interest. */
int nvme_admin(struct nvme_controller *controller, const struct nvme_command *command,
               const struct nvme_segment *data, uint32_t *value, const char *what);

/*
 * Asks the device to end a command of the queue, and does not wait. What was aborted completes by
 * itself, with a status of Command Abort Requested; when controller->abort.queue is NULL again, the
 * answer is there: aborted if abort.request.result is NVME_OK and its value has no NVME_ABORT_NOT.
 * There is one at a time: it has to be NULL before.
 */
int nvme_abort(struct nvme_queue *queue, uint16_t cid);

/* Tells the device what time it is, if both know. An error means that it does not answer. */
int nvme_set_timestamp(struct nvme_controller *controller);

int nvme_create_queue(struct nvme_queue *queue);
int nvme_delete_queue(struct nvme_queue *queue);

/*
 * Where the driver's own admin commands put their answers. While one of them is waited for, an
 * event may be handled, and a reset may come, which identifies and scans by itself: neither
 * overwrites what is there already.
 */
struct nvme_scratch {
    struct nvme_scan {
        uint32_t ids[NVME_ACTIVE_LIST_IDS];
        uint8_t identify[NVME_IDENTIFY_SIZE];
    } scans[2];
    uint8_t log[4096];
};

static inline struct nvme_scan *nvme_scan_of(const struct nvme_controller *controller)
{
    return &controller->scratch->scans[controller->state == NVME_RESETTING];
}

/* namespace.c: the first scan, for which nothing has changed; frees all of them. */
int nvme_namespaces_find(struct nvme_controller *controller);
void nvme_namespaces_free(struct nvme_controller *controller);

/* Is the namespace still what it was when the request was prepared? */
static inline bool nvme_request_is_current(const struct nvme_request *request)
{
    return !request->ns || request->ns->changes == request->ns_changes;
}

/* Of zeros, and of room for what is read: see nvme_namespace. No format has more for a block. */
#define NVME_METADATA_BYTES 0x10000u

/* Does each block of it have a tag of its own, which is the LBA? The first goes in dword 14. */
static inline bool nvme_has_reference_tags(const struct nvme_namespace *ns)
{
    return ns->protection & NVME_RW_CDW12_PRCHK_REF;
}

/* identity.c: one namespace, from Identify. NVME_ERR_STATUS: none that could be used;
 * NVME_ERR_BUSY: the device would not say now. The UUID stays what it was if the device does not
 * say that. */
int nvme_namespace_identify(struct nvme_controller *controller, struct nvme_namespace *ns);

/*
 * event.c: says which events are wanted and gives the device its requests, which it has lost by a
 * reset; looks after those that have completed. An error means that the controller does not work.
 */
int nvme_events_start(struct nvme_controller *controller);
void nvme_events_handle(struct nvme_controller *controller);

/* retry.c: an error status of a command, or a reset. True: it will be sent again, or already is. */
bool nvme_retry_status(struct nvme_queue *queue, struct nvme_slot *slot, uint16_t status);
bool nvme_retry_reset(struct nvme_queue *queue, struct nvme_slot *slot);

/* How long to wait before a command that ended in this status is sent again; false: never. */
bool nvme_retry_pause(const struct nvme_controller *controller, uint16_t status,
                      uint64_t *pause_ns);

/* Prepares for statuses that say when to try again; needs what Identify says, and a live admin
 * queue. */
int nvme_retry_setup(struct nvme_controller *controller);

/* recovery.c: how long an admin command of this kind may take. */
uint64_t nvme_admin_timeout(const struct nvme_controller *controller, uint8_t opcode);

static inline uint64_t nvme_timeout(const struct nvme_queue *queue,
                                    const struct nvme_request *request)
{
    if (request->timeout_ns)
        return request->timeout_ns;
    return queue->id ? queue->default_timeout_ns
                     : nvme_admin_timeout(queue->controller, request->command.opcode);
}

/* The device has answered to an Abort of the command, or will not. */
void nvme_abort_answered(struct nvme_queue *queue, uint16_t cid, bool aborted);

/* Gives the device a moment to end what is in flight, and reaps that. */
void nvme_drain(struct nvme_controller *controller);

/*
 * Disables the controller, by force if need be. All that is in flight completes, but for what a
 * reset that runs will send again. NVME_ERR_DEAD, and the state with it, if it does not stop.
 */
int nvme_halt(struct nvme_controller *controller);

/* quirks.c: what is known of a device, and corrects what it says of itself. */
struct nvme_quirk {
    uint16_t vendor, device;
    uint16_t most_entries;    /* of an I/O queue; 0: as many as it says */
    uint16_t entries_if_none; /* where CAP.MQES is 0, which no device may say */
    uint16_t settle_ms;       /* after CC.EN was cleared, before any register is read */
    bool one_vector;          /* for all queues */
    uint16_t oncs_cut;        /* commands that it tells and does not have */
    bool shadow_loses;        /* a wake-up by shadow doorbells, now and then */
};

/* NULL: nothing special. */
const struct nvme_quirk *nvme_quirk_find(uint16_t vendor, uint16_t device);
void nvme_quirk_cap(const struct nvme_quirk *quirk, uint64_t *cap);
void nvme_quirk_identify(const struct nvme_quirk *quirk, struct nvme_identify_controller *data);

/* The queue with number `index`, admin first, whether it lives or not; NULL behind the last. */
static inline struct nvme_queue *nvme_queue_at(struct nvme_controller *controller, unsigned index)
{
    if (index == 0)
        return &controller->admin;
    return controller->io && index <= controller->io_capacity ? &controller->io[index - 1] : NULL;
}

#endif
