/*
 * Asynchronous events (Base 5.2). The device is given as many requests as it
 * takes; each completes when something has happened that nobody asked for. Its
 * completion is only noted in done(), which may run inside any wait, and acted
 * on by nvme_check(): the log page that it names is read, which allows the
 * device to report the like again, said in words, and followed by a scan if
 * namespaces have changed. Then the request is given again.
 *
 * A device that has events without end is heard a few times a second: between
 * two rounds it has no requests to complete.
 */
#include "internal.h"

#define ROUND_INTERVAL_NS (200 * NVME_NS_PER_MS)

/* So many are said in so long a time, the others counted. */
#define SAID_MOST        10
#define SAID_INTERVAL_NS (10000 * NVME_NS_PER_MS)

#define CRITICAL_WARNINGS                                                          \
    (NVME_CRITICAL_SPARE | NVME_CRITICAL_TEMPERATURE | NVME_CRITICAL_RELIABILITY | \
     NVME_CRITICAL_READ_ONLY | NVME_CRITICAL_BACKUP)

/* ---- Requests ------------------------------------------------------------------------------ */

static void event_done(struct nvme_request *request)
{
    struct nvme_controller *controller = request->context;
    struct nvme_events *events = &controller->events;
    if (request->result == NVME_OK)
        events->noted |= 1u << (request - events->requests);
    else if (request->result == NVME_ERR_STATUS) /* given again, it would fail again */
        nvme_log(controller, NVME_LOG_WARNING, "Asynchronous Event Request: %s",
                 nvme_status_text(request->status));
}

/* Gives the device the requests that it does not have; a full admin queue makes it later. */
static void give(struct nvme_controller *controller)
{
    struct nvme_events *events = &controller->events;
    for (unsigned i = 0; i < NVME_EVENTS_MOST; i++) {
        if (!(events->idle & 1u << i))
            continue;
        events->requests[i] = (struct nvme_request){
            .command.opcode = NVME_ADMIN_ASYNC_EVENT,
            .timeout_ns = UINT64_MAX, /* answered when something happens, if ever */
            .done = event_done,
            .context = controller,
        };
        if (nvme_submit(&controller->admin, &events->requests[i]))
            break;
        events->idle &= ~(1u << i);
    }
    nvme_ring(&controller->admin);
}

int nvme_events_start(struct nvme_controller *controller)
{
    struct nvme_events *events = &controller->events;
    const struct nvme_identify_controller *identify = controller->identify;
    uint32_t wanted = NVME_SET(NVME_EVENTS_SMART, CRITICAL_WARNINGS) |
                      (identify->oaes & (NVME_EVENTS_NAMESPACES | NVME_EVENTS_FIRMWARE));
    int error = nvme_set_feature(controller, NVME_FEATURE_EVENTS, wanted, NULL);
    if (error && error != NVME_ERR_STATUS)
        return error;
    unsigned count = identify->aerl + 1u;
    if (count > NVME_EVENTS_MOST)
        count = NVME_EVENTS_MOST;
    events->starts++;
    events->noted = 0;
    events->idle = (1u << count) - 1;
    give(controller);
    return NVME_OK;
}

/* ---- What has happened, in words ----------------------------------------------------------- */

static const char *event_text(unsigned type, unsigned information)
{
    static const char *const errors[] = {
        "write to an invalid doorbell", "invalid value written to a doorbell",
        "diagnostic failure",           "persistent internal error",
        "transient internal error",     "firmware image load error"};
    static const char *const health[] = {"reliability", "temperature", "spare capacity"};
    static const char *const notices[] = {"a namespace has changed", "firmware activation starts",
                                          "telemetry log has changed",
                                          "access to namespaces has changed"};
    if (type == NVME_EVENT_ERROR && information < sizeof errors / sizeof errors[0])
        return errors[information];
    if (type == NVME_EVENT_SMART && information < sizeof health / sizeof health[0])
        return health[information];
    if (type == NVME_EVENT_NOTICE && information < sizeof notices / sizeof notices[0])
        return notices[information];
    return type == NVME_EVENT_VENDOR ? "the vendor's own" : "unknown";
}

static void say_error(struct nvme_controller *controller, const struct nvme_error_entry *entry)
{
    if (entry->count)
        nvme_log(controller, NVME_LOG_ERROR,
                 "error log, entry %llu: queue %u, command %04x: %s, namespace %u, LBA %llu",
                 (unsigned long long)entry->count, entry->sq_id, entry->cid,
                 nvme_status_text(entry->status >> 1), entry->nsid, (unsigned long long)entry->lba);
}

