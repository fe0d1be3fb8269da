/* See nvme_host.h. */
#include "tests/unit/nvme_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sanitizer/asan_interface.h>

#define BUS_BASE   0x780000000ull
#define MOST_WAITS 20000000u

struct testhost_region {
    struct testhost_region *next;
    uint8_t *pages; /* as allocated; `first` bytes in, `bytes` are granted */
    size_t page_count, first, bytes;
    size_t *frames; /* of each page */
    bool dma;
};

struct testhost_frame {
    struct testhost_region *region; /* NULL: a hole */
    size_t page;
};

/* ---- Memory -------------------------------------------------------------------------------- */

/* The first of `count` frames that follow one another, aligned, with a hole before and after. */
static size_t take_frames(struct testhost *host, size_t count, size_t alignment)
{
    size_t first = (host->frame_count + alignment) / alignment * alignment;
    size_t end = first + count + 1;
    while (end > host->frame_capacity) {
        size_t more = host->frame_capacity ? host->frame_capacity : 1024;
        host->frames = realloc(host->frames, (host->frame_capacity + more) * sizeof *host->frames);
        memset(host->frames + host->frame_capacity, 0, more * sizeof *host->frames);
        host->frame_capacity += more;
    }
    host->frame_count = end;
    return first;
}

static struct testhost_region *region_new(struct testhost *host, size_t first, size_t bytes)
{
    struct testhost_region *region = calloc(1, sizeof *region);
    region->first = first;
    region->bytes = bytes;
    region->page_count = (first + bytes + TESTHOST_PAGE - 1) / TESTHOST_PAGE;
    region->frames = calloc(region->page_count, sizeof *region->frames);
    size_t whole = region->page_count * TESTHOST_PAGE;
    region->pages = aligned_alloc(TESTHOST_PAGE, whole);
    memset(region->pages, 0xa5, whole);
    ASAN_POISON_MEMORY_REGION(region->pages, first);
    ASAN_POISON_MEMORY_REGION(region->pages + first + bytes, whole - first - bytes);
    region->next = host->regions;
    host->regions = region;
    return region;
}

static void place(struct testhost *host, struct testhost_region *region, size_t page, size_t frame)
{
    region->frames[page] = frame;
    host->frames[frame].region = region;
    host->frames[frame].page = page;
}

static void region_free(struct testhost *host, struct testhost_region *region)
{
    struct testhost_region **link = &host->regions;
    while (*link != region)
        link = &(*link)->next;
    *link = region->next;
    for (size_t i = 0; i < region->page_count; i++)
        host->frames[region->frames[i]].region = NULL;
    free(region->pages);
    free(region->frames);
    free(region);
}

uint8_t *testhost_chunks(struct testhost *host, size_t offset, size_t bytes, size_t chunk)
{
    struct testhost_region *region = region_new(host, offset, bytes);
    size_t chunks = (region->page_count + chunk - 1) / chunk;
    /* Last first, so that no page's neighbour on the bus is its neighbour in memory. */
    for (size_t i = chunks; i-- > 0;) {
        size_t frame = take_frames(host, chunk, chunk);
        for (size_t page = i * chunk; page < (i + 1) * chunk && page < region->page_count; page++)
            place(host, region, page, frame + page % chunk);
    }
    return region->pages + offset;
}

uint8_t *testhost_data(struct testhost *host, size_t bytes)
{
    return testhost_chunks(host, 0, bytes, 1);
}

static struct testhost_region *region_of(struct testhost *host, const void *memory)
{
    const uint8_t *byte = memory;
    for (struct testhost_region *region = host->regions; region; region = region->next)
        if (byte >= region->pages + region->first &&
            byte < region->pages + region->first + region->bytes)
            return region;
    return NULL;
}

uint64_t testhost_bus(struct testhost *host, const void *memory)
{
    struct testhost_region *region = region_of(host, memory);
    if (!region)
        return 0;
    size_t at = (size_t)((const uint8_t *)memory - region->pages);
    return BUS_BASE + region->frames[at / TESTHOST_PAGE] * TESTHOST_PAGE + at % TESTHOST_PAGE;
}

