/*
 * Operations at random on a device that fails at random, by the fault scripts
 * of nvmevirt. Whatever happens, every request completes exactly once, with its
 * memory out of the device's reach; time is bounded; nothing leaks; a device
 * that is well is never blamed for anything nor breaks a rule; and in the end
 * the controller works, or is declared dead.
 */
#include "tests/fuzz/host.h"

#include <string.h>

enum {
    REQUESTS = 96,
    DATA_BYTES = 80 << 10,
    ZONE_BLOCKS = 8,
    DEPTH = 4,  /* of operations in done() of operations */
    RESETS = 12 /* asked for by the input */
};

struct job {
    struct nvme_request request;
    struct nvme_segment segment;
    struct nvme_queue *queue;
    bool accepted;
    bool may_fail; /* with a status, on a device that is well */
    unsigned done;
};

/* Ranges that commands point to, in memory that the device can reach. */
struct job_ranges {
    struct nvme_dataset_range dataset[1];
    struct nvme_copy_range copy[1];
};

static struct input input;
static struct job_ranges *ranges;
static struct testhost *host;
static struct job jobs[REQUESTS];
static unsigned job_count, depth, resets;
static bool faults, lies; /* the device fails; it tells untruths */
static uint8_t *data;

static void operate(void);

static struct nvme_queue *any_queue(void)
{
    return &host->nvme.io[choose(&input, host->nvme.io_capacity)];
}

static void done(struct nvme_request *request)
{
    struct job *job = request->context;
    job->done++;
    CHECK(job->accepted && job->done == 1);
    CHECK(request->result != NVME_ERR_PENDING);
    CHECK(faults || job->may_fail ||
          request->result != NVME_ERR_STATUS); /* it does what it is told, if it may be */
    bool answered = request->result == NVME_OK || request->status;
    bool never_sent = request->result == NVME_ERR_GONE;
    CHECK(answered || never_sent || !job->queue->live || !(host->virt.cc & NVME_CC_EN) ||
          host->virt.removed || host->isolated);
    if (depth < DEPTH && choose(&input, 8) == 7) {
        depth++;
        operate();
        depth--;
    }
}

/* Of a zoned namespace, whose zones are whatever became of them. */
static int prepare_for_zone(struct job *job, unsigned kind, uint64_t lba, uint32_t blocks)
{
    const struct nvme_namespace *ns = host->nvme.namespaces;
    const uint64_t zone = lba - lba % ZONE_BLOCKS;
    switch (kind) {
    case 6:
        return nvme_prepare_append(&job->request, ns, zone, blocks);
    case 7:
        return nvme_prepare_zone_report(&job->request, ns, zone, (uint8_t)(blocks % 9), blocks & 1,
                                        64 * (1 + (size_t)blocks % 8));
    default:
        return nvme_prepare_zone_send(&job->request, ns, (enum nvme_zone_action)(blocks % 7), zone,
                                      blocks & 8);
    }
}

/* Any command; those that move data do so between `offset` in the buffer and the blocks. */
static int prepare(struct job *job, unsigned kind, size_t offset)
{
    const struct nvme_namespace *ns = host->nvme.namespaces;
    struct nvme_request *request = &job->request;
    uint64_t lba = choose(&input, FUZZ_BLOCKS + 2);
    uint32_t blocks = 1 + choose(&input, FUZZ_BLOCKS + 2);
    struct job_ranges *own = &ranges[job - jobs];
    int error;
    switch (kind) {
    case 0:
        nvme_prepare_flush(request, ns);
        return NVME_OK;
    case 1:
        job->may_fail = ns->zone_blocks != 0;
        return nvme_prepare_write_zeroes(request, ns, lba, blocks, offset & 1);
    case 2:
        job->may_fail = ns->zone_blocks != 0;
        return nvme_prepare_verify(request, ns, lba, blocks);
    case 3:
        own->dataset[0] = (struct nvme_dataset_range){.lba = lba, .blocks = blocks};
        return nvme_prepare_dataset(request, ns, 4, own->dataset, 1);
    case 4:
        job->may_fail = ns->zone_blocks != 0;
        own->copy[0] = (struct nvme_copy_range){.lba = lba, .blocks = (uint16_t)(blocks - 1)};
        return nvme_prepare_copy(request, ns, choose(&input, FUZZ_BLOCKS), own->copy, 1);
    case 5:
        job->may_fail = true;
        error = nvme_prepare_compare(request, ns, lba, blocks);
        break;
    default:
        error = ns->zone_blocks && kind < 9 ? prepare_for_zone(job, kind, lba, blocks)
                                            : nvme_prepare_rw(request, ns, kind & 1, lba, blocks);
        break;
    }
    job->may_fail |= ns->zone_blocks != 0;
    if (!error && !request->data_bytes)
        return NVME_OK;
    job->segment = (struct nvme_segment){data + offset, request->data_bytes};
    request->segments = &job->segment;
    request->segment_count = 1;
    return error;
}

