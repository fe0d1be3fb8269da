/*
 * The register file and the states that it drives: enabling with all that must
 * be right by then, ready after a while, reset, shutdown. Base 3.1.3, 3.5 to 3.7.
 */
#include "internal.h"

#define HALF_SECOND_NS 500000000ull

/* The time that has come for. */
void nvmevirt_tick(struct nvmevirt *controller)
{
    uint64_t now = nvmevirt_now(controller);
    if (controller->ready != controller->ready_target && now >= controller->ready_at &&
        controller->ready_at != NVMEVIRT_NEVER)
        controller->ready = controller->ready_target;
    if (controller->shst == SPEC_SHST_OCCURRING && now >= controller->shutdown_at)
        controller->shst = SPEC_SHST_COMPLETE;
    if (now >= controller->paused_until)
        controller->paused_until = 0;
}

bool nvmevirt_running(const struct nvmevirt *controller)
{
    return (controller->cc & SPEC_CC_EN) && controller->ready && !controller->fatal &&
           !controller->removed && controller->shst != SPEC_SHST_COMPLETE;
}

/* CAP.TO has passed since CC.EN was written: the host need not wait any longer. */
static bool is_overdue(const struct nvmevirt *controller)
{
    uint64_t limit = SPEC_GET(SPEC_CAP_TO, controller->cap) * HALF_SECOND_NS;
    return nvmevirt_now(controller) - controller->enable_written >= limit;
}

/* Takes one off the transitions that fail; UINT32_MAX of them never end. */
static bool transition_sticks(uint32_t *count)
{
    bool sticks = *count != 0;
    if (sticks && *count != UINT32_MAX)
        --*count;
    return sticks;
}

static bool supports_command_set(const struct nvmevirt *controller, uint32_t css)
{
    uint64_t offered = SPEC_GET(SPEC_CAP_CSS, controller->cap);
    switch (css) {
    case SPEC_CC_CSS_NVM:
        return offered & SPEC_CSS_NVM;
    case SPEC_CC_CSS_IOCS:
        return offered & SPEC_CSS_IOCS;
    case SPEC_CC_CSS_ADMIN_ONLY:
        return offered & SPEC_CSS_ADMIN_ONLY;
    default:
        return false;
    }
}

static bool check_cc(struct nvmevirt *controller, uint32_t cc)
{
    uint32_t mps = SPEC_GET(SPEC_CC_MPS, cc);
    bool good = true;
    if (mps < SPEC_GET(SPEC_CAP_MPSMIN, controller->cap) ||
        mps > SPEC_GET(SPEC_CAP_MPSMAX, controller->cap)) {
        nvmevirt_violation(controller, "CC.MPS %u is outside CAP.MPSMIN to CAP.MPSMAX", mps);
        good = false;
    }
    if (!supports_command_set(controller, SPEC_GET(SPEC_CC_CSS, cc))) {
        nvmevirt_violation(controller, "CC.CSS %u is not offered", SPEC_GET(SPEC_CC_CSS, cc));
        good = false;
    }
    if (SPEC_GET(SPEC_CC_AMS, cc)) {
        nvmevirt_violation(controller, "CC.AMS %u is not offered", SPEC_GET(SPEC_CC_AMS, cc));
        good = false;
    }
    if (SPEC_GET(SPEC_CC_IOSQES, cc) != SPEC_SQE_SHIFT) {
        nvmevirt_violation(controller, "CC.IOSQES %u, not 6", SPEC_GET(SPEC_CC_IOSQES, cc));
        good = false;
    }
    if (SPEC_GET(SPEC_CC_IOCQES, cc) != SPEC_CQE_SHIFT) {
        nvmevirt_violation(controller, "CC.IOCQES %u, not 4", SPEC_GET(SPEC_CC_IOCQES, cc));
        good = false;
    }
    return good;
}

static bool check_admin_queue(struct nvmevirt *controller, const char *name, uint64_t base,
                              uint32_t size, unsigned entry_shift, bool write)
{
    if (size < 2) {
        nvmevirt_violation(controller, "AQA: the size of %s is below 2", name);
        return false;
    }
    if (base & (nvmevirt_page_size(controller) - 1)) {
        nvmevirt_violation(controller, "%s %llx is not aligned to CC.MPS", name,
                           (unsigned long long)base);
        return false;
    }
    return nvmevirt_dma(controller, base, (size_t)size << entry_shift, write, name) != NULL;
}

