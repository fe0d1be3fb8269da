/*
 * A device that says anything: every register read may give anything, once or
 * for ever, and every Identify answer may hold anything. The driver starts or
 * refuses, does a little I/O, and stops; in bounded time, and leaving nothing.
 */
#include "tests/fuzz/host.h"

#include <string.h>

#define STICKY_MOST 8
#define DATA_BYTES  (64u << 10)

static struct input input;
static struct {
    uint32_t offset, value;
} sticky[STICKY_MOST];
static unsigned sticky_count;

static bool read_anything(struct testhost *host, uint32_t offset, uint32_t *value)
{
    for (unsigned i = 0; i < sticky_count; i++)
        if (sticky[i].offset == offset) {
            *value = sticky[i].value;
            return true;
        }
    switch (take(&input, 1)) {
    case 1:
        *value = (uint32_t)take(&input, 4);
        return true;
    case 2: /* true but for one bit */
        *value = nvmevirt_read32(&host->virt, offset) ^ 1u << choose(&input, 32);
        return true;
    case 3:
        *value = UINT32_MAX;
        return true;
    case 4:
    case 5: /* from now on, anything or what it happens to be */
        if (sticky_count == STICKY_MOST)
            return false;
        *value = nvmevirt_read32(&host->virt, offset) ^ (uint32_t)take(&input, 4);
        sticky[sticky_count].offset = offset;
        sticky[sticky_count++].value = *value;
        return true;
    default:
        return false;
    }
}

static void identify_anything(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host;
    (void)cns;
    (void)nsid;
    for (unsigned patches = choose(&input, 9); patches; patches--) {
        size_t at = take(&input, 2) % 4096, length = 1 + choose(&input, 16);
        uint8_t step = (uint8_t)take(&input, 1);
        for (size_t i = 0; i < length && at + i < 4096; i++)
            data[at + i] = (uint8_t)take(&input, 1);
        /* Now and then on to the end, counting: a list of identifiers is that. */
        for (size_t i = at + length; step > 127 && i < 4096; i++)
            data[i] = (uint8_t)(data[i - length] + (i % 4 == 0 ? step - 128 : 0));
    }
}

static void use(struct testhost *host, uint8_t *data)
{
    struct nvme_controller *nvme = &host->nvme;
    unsigned i = 0;
    CHECK(nvme->io_count >= 1 || !nvme->namespaces);
    for (const struct nvme_namespace *ns = nvme->namespaces; ns && i < 8; ns = ns->next, i++) {
        CHECK(ns->block_size >= 512 && ns->block_size <= 65536);
        struct nvme_request request = {0};
        uint64_t lba = take(&input, 8);
        uint32_t blocks = (uint32_t)take(&input, 1);
        if (blocks > DATA_BYTES / ns->block_size)
            blocks = DATA_BYTES / ns->block_size;
        if (nvme_prepare_rw(&request, ns, blocks & 1, lba, blocks))
            continue;
        CHECK(lba + blocks <= ns->block_count && request.data_bytes <= nvme->max_transfer);
        const struct nvme_segment segment = {.base = data, .length = request.data_bytes};
        request.segments = &segment;
        request.segment_count = 1;
        nvme_execute(&nvme->io[i % nvme->io_count], &request);
    }
}

static bool is_text(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return length < size;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    input = (struct input){bytes, size};
    sticky_count = 0;
    struct nvmevirt_config config = fuzz_config();
    config.to = (uint8_t)(1 + choose(&input, 8));
    config.vectors = (uint16_t)choose(&input, 4);
    const struct fuzz_limits limits = {.virtual_ns = 3600 * 1000 * MS};
    struct testhost *host = fuzz_host_new(&config, &limits);
    host->read = read_anything;
    host->identify = identify_anything;
    uint8_t *data = testhost_data(host, DATA_BYTES);
    const struct nvme_options options = {.io_queues = 1 + choose(&input, 3),
                                         .queue_entries = 2 + choose(&input, 64),
                                         .admin_timeout_ms = 1000,
                                         .io_timeout_ms = 1000,
                                         .max_transfer = 128 << 10};
    if (nvme_start(&host->nvme, &host->ops, &options) == NVME_OK) {
        const struct nvme_controller *nvme = &host->nvme;
        CHECK(nvme->state == NVME_LIVE && nvme->page_size >= 4096);
        CHECK(is_text(nvme->serial, sizeof nvme->serial) &&
              is_text(nvme->model, sizeof nvme->model) &&
              is_text(nvme->firmware, sizeof nvme->firmware));
        use(host, data);
    }
    fuzz_host_free(host);
    return 0;
}