static void submit(void)
{
    if (job_count == REQUESTS || !host->nvme.namespaces || !host->nvme.io)
        return;
    struct job *job = &jobs[job_count];
    unsigned what = (unsigned)take(&input, 1);
    size_t offset = take(&input, 2) % 12288 & (what & 1 ? ~3u : ~511u);
    *job = (struct job){.request = {.done = done, .context = job}, .queue = any_queue()};
    if (prepare(job, what >> 4, offset))
        return;
    job->request.once = what & 2;
    if (what & 4)
        job->request.timeout_ns = (1 + take(&input, 2)) * MS / 16;
    job->accepted = true; /* before: done() may come from within */
    job_count++;
    int error = nvme_submit(job->queue, &job->request);
    CHECK(error != NVME_ERR_PENDING && error <= 0);
    if (error)
        job->accepted = false;
}

static void admin_command(void)
{
    if (host->nvme.state != NVME_LIVE)
        return;
    const struct nvme_segment segment = {.base = data, .length = 4096};
    struct nvme_request request = {
        .command = {.opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = NVME_FEATURE_QUEUES}};
    if (choose(&input, 2)) {
        request.command =
            (struct nvme_command){.opcode = NVME_ADMIN_IDENTIFY, .cdw10 = NVME_IDENTIFY_CONTROLLER};
        request.segments = &segment;
        request.segment_count = 1;
        request.data_bytes = segment.length;
    }
    int result = nvme_execute(&host->nvme.admin, &request);
    CHECK(result != NVME_ERR_PENDING);
}

/* One that the device meets from now on. */
static void script(void)
{
    if (host->fault_count == sizeof host->faults / sizeof host->faults[0])
        return;
    static const uint16_t opcodes[] = {NVMEVIRT_ANY,         NVME_IO_READ,
                                       NVME_IO_WRITE,        NVME_IO_FLUSH,
                                       NVME_ADMIN_CREATE_CQ, NVME_ADMIN_SET_FEATURES,
                                       NVME_ADMIN_IDENTIFY,  NVME_ADMIN_DELETE_SQ};
    struct nvmevirt_fault fault = {.queue = (uint16_t[]){NVMEVIRT_ANY, 0, 1, 2}[choose(&input, 4)],
                                   .opcode = opcodes[choose(&input, 8)],
                                   .nth = choose(&input, 8),
                                   .kind =
                                       (enum nvmevirt_fault_kind)choose(&input, NVMEVIRT_MUTE + 1),
                                   .argument = take(&input, 2)};
    faults = true;
    if (fault.kind == NVMEVIRT_WRONG_CID || fault.kind == NVMEVIRT_WRONG_SQID ||
        fault.kind == NVMEVIRT_TORN)
        lies = true;
    fuzz_blame(lies ? BLAME_NOTHING : BLAME_DMA);
    if (fault.kind == NVMEVIRT_DELAY || fault.kind == NVMEVIRT_TORN)
        fault.argument *= MS;
    if (fault.kind == NVMEVIRT_STATUS)
        fault.argument =
            NVMEVIRT_STATUS_FIELD(fault.argument >> 12, fault.argument, fault.argument >> 15);
    testhost_fault(host, fault);
}

static void inject(void)
{
    faults = true;
    if (!lies)
        fuzz_blame(BLAME_DMA);
    unsigned kind = NVMEVIRT_FATAL + choose(&input, NVMEVIRT_MUTE - NVMEVIRT_FATAL + 1);
    nvmevirt_inject(&host->virt, (enum nvmevirt_fault_kind)kind, choose(&input, 4));
}

static void operate(void)
{
    unsigned which = choose(&input, 26);
    switch (which) {
    default:
        submit();
        break;
    case 1:
        nvme_ring(any_queue());
        break;
    case 2:
        nvme_reap(any_queue());
        break;
    case 3:
    case 4:
        nvme_poll(any_queue(), host->now + take(&input, 1) * MS);
        break;
    case 5:
        testhost_work(host);
        break;
    case 6:
        host->now += take(&input, 2) * MS / 16;
        break;
    case 7:
        nvme_check(&host->nvme);
        break;
    case 8:
        if (resets++ < RESETS)
            nvme_reset(&host->nvme);
        break;
    case 9:
        admin_command();
        break;
    case 10:
    case 11:
        script();
        break;
    case 12:
        testhost_no_faults(host);
        break;
    case 13:
        inject();
        break;
    case 14:
        host->translations_left = choose(&input, 40);
        break;
    case 15:
        host->allocations_left = choose(&input, 4);
        break;
    case 16: /* type, information, log page */
        nvmevirt_event(&host->virt, choose(&input, 8) & 7, (uint8_t)take(&input, 1) & 7,
                       (uint8_t)take(&input, 1) % 6);
        break;
    case 17:
        if (host->nvme.state == NVME_LIVE && !depth)
            nvme_rescan(&host->nvme);
        break;
    }
}