/* 3.5.1: what is wrong at this moment ends in CSTS.CFS. */
static void enable(struct nvmevirt *controller, uint32_t cc)
{
    uint32_t asqs = SPEC_GET(SPEC_AQA_ASQS, controller->aqa) + 1;
    uint32_t acqs = SPEC_GET(SPEC_AQA_ACQS, controller->aqa) + 1;
    bool good = true;

    if (controller->ready && !is_overdue(controller)) {
        nvmevirt_violation(controller, "CC.EN set before CSTS.RDY was cleared");
        good = false;
    }
    controller->cc = cc;
    controller->enable_written = nvmevirt_now(controller);
    if (check_cc(controller, cc)) {
        good &= check_admin_queue(controller, "ASQ", controller->asq, asqs, SPEC_SQE_SHIFT, false);
        good &= check_admin_queue(controller, "ACQ", controller->acq, acqs, SPEC_CQE_SHIFT, true);
    } else {
        good = false; /* without CC.MPS there is nothing to check the queues against */
    }
    if (!good) {
        controller->fatal = true;
        return;
    }
    nvmevirt_sq_open(
        controller, 0,
        (struct nvmevirt_sq){.contiguous = true, .size = asqs, .base = controller->asq});
    nvmevirt_cq_open(
        controller, 0,
        (struct nvmevirt_cq){
            .contiguous = true, .interrupts = true, .size = acqs, .base = controller->acq});
    controller->ready_target = true;
    controller->ready_at = transition_sticks(&controller->stuck_low)
                               ? NVMEVIRT_NEVER
                               : controller->enable_written + controller->config.ready_ns;
}

/* 3.7.2: Controller Reset. AQA, ASQ and ACQ survive; all of CC does not. */
static void reset(struct nvmevirt *controller)
{
    if (!controller->ready && !controller->fatal && !is_overdue(controller))
        nvmevirt_violation(controller, "CC.EN cleared before CSTS.RDY was set");
    controller->counters.resets++;
    controller->enable_written = nvmevirt_now(controller);
    controller->cc = 0;
    controller->intms = 0;
    controller->fatal = false;
    controller->paused_until = 0;
    controller->shst = SPEC_SHST_NORMAL;
    controller->shadow = 0;
    controller->event_index = 0;
    controller->reported = 0;
    controller->acre = false;
    controller->timestamp = 0;
    nvmevirt_features_reset(controller);
    controller->command_count = 0;
    controller->event_count = 0;
    __builtin_memset(controller->events_masked, 0, sizeof controller->events_masked);
    nvmevirt_queues_close(controller);
    nvmevirt_msix_reset(controller);
    controller->ready_target = false;
    controller->ready_at = transition_sticks(&controller->stuck_high)
                               ? NVMEVIRT_NEVER
                               : controller->enable_written + controller->config.disable_ns;
}

static void write_cc(struct nvmevirt *controller, uint32_t cc)
{
    const uint32_t frozen = SPEC_CC_CSS | SPEC_CC_MPS | SPEC_CC_AMS;
    const uint32_t entries = SPEC_CC_IOSQES | SPEC_CC_IOCQES;
    bool was_enabled = controller->cc & SPEC_CC_EN;

    if (cc & SPEC_CC_RESERVED)
        nvmevirt_violation(controller, "CC %x has reserved bits set", cc);
    cc &= ~SPEC_CC_RESERVED;
    if (was_enabled && !(cc & SPEC_CC_EN)) {
        reset(controller);
        return;
    }
    if (!was_enabled && (cc & SPEC_CC_EN)) {
        enable(controller, cc);
    } else if (was_enabled && ((cc ^ controller->cc) & (frozen | entries))) {
        nvmevirt_violation(controller, "CC changed from %x to %x while enabled", controller->cc,
                           cc);
        cc = (cc & ~(frozen | entries)) | (controller->cc & (frozen | entries));
    }
    controller->cc = cc;

    uint32_t shn = SPEC_GET(SPEC_CC_SHN, cc);
    if (shn == SPEC_SHN_RESERVED)
        nvmevirt_violation(controller, "CC.SHN 3 is reserved");
    else if (shn != SPEC_SHN_NONE && controller->shst == SPEC_SHST_NORMAL) {
        controller->shst = SPEC_SHST_OCCURRING;
        controller->shutdown_at = nvmevirt_now(controller) + controller->config.shutdown_ns;
    }
}

