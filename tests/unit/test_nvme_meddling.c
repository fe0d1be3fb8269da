/*
 * Others meddle with a controller that works: a person who does not want to wait, and whoever
 * resets its function behind the driver's back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define SECOND (1000 * MS)

static void submit_read(struct testhost *host, struct testio *io, uint8_t *data)
{
    assert_int_equal(testio_submit(host, &host->nvme.io[0], io, false, 0, 1, data), NVME_OK);
}

static void assert_done(const struct testio *io, int result)
{
    assert_int_equal(io->done, 1);
    assert_int_equal(io->request.result, result);
}

static bool impatient(void *context)
{
    testhost_called(context, "impatient");
    return ((struct testhost *)context)->now >= 5 * SECOND;
}

/* Its deadline is far and it may be repeated, and yet it ends soon; what still answers is OK. */
static void test_impatient(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    config.abort_never = true;
    struct testhost *host = testhost_new(&config);
    host->ops.impatient = impatient;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    uint8_t *data = testhost_data(host, 512);
    testhost_meets(host, NVMEVIRT_ANY, NVME_IO_READ, 2, NVMEVIRT_DROP, 0);
    host->now = 4 * SECOND;
    struct testio io[3] = {0};
    for (unsigned n = 0; n < 3; n++)
        submit_read(host, &io[n], data);
    testhost_drain(host, &host->nvme.io[0]);
    assert_true(host->now >= 5 * SECOND && host->now < 8 * SECOND);
    assert_done(&io[0], NVME_OK);
    assert_done(&io[1], NVME_ERR_TIMEOUT);
    assert_done(&io[2], NVME_OK);
    assert_int_equal(io[1].request.repeats, 0);
    assert_int_equal(host->nvme.resets, 1);
    host->ops.impatient = NULL;
    testhost_works(host);
    testhost_free(host);
}

static void activates_for_20_seconds(struct testhost *host, uint8_t cns, uint32_t nsid,
                                     uint8_t *data)
{
    (void)host, (void)nsid;
    if (cns == NVME_IDENTIFY_CONTROLLER)
        data[270] = 200; /* MTFA, 100 ms each */
}

/* What is late meanwhile has only to wait; a pause that does not end is nothing but another way to
 * hang, and a person need not wait for either. */
static void test_pause(void **state)
{
    (void)state;
    const struct {
        uint64_t seconds, least, most;
        bool impatient;
        unsigned resets;
    } cases[] = {{10, 10, 11, false, 0},
                 {19, 19, 20, false, 0},
                 {1000, 20, 27, false, 1},
                 {1000, 4, 12, true, 1}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nvmevirt_config config = testhost_config();
        config.abort_never = true;
        struct testhost *host = testhost_new(&config);
        const struct nvme_options options = {.io_timeout_ms = 2000};
        host->identify = activates_for_20_seconds;
        host->ops.impatient = cases[i].impatient ? impatient : NULL;
        assert_int_equal(testhost_start(host, &options), NVME_OK);
        uint8_t *data = testhost_data(host, 512);
        for (unsigned again = 0; again < (cases[i].impatient ? 1 : 2); again++) {
            uint64_t start = host->now;
            struct testio io[2] = {0};
            nvmevirt_inject(&host->virt, NVMEVIRT_PAUSE, cases[i].seconds * SECOND);
            submit_read(host, &io[0], data);
            submit_read(host, &io[1], data);
            testhost_drain(host, &host->nvme.io[0]);
            uint64_t took = host->now - start;
            if (took < cases[i].least * SECOND || took > cases[i].most * SECOND)
                fail_msg("case %u: %llu ns", i, (unsigned long long)took);
            for (unsigned n = 0; n < 2; n++)
                assert_done(&io[n], cases[i].impatient ? NVME_ERR_TIMEOUT : NVME_OK);
            assert_int_equal(host->nvme.resets, cases[i].resets * (again + 1));
            if (!cases[i].resets)
                assert_int_equal(host->nvme.io[0].counters.timeouts, 0);
            assert_true(testhost_logged(host, "the controller pauses"));
            host->now += SECOND;
            nvme_check(&host->nvme); /* which sees that it is over */
        }
        host->ops.impatient = NULL;
        testhost_works(host);
        testhost_free(host);
    }
}

static uint64_t back_at;

static bool away(struct testhost *host, uint32_t offset, uint32_t *value)
{
    (void)offset;
    *value = UINT32_MAX;
    return host->now < back_at;
}

