/*
 * A controller's life: found in any state, disabled, configured, enabled, its
 * queues created; shut down in the end. The order of steps is that of Base
 * 3.5.1 (initialization), 3.6.1 (shutdown). Every wait for a register has a
 * deadline, by CAP.TO.
 */
#include "internal.h"

#define ADMIN_ENTRIES            64
#define ENTRIES_LEAST            2
#define DEFAULT_ADMIN_MS         60000
#define DEFAULT_IO_MS            30000
#define DEFAULT_SLOW_MS          600000
#define DEFAULT_ABORT_MS         5000
#define DEFAULT_RETRIES          5
#define MOST_RETRIES             255
#define DEFAULT_MAX_TRANSFER     (4u << 20)
#define MOST_TRANSFER            (256u << 20)
#define SHUTDOWN_LEAST_MS        5000
#define SHUTDOWN_MOST_MS         60000
#define READY_MOST_UNITS         1200 /* of CRTO, which could say nine hours: ten minutes */
#define READY_POLL_NS            100000
#define STILL_WAITING_NS         (2000 * NVME_NS_PER_MS)
#define PRP_ENTRIES(bytes, page) ((unsigned)((bytes) / (page)) + 1)

void nvme_log(struct nvme_controller *controller, enum nvme_log_level level, const char *format,
              ...)
{
    va_list arguments;
    va_start(arguments, format);
    controller->host->log(controller->host->context, level, format, arguments);
    va_end(arguments);
}

void *nvme_alloc_raw(struct nvme_controller *controller, size_t bytes, uint64_t *bus)
{
    const struct nvme_host *host = controller->host;
    return host->dma_alloc(host->context, bytes, controller->page_size, bus);
}

void *nvme_alloc(struct nvme_controller *controller, size_t bytes, uint64_t *bus)
{
    const struct nvme_host *host = controller->host;
    void *memory = host->dma_alloc(host->context, bytes, NVME_PAGE_LEAST, bus);
    if (memory)
        __builtin_memset(memory, 0, bytes);
    return memory;
}

/* What a controller at large may still write to is not given back. */
void nvme_free(struct nvme_controller *controller, void *memory, size_t bytes)
{
    if (memory && !controller->at_large)
        controller->host->dma_free(controller->host->context, memory, bytes);
}

static uint64_t read64(struct nvme_controller *controller, uint32_t offset)
{
    return nvme_read32(controller, offset) | (uint64_t)nvme_read32(controller, offset + 4) << 32;
}

static void write64(struct nvme_controller *controller, uint32_t offset, uint64_t value)
{
    nvme_write32(controller, offset, (uint32_t)value);
    nvme_write32(controller, offset + 4, (uint32_t)(value >> 32));
}

static bool never(void *argument)
{
    (void)argument;
    return false;
}

static void pause_until(struct nvme_controller *controller, uint64_t deadline)
{
    const struct nvme_host *host = controller->host;
    while (nvme_now(controller) < deadline)
        host->wait(host->context, never, NULL, deadline);
}

/*
 * Waits until (CSTS & mask) == wanted. A fatal status ends the wait unless it is the controller's
 * stopping that is waited for. Says so when it takes long: after an unclean power-off some devices
 * need tens of seconds.
 */
static int wait_status(struct nvme_controller *controller, uint32_t mask, uint32_t wanted,
                       uint64_t timeout_ns, bool fatal_ends)
{
    const struct nvme_host *host = controller->host;
    uint64_t now = nvme_now(controller), deadline = now + timeout_ns;
    uint64_t patience = now + STILL_WAITING_NS;
    for (;;) {
        uint32_t csts = nvme_read32(controller, NVME_REG_CSTS);
        if (csts == NVME_REGISTER_GONE)
            return NVME_ERR_DEAD;
        if ((csts & mask) == wanted)
            return NVME_OK;
        if (fatal_ends && (csts & NVME_CSTS_CFS))
            return NVME_ERR_DEVICE;
        now = nvme_now(controller);
        if (now >= deadline)
            return NVME_ERR_TIMEOUT;
        if (now >= patience) {
            nvme_log(controller, NVME_LOG_WARNING, "waiting for the controller, CSTS %xh", csts);
            patience = UINT64_MAX;
        }
        host->wait(host->context, never, NULL, now + READY_POLL_NS);
    }
}

