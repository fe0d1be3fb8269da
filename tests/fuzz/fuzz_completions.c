/*
 * Completion queue entries at will, at any place and time, beside those of a
 * device that may be honest or silent: from the first command on. Every request
 * completes exactly once, and not while the device could still write.
 */
#include "tests/fuzz/host.h"

#include <string.h>

enum {
    REQUESTS = 24,
    DATA_BYTES = 8 << 10
};

static struct input input;

static struct nvme_queue *any_queue(struct testhost *host)
{
    unsigned count = host->nvme.io ? host->nvme.io_count : 0, index = choose(&input, count + 1);
    return index ? &host->nvme.io[index - 1] : &host->nvme.admin;
}

/* The identifier of a command in flight, or of one that was. */
static uint16_t any_cid(const struct nvme_queue *queue)
{
    return (uint16_t)queue->slots[take(&input, 1) % queue->size].cid;
}

static void forge(struct testhost *host)
{
    struct nvme_queue *queue = any_queue(host);
    if (!queue->slots || !queue->cq)
        return;
    unsigned kind = choose(&input, 8), ahead = kind & 1 ? 0 : (unsigned)take(&input, 1);
    unsigned at = (queue->head + ahead) % queue->size;
    unsigned phase = queue->head + ahead >= queue->size ? !queue->phase : queue->phase;
    struct nvme_completion entry = {.sq_id = queue->id, .cid = any_cid(queue)};
    if (kind & 2)
        entry.status = (uint16_t)take(&input, 2);
    if (kind & 4) {
        uint8_t *raw = (uint8_t *)&entry;
        for (unsigned changes = choose(&input, 17); changes; changes--)
            raw[choose(&input, sizeof entry)] = (uint8_t)take(&input, 1);
    } else {
        entry.status = (uint16_t)((entry.status & ~1u) | phase);
    }
    queue->cq[at] = entry;
}

/* The device posts nothing, or what is right. */
static void be_silent(struct testhost *host, bool silent)
{
    testhost_no_faults(host);
    if (silent)
        testhost_fault(host, (struct nvmevirt_fault){.queue = NVMEVIRT_ANY,
                                                     .opcode = NVMEVIRT_ANY,
                                                     .kind = NVMEVIRT_DROP});
}

static void tamper(struct testhost *host)
{
    switch (choose(&input, 8)) {
    case 1:
    case 2:
        forge(host);
        break;
    case 3:
        for (unsigned count = choose(&input, 32); count; count--)
            forge(host);
        break;
    case 4:
        be_silent(host, true);
        break;
    case 5:
        be_silent(host, false);
        break;
    default:
        break;
    }
}

static void use(struct testhost *host, uint8_t *data)
{
    static struct testio io[REQUESTS];
    bool accepted[REQUESTS] = {0};
    memset(io, 0, sizeof io);
    for (unsigned i = 0; i < REQUESTS && host->nvme.state == NVME_LIVE && host->nvme.namespaces;
         i++) {
        struct nvme_queue *queue = &host->nvme.io[i % host->nvme.io_count];
        unsigned what = choose(&input, 8);
        uint32_t blocks = 1 + (what & 3) * 5;
        accepted[i] = testio_submit(host, queue, &io[i], what & 1, i, blocks, data) == NVME_OK;
        if (what & 4) {
            tamper(host);
            nvme_poll(queue, host->now + 100 * MS);
        }
    }
    for (unsigned i = 0; i < host->nvme.io_count; i++)
        if (host->nvme.state == NVME_LIVE)
            testhost_drain(host, &host->nvme.io[i]);
    if (choose(&input, 2))
        nvme_reset(&host->nvme);
    nvme_stop(&host->nvme);
    for (unsigned i = 0; i < REQUESTS; i++)
        CHECK(io[i].done == accepted[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    input = (struct input){bytes, size};
    struct nvmevirt_config config = fuzz_config();
    config.to = 1;
    config.vectors = (uint16_t)choose(&input, 4);
    const struct fuzz_limits limits = {.virtual_ns = 600 * 1000 * MS, .before_wait = tamper};
    struct testhost *host = fuzz_host_new(&config, &limits);
    uint8_t *data = testhost_data(host, DATA_BYTES);
    const struct nvme_options options = {.io_queues = 2,
                                         .queue_entries = 2 + choose(&input, 20),
                                         .admin_timeout_ms = 1000,
                                         .io_timeout_ms = 1000,
                                         .max_transfer = 64 << 10};
    if (nvme_start(&host->nvme, &host->ops, &options) == NVME_OK)
        use(host, data);
    fuzz_host_free(host);
    return 0;
}