/* Somebody resets the function: for a while there are no registers. */
static void test_away_for_a_moment(void **state)
{
    (void)state;
    const unsigned away_ms[] = {20, 200, 380, 900};
    for (unsigned i = 0; i < sizeof away_ms / sizeof away_ms[0]; i++) {
        struct testhost *host = testhost_live(NULL, NULL);
        struct testio io = {0};
        testhost_meets(host, NVMEVIRT_ANY, NVME_IO_READ, 1, NVMEVIRT_DROP, 0);
        submit_read(host, &io, testhost_data(host, 512));
        nvme_ring(&host->nvme.io[0]);
        testhost_work(host);
        host->now += SECOND; /* the next check looks at CSTS */
        host->read = away;
        back_at = host->now + away_ms[i] * MS;
        testhost_drain(host, &host->nvme.io[0]);
        assert_done(&io, away_ms[i] < 400 ? NVME_OK : NVME_ERR_DEAD);
        host->read = NULL;
        testhost_free(host);
    }
}

static void revive(void *context)
{
    struct testhost *host = context;
    testhost_called(host, "revive");
    host->read = NULL;
}

static bool no_registers(struct testhost *host, uint32_t offset, uint32_t *value)
{
    (void)host, (void)offset;
    *value = UINT32_MAX;
    return true;
}

/* Somebody has reset the function: its registers are back when the host has put things right. */
static void test_revive(void **state)
{
    (void)state;
    for (unsigned can = 0; can < 2; can++) {
        struct testhost *host = testhost_live(NULL, NULL);
        host->ops.revive = can ? revive : NULL;
        host->read = no_registers;
        struct testio io = {0};
        submit_read(host, &io, testhost_data(host, 512));
        assert_int_equal(nvme_reset(&host->nvme), can ? NVME_OK : NVME_ERR_DEAD);
        assert_done(&io, can ? NVME_OK : NVME_ERR_DEAD);
        if (can)
            testhost_works(host);
        testhost_free(host);
    }
}

static void revive_again(void *context)
{
    struct testhost *host = context;
    unsigned *times = host->context;
    if (++*times == 2)
        nvmevirt_set_faults(&host->virt, NULL, 0);
}

/* Bus Master goes once more while the controller starts: it takes whoever gives it back. */
static void test_meddling_with_a_reset(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    unsigned times = 0;
    host->context = &times;
    host->ops.revive = revive_again;
    for (unsigned nth = 1; nth <= 2; nth++)
        testhost_meets(host, 0, NVME_ADMIN_CREATE_CQ, nth, NVMEVIRT_FATAL, 0);
    struct testio io = {0};
    submit_read(host, &io, testhost_data(host, 512));
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_int_equal(times, 2);
    assert_true(testhost_logged(host, "reset failed"));
    testhost_drain(host, &host->nvme.io[0]);
    assert_done(&io, NVME_OK);
    testhost_works(host);
    testhost_free(host);
}

/* The controller is well, but knows nothing of what it was told. */
static void test_reset_by_another(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct testio io = {0};
    submit_read(host, &io, testhost_data(host, 512));
    host->ops.write32(host, NVME_REG_CC, 0);
    host->now += SECOND;
    nvme_check(&host->nvme);
    assert_true(testhost_logged(host, "is not ready any more"));
    testhost_drain(host, &host->nvme.io[0]);
    assert_done(&io, NVME_OK);
    assert_int_equal(io.request.repeats, 1);
    testhost_works(host);
    testhost_free(host);
}

static void other_serial(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host, (void)nsid;
    if (cns == 1)
        memcpy(data + 4, "other", 5);
}

/* What was meant for one disk is not written to another. */
static void test_swapped(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct testio io = {0};
    submit_read(host, &io, testhost_data(host, 512));
    host->identify = other_serial;
    host->ops.write32(host, NVME_REG_CC, 0);
    host->now += SECOND;
    nvme_check(&host->nvme);
    assert_true(testhost_logged(host, "another controller is in its place"));
    assert_int_equal(host->nvme.state, NVME_DEAD);
    assert_done(&io, NVME_ERR_DEAD);
    testhost_free(host);
}

/* Nobody waits for commands that it never gets. */
static void test_stop_after_reset_by_another(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    host->ops.write32(host, NVME_REG_CC, 0);
    uint64_t before = host->now += SECOND;
    nvme_stop(&host->nvme);
    assert_true(host->now - before < SECOND);
    assert_false(testhost_logged(host, "no answer"));
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_impatient),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_away_for_a_moment),
        cmocka_unit_test(test_revive),
        cmocka_unit_test(test_meddling_with_a_reset),
        cmocka_unit_test(test_reset_by_another),
        cmocka_unit_test(test_swapped),
        cmocka_unit_test(test_stop_after_reset_by_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