/*
 * All four states are possible at entry. EN=1 RDY=0: it is still starting, and EN may be cleared
 * only when RDY has come (Base 3.1.3.5, CC.EN), so wait, but not for a failed start. EN=0 RDY=1:
 * it is still stopping.
 */
int nvme_disable(struct nvme_controller *controller)
{
    uint32_t cc = nvme_read32(controller, NVME_REG_CC);
    if (cc == NVME_REGISTER_GONE)
        return NVME_ERR_DEAD;
    if (cc & NVME_CC_EN) {
        int error = wait_status(controller, NVME_CSTS_RDY, NVME_CSTS_RDY,
                                controller->ready_timeout_ns, true);
        if (error == NVME_ERR_DEAD)
            return error;
        nvme_write32(controller, NVME_REG_CC, cc & ~NVME_CC_EN);
        if (controller->quirk)
            pause_until(controller,
                        nvme_now(controller) + controller->quirk->settle_ms * NVME_NS_PER_MS);
    }
    int error = wait_status(controller, NVME_CSTS_RDY, 0, controller->ready_timeout_ns, false);
    if (error)
        nvme_log(controller, NVME_LOG_ERROR, "CSTS.RDY stays 1 with CC.EN at 0: %s",
                 nvme_error_text(error));
    return error;
}

static int enable(struct nvme_controller *controller)
{
    struct nvme_queue *admin = &controller->admin;
    uint32_t entries = admin->size - 1u;
    uint32_t aqa = NVME_SET(NVME_AQA_ASQS, entries) | NVME_SET(NVME_AQA_ACQS, entries);
    nvme_queue_clear(admin);
    nvme_write32(controller, NVME_REG_AQA, aqa);
    write64(controller, NVME_REG_ASQ, admin->sq_bus);
    write64(controller, NVME_REG_ACQ, admin->cq_bus);
    if (nvme_read32(controller, NVME_REG_AQA) != aqa ||
        read64(controller, NVME_REG_ASQ) != admin->sq_bus ||
        read64(controller, NVME_REG_ACQ) != admin->cq_bus) {
        nvme_log(controller, NVME_LOG_ERROR, "AQA, ASQ, ACQ do not hold what was written");
        return NVME_ERR_DEVICE;
    }
    unsigned mps = 0;
    while (NVME_PAGE_LEAST << mps < controller->page_size)
        mps++;
    bool sets = NVME_GET(NVME_CAP_CSS, controller->cap) & NVME_CAP_CSS_SETS;
    uint32_t css = sets ? NVME_CC_CSS_ALL : NVME_CC_CSS_NVM;
    uint32_t cc = NVME_SET(NVME_CC_CSS, css) | NVME_SET(NVME_CC_MPS, mps) |
                  NVME_SET(NVME_CC_IOSQES, (uint32_t)NVME_SQES) |
                  NVME_SET(NVME_CC_IOCQES, (uint32_t)NVME_CQES);
    nvme_write32(controller, NVME_REG_CC, cc);
    nvme_write32(controller, NVME_REG_CC, cc | NVME_CC_EN);
    int error =
        wait_status(controller, NVME_CSTS_RDY, NVME_CSTS_RDY, controller->ready_timeout_ns, true);
    if (error)
        nvme_log(controller, NVME_LOG_ERROR, "the controller does not become ready, CSTS %xh",
                 nvme_read32(controller, NVME_REG_CSTS));
    else
        admin->live = true;
    return error;
}

/* Counted, for all queues of the vector, and that is all: see nvme.h. */
static void interrupted(void *argument)
{
    for (struct nvme_queue *queue = argument; queue; queue = queue->sharer)
        queue->counters.interrupts++;
}

/* Puts the queue behind the one that the vector is attached to; the handler may be running. */
static void share(struct nvme_queue *owner, struct nvme_queue *queue)
{
    queue->sharer = owner->sharer;
    queue->has_vector = queue->shares_vector = owner->shares_vector = true;
    __atomic_store_n(&owner->sharer, queue, __ATOMIC_RELEASE);
}

