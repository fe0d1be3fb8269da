/*
 * Asynchronous events: the device has its requests at all times, each event is
 * read, said in words and acted on once, and no number of them is too many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/nvme/internal.h"
#include "tests/unit/nvme_host.h"

#define SECOND (1000 * MS)

enum {
    ERROR_TYPE = 0,
    SMART_TYPE = 1,
    NOTICE_TYPE = 2,
    VENDOR_TYPE = 7,
    AERL = 3
};

static struct nvmevirt_config everything(void)
{
    static const struct nvmevirt_namespace namespaces[] = {
        {.nsid = 1, .block_size = 512, .blocks = 1024, .formats = {9, 12}},
        {.nsid = 2, .block_size = 512, .blocks = 1024, .detached = true},
    };
    struct nvmevirt_config config = nvmevirt_everything();
    config.namespaces = namespaces;
    config.namespace_count = 2;
    return config;
}

static struct testhost *live(void)
{
    struct nvmevirt_config config = everything();
    return testhost_live(&config, NULL);
}

static unsigned held(const struct testhost *host)
{
    return nvme_queue_in_flight(&host->nvme.admin);
}

/* As an idle host does it: now and then. */
static void idle(struct testhost *host, uint64_t time)
{
    for (uint64_t end = host->now + time; host->now < end; host->now += 100 * MS) {
        testhost_work(host);
        nvme_check(&host->nvme);
    }
}

/* Everything is as it was: all requests with the device, and it works. */
static void settle(struct testhost *host)
{
    idle(host, SECOND);
    assert_int_equal(held(host), AERL + 1);
    assert_int_equal(host->nvme.events.noted | host->nvme.events.idle, 0);
    testhost_works(host);
    assert_int_equal(host->nvme.resets, 0);
    testhost_free(host);
}

static void test_kept_at_the_limit(void **state)
{
    (void)state;
    for (unsigned limit = 0; limit < 256; limit += limit < 9 ? 1 : 41) {
        struct nvmevirt_config config = everything();
        config.event_limit = (uint8_t)limit;
        struct testhost *host = testhost_live(&config, NULL);
        assert_int_equal(held(host), limit < NVME_EVENTS_MOST ? limit + 1 : NVME_EVENTS_MOST);
        assert_int_equal(host->virt.features[0x0b].current, 0x11f);
        testhost_free(host);
    }
}

/* Waiting for nothing to happen has no deadline. */
static void test_no_deadline(void **state)
{
    (void)state;
    struct testhost *host = live();
    for (unsigned hours = 0; hours < 100; hours++) {
        host->now += 3600 * SECOND;
        nvme_check(&host->nvme);
    }
    assert_int_equal(host->nvme.admin.counters.timeouts, 0);
    settle(host);
}

static void test_namespace_appears(void **state)
{
    (void)state;
    struct testhost *host = live();
    assert_int_equal(host->nvme.namespace_count, 1);
    nvmevirt_attach(&host->virt, 2, true);
    idle(host, SECOND);
    assert_int_equal(host->nvme.namespace_count, 2);
    assert_true(testhost_logged(host, "a namespace has changed"));
    assert_true(testhost_logged(host, "1 namespaces have changed"));
    assert_true(testhost_logged(host, "namespace 2: added"));
    assert_int_equal(host->nvme.events.handled, 1);
    nvmevirt_resize(&host->virt, 1, 64);
    idle(host, SECOND);
    assert_int_equal(host->nvme.namespaces->block_count, 64);
    nvmevirt_attach(&host->virt, 2, false);
    idle(host, SECOND);
    assert_int_equal(host->nvme.namespace_count, 1);
    assert_int_equal(host->nvme.events.handled, 3);
    settle(host);
}

/* In the middle of I/O: whoever waits for it handles the event. */
static void test_during_io(void **state)
{
    (void)state;
    struct testhost *host = live();
    nvmevirt_attach(&host->virt, 2, true);
    for (unsigned i = 0; i < 10; i++)
        testhost_works(host);
    idle(host, SECOND);
    assert_int_equal(host->nvme.namespace_count, 2);
    settle(host);
}