void *testhost_at(struct testhost *host, uint64_t bus, size_t length)
{
    size_t frame = (size_t)((bus - BUS_BASE) / TESTHOST_PAGE);
    if (bus < BUS_BASE || frame >= host->frame_count || !host->frames[frame].region)
        return NULL;
    struct testhost_region *region = host->frames[frame].region;
    size_t page = host->frames[frame].page;
    size_t at = page * TESTHOST_PAGE + bus % TESTHOST_PAGE;
    if (at < region->first || at - region->first > region->bytes ||
        length > region->bytes - (at - region->first))
        return NULL;
    for (size_t i = 0; i * TESTHOST_PAGE < bus % TESTHOST_PAGE + length; i++)
        if (region->frames[page + i] != frame + i)
            return NULL;
    return region->pages + at;
}

bool testhost_read_qword(void *host, uint64_t bus, uint64_t *value)
{
    const void *memory = testhost_at(host, bus, sizeof *value);
    if (memory)
        memcpy(value, memory, sizeof *value);
    return memory != NULL;
}

size_t testhost_pieces(struct testhost *host, const struct nvme_segment *segments, unsigned count,
                       struct prp_segment *pieces, size_t most)
{
    size_t n = 0;
    for (unsigned s = 0; s < count; s++) {
        const uint8_t *at = segments[s].base;
        for (size_t left = segments[s].length, step; left; left -= step, at += step) {
            uint64_t bus = testhost_bus(host, at);
            step = TESTHOST_PAGE - bus % TESTHOST_PAGE;
            if (step > left)
                step = left;
            assert_true(n < most);
            pieces[n++] = (struct prp_segment){.bus = bus, .length = step};
        }
    }
    return n;
}

/* ---- What the device asks of its surroundings ---------------------------------------------- */

static void *virt_dma(void *context, uint64_t bus, size_t length, bool write)
{
    (void)write;
    return testhost_at(context, bus, length);
}

void testhost_interrupt(struct testhost *host, unsigned vector)
{
    const char *interrupted = host->inside;
    host->inside = "an interrupt handler";
    host->handlers[vector].function(host->handlers[vector].argument);
    host->inside = interrupted;
    host->woken = true;
}

static void virt_interrupt(void *context, unsigned vector)
{
    struct testhost *host = context;
    host->interrupts++;
    if (vector < TESTHOST_VECTORS && host->handlers[vector].function)
        testhost_interrupt(host, vector);
}

static uint64_t get_now(void *context)
{
    struct testhost *host = context;
    return host->now;
}

static void virt_violation(void *context, const char *text)
{
    struct testhost *host = context;
    host->violations++;
    snprintf(host->violation, sizeof host->violation, "%s", text);
}

static void *virt_allocate(void *context, size_t size)
{
    (void)context;
    return calloc(1, size);
}

static void virt_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static void virt_identify(void *context, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    struct testhost *host = context;
    if (host->identify)
        host->identify(host, cns, nsid, data);
}

/* ---- The audit ----------------------------------------------------------------------------- */

static void complain(struct testhost *host, const char *format, ...)
{
    char text[sizeof host->violation];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    virt_violation(host, text);
}

void testhost_called(struct testhost *host, const char *function)
{
    if (host->inside)
        complain(host, "%s() called from %s", function, host->inside);
}

/* Registers are aligned words of a device that was neither let go nor cut off. */
static void audit_register(struct testhost *host, const char *function, uint32_t offset)
{
    testhost_called(host, function);
    if (offset % 4)
        complain(host, "%s() of register %x, which is not aligned", function, offset);
    if (host->nvme.host && host->nvme.state == NVME_STOPPED)
        complain(host, "%s() of register %x after the controller was stopped", function, offset);
    if (host->isolated)
        complain(host, "%s() of register %x after the controller was isolated", function, offset);
}

/* Memory is for starts, resets, scans and what manages namespaces; never for I/O. */
static bool audit_allocation(struct testhost *host, size_t bytes, size_t alignment)
{
    testhost_called(host, "dma_alloc");
    if (host->nvme.state == NVME_LIVE && !host->nvme.scanning[0] && !host->manages)
        complain(host, "dma_alloc() called for I/O");
    if (bytes > 0 && alignment >= 4096 && !(alignment & (alignment - 1)))
        return true;
    complain(host, "dma_alloc() of %zu bytes, aligned to %zu", bytes, alignment);
    return false;
}

/* ---- What the driver asks of its host ------------------------------------------------------ */

