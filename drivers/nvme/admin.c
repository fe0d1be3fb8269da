/*
 * Admin commands that the driver itself needs: Identify, features, creating
 * and deleting I/O queues (Base 5). Each is sent and waited for.
 */
#include "internal.h"

/* Those that change nothing, or leave the same when they are sent twice. */
static bool is_harmless(uint8_t opcode)
{
    return opcode == NVME_ADMIN_IDENTIFY || opcode == NVME_ADMIN_GET_LOG_PAGE ||
           opcode == NVME_ADMIN_GET_FEATURES || opcode == NVME_ADMIN_SET_FEATURES;
}

/* Asked again where the device says that this may help. */
static int execute(struct nvme_controller *controller, struct nvme_request *request)
{
    const struct nvme_host *host = controller->host;
    uint64_t pause_ns;
    for (int left = controller->options.retries;; left--) {
        int error = nvme_execute(&controller->admin, request);
        if (error != NVME_ERR_STATUS || left == 0 || !is_harmless(request->command.opcode) ||
            !nvme_retry_pause(controller, request->status, &pause_ns))
            return error;
        if (pause_ns)
            host->wait(host->context, nvme_never, NULL, nvme_now(controller) + pause_ns);
    }
}

int nvme_admin_request(struct nvme_controller *controller, struct nvme_request *request,
                       const char *what)
{
    int error = execute(controller, request);
    if (error == NVME_ERR_STATUS)
        nvme_log(controller, NVME_LOG_WARNING, "%s: %s (SCT %xh, SC %02xh)", what,
                 nvme_status_text(request->status),
                 (unsigned)NVME_GET(NVME_STATUS_SCT, request->status),
                 (unsigned)NVME_GET(NVME_STATUS_SC, request->status));
    else if (error)
        nvme_log(controller, NVME_LOG_ERROR, "%s: %s", what, nvme_error_text(error));
    return error;
}

int nvme_admin(struct nvme_controller *controller, const struct nvme_command *command,
               const struct nvme_segment *data, uint32_t *value, const char *what)
{
    struct nvme_request request = {.command = *command,
                                   .segments = data,
                                   .segment_count = data ? 1 : 0,
                                   .data_bytes = data ? data->length : 0};
    int error = nvme_admin_request(controller, &request, what);
    if (value)
        *value = request.value;
    return error;
}

/* Base 5.17. */
int nvme_identify(struct nvme_controller *controller, uint32_t cns, uint32_t nsid, void *data)
{
    const struct nvme_command command = {.opcode = NVME_ADMIN_IDENTIFY, .nsid = nsid, .cdw10 = cns};
    const struct nvme_segment segment = {.base = data, .length = NVME_IDENTIFY_SIZE};
    return nvme_admin(controller, &command, &segment, NULL, "Identify");
}

/* Base 5.27. */
int nvme_set_feature(struct nvme_controller *controller, uint32_t feature, uint32_t value,
                     uint32_t *result)
{
    const struct nvme_command command = {.opcode = NVME_ADMIN_SET_FEATURES,
                                         .cdw10 = NVME_SET(NVME_FEATURE_CDW10_FID, feature),
                                         .cdw11 = value};
    return nvme_admin(controller, &command, NULL, result, "Set Features");
}

/* Base 5.15. */
int nvme_get_feature(struct nvme_controller *controller, uint32_t feature,
                     enum nvme_feature_select select, uint32_t *value)
{
    const struct nvme_command command = {.opcode = NVME_ADMIN_GET_FEATURES,
                                         .cdw10 =
                                             NVME_SET(NVME_FEATURE_CDW10_FID, feature) |
                                             NVME_SET(NVME_FEATURE_CDW10_SELECT, (uint32_t)select)};
    return nvme_admin(controller, &command, NULL, value, "Get Features");
}

/* Base 5.27.1.12: 48 bits of milliseconds since 1970. */
int nvme_set_timestamp(struct nvme_controller *controller)
{
    const struct nvme_host *host = controller->host;
    if (!host->wall_ms || !(controller->identify->oncs & NVME_ONCS_TIMESTAMP))
        return NVME_OK;
    uint64_t bus, milliseconds = host->wall_ms(host->context);
    uint8_t *timestamp = milliseconds ? nvme_alloc(controller, sizeof milliseconds, &bus) : NULL;
    if (!timestamp)
        return NVME_OK;
    for (unsigned i = 0; i < 6; i++)
        timestamp[i] = (uint8_t)(milliseconds >> 8 * i);
    const struct nvme_command command = {.opcode = NVME_ADMIN_SET_FEATURES,
                                         .cdw10 = NVME_FEATURE_TIMESTAMP};
    const struct nvme_segment segment = {.base = timestamp, .length = sizeof milliseconds};
    int error = nvme_admin(controller, &command, &segment, NULL, "Set Features, Timestamp");
    nvme_free(controller, timestamp, sizeof milliseconds);
    return error == NVME_ERR_STATUS ? NVME_OK : error;
}