static void say_health(struct nvme_controller *controller, const struct nvme_health_log *health)
{
    static const char *const warnings[] = {
        "available spare capacity is below its threshold",
        "temperature is outside its thresholds",
        "reliability is degraded by media or internal errors",
        "all media is read-only",
        "the volatile memory's backup has failed",
        "the persistent memory region is read-only or unreliable"};
    for (unsigned bit = 0; bit < sizeof warnings / sizeof warnings[0]; bit++)
        if (health->critical & 1u << bit)
            nvme_log(controller, NVME_LOG_ERROR, "critical warning: %s", warnings[bit]);
    nvme_log(controller, NVME_LOG_NOTE, "temperature %u K, spare %u %%, used %u %%",
             health->temperature[0] | (unsigned)health->temperature[1] << 8, health->spare,
             health->used);
}

static void say_changed(struct nvme_controller *controller, const struct nvme_changed_log *changed)
{
    unsigned count = 0;
    while (count < sizeof changed->ids / sizeof changed->ids[0] && changed->ids[count])
        count++;
    if (changed->ids[0] == NVME_NSID_ALL)
        nvme_log(controller, NVME_LOG_NOTE, "more namespaces have changed than can be listed");
    else
        nvme_log(controller, NVME_LOG_NOTE, "%u namespaces have changed", count);
}

static bool may_say(struct nvme_controller *controller)
{
    struct nvme_events *events = &controller->events;
    uint64_t now = nvme_now(controller);
    if (now - events->said_from >= SAID_INTERVAL_NS) {
        if (events->unsaid)
            nvme_log(controller, NVME_LOG_WARNING, "%u more events", events->unsaid);
        events->said_from = now;
        events->said = events->unsaid = 0;
    }
    if (events->said == SAID_MOST)
        events->unsaid++;
    else
        events->said++;
    return !events->unsaid;
}

static void say(struct nvme_controller *controller, unsigned page, const void *log)
{
    if (page == NVME_LOG_ERROR_INFORMATION)
        say_error(controller, log);
    else if (page == NVME_LOG_HEALTH)
        say_health(controller, log);
    else if (page == NVME_LOG_CHANGED_NAMESPACES)
        say_changed(controller, log);
}

/* ---- Handling ------------------------------------------------------------------------------ */

static size_t log_bytes(unsigned page)
{
    switch (page) {
    case NVME_LOG_ERROR_INFORMATION:
        return sizeof(struct nvme_error_entry); /* the newest */
    case NVME_LOG_CHANGED_NAMESPACES:
        return sizeof(struct nvme_changed_log);
    default:
        return sizeof(struct nvme_health_log); /* and the beginning of any other */
    }
}

/* Reads the event's log page. True: namespaces have to be looked at. */
static bool handle(struct nvme_controller *controller, uint32_t event)
{
    unsigned type = NVME_GET(NVME_EVENT_TYPE, event);
    unsigned information = NVME_GET(NVME_EVENT_INFORMATION, event);
    unsigned page = NVME_GET(NVME_EVENT_LOG, event);
    void *log = controller->scratch->log;
    bool said = may_say(controller);
    if (said)
        nvme_log(controller, type == NVME_EVENT_NOTICE ? NVME_LOG_NOTE : NVME_LOG_WARNING,
                 "event of type %u: %s (%02xh), see log page %02xh", type,
                 event_text(type, information), information, page);
    if (!nvme_get_log(controller, NVME_NSID_ALL, (uint8_t)page, 0, log, log_bytes(page), false) &&
        said)
        say(controller, page, log);
    return type == NVME_EVENT_NOTICE && information == NVME_NOTICE_NAMESPACES;
}

/* One event for each request at most; those that come meanwhile are for the next round. */
static void round_of_events(struct nvme_controller *controller)
{
    struct nvme_events *events = &controller->events;
    const uint32_t noted = events->noted;
    const uint64_t starts = events->starts;
    bool changed = false;
    for (unsigned i = 0; i < NVME_EVENTS_MOST; i++) {
        if (!(noted & 1u << i))
            continue;
        events->handled++;
        changed |= handle(controller, events->requests[i].value);
        if (events->starts != starts)
            return; /* there was a reset: all requests are new, and namespaces were looked at */
    }
    if (changed)
        nvme_rescan(controller);
    if (events->starts != starts)
        return;
    events->noted &= ~noted;
    events->idle |= noted;
}

void nvme_events_handle(struct nvme_controller *controller)
{
    struct nvme_events *events = &controller->events;
    if (controller->state != NVME_LIVE || events->handling)
        return;
    if (!(events->noted | events->idle) || nvme_now(controller) < events->not_before)
        return;
    events->handling = true;
    round_of_events(controller);
    events->not_before = nvme_now(controller) + ROUND_INTERVAL_NS;
    if (controller->state == NVME_LIVE)
        give(controller);
    events->handling = false;
}