/* Vector 0 is the admin queue's; I/O queues share out the rest, or all sit on vector 0. */
static void attach(struct nvme_queue *queue)
{
    struct nvme_controller *controller = queue->controller;
    const struct nvme_host *host = controller->host;
    unsigned vector = 0;
    if (queue->id && controller->vectors > 1)
        vector = 1 + (queue->id - 1u) % (controller->vectors - 1);
    queue->vector = (uint16_t)vector;
    struct nvme_queue *owner;
    for (unsigned i = 0; (owner = nvme_queue_at(controller, i)) && owner != queue; i++)
        if (owner->has_vector && owner->vector == vector) {
            share(owner, queue);
            return;
        }
    queue->has_vector =
        controller->vectors && host->attach(host->context, vector, interrupted, queue);
}

/* Asks for `wanted` I/O queues, at least one; how many pairs the device grants of them
 * (Base 5.27.1.5). */
static int ask_for_queues(struct nvme_controller *controller, unsigned wanted, unsigned *pairs)
{
    uint32_t granted;
    wanted--;
    int error = nvme_set_feature(
        controller, NVME_FEATURE_QUEUES,
        NVME_SET(NVME_QUEUES_SQ, wanted) | NVME_SET(NVME_QUEUES_CQ, wanted), &granted);
    if (error)
        return error;
    unsigned submission = NVME_GET(NVME_QUEUES_SQ, granted) + 1;
    unsigned completion = NVME_GET(NVME_QUEUES_CQ, granted) + 1;
    *pairs = submission < completion ? submission : completion;
    if (*pairs > wanted + 1)
        *pairs = wanted + 1;
    return NVME_OK;
}

/* Those that there is memory for. A smaller set than wanted is a working one, none is not. */
static int create_io_queues(struct nvme_controller *controller, unsigned count)
{
    controller->io_count = 0;
    if (count == 0)
        return NVME_OK;
    int error = nvme_shadow_start(controller);
    if (error)
        return error;
    error = NVME_ERR_DEVICE;
    while (controller->io_count < count && controller->io[controller->io_count].slots) {
        error = nvme_create_queue(&controller->io[controller->io_count]);
        if (error)
            break;
        controller->io_count++;
    }
    return error == NVME_ERR_STATUS && controller->io_count ? NVME_OK : error;
}

/* CAP, checked: everything that follows from it is computed here and nowhere else. */
static int read_capabilities(struct nvme_controller *controller)
{
    controller->cap = read64(controller, NVME_REG_CAP);
    controller->version = nvme_read32(controller, NVME_REG_VS);
    uint64_t cap = controller->cap;
    if (cap == UINT64_MAX || controller->version == NVME_REGISTER_GONE) {
        nvme_log(controller, NVME_LOG_ERROR, "no registers: CAP reads as all-ones");
        return NVME_ERR_DEAD;
    }
    nvme_quirk_cap(controller->quirk, &cap);
    controller->cap = cap;
    /* A device that says 0 means the least there is, not that it needs no time at all. */
    uint64_t units = NVME_GET(NVME_CAP_TO, cap);
    if (cap & NVME_CAP_CRWMS) {
        uint32_t more = NVME_GET(NVME_CRTO_CRWMT, nvme_read32(controller, NVME_REG_CRTO));
        more = more > READY_MOST_UNITS ? READY_MOST_UNITS : more;
        units = more > units ? more : units;
    }
    controller->ready_timeout_ns = (units ? units : 1) * NVME_CAP_TO_UNIT_MS * NVME_NS_PER_MS;
    unsigned css = (unsigned)NVME_GET(NVME_CAP_CSS, cap);
    if (!(css & NVME_CAP_CSS_NVM) || NVME_GET(NVME_CAP_MQES, cap) == 0) {
        nvme_log(controller, NVME_LOG_ERROR, "no NVM command set, or no queues: CAP %llx",
                 (unsigned long long)cap);
        return NVME_ERR_DEVICE;
    }
    controller->page_size = NVME_PAGE_LEAST << NVME_GET(NVME_CAP_MPSMIN, cap);
    while (controller->page_size < controller->options.page_size &&
           controller->page_size < NVME_PAGE_LEAST << NVME_GET(NVME_CAP_MPSMAX, cap))
        controller->page_size *= 2;
    controller->doorbell_shift = 2 + (unsigned)NVME_GET(NVME_CAP_DSTRD, cap);
    /* As many queues as have doorbells within the offsets that there are. */
    unsigned most = (UINT32_MAX - NVME_DOORBELLS) >> (controller->doorbell_shift + 1);
    struct nvme_options *options = &controller->options;
    if (options->io_queues >= most)
        options->io_queues = most - 1;
    if (options->polled_queues > options->io_queues)
        options->polled_queues = options->io_queues;
    return NVME_OK;
}