/* Among other admin commands, as many as there is room for: neither is taken for the other. */
static void test_among_admin_load(void **state)
{
    (void)state;
    enum {
        LOAD = 20
    };
    struct testhost *host = live();
    uint8_t *data = testhost_data(host, LOAD * 4096);
    struct testio io[LOAD];
    for (unsigned round = 1; round <= 30; round++) {
        memset(io, 0, sizeof io);
        for (unsigned i = 0; i < LOAD; i++) {
            io[i].segment = (struct nvme_segment){data + i * 4096, 4096};
            io[i].request = (struct nvme_request){
                .command = {.opcode = NVME_ADMIN_IDENTIFY, .cdw10 = NVME_IDENTIFY_CONTROLLER},
                .segments = &io[i].segment,
                .segment_count = 1,
                .data_bytes = 4096};
            testio_watch(host, &host->nvme.admin, &io[i]);
            assert_int_equal(nvme_submit(&host->nvme.admin, &io[i].request), NVME_OK);
            if (i == LOAD / 2) {
                nvme_ring(&host->nvme.admin);
                nvmevirt_set_warnings(&host->virt, 0);
                nvmevirt_set_warnings(&host->virt, NVME_CRITICAL_BACKUP);
            }
        }
        nvme_ring(&host->nvme.admin);
        idle(host, SECOND);
        for (unsigned i = 0; i < LOAD; i++) {
            assert_true(io[i].done == 1 && io[i].request.result == NVME_OK);
            assert_memory_equal(data + i * 4096, host->nvme.identify, 4096);
        }
        assert_int_equal(host->nvme.events.handled, round);
    }
    settle(host);
}

static void test_health(void **state)
{
    (void)state;
    static const char *const words[] = {"spare capacity is below", "temperature is outside",
                                        "reliability is degraded", "all media is read-only",
                                        "volatile memory's backup"};
    for (unsigned bit = 0; bit < 5; bit++) {
        struct testhost *host = live();
        if (bit == 1)
            nvmevirt_set_temperature(&host->virt, 400);
        else
            nvmevirt_set_warnings(&host->virt, (uint8_t)(1u << bit));
        idle(host, SECOND);
        for (unsigned other = 0; other < 5; other++)
            assert_int_equal(testhost_logged(host, words[other]), other == bit);
        assert_true(testhost_logged(host, bit == 1 ? "temperature 400 K" : "spare 100 %"));
        assert_int_equal(host->nvme.events.handled, 1);
        settle(host);
    }
}

/* The page was read: the device may report the next one. */
static void test_again_and_again(void **state)
{
    (void)state;
    struct testhost *host = live();
    for (unsigned i = 1; i <= 20; i++) {
        nvmevirt_set_warnings(&host->virt, 0);
        nvmevirt_set_warnings(&host->virt, NVME_CRITICAL_BACKUP);
        idle(host, SECOND);
        assert_int_equal(host->nvme.events.handled, i);
    }
    settle(host);
}

static void test_error_log(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct nvme_request request = {.command = {.opcode = NVME_IO_READ, .nsid = 1, .cdw10 = 4711}};
    assert_int_equal(nvme_execute(&host->nvme.io[0], &request), NVME_ERR_STATUS);
    nvmevirt_event(&host->virt, ERROR_TYPE, 3, NVME_LOG_ERROR_INFORMATION);
    idle(host, SECOND);
    assert_true(testhost_logged(host, "persistent internal error"));
    assert_true(testhost_logged(host, "LBA Out of Range, namespace 1, LBA 4711"));
    settle(host);
}

/* An event for an error of which the log says nothing. */
static void test_error_log_is_empty(void **state)
{
    (void)state;
    struct testhost *host = live();
    nvmevirt_event(&host->virt, ERROR_TYPE, 3, NVME_LOG_ERROR_INFORMATION);
    idle(host, SECOND);
    assert_true(testhost_logged(host, "persistent internal error"));
    assert_false(testhost_logged(host, "error log, entry"));
    settle(host);
}

/* Types, causes and pages that nobody knows are read, if they can be, and said. */
static void test_unknown_events(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 8; type++)
        for (unsigned i = 0; i < 4; i++) {
            struct testhost *host = live();
            const uint8_t pages[] = {NVME_LOG_FIRMWARE, NVME_LOG_EFFECTS, 0xc0, 0};
            nvmevirt_event(&host->virt, (uint8_t)type, 0xee, pages[i]);
            idle(host, SECOND);
            assert_int_equal(host->nvme.events.handled, 1);
            assert_true(testhost_logged(host, type == VENDOR_TYPE ? "vendor" : "unknown (eeh)"));
            settle(host);
        }
}

