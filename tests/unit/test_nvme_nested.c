/*
 * What comes in the middle of something else: resets inside of scans and starts, and whatever a
 * done() does. The last answer of a controller is still an answer, and must not be taken for life.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define SECOND         (1000 * MS)
#define ADMIN_DOORBELL 0x1000u
#define COMMANDS_MOST  40 /* of a start or a reset: more than there are */

/* ---- The moment: behind the n-th write of the admin doorbell -------------------------------- */

enum moment {
    FATAL,
    REMOVED,
    MOMENTS
};

static struct {
    struct testhost *host;
    void (*write32)(void *context, uint32_t offset, uint32_t value);
    unsigned countdown; /* 0: it has been */
    enum moment moment;
    bool resetting; /* only doorbells of a reset count */
    bool answers;   /* the device is quick, and then no more; the driver is slow, and checks */
} now;

static void write32(void *context, uint32_t offset, uint32_t value)
{
    now.write32(context, offset, value);
    if (offset != ADMIN_DOORBELL || !now.countdown ||
        (now.resetting && now.host->nvme.state != NVME_RESETTING) || --now.countdown)
        return;
    if (now.answers)
        testhost_work(now.host);
    now.host->now += SECOND;
    now.host->nvme.admin.unchecked = 255;
    nvmevirt_inject(&now.host->virt, now.moment == FATAL ? NVMEVIRT_FATAL : NVMEVIRT_REMOVED, 0);
}

static void prepare(struct testhost *host, unsigned countdown, enum moment moment)
{
    memset(&now, 0, sizeof now);
    now.host = host;
    now.write32 = host->ops.write32;
    now.countdown = countdown;
    now.moment = moment;
    now.answers = true;
    host->ops.write32 = write32;
}

static void assert_sound(struct testhost *host, int error)
{
    if (error) {
        assert_int_equal(host->nvme.state, NVME_DEAD);
        return;
    }
    assert_int_equal(host->nvme.state, NVME_LIVE);
    assert_true(host->nvme.admin.live && host->nvme.io[0].live);
    now.countdown = 0;
    if (!host->virt.removed)
        testhost_works(host);
}

static void test_end_of_a_reset(void **state)
{
    (void)state;
    for (unsigned n = 1; n < COMMANDS_MOST; n++)
        for (enum moment moment = 0; moment < MOMENTS; moment++) {
            struct testhost *host = testhost_live(NULL, NULL);
            prepare(host, n, moment);
            now.resetting = true;
            assert_sound(host, nvme_reset(&host->nvme));
            testhost_free(host);
        }
}

static void test_end_of_a_start(void **state)
{
    (void)state;
    for (unsigned n = 1; n < COMMANDS_MOST; n++)
        for (enum moment moment = 0; moment < MOMENTS; moment++) {
            struct testhost *host = testhost_new(NULL);
            prepare(host, n, moment);
            assert_sound(host, testhost_start(host, NULL));
            testhost_free(host);
        }
}

/* The reset's own scan uses other memory: nothing of the first is mixed up, nothing gets lost. */
static void test_reset_in_a_scan(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 4; n++) { /* list, list, namespace, descriptors */
        struct testhost *host = testhost_live(NULL, NULL);
        const struct nvme_namespace *ns = host->nvme.namespaces;
        uint32_t changes = ns->changes;
        prepare(host, n, FATAL);
        assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
        assert_int_equal(now.countdown, 0);
        assert_int_equal(host->nvme.resets, 1);
        assert_false(ns->gone);
        assert_int_equal(ns->changes, changes);
        assert_false(testhost_logged(host, "left out"));
        assert_sound(host, NVME_OK);
        testhost_free(host);
    }
}

static bool smaller;

static void shrink(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host, (void)nsid;
    if (cns == NVME_IDENTIFY_NAMESPACE && smaller)
        memcpy(data, &(uint64_t){8}, 8);
}

/* What is sent again after a reset was held against the namespaces as they are now, also when the
 * reset came in the middle of a scan. */
static void test_reset_in_a_scan_looks_first(void **state)
{
    (void)state;
    smaller = false;
    struct testhost *host = testhost_live(NULL, NULL);
    struct testio io = {0};
    host->identify = shrink;
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
    assert_int_equal(
        testio_submit(host, &host->nvme.io[0], &io, false, 100, 1, testhost_data(host, 512)),
        NVME_OK);
    nvme_ring(&host->nvme.io[0]);
    testhost_work(host);
    prepare(host, 1, FATAL);
    now.answers = false;
    smaller = true;
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    testhost_drain(host, &host->nvme.io[0]);
    assert_int_equal(io.done, 1);
    assert_int_equal(io.request.result, NVME_ERR_GONE);
    assert_int_equal(host->nvme.namespaces->block_count, 8);
    testhost_free(host);
}

/* ---- done() -------------------------------------------------------------------------------- */

static int executed;

static void execute(struct nvme_request *request)
{
    struct nvme_request other = {.command = {.opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = 7}};
    (void)request;
    executed = nvme_execute(&now.host->nvme.admin, &other);
}

/* Nobody looks at deadlines while the controller stops: to wait there is refused. */
static void test_waiting_in_a_stop(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct testio io = {0};
    now.host = host;
    executed = NVME_OK;
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, 10 * MS);
    assert_int_equal(
        testio_submit(host, &host->nvme.io[0], &io, false, 0, 1, testhost_data(host, 512)),
        NVME_OK);
    io.request.done = execute;
    nvme_ring(&host->nvme.io[0]);
    testhost_work(host);
    nvme_stop(&host->nvme);
    assert_int_equal(executed, NVME_ERR_DEAD);
    testhost_free(host);
}

static unsigned ended;

static void reap(struct nvme_request *request)
{
    (void)request;
    ended++;
    nvme_reap(&now.host->nvme.io[0]);
}

/* Deadlines are looked at, however often done() looks into the queue. */
static void test_reaping_in_done(void **state)
{
    (void)state;
    const struct nvme_options options = {.io_timeout_ms = 1000};
    for (unsigned odd = 0; odd < 2; odd++) {
        struct testhost *host = testhost_live(NULL, &options);
        struct nvme_queue *queue = &host->nvme.io[0];
        struct testio hung = {0}, other = {0};
        uint8_t *data = testhost_data(host, 512);
        now.host = host;
        ended = 0;
        testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
        assert_int_equal(testio_submit(host, queue, &hung, false, 0, 1, data), NVME_OK);
        nvme_ring(queue);
        testhost_work(host);
        queue->counters.polls += odd;
        while (!hung.done && ended < 5000) {
            memset(&other, 0, sizeof other);
            assert_int_equal(testio_submit(host, queue, &other, false, 1, 1, data), NVME_OK);
            other.request.done = reap;
            nvme_ring(queue);
            testhost_work(host);
            host->now += MS;
            nvme_poll(queue, host->now + SECOND);
        }
        assert_int_equal(hung.done, 1);
        testhost_free(host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end_of_a_reset),
        cmocka_unit_test(test_end_of_a_start),
        cmocka_unit_test(test_reset_in_a_scan),
        cmocka_unit_test(test_reset_in_a_scan_looks_first),
        cmocka_unit_test(test_waiting_in_a_stop),
        cmocka_unit_test(test_reaping_in_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