/* ASCII, padded with blanks, as devices have it; printable and trimmed, as people want it. */
static void copy_text(char *to, const char *from, size_t length)
{
    while (length && (from[length - 1] == ' ' || from[length - 1] == 0))
        length--;
    for (size_t i = 0; i < length; i++)
        to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
    to[length] = 0;
}

/* What follows from the data that Identify has given. */
static void take_identity(struct nvme_controller *controller)
{
    nvme_quirk_identify(controller->quirk, controller->identify);
    const struct nvme_identify_controller *data = controller->identify;
    copy_text(controller->serial, data->sn, sizeof data->sn);
    copy_text(controller->model, data->mn, sizeof data->mn);
    copy_text(controller->firmware, data->fr, sizeof data->fr);
    controller->volatile_cache = data->vwc & NVME_VWC_PRESENT;

    /* It may get less, but not more, since queues have lists for what there was at first. */
    size_t limit = controller->max_transfer;
    uint64_t most = nvme_bytes_limit(controller, data->mdts);
    if (most < limit)
        limit = (size_t)most;
    controller->max_transfer = limit;
    controller->simple_bytes = limit < controller->page_size ? limit : controller->page_size;
    if (controller->options.data == NVME_DATA_SGL)
        controller->simple_bytes = 0;
}

static int identify(struct nvme_controller *controller)
{
    uint64_t bus;
    controller->identify = nvme_alloc(controller, sizeof *controller->identify, &bus);
    if (!controller->identify)
        return NVME_ERR_NO_MEMORY;
    int error = nvme_identify(controller, NVME_IDENTIFY_CONTROLLER, 0, controller->identify);
    if (!error)
        take_identity(controller);
    return error;
}

/* It may have got another firmware. A card that was put in the other's place answers as well, and
 * must get nothing that was meant for the other. */
static int identify_again(struct nvme_controller *controller)
{
    struct nvme_identify_controller *now = (void *)nvme_scan_of(controller)->identify;
    int error = nvme_identify(controller, NVME_IDENTIFY_CONTROLLER, 0, now);
    if (error)
        return error;
    if (!nvme_same_bytes(now->sn, controller->identify->sn, sizeof now->sn)) {
        nvme_log(controller, NVME_LOG_ERROR, "another controller is in its place");
        return NVME_ERR_DEVICE;
    }
    __builtin_memcpy(controller->identify, now, sizeof *controller->identify);
    take_identity(controller);
    return NVME_OK;
}

/* The queues, and what a controller has to be told each time that it comes up. */
static int begin_io(struct nvme_controller *controller, unsigned count)
{
    int error = create_io_queues(controller, count);
    if (!error)
        error = nvme_retry_setup(controller);
    if (!error)
        error = nvme_set_timestamp(controller);
    return error;
}

int nvme_bring_up(struct nvme_controller *controller)
{
    unsigned count = 0;
    int error = enable(controller);
    if (!error)
        error = identify_again(controller);
    if (!error && controller->io_capacity)
        error = ask_for_queues(controller, controller->io_capacity, &count);
    return error ? error : begin_io(controller, count);
}