/* A change is looked for even if its log page cannot be read. */
static void test_log_page_fails(void **state)
{
    (void)state;
    struct testhost *host = live();
    testhost_fault(host, (struct nvmevirt_fault){.opcode = NVME_ADMIN_GET_LOG_PAGE,
                                                 .nth = 1,
                                                 .kind = NVMEVIRT_STATUS,
                                                 .argument = NVMEVIRT_STATUS_FIELD(0, 6, 1)});
    nvmevirt_attach(&host->virt, 2, true);
    idle(host, SECOND);
    assert_int_equal(host->nvme.namespace_count, 2);
    assert_true(testhost_logged(host, "Get Log Page: Internal Error"));
    testhost_no_faults(host);
    settle(host);
}

/* More namespaces than the list holds: FFFFFFFFh, and all are looked at. */
static void overflow(void *context, uint8_t page, uint32_t nsid, uint8_t *data, size_t size)
{
    (void)context, (void)nsid;
    if (page == NVME_LOG_CHANGED_NAMESPACES) {
        memset(data, 0, size);
        memset(data, 0xff, 4);
    }
}

/* A list without an end: as long as its page. */
static void full(void *context, uint8_t page, uint32_t nsid, uint8_t *data, size_t size)
{
    (void)context, (void)nsid;
    if (page == NVME_LOG_CHANGED_NAMESPACES)
        memset(data, 0x11, size);
}

static void test_changed_list(void **state)
{
    (void)state;
    struct testhost *host = live();
    host->virt.environment.log = overflow;
    nvmevirt_attach(&host->virt, 2, true);
    idle(host, SECOND);
    assert_true(testhost_logged(host, "more namespaces have changed than can be listed"));
    assert_int_equal(host->nvme.namespace_count, 2);
    host->virt.environment.log = full;
    nvmevirt_attach(&host->virt, 2, false);
    idle(host, SECOND);
    assert_true(testhost_logged(host, "1024 namespaces have changed"));
    assert_int_equal(host->nvme.namespace_count, 1);
    settle(host);
}

/* ---- Too much ------------------------------------------------------------------------------ */

/* Every time that the device is at work there is another event, of another type. */
static void storm(void *context, uint8_t page, uint32_t nsid, uint8_t *data, size_t size)
{
    struct testhost *host = context;
    (void)nsid, (void)data, (void)size;
    for (uint8_t type = 0; type < 3; type++)
        nvmevirt_event(&host->virt, type, 0x77, page);
}

static void test_storm(void **state)
{
    (void)state;
    struct testhost *host = live();
    host->virt.environment.log = storm;
    storm(host, NVME_LOG_HEALTH, 0, NULL, 0);
    uint64_t start = host->now;
    unsigned works = 0;
    while (host->now < start + 10 * SECOND) {
        testhost_works(host);
        nvme_check(&host->nvme);
        host->now += 10 * MS;
        works++;
    }
    assert_true(works > 500);
    assert_in_range(host->nvme.events.handled, 10, 10 * 5 * (AERL + 1) + AERL + 1);
    unsigned said = 0; /* ten, and ten more if a new count has begun */
    for (const char *line = host->log; (line = strstr(line, "see log page")); line++)
        said++;
    assert_in_range(said, 10, 20);
    host->now += 10 * SECOND;
    idle(host, SECOND);
    assert_true(testhost_logged(host, " more events"));
    host->virt.environment.log = NULL;
    host->log_length = 0;
    idle(host, 2 * SECOND);
    settle(host);
}

/* A device that answers every request at once, in vain or not, gets no more of them than that. */
static void test_requests_come_back(void **state)
{
    (void)state;
    struct testhost *host = testhost_new(NULL);
    testhost_fault(host, (struct nvmevirt_fault){.opcode = NVME_ADMIN_ASYNC_EVENT,
                                                 .kind = NVMEVIRT_STATUS,
                                                 .argument = NVMEVIRT_STATUS_FIELD(1, 5, 1)});
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    idle(host, 100 * SECOND);
    assert_int_equal(host->faults[0].seen, AERL + 1);
    assert_int_equal(held(host), 0);
    assert_true(testhost_logged(host, "Asynchronous Event Request Limit Exceeded"));
    testhost_works(host);
    testhost_free(host);

    host = testhost_new(NULL);
    testhost_fault(host, (struct nvmevirt_fault){.opcode = NVME_ADMIN_ASYNC_EVENT,
                                                 .kind = NVMEVIRT_STATUS,
                                                 .argument = 0}); /* an event of all zeros */
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    idle(host, 10 * SECOND);
    assert_in_range(host->faults[0].seen, 2 * AERL, 52 * (AERL + 1));
    testhost_works(host);
    testhost_free(host);
}

static void ignore(struct nvme_request *request)
{
    assert_int_equal(request->result, NVME_OK);
}

