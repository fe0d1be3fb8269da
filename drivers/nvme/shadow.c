/*
 * Shadow doorbells (Base 5.8, B.5), for devices that are software: doorbells in
 * memory, which such a device reads while it is awake anyway. A write of a
 * register, which costs a trip out of the virtual machine, is due only if the
 * value passes the one that the device has asked for, its EventIdx, before it
 * went to sleep.
 *
 * Both sides write one word and then read the other's, so that each needs a full
 * barrier between the two, or both read what was there before: the driver thinks
 * the device awake, the device thinks there is nothing to do, and the commands
 * stay where they are. A device that gets this wrong loses a wake-up now and then.
 * So what a register was not told is told after all when nothing has come for a
 * moment: late by microseconds, and not by a time-out.
 *
 * The admin queue has its registers only: devices and drivers do not agree whether
 * it takes part, and nothing is to be gained there. The device forgets all of this
 * when it is reset.
 */
#include "internal.h"

/* How long nothing comes before a register is written that was not asked for. */
#define QUIET_NS 100000ULL

static uint32_t *place(const struct nvme_queue *queue, unsigned is_cq)
{
    return queue->shadow + (is_cq << queue->controller->doorbell_shift) / sizeof(uint32_t);
}

static bool wanted(struct nvme_controller *controller)
{
    bool offered = controller->identify->oacs & NVME_OACS_DOORBELL_BUFFER;
    switch (controller->options.shadow_doorbells) {
    case NVME_SHADOW_ON:
        if (!offered)
            nvme_log(controller, NVME_LOG_WARNING, "the device has no shadow doorbells");
        return offered;
    case NVME_SHADOW_OFF:
        return false;
    default:
        return offered && !(controller->quirk && controller->quirk->shadow_loses);
    }
}

/* Two pages of the device, one behind the other: shadows and EventIdx. */
static int configure(struct nvme_controller *controller)
{
    const uint32_t page = controller->page_size;
    if (!controller->shadows)
        controller->shadows =
            nvme_alloc_raw(controller, 2 * (size_t)page, &controller->shadows_bus);
    if (!controller->shadows)
        return NVME_ERR_NO_MEMORY;
    /* Queues begin at 0, and with EventIdx at 0 the first command is told by the register. */
    __builtin_memset(controller->shadows, 0, 2 * (size_t)page);
    const struct nvme_command command = {.opcode = NVME_ADMIN_DOORBELL_BUFFER,
                                         .prp1 = controller->shadows_bus,
                                         .prp2 = controller->shadows_bus + page};
    return nvme_admin(controller, &command, NULL, NULL, "Doorbell Buffer Config");
}

int nvme_shadow_start(struct nvme_controller *controller)
{
    struct nvme_queue *queue;
    for (unsigned i = 1; (queue = nvme_queue_at(controller, i)); i++)
        queue->shadow = NULL;
    if (!wanted(controller))
        return NVME_OK;
    int error = configure(controller);
    if (error) {
        nvme_log(controller, NVME_LOG_WARNING, "no shadow doorbells: %s", nvme_error_text(error));
        return error == NVME_ERR_STATUS || error == NVME_ERR_NO_MEMORY ? NVME_OK : error;
    }
    const uint32_t stride = 1u << controller->doorbell_shift;
    for (unsigned i = 1; (queue = nvme_queue_at(controller, i)); i++) {
        if ((2ull * i + 2) * stride > controller->page_size)
            break; /* has its registers only */
        queue->shadow = controller->shadows + 2 * i * (stride / sizeof(uint32_t));
        queue->written[0] = queue->written[1] = 0;
    }
    return NVME_OK;
}

bool nvme_shadow_tell(struct nvme_queue *queue, unsigned is_cq, unsigned before, unsigned now)
{
    uint32_t *shadow = place(queue, is_cq);
    const uint32_t *event = shadow + queue->controller->page_size / sizeof(uint32_t);
    /* Entries first, so that a device that is awake finds them when it finds the value. */
    __atomic_store_n(shadow, now, __ATOMIC_RELEASE);
    queue->counters.shadow_doorbells++;
    /* Not to be passed by the load: see above. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint16_t asked = (uint16_t)__atomic_load_n(event, __ATOMIC_RELAXED);
    /*
     * Is `asked` one of before .. now - 1? Counted back from now - 1, in 16 bits: around the
     * ring's end too, as what is taken off both sides there is the same.
     */
    if ((uint16_t)(now - 1 - asked) >= (uint16_t)(now - before))
        return false;
    queue->written[is_cq] = (uint16_t)now;
    return true;
}

static void tell_register(struct nvme_queue *queue, unsigned is_cq, uint32_t value)
{
    if (queue->written[is_cq] == value)
        return;
    queue->written[is_cq] = (uint16_t)value;
    nvme_queue_doorbell(queue, is_cq, value);
}

uint64_t nvme_shadow_nudge(struct nvme_queue *queue)
{
    bool lags = queue->written[0] != queue->rung || queue->written[1] != nvme_queue_told(queue);
    if (!queue->live || !lags || !nvme_queue_in_flight(queue)) {
        queue->quiet_since = 0;
        return UINT64_MAX;
    }
    uint64_t now = nvme_now(queue->controller);
    if (!queue->quiet_since || queue->quiet_completed != queue->counters.completed) {
        queue->quiet_since = now;
        queue->quiet_completed = queue->counters.completed;
    }
    if (now - queue->quiet_since < QUIET_NS)
        return queue->quiet_since + QUIET_NS;
    tell_register(queue, 0, queue->rung);
    tell_register(queue, 1, nvme_queue_told(queue));
    queue->counters.nudges++;
    return UINT64_MAX;
}