static uint32_t host_read32(void *context, uint32_t offset)
{
    struct testhost *host = context;
    uint32_t value;
    audit_register(host, "read32", offset);
    host->reads++;
    if (host->read && host->read(host, offset, &value))
        return value;
    return nvmevirt_read32(&host->virt, offset);
}

static void host_write32(void *context, uint32_t offset, uint32_t value)
{
    struct testhost *host = context;
    audit_register(host, "write32", offset);
    host->writes++;
    nvmevirt_write32(&host->virt, offset, value);
}

static void *host_dma_alloc(void *context, size_t bytes, size_t alignment, uint64_t *bus)
{
    struct testhost *host = context;
    if (!audit_allocation(host, bytes, alignment))
        return NULL;
    if (host->allocations_left == 0) {
        host->allocations_left = -1;
        return NULL;
    }
    if (host->allocations_left > 0)
        host->allocations_left--;
    struct testhost_region *region = region_new(host, 0, bytes);
    size_t frame = take_frames(host, region->page_count, alignment / TESTHOST_PAGE);
    for (size_t i = 0; i < region->page_count; i++)
        place(host, region, i, frame + i);
    region->dma = true;
    host->dma_live++;
    host->dma_allocations++;
    *bus = BUS_BASE + frame * TESTHOST_PAGE;
    return region->pages;
}

static void host_dma_free(void *context, void *memory, size_t bytes)
{
    struct testhost *host = context;
    struct testhost_region *region = region_of(host, memory);
    testhost_called(host, "dma_free");
    if (!region || !region->dma || region->pages != memory) {
        complain(host, "dma_free() of %p, which dma_alloc() has not given out", memory);
        return;
    }
    if (region->bytes != bytes) {
        complain(host, "dma_free() of %zu bytes instead of %zu", bytes, region->bytes);
        return;
    }
    region_free(host, region);
    host->dma_live--;
}

static uint64_t host_bus_address(void *context, const void *memory, size_t *bytes)
{
    struct testhost *host = context;
    uint64_t bus = testhost_bus(host, memory);
    testhost_called(host, "bus_address");
    if (!bus)
        fail_msg("bus_address of %p, which is nobody's", memory);
    if (host->translations_left == 0) {
        host->translations_left = -1;
        *bytes = 0;
        return 0;
    }
    if (host->translations_left > 0)
        host->translations_left--;
    size_t run = TESTHOST_PAGE - bus % TESTHOST_PAGE;
    while (host->whole_runs && run < *bytes &&
           testhost_bus(host, (const uint8_t *)memory + run) == bus + run)
        run += TESTHOST_PAGE;
    if (run < *bytes)
        *bytes = run;
    return bus;
}

void testhost_work(struct testhost *host)
{
    if (!host->isolated)
        nvmevirt_poll(&host->virt);
}

/* On a real machine ready() is asked with interrupts off. */
static bool is_ready(struct testhost *host, bool (*ready)(void *argument), void *argument)
{
    host->inside = "ready()";
    bool is = ready(argument);
    host->inside = NULL;
    return is;
}

/* A host with interrupts sleeps until one comes; without, it looks whenever something happened. */
static void host_wait(void *context, bool (*ready)(void *argument), void *argument,
                      uint64_t deadline)
{
    struct testhost *host = context;
    testhost_called(host, "wait");
    if (host->in_done && host->nvme.state == NVME_RESETTING)
        complain(host, "wait() called from done() while a reset runs");
    host->woken = false;
    if (is_ready(host, ready, argument))
        return;
    for (;;) {
        if (host->waits++ == MOST_WAITS)
            fail_msg("waits for ever");
        testhost_work(host);
        if (host->woken || (!host->ops.vectors && is_ready(host, ready, argument)) ||
            host->now >= deadline)
            return;
        uint64_t next = nvmevirt_next_event(&host->virt);
        host->now = next > host->now && next < deadline ? next : deadline;
    }
}

static void host_log(void *context, enum nvme_log_level level, const char *format,
                     va_list arguments)
{
    struct testhost *host = context;
    testhost_called(host, "log");
    assert_true(level <= NVME_LOG_NOTE);
    size_t room = sizeof host->log - host->log_length;
    int length = vsnprintf(host->log + host->log_length, room, format, arguments);
    assert_true(length > 0);
    if ((size_t)length + 2 < room) {
        host->log_length += (size_t)length;
        host->log[host->log_length++] = '\n';
    }
    host->log[host->log_length] = 0;
}