/* As many as there is memory for, at least one. */
static int allocate_io_queues(struct nvme_controller *controller)
{
    const struct nvme_options *options = &controller->options;
    uint64_t entries = NVME_GET(NVME_CAP_MQES, controller->cap) + 1, bus;
    if (options->queue_entries && options->queue_entries < entries)
        entries = options->queue_entries;
    entries = entries < ENTRIES_LEAST ? ENTRIES_LEAST : entries;
    controller->io = nvme_alloc(controller, controller->io_capacity * sizeof *controller->io, &bus);
    if (!controller->io)
        return NVME_ERR_NO_MEMORY;
    for (unsigned i = 0; i < controller->io_capacity; i++)
        controller->io[i].controller = controller; /* those without memory refuse requests */
    for (unsigned i = 0; i < controller->io_capacity; i++) {
        struct nvme_queue *queue = &controller->io[i];
        int error =
            nvme_queue_allocate(controller, queue, (uint16_t)(i + 1), (unsigned)entries,
                                PRP_ENTRIES(controller->max_transfer, controller->page_size));
        if (error && i > 0) {
            nvme_log(controller, NVME_LOG_WARNING, "memory for %u of %u queues only", i,
                     controller->io_capacity);
            break;
        }
        if (error)
            return error;
        queue->default_timeout_ns = options->io_timeout_ms * NVME_NS_PER_MS;
        if (i < options->io_queues - options->polled_queues)
            attach(queue);
    }
    return NVME_OK;
}

/* A device that is so ill that it refuses to say how many it has takes admin commands still, by
 * which one may find out why, or mend it. */
static int start_io_queues(struct nvme_controller *controller)
{
    int error = ask_for_queues(controller, controller->options.io_queues, &controller->io_capacity);
    if (error == NVME_ERR_STATUS)
        nvme_log(controller, NVME_LOG_WARNING, "no I/O queues: it gets admin commands only");
    else if (error || (error = allocate_io_queues(controller)))
        return error;
    return begin_io(controller, controller->io_capacity);
}

static int start_admin_queue(struct nvme_controller *controller)
{
    const struct nvme_host *host = controller->host;
    /* What admin commands transfer before MDTS is known is a page at most. */
    controller->max_transfer = controller->options.max_transfer;
    int error = nvme_queue_allocate(controller, &controller->admin, 0, ADMIN_ENTRIES,
                                    PRP_ENTRIES(controller->max_transfer, controller->page_size));
    if (error)
        return error;
    controller->admin.default_timeout_ns = controller->options.admin_timeout_ms * NVME_NS_PER_MS;
    if (host->vectors) {
        bool one = controller->quirk && controller->quirk->one_vector;
        const struct nvme_options *options = &controller->options;
        controller->vectors =
            host->vectors(host->context, one ? 1 : 1 + options->io_queues - options->polled_queues);
    }
    attach(&controller->admin);
    return enable(controller);
}

static void give_back(struct nvme_controller *controller)
{
    const struct nvme_host *host = controller->host;
    for (unsigned vector = 0; vector < controller->vectors; vector++)
        host->attach(host->context, vector, NULL, NULL);
    controller->vectors = 0;
    if (controller->at_large)
        return;
    nvme_namespaces_free(controller);
    nvme_free(controller, controller->identify, sizeof *controller->identify);
    controller->identify = NULL;
    for (unsigned i = 0; controller->io && i < controller->io_capacity; i++)
        nvme_queue_free(&controller->io[i]);
    nvme_free(controller, controller->io, controller->io_capacity * sizeof *controller->io);
    controller->io = NULL;
    controller->io_count = 0;
    nvme_free(controller, controller->shadows, 2 * (size_t)controller->page_size);
    controller->shadows = NULL;
    nvme_queue_free(&controller->admin);
}

static void take_options(struct nvme_controller *controller, const struct nvme_options *options)
{
    struct nvme_options *o = &controller->options;
    if (options)
        *o = *options;
    if (!o->io_queues)
        o->io_queues = 1;
    if (o->io_queues > NVME_QUEUES_MOST)
        o->io_queues = NVME_QUEUES_MOST;
    if (!o->admin_timeout_ms)
        o->admin_timeout_ms = DEFAULT_ADMIN_MS;
    if (!o->io_timeout_ms)
        o->io_timeout_ms = DEFAULT_IO_MS;
    if (!o->slow_timeout_ms)
        o->slow_timeout_ms = DEFAULT_SLOW_MS;
    if (!o->abort_timeout_ms)
        o->abort_timeout_ms = DEFAULT_ABORT_MS;
    if (!o->retries)
        o->retries = DEFAULT_RETRIES;
    o->retries = o->retries < 0 ? 0 : o->retries > MOST_RETRIES ? MOST_RETRIES : o->retries;
    if (!o->max_transfer)
        o->max_transfer = DEFAULT_MAX_TRANSFER;
    controller->quirk = nvme_quirk_find(o->pci_vendor, o->pci_device);
}