/* The host fills the admin queue with requests that take their time. */
static void fill_admin_queue(void *context, struct nvme_namespace *ns,
                             enum nvme_namespace_change change)
{
    static struct nvme_request requests[64];
    struct testhost *host = context;
    (void)ns, (void)change;
    for (unsigned i = 0; host->nvme.admin.free_count; i++) {
        requests[i] = (struct nvme_request){
            .command = {.opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = NVME_FEATURE_EVENTS},
            .done = ignore};
        assert_int_equal(nvme_submit(&host->nvme.admin, &requests[i]), NVME_OK);
    }
    nvme_ring(&host->nvme.admin);
}

/* With the queue full there is no room to give a request again; it is tried later. */
static void test_admin_queue_is_full(void **state)
{
    (void)state;
    struct testhost *host = live();
    host->ops.namespace_changed = fill_admin_queue;
    testhost_fault(host, (struct nvmevirt_fault){.opcode = NVME_ADMIN_GET_FEATURES,
                                                 .kind = NVMEVIRT_DELAY,
                                                 .argument = 2 * SECOND});
    nvmevirt_attach(&host->virt, 2, true);
    idle(host, SECOND);
    assert_int_equal(host->nvme.events.handled, 1);
    assert_int_not_equal(host->nvme.events.idle, 0);
    idle(host, 5 * SECOND);
    testhost_no_faults(host);
    settle(host);
}

/* ---- Resets -------------------------------------------------------------------------------- */

static void test_reset_gives_them_again(void **state)
{
    (void)state;
    struct testhost *host = live();
    for (unsigned i = 0; i < 3; i++) {
        nvmevirt_set_warnings(&host->virt, 0);
        nvmevirt_set_warnings(&host->virt, NVME_CRITICAL_BACKUP);
        testhost_work(host); /* has completed, and nobody has looked */
        assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        assert_int_equal(host->virt.features[0x0b].current, 0x11f);
        idle(host, SECOND);
        assert_int_equal(held(host), AERL + 1);
    }
    assert_int_equal(host->nvme.admin.counters.errors, 0);
    testhost_works(host);
    testhost_free(host);
}

/* The log page does not come, or the scan does not: the ladder, and events again afterwards. */
static void test_handling_hangs(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct testhost *host = live();
        testhost_fault(host, (struct nvmevirt_fault){
                                 .opcode = i & 1 ? NVME_ADMIN_IDENTIFY : NVME_ADMIN_GET_LOG_PAGE,
                                 .nth = 1,
                                 .kind = i & 2 ? NVMEVIRT_DROP : NVMEVIRT_FATAL});
        nvmevirt_attach(&host->virt, 2, true);
        idle(host, 100 * SECOND);
        assert_int_equal(host->nvme.state, NVME_LIVE);
        assert_int_equal(host->nvme.resets, 1);
        assert_int_equal(host->nvme.namespace_count, 2);
        testhost_no_faults(host);
        nvmevirt_attach(&host->virt, 2, false);
        idle(host, 2 * SECOND);
        assert_int_equal(host->nvme.namespace_count, 1);
        assert_int_equal(held(host), AERL + 1);
        assert_false(testhost_logged(host, "Limit Exceeded")); /* none was given twice */
        testhost_free(host);
    }
}

/* Gone for good while an event is handled. */
static void test_dies(void **state)
{
    (void)state;
    struct testhost *host = live();
    testhost_fault(host, (struct nvmevirt_fault){.opcode = NVME_ADMIN_GET_LOG_PAGE,
                                                 .nth = 1,
                                                 .kind = NVMEVIRT_REMOVED});
    nvmevirt_attach(&host->virt, 2, true);
    idle(host, 10 * SECOND);
    assert_int_equal(host->nvme.state, NVME_DEAD);
    assert_false(host->nvme.events.handling);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_at_the_limit),
        cmocka_unit_test(test_no_deadline),
        cmocka_unit_test(test_namespace_appears),
        cmocka_unit_test(test_during_io),
        cmocka_unit_test(test_among_admin_load),
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_again_and_again),
        cmocka_unit_test(test_error_log),
        cmocka_unit_test(test_unknown_events),
        cmocka_unit_test(test_log_page_fails),
        cmocka_unit_test(test_changed_list),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_requests_come_back),
        cmocka_unit_test(test_admin_queue_is_full),
        cmocka_unit_test(test_reset_gives_them_again),
        cmocka_unit_test(test_handling_hangs),
        cmocka_unit_test(test_dies),
        cmocka_unit_test(test_error_log_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