/* AQA, ASQ and ACQ: not while enabled. */
static bool may_write_admin_queue(struct nvmevirt *controller, const char *name)
{
    if (!(controller->cc & SPEC_CC_EN))
        return true;
    nvmevirt_violation(controller, "%s written while CC.EN is set", name);
    return false;
}

static void write_base(struct nvmevirt *controller, uint64_t *base, const char *name,
                       uint32_t value, bool upper)
{
    if (!may_write_admin_queue(controller, name))
        return;
    if (upper) {
        *base = nvmevirt_low(*base) | (uint64_t)value << 32;
        return;
    }
    if (value & 0xFFF)
        nvmevirt_violation(controller, "%s written as %x: bits 11:0 are reserved", name, value);
    *base = (*base & ~0xFFFFFFFFull) | (value & ~0xFFFu);
}

static void write_aqa(struct nvmevirt *controller, uint32_t value)
{
    if (!may_write_admin_queue(controller, "AQA"))
        return;
    if (value & SPEC_AQA_RESERVED)
        nvmevirt_violation(controller, "AQA %x has reserved bits set", value);
    controller->aqa = value & ~SPEC_AQA_RESERVED;
}

/* PCIe Transport 3.5: the interrupt mask belongs to pin and MSI; with MSI-X it is off limits.
 */
static bool may_use_mask(struct nvmevirt *controller)
{
    if (!controller->config.vectors)
        return true;
    nvmevirt_violation(controller, "INTMS or INTMC used with MSI-X");
    return false;
}

uint32_t nvmevirt_read32(struct nvmevirt *controller, uint32_t offset)
{
    if (controller->removed)
        return UINT32_MAX;
    nvmevirt_tick(controller);
    switch (offset) {
    case SPEC_CAP:
        return nvmevirt_low(controller->cap);
    case SPEC_CAP + 4:
        return nvmevirt_low(controller->cap >> 32);
    case SPEC_VS:
        return controller->config.version;
    case SPEC_INTMS:
    case SPEC_INTMC:
        return may_use_mask(controller) ? controller->intms : 0;
    case SPEC_CC:
        return controller->cc;
    case SPEC_CSTS:
        return (controller->ready ? SPEC_CSTS_RDY : 0) | (controller->fatal ? SPEC_CSTS_CFS : 0) |
               (controller->paused_until ? SPEC_CSTS_PP : 0) |
               SPEC_SET(SPEC_CSTS_SHST, (uint32_t)controller->shst);
    case SPEC_AQA:
        return controller->aqa;
    case SPEC_ASQ:
        return nvmevirt_low(controller->asq);
    case SPEC_ASQ + 4:
        return nvmevirt_low(controller->asq >> 32);
    case SPEC_ACQ:
        return nvmevirt_low(controller->acq);
    case SPEC_ACQ + 4:
        return nvmevirt_low(controller->acq >> 32);
    default:
        if (offset & 3)
            nvmevirt_violation(controller, "read of register %x is not aligned", offset);
        else if (offset >= SPEC_DOORBELLS)
            nvmevirt_violation(controller, "read of doorbell %x", offset);
        return 0; /* reserved, or of a feature that CAP does not offer */
    }
}

void nvmevirt_write32(struct nvmevirt *controller, uint32_t offset, uint32_t value)
{
    if (controller->removed)
        return;
    nvmevirt_tick(controller);
    switch (offset) {
    case SPEC_INTMS:
        if (may_use_mask(controller))
            controller->intms |= value;
        break;
    case SPEC_INTMC:
        if (may_use_mask(controller))
            controller->intms &= ~value;
        break;
    case SPEC_CC:
        write_cc(controller, value);
        break;
    case SPEC_AQA:
        write_aqa(controller, value);
        break;
    case SPEC_ASQ:
    case SPEC_ASQ + 4:
        write_base(controller, &controller->asq, "ASQ", value, offset != SPEC_ASQ);
        break;
    case SPEC_ACQ:
    case SPEC_ACQ + 4:
        write_base(controller, &controller->acq, "ACQ", value, offset != SPEC_ACQ);
        break;
    default:
        if (offset & 3)
            nvmevirt_violation(controller, "write of register %x is not aligned", offset);
        else if (offset >= SPEC_DOORBELLS)
            nvmevirt_doorbell(controller, offset, value);
        else
            nvmevirt_violation(controller, "write to register %x: read-only, reserved or absent",
                               offset);
    }
}