int nvme_start(struct nvme_controller *controller, const struct nvme_host *host,
               const struct nvme_options *options)
{
    *controller = (struct nvme_controller){.host = host, .state = NVME_STARTING};
    controller->admin.controller = controller;
    take_options(controller, options);
    int error = read_capabilities(controller);
    /* Not for us, but firmware may have left it at work. */
    if (error == NVME_ERR_DEVICE && nvme_disable(controller) && host->isolate)
        host->isolate(host->context);
    if (error)
        goto out;
    size_t *most = &controller->options.max_transfer;
    *most = *most > MOST_TRANSFER ? MOST_TRANSFER
                                  : *most / controller->page_size * controller->page_size;
    if (*most == 0)
        *most = controller->page_size;
    if ((error = nvme_disable(controller)) || (error = start_admin_queue(controller)) ||
        (error = identify(controller)) || (error = start_io_queues(controller)) ||
        (error = nvme_events_start(controller)) || (error = nvme_namespaces_find(controller)) ||
        (error = controller->admin.live ? NVME_OK : NVME_ERR_RESET)) {
        if (controller->state != NVME_DEAD)
            nvme_halt(controller);
        goto out;
    }
    controller->state = NVME_LIVE;
    nvme_queues_open(controller, true);
    return NVME_OK;
out:
    give_back(controller);
    controller->state = NVME_DEAD;
    return error;
}

static void shut_down(struct nvme_controller *controller)
{
    if (!(nvme_read32(controller, NVME_REG_CSTS) & NVME_CSTS_RDY))
        return; /* somebody has reset it: no queue is left that would take a command */
    /* A late command ends with a disabled controller: then there is nothing left to say. */
    for (unsigned i = controller->io_count; i-- > 0 && controller->admin.live;)
        nvme_delete_queue(&controller->io[i]);
    if (!controller->admin.live)
        return;
    uint64_t timeout = controller->identify->rtd3e * 1000ULL;
    if (timeout < SHUTDOWN_LEAST_MS * NVME_NS_PER_MS)
        timeout = SHUTDOWN_LEAST_MS * NVME_NS_PER_MS;
    if (timeout > SHUTDOWN_MOST_MS * NVME_NS_PER_MS)
        timeout = SHUTDOWN_MOST_MS * NVME_NS_PER_MS;
    uint32_t cc = nvme_read32(controller, NVME_REG_CC) & ~NVME_CC_SHN;
    nvme_write32(controller, NVME_REG_CC, cc | NVME_SET(NVME_CC_SHN, NVME_CC_SHN_NORMAL));
    int error = wait_status(controller, NVME_CSTS_SHST,
                            NVME_SET(NVME_CSTS_SHST, NVME_CSTS_SHST_COMPLETE), timeout, true);
    if (error)
        nvme_log(controller, NVME_LOG_ERROR, "shutdown was not completed: %s",
                 nvme_error_text(error));
}

void nvme_stop(struct nvme_controller *controller)
{
    /* Somebody further up the stack still works with what would be given back here. */
    if (controller->state == NVME_STARTING || controller->state == NVME_RESETTING ||
        controller->state == NVME_STOPPING) {
        nvme_log(controller, NVME_LOG_ERROR, "stopped from within the driver: not possible");
        return;
    }
    if (controller->state == NVME_LIVE) {
        nvme_exclusive_begin(controller);
        controller->state = NVME_STOPPING;
        nvme_queues_open(controller, false);
        nvme_drain(controller);
        shut_down(controller);
        if (controller->state == NVME_STOPPING)
            nvme_halt(controller);
        nvme_exclusive_end(controller);
    }
    if (controller->host)
        give_back(controller);
    if (controller->state != NVME_DEAD)
        controller->state = NVME_STOPPED;
}