static unsigned host_vectors(void *context, unsigned wanted)
{
    struct testhost *host = context;
    testhost_called(host, "vectors");
    assert_false(host->virt.cc & 1);
    unsigned count = host->vectors < wanted ? host->vectors : wanted;
    for (unsigned i = 0; i < count; i++)
        nvmevirt_msix_mask(&host->virt, i, false);
    return count;
}

static bool host_attach(void *context, unsigned vector, void (*handler)(void *argument),
                        void *argument)
{
    struct testhost *host = context;
    testhost_called(host, "attach");
    assert_true(vector < host->vectors);
    if (handler && host->attach_fails)
        return false;
    host->handlers[vector].function = handler;
    host->handlers[vector].argument = argument;
    return true;
}

static void host_isolate(void *context)
{
    struct testhost *host = context;
    testhost_called(host, "isolate");
    if (host->isolated++)
        complain(host, "isolate() called again");
}

/* ---- The host's life ----------------------------------------------------------------------- */

struct nvmevirt_config testhost_config(void)
{
    static const struct nvmevirt_namespace namespace = {
        .nsid = 1, .block_size = 512, .blocks = 4096};
    struct nvmevirt_config config = nvmevirt_defaults();
    config.namespaces = &namespace;
    config.namespace_count = 1;
    return config;
}

struct testhost *testhost_new(const struct nvmevirt_config *config)
{
    struct nvmevirt_config defaults = testhost_config();
    struct testhost *host = calloc(1, sizeof *host);
    host->now = 1000;
    host->allocations_left = host->translations_left = -1;
    host->ops = (struct nvme_host){.context = host,
                                   .read32 = host_read32,
                                   .write32 = host_write32,
                                   .dma_alloc = host_dma_alloc,
                                   .dma_free = host_dma_free,
                                   .bus_address = host_bus_address,
                                   .now_ns = get_now,
                                   .wait = host_wait,
                                   .log = host_log,
                                   .vectors = host_vectors,
                                   .attach = host_attach,
                                   .isolate = host_isolate};
    const struct nvmevirt_environment environment = {.context = host,
                                                     .dma = virt_dma,
                                                     .interrupt = virt_interrupt,
                                                     .now_ns = get_now,
                                                     .violation = virt_violation,
                                                     .allocate = virt_allocate,
                                                     .free = virt_free,
                                                     .identify = virt_identify};
    if (!config)
        config = &defaults;
    assert_true(nvmevirt_init(&host->virt, config, &environment));
    host->vectors = config->vectors < TESTHOST_VECTORS ? config->vectors : TESTHOST_VECTORS;
    if (!config->vectors)
        testhost_polled(host);
    return host;
}

void testhost_polled(struct testhost *host)
{
    host->vectors = 0;
    host->ops.vectors = NULL;
    host->ops.attach = NULL;
}

int testhost_start(struct testhost *host, const struct nvme_options *options)
{
    return nvme_start(&host->nvme, &host->ops, options);
}

struct testhost *testhost_live(const struct nvmevirt_config *config,
                               const struct nvme_options *options)
{
    struct testhost *host = testhost_new(config);
    int error = testhost_start(host, options);
    if (error)
        fail_msg("start: %s; %s", nvme_error_text(error), host->log);
    assert_int_equal(host->nvme.state, NVME_LIVE);
    return host;
}

void testhost_stop(struct testhost *host, long kept)
{
    nvme_stop(&host->nvme);
    nvme_stop(&host->nvme); /* harmless */
    if (host->dma_live != kept)
        complain(host, "%ld allocations are out instead of %ld", host->dma_live, kept);
    for (unsigned i = 0; i < TESTHOST_VECTORS; i++)
        if (host->handlers[i].function)
            complain(host, "vector %u has a handler", i);
}

void testhost_free_kept(struct testhost *host, long kept)
{
    testhost_stop(host, kept);
    if (host->violations != host->violations_expected)
        fail_msg("violation: %s", host->violation);
    nvmevirt_destroy(&host->virt);
    while (host->regions)
        region_free(host, host->regions);
    free(host->frames);
    free(host);
}

void testhost_free(struct testhost *host)
{
    testhost_free_kept(host, 0);
}