static void drain(void)
{
    for (unsigned i = 0; i < job_count; i++)
        while (jobs[i].accepted && !jobs[i].done)
            for (unsigned q = 0; q < host->nvme.io_capacity; q++)
                nvme_poll(&host->nvme.io[q], host->now + 1000 * MS);
}

/* Without further faults it works, perhaps after the reset that an earlier one asks for. */
static void works_or_is_dead(void)
{
    struct nvme_controller *nvme = &host->nvme;
    testhost_no_faults(host);
    host->translations_left = host->allocations_left = -1;
    drain();
    for (unsigned attempt = 0; nvme->state == NVME_LIVE && nvme->namespaces; attempt++) {
        struct nvme_request request = {0};
        CHECK(attempt < 3);
        CHECK(nvme_prepare_rw(&request, nvme->namespaces, false, 0, 1) == NVME_OK);
        const struct nvme_segment segment = {.base = data, .length = request.data_bytes};
        request.segments = &segment;
        request.segment_count = 1;
        if (nvme_execute(&nvme->io[0], &request) == NVME_OK)
            break;
        CHECK(faults);
    }
    CHECK(nvme->state == NVME_LIVE || (faults && nvme->state == NVME_DEAD));
}

static void configure(struct nvmevirt_config *config, struct nvme_options *options)
{
    *config = fuzz_config();
    config->to = (uint8_t)(1 + choose(&input, 4));
    config->vectors = (uint16_t)choose(&input, 5);
    config->queue_pairs = (uint16_t)(1 + choose(&input, 3));
    config->order = (enum nvmevirt_order)choose(&input, 3);
    config->commands = (uint16_t)(1 + choose(&input, 16));
    config->mdts = (uint8_t)choose(&input, 6);
    config->dstrd = (uint8_t)choose(&input, 3);
    config->mqes = (uint16_t)(1 + choose(&input, 40));
    config->mpsmin = (uint8_t)choose(&input, 2);
    config->sgls = (uint32_t[]){0, 1, 2, 0x401}[choose(&input, 4)];
    *options = (struct nvme_options){.io_queues = 1 + choose(&input, 4),
                                     .queue_entries = 2 + choose(&input, 40),
                                     .admin_timeout_ms = 2000,
                                     .io_timeout_ms = 1000,
                                     .max_transfer = 64 << 10};
    unsigned ways = (unsigned)take(&input, 1);
    options->data = (enum nvme_data)(ways % 3);
    options->shadow_doorbells = (enum nvme_shadow)(ways / 3 % 3);
    config->oacs = ways / 9 % 2 ? NVMEVIRT_OACS_DOORBELL_BUFFER : 0;

    /* Metadata, and protection information. */
    static const uint16_t sizes[] = {0, 8, 64, 8};
    static const uint8_t types[] = {0, 1, 2, 0};
    static struct nvmevirt_namespace namespace;
    namespace = config->namespaces[0];
    namespace.metadata_size = sizes[ways / 18 % 4];
    namespace.protection = types[ways / 18 % 4];
    config->namespaces = &namespace;
    if (ways / 72 == 3) { /* zones instead */
        namespace.metadata_size = namespace.protection = 0;
        namespace.zone_blocks = ZONE_BLOCKS;
        namespace.zone_capacity = ZONE_BLOCKS - ways % 2;
        namespace.max_open = ways % 3;
        namespace.max_active = ways % 5;
        config->css = 0x41; /* NVM and other command sets */
        config->zasl = ways % 2;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    input = (struct input){bytes, size};
    job_count = depth = resets = 0;
    faults = lies = false;
    struct nvmevirt_config config;
    struct nvme_options options;
    configure(&config, &options);
    const struct fuzz_limits limits = {.virtual_ns = 3600 * 1000 * MS, .blame = BLAME_ALL};
    host = fuzz_host_new(&config, &limits);
    data = testhost_chunks(host, 0, DATA_BYTES, config.mpsmin + 1u);
    ranges = (struct job_ranges *)(void *)testhost_data(host, REQUESTS * sizeof *ranges);
    if (choose(&input, 4) == 3)
        script(); /* from the very start */
    int error = nvme_start(&host->nvme, &host->ops, &options);
    CHECK(error == NVME_OK || faults);
    while (!error && input.left && host->nvme.state == NVME_LIVE && host->nvme.io_capacity)
        operate();
    if (!error && choose(&input, 4))
        works_or_is_dead();
    if (!error)
        nvme_stop(&host->nvme);
    for (unsigned i = 0; i < job_count; i++)
        CHECK(jobs[i].done == jobs[i].accepted);
    fuzz_host_free(host);
    return 0;
}
