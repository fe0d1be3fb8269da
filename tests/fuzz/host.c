/* See host.h. */
#include "tests/fuzz/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK       (20 * MS)
#define MOST_WAITS 1000000u
#define MOST_DMA   (1u << 20)
#define MOST_ALIGN (1u << 16)

static struct fuzz_limits limits;
static struct nvme_host inner; /* the test host's own functions */
static uint64_t started;

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A failed assertion of the test host ends the process, as there is no test to end. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return setenv("CMOCKA_TEST_ABORT", "1", 1);
}

void fuzz_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "fuzz: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    abort();
}

static void check_time(const struct testhost *host)
{
    if (host->now - started > limits.virtual_ns)
        fuzz_fail("%llu virtual seconds have passed",
                  (unsigned long long)((host->now - started) / 1000 / MS));
}

static void limited_wait(void *context, bool (*ready)(void *argument), void *argument,
                         uint64_t deadline)
{
    struct testhost *host = context;
    if (host->waits > MOST_WAITS)
        fuzz_fail("waits for ever");
    if (limits.before_wait)
        limits.before_wait(host);
    inner.wait(context, ready, argument, deadline);
    if (!ready(argument))
        host->now += TICK;
    check_time(host);
}

static void *limited_dma_alloc(void *context, size_t bytes, size_t alignment, uint64_t *bus)
{
    if (bytes > MOST_DMA || alignment > MOST_ALIGN)
        return NULL;
    return inner.dma_alloc(context, bytes, alignment, bus);
}

static void violation(void *context, const char *text)
{
    struct testhost *host = context;
    if (limits.blame == BLAME_ALL || (limits.blame == BLAME_DMA && strstr(text, "was not granted")))
        fuzz_fail("violation: %s", text);
    host->violations++;
    host->violations_expected++;
}

void fuzz_blame(enum fuzz_blame blame)
{
    limits.blame = blame;
}

struct testhost *fuzz_host_new(const struct nvmevirt_config *config,
                               const struct fuzz_limits *within)
{
    struct testhost *host = testhost_new(config);
    limits = *within;
    inner = host->ops;
    started = host->now;
    host->ops.wait = limited_wait;
    host->ops.dma_alloc = limited_dma_alloc;
    host->virt.environment.violation = violation;
    return host;
}

void fuzz_host_free(struct testhost *host)
{
    nvme_stop(&host->nvme);
    check_time(host);
    /* What could neither be stopped nor cut off keeps its memory. */
    bool at_large = host->nvme.state == NVME_DEAD && !host->ops.isolate;
    testhost_free_kept(host, at_large ? host->dma_live : 0);
}

struct nvmevirt_config fuzz_config(void)
{
    static uint8_t memory[FUZZ_BLOCKS * 512];
    static const struct nvmevirt_namespace namespace = {
        .nsid = 1, .block_size = 512, .blocks = FUZZ_BLOCKS, .memory = memory};
    memset(memory, 0, sizeof memory);
    struct nvmevirt_config config = nvmevirt_defaults();
    config.namespaces = &namespace;
    config.namespace_count = 1;
    return config;
}
