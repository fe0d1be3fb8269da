/*
 * Sending a request again: which may be, after what, how often and when.
 *
 * Only commands that can be executed twice without harm are repeated: those
 * that read, and those that leave the same blocks with the same contents; not
 * what writes to a zone, since a write that has been done has moved the write
 * pointer on. After an error status the table below decides, unless the device
 * says "do not retry" (DNR); it also says how long to wait (CRD, Base
 * 3.3.3.2.1). After a reset everything that was with the device is repeated,
 * since nobody knows how far it got. Whatever the reason, a request is repeated
 * `retries` times at most, and keeps its slot and its PRP lists in between. The
 * driver's own admin commands are asked again by admin.c.
 */
#include "internal.h"

#define CRDT_UNIT_NS (100 * NVME_NS_PER_MS) /* Base figure 275, CRDT1 */

/*
 * The statuses that may pass, and a pause for where the device does not name one. Not in here is
 * what the device has tried itself before it gave up (media errors), what needs somebody to act
 * (reservations, formats, sanitize operations), and what the command itself is to blame for.
 */
static const struct {
    uint16_t code;
    uint16_t pause_ms;
} transient[] = {
    {NVME_STATUS_DATA_TRANSFER, 0},   {NVME_STATUS_INTERNAL, 0},
    {NVME_STATUS_ABORTED, 0},         {NVME_STATUS_INTERRUPTED, 0},
    {NVME_STATUS_TRANSPORT, 0},       {NVME_STATUS_NOT_READY, 100},
    {NVME_STATUS_PATH_INTERNAL, 0},   {NVME_STATUS_PATH_TRANSITION, 100},
    {NVME_STATUS_PATH_CONTROLLER, 0},
};

/* Also for commands that no nvme_prepare_*() has made. */
static bool is_zoned(const struct nvme_controller *controller, uint32_t nsid)
{
    const struct nvme_namespace *ns = controller->namespaces;
    while (ns && ns->id != nsid)
        ns = ns->next;
    return ns && ns->zone_blocks;
}

static bool is_harmless(const struct nvme_queue *queue, const struct nvme_command *command)
{
    if (queue->id == 0 || (command->flags & NVME_FLAGS_FUSE))
        return false;
    switch (command->opcode) {
    case NVME_IO_WRITE:
    case NVME_IO_WRITE_ZEROES:
        return !is_zoned(queue->controller, command->nsid);
    case NVME_IO_FLUSH:
    case NVME_IO_READ:
    case NVME_IO_COMPARE:
    case NVME_IO_VERIFY:
    case NVME_IO_ZONE_RECEIVE:
        return true;
    }
    return false;
}

/* Takes one of the request's repetitions, if it may be repeated and any are left. */
static bool take_retry(struct nvme_queue *queue, struct nvme_request *request)
{
    if (request->once || request->hurried || !nvme_request_is_current(request) ||
        request->repeats >= queue->controller->options.retries ||
        !is_harmless(queue, &request->command))
        return false;
    request->repeats++;
    request->again_end = 0;
    queue->counters.retries++;
    return true;
}

bool nvme_retry_pause(const struct nvme_controller *controller, uint16_t status, uint64_t *pause_ns)
{
    unsigned code = status & (NVME_STATUS_SC | NVME_STATUS_SCT);
    unsigned crd = NVME_GET(NVME_STATUS_CRD, (unsigned)status);
    if (status & NVME_STATUS_DNR)
        return false;
    for (unsigned i = 0; i < sizeof transient / sizeof transient[0]; i++)
        if (transient[i].code == code) {
            *pause_ns =
                crd ? controller->retry_delay_ns[crd - 1] : transient[i].pause_ms * NVME_NS_PER_MS;
            return true;
        }
    return false;
}

bool nvme_retry_status(struct nvme_queue *queue, struct nvme_slot *slot, uint16_t status)
{
    struct nvme_controller *controller = queue->controller;
    uint64_t pause_ns;
    if (!nvme_retry_pause(controller, status, &pause_ns) || !take_retry(queue, slot->request))
        return false;
    if (pause_ns || controller->quiescing) {
        nvme_queue_hold(queue, slot, nvme_now(controller) + pause_ns);
    } else {
        slot->cid = nvme_next_cid(slot->cid);
        nvme_queue_send(queue, slot);
    }
    return true;
}

bool nvme_retry_reset(struct nvme_queue *queue, struct nvme_slot *slot)
{
    if (!take_retry(queue, slot->request))
        return false;
    nvme_queue_hold(queue, slot, 0);
    return true;
}

/* A device names delays only to a host that says that it knows them (Base 5.27.1.18). */
static int accept_delays(struct nvme_controller *controller)
{
    uint64_t bus;
    uint8_t *behavior = nvme_alloc(controller, NVME_BEHAVIOR_SIZE, &bus);
    if (!behavior)
        return NVME_ERR_NO_MEMORY;
    behavior[0] = 1;
    const struct nvme_segment segment = {.base = behavior, .length = NVME_BEHAVIOR_SIZE};
    struct nvme_request request = {
        .command = {.opcode = NVME_ADMIN_SET_FEATURES, .cdw10 = NVME_FEATURE_BEHAVIOR},
        .segments = &segment,
        .segment_count = 1,
        .data_bytes = NVME_BEHAVIOR_SIZE,
    };
    int error = nvme_execute(&controller->admin, &request);
    nvme_free(controller, behavior, NVME_BEHAVIOR_SIZE);
    return error;
}

int nvme_retry_setup(struct nvme_controller *controller)
{
    const struct nvme_identify_controller *data = controller->identify;
    const uint16_t delays[] = {data->crdt1, data->crdt2, data->crdt3};
    const uint64_t most = controller->options.io_timeout_ms * NVME_NS_PER_MS;
    bool any = false;
    for (unsigned i = 0; i < 3; i++) {
        /* Nothing keeps a request from coming back for longer than a hanging command does. */
        uint64_t delay = delays[i] * CRDT_UNIT_NS;
        controller->retry_delay_ns[i] = delay < most ? delay : most;
        any |= delay != 0;
    }
    if (!any || !controller->options.retries)
        return NVME_OK;
    int error = accept_delays(controller);
    if (error == NVME_ERR_STATUS || error == NVME_ERR_NO_MEMORY) {
        nvme_log(controller, NVME_LOG_WARNING, "retry delays are not used: %s",
                 nvme_error_text(error));
        return NVME_OK;
    }
    return error;
}