static void abort_done(struct nvme_request *request)
{
    struct nvme_controller *controller = request->context;
    struct nvme_queue *queue = controller->abort.queue;
    bool aborted = request->result == NVME_OK && !(request->value & NVME_ABORT_NOT);
    controller->abort.queue = NULL;
    if (request->result == NVME_OK)
        nvme_log(controller, NVME_LOG_WARNING, "queue %u: command %04x was %saborted", queue->id,
                 controller->abort.cid, aborted ? "" : "not ");
    else
        nvme_log(controller, NVME_LOG_WARNING, "queue %u: no Abort of command %04x: %s", queue->id,
                 controller->abort.cid, nvme_error_text(request->result));
    nvme_abort_answered(queue, controller->abort.cid, aborted);
}

/* Base 5.1. */
int nvme_abort(struct nvme_queue *queue, uint16_t cid)
{
    struct nvme_controller *controller = queue->controller;
    controller->abort.request = (struct nvme_request){
        .command = {.opcode = NVME_ADMIN_ABORT,
                    .cdw10 = NVME_SET(NVME_ABORT_CDW10_SQID, (uint32_t)queue->id) |
                             NVME_SET(NVME_ABORT_CDW10_CID, (uint32_t)cid)},
        .timeout_ns = controller->options.abort_timeout_ms * NVME_NS_PER_MS,
        .done = abort_done,
        .context = controller,
    };
    int error = nvme_submit(&controller->admin, &controller->abort.request);
    if (error)
        return error;
    controller->abort.queue = queue;
    controller->abort.cid = cid;
    queue->counters.aborts++;
    nvme_ring(&controller->admin);
    return NVME_OK;
}

static int delete_one(struct nvme_queue *queue, uint8_t opcode)
{
    const struct nvme_command command = {.opcode = opcode, .cdw10 = queue->id};
    return nvme_admin(queue->controller, &command, NULL, NULL, "Delete I/O Queue");
}

/* The completion queue has to be there first (Base 5.5); the one is taken back without the other.
 */
int nvme_create_queue(struct nvme_queue *queue)
{
    uint32_t size = queue->size - 1u;
    nvme_queue_clear(queue);
    const struct nvme_command cq = {
        .opcode = NVME_ADMIN_CREATE_CQ,
        .prp1 = queue->cq_bus,
        .cdw10 =
            NVME_SET(NVME_CQ_CDW10_QID, (uint32_t)queue->id) | NVME_SET(NVME_CQ_CDW10_QSIZE, size),
        .cdw11 = NVME_CQ_CDW11_PC | (queue->has_vector ? NVME_CQ_CDW11_IEN : 0) |
                 NVME_SET(NVME_CQ_CDW11_IV, queue->has_vector ? (uint32_t)queue->vector : 0),
    };
    int error = nvme_admin(queue->controller, &cq, NULL, NULL, "Create I/O Completion Queue");
    if (error)
        return error;
    const struct nvme_command sq = {
        .opcode = NVME_ADMIN_CREATE_SQ,
        .prp1 = queue->sq_bus,
        .cdw10 =
            NVME_SET(NVME_SQ_CDW10_QID, (uint32_t)queue->id) | NVME_SET(NVME_SQ_CDW10_QSIZE, size),
        .cdw11 = NVME_SQ_CDW11_PC | NVME_SET(NVME_SQ_CDW11_CQID, (uint32_t)queue->id),
    };
    error = nvme_admin(queue->controller, &sq, NULL, NULL, "Create I/O Submission Queue");
    if (error) {
        delete_one(queue, NVME_ADMIN_DELETE_CQ);
        return error;
    }
    queue->live = queue->controller->admin.live; /* which may have ended with that answer */
    return NVME_OK;
}

/* Submission queue first (Base 5.6 and 5.7). */
int nvme_delete_queue(struct nvme_queue *queue)
{
    int error = delete_one(queue, NVME_ADMIN_DELETE_SQ);
    queue->live = false;
    if (!error)
        error = delete_one(queue, NVME_ADMIN_DELETE_CQ);
    return error;
}
