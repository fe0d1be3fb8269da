/*
 * Resets on purpose, resets that fail, and the end with requests in flight:
 * each is completed once, and the memory comes back, or is kept where a device
 * may still write to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define SECOND (1000 * MS)

static const struct nvme_options two_queues = {.io_queues = 2, .queue_entries = 16};

/* The same, and what a reset ends is not sent again. */
static const struct nvme_options no_retries = {.io_queues = 2, .queue_entries = 16, .retries = -1};

/* As many reads as the queues take, half of them rung for, none of them answered. */
enum {
    FULL = 30
};

static void fill_queues(struct testhost *host, struct testio *io)
{
    uint8_t *data = testhost_data(host, 512);
    testhost_fault(host, (struct nvmevirt_fault){.queue = NVMEVIRT_ANY,
                                                 .opcode = NVME_IO_READ,
                                                 .kind = NVMEVIRT_DELAY,
                                                 .argument = NVMEVIRT_NEVER});
    memset(io, 0, FULL * sizeof *io);
    for (unsigned n = 0; n < FULL; n++) {
        assert_int_equal(testio_submit(host, &host->nvme.io[n % 2], &io[n], false, n, 1, data),
                         NVME_OK);
        if (n == FULL / 2) {
            nvme_ring(&host->nvme.io[0]);
            nvme_ring(&host->nvme.io[1]);
            testhost_work(host);
        }
    }
}

static void assert_all_done(const struct testio *io, int result)
{
    for (unsigned n = 0; n < FULL; n++) {
        assert_int_equal(io[n].done, 1);
        assert_int_equal(io[n].request.result, result);
    }
}

static void assert_dead(struct testhost *host)
{
    struct testio io = {0};
    assert_int_equal(host->nvme.state, NVME_DEAD);
    assert_int_equal(testio_flush(host, &host->nvme.io[0], &io), NVME_ERR_DEAD);
    assert_int_equal(testio_flush(host, &host->nvme.admin, &io), NVME_ERR_DEAD);
    assert_int_equal(nvme_reset(&host->nvme), NVME_ERR_DEAD);
    assert_int_equal(io.done, 0);
}

static void test_reset_with_full_queues(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, &no_retries);
    struct testio io[FULL];
    for (unsigned round = 1; round <= 20; round++) {
        fill_queues(host, io);
        assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        assert_all_done(io, NVME_ERR_RESET);
        assert_int_equal(host->nvme.resets, round);
        assert_int_equal(host->nvme.io[1].lists_free, host->nvme.io[1].list_count);
        testhost_no_faults(host);
        testhost_works(host);
    }
    testhost_free(host);
}

/* What has been answered by then, and not been reaped, was answered all the same. */
static void test_reset_before_reaping(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, &two_queues);
    struct testio io = {0};
    assert_int_equal(testio_flush(host, &host->nvme.io[0], &io), NVME_OK);
    nvme_ring(&host->nvme.io[0]);
    testhost_work(host);
    assert_true(nvme_has_completion(&host->nvme.io[0]));
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_false(nvme_has_completion(&host->nvme.io[0]));
    assert_int_equal(io.done, 1);
    assert_int_equal(io.request.result, NVME_OK);
    testhost_free(host);
}

/* ---- done() in a reset --------------------------------------------------------------------- */

struct again {
    struct nvme_request request;
    struct testhost *host;
    unsigned done;
    int answer;
};

static void submit_again(struct nvme_request *request)
{
    struct again *again = request->context;
    if (++again->done == 1)
        again->answer = nvme_submit(&again->host->nvme.io[0], request);
}

/* It is taken, and sent when the reset is over. */
static void test_submit_during_reset(void **state)
{
    (void)state;
    for (unsigned dies = 0; dies < 2; dies++) {
        struct testhost *host = testhost_live(NULL, &no_retries);
        struct again again = {.host = host};
        nvme_prepare_flush(&again.request, &host->nvme.namespaces[0]);
        again.request.done = submit_again;
        again.request.context = &again;
        assert_int_equal(nvme_submit(&host->nvme.io[0], &again.request), NVME_OK);
        if (dies)
            nvmevirt_inject(&host->virt, NVMEVIRT_REMOVED, 0);
        assert_int_equal(nvme_reset(&host->nvme), dies ? NVME_ERR_DEAD : NVME_OK);
        assert_int_equal(again.done, 1);
        assert_int_equal(again.answer, dies ? NVME_ERR_DEAD : NVME_OK);
        testhost_drain(host, &host->nvme.io[0]);
        assert_int_equal(again.done, dies ? 1 : 2);
        assert_int_equal(again.request.result, dies ? NVME_ERR_DEAD : NVME_OK);
        assert_int_equal(again.request.repeats, 0);
        testhost_free(host);
    }
}

static void reset_inside(struct nvme_request *request)
{
    struct again *again = request->context;
    again->done++;
    again->answer = nvme_reset(&again->host->nvme);
}

/* A reset in done() while completions are being reaped: nothing of the old queue is touched. */
static void test_reset_while_reaping(void **state)
{
    (void)state;
    for (unsigned dies = 0; dies < 2; dies++) {
        struct testhost *host = testhost_live(NULL, &two_queues);
        struct again again = {.host = host};
        struct testio io[2] = {0};
        assert_int_equal(testio_flush(host, &host->nvme.io[0], &io[0]), NVME_OK);
        nvme_prepare_flush(&again.request, &host->nvme.namespaces[0]);
        again.request.done = reset_inside;
        again.request.context = &again;
        assert_int_equal(nvme_submit(&host->nvme.io[0], &again.request), NVME_OK);
        assert_int_equal(testio_flush(host, &host->nvme.io[0], &io[1]), NVME_OK);
        if (dies)
            nvmevirt_inject(&host->virt, NVMEVIRT_RDY_STUCK_LOW, 0);
        testhost_drain(host, &host->nvme.io[0]);
        assert_int_equal(again.done, 1);
        assert_int_equal(again.answer, dies ? NVME_ERR_DEAD : NVME_OK);
        assert_true(io[0].done == 1 && io[1].done == 1);
        assert_int_equal(io[0].request.result, NVME_OK);
        assert_int_equal(io[1].request.result, NVME_OK); /* it was there already */
        if (!dies)
            testhost_works(host);
        testhost_free(host);
    }
}

/* ---- Resets that fail ---------------------------------------------------------------------- */

/* It stops, but does not start again: dead, and nothing has to be kept. */
static void test_does_not_start_again(void **state)
{
    (void)state;
    for (unsigned isolate = 0; isolate < 2; isolate++) {
        struct testhost *host = testhost_live(NULL, isolate ? &two_queues : &no_retries);
        struct testio io[FULL];
        if (!isolate)
            host->ops.isolate = NULL;
        fill_queues(host, io);
        nvmevirt_inject(&host->virt, NVMEVIRT_RDY_STUCK_LOW, 0);
        uint64_t before = host->now;
        assert_int_equal(nvme_reset(&host->nvme), NVME_ERR_DEAD);
        assert_true(host->now - before < 60 * SECOND);
        assert_int_equal(host->virt.cc & 1, 0);
        assert_all_done(io, isolate ? NVME_ERR_DEAD : NVME_ERR_RESET);
        assert_int_equal(host->isolated, 0);
        assert_true(testhost_logged(host, "the controller is dead"));
        assert_dead(host);
        testhost_free(host);
    }
}

/* It does not even stop: isolated, or its memory is kept for ever. */
static void test_does_not_stop(void **state)
{
    (void)state;
    for (unsigned isolate = 0; isolate < 2; isolate++)
        for (unsigned late = 0; late < 2; late++) {
            struct testhost *host = testhost_live(NULL, &no_retries);
            struct testio io[FULL];
            host->virt.config.abort_never = true;
            if (!isolate)
                host->ops.isolate = NULL;
            fill_queues(host, io);
            nvmevirt_inject(&host->virt, NVMEVIRT_RDY_STUCK_HIGH, 0);
            if (late)
                testhost_drain(host, &host->nvme.io[0]);
            else
                assert_int_equal(nvme_reset(&host->nvme), NVME_ERR_DEAD);
            assert_all_done(io, late && isolate ? NVME_ERR_TIMEOUT : NVME_ERR_DEAD);
            assert_int_equal(host->isolated, isolate);
            assert_true(testhost_logged(host, "given up"));
            assert_dead(host);
            long held = host->dma_live;
            assert_true(held > 8);
            testhost_free_kept(host, isolate ? 0 : held);
        }
}

/* Each command of a reset, unanswered or refused, in every try. */
static void test_commands_of_reset(void **state)
{
    (void)state;
    const enum nvmevirt_fault_kind kinds[] = {NVMEVIRT_DROP, NVMEVIRT_STATUS, NVMEVIRT_FATAL,
                                              NVMEVIRT_REMOVED};
    const uint16_t opcodes[] = {NVME_ADMIN_SET_FEATURES, NVME_ADMIN_CREATE_CQ,
                                NVME_ADMIN_CREATE_SQ};
    for (unsigned k = 0; k < 4; k++)
        for (unsigned o = 0; o < 3; o++) {
            struct testhost *host = testhost_live(NULL, &no_retries);
            struct testio io[FULL];
            fill_queues(host, io);
            testhost_fault(host, (struct nvmevirt_fault){
                                     .opcode = opcodes[o], .kind = kinds[k], .argument = 6});
            assert_int_equal(nvme_reset(&host->nvme), NVME_ERR_DEAD);
            assert_all_done(io, NVME_ERR_RESET);
            assert_dead(host);
            assert_true(host->virt.removed || !(host->virt.cc & 1));
            assert_int_equal(host->isolated, kinds[k] == NVMEVIRT_REMOVED);
            testhost_free(host);
        }
}

/* A queue less than before: those that are there work, and the lost one says so. */
static void test_fewer_queues_after_reset(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, &no_retries);
    struct testio io[FULL], one = {0};
    fill_queues(host, io);
    testhost_fault(host, (struct nvmevirt_fault){.opcode = NVME_ADMIN_CREATE_SQ,
                                                 .nth = 2,
                                                 .kind = NVMEVIRT_STATUS,
                                                 .argument = NVMEVIRT_STATUS_FIELD(1, 2, 1)});
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_all_done(io, NVME_ERR_RESET);
    assert_int_equal(host->nvme.io_count, 1);
    assert_int_equal(testio_flush(host, &host->nvme.io[1], &one), NVME_ERR_NO_QUEUE);
    testhost_no_faults(host);
    testhost_works(host);
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_int_equal(host->nvme.io_count, 2);
    testhost_free(host);
}

/* ---- The end ------------------------------------------------------------------------------- */

static void test_stop_with_requests_in_flight(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, &two_queues);
    struct testio io[FULL];
    fill_queues(host, io);
    nvme_stop(&host->nvme);
    assert_all_done(io, NVME_ERR_RESET);
    assert_int_equal(host->nvme.state, NVME_STOPPED);
    assert_int_equal(host->dma_live, 0);
    testhost_free(host);
}

/* Each command of the end, unanswered; the requests in flight still end, once. */
static void test_stop_hangs(void **state)
{
    (void)state;
    const uint16_t opcodes[] = {NVME_ADMIN_DELETE_SQ, NVME_ADMIN_DELETE_CQ};
    for (unsigned i = 0; i < 8; i++) {
        struct testhost *host = testhost_live(NULL, &two_queues);
        struct testio io[FULL];
        fill_queues(host, io);
        if (i & 4)
            host->ops.isolate = NULL;
        testhost_fault(host, (struct nvmevirt_fault){.opcode = opcodes[i / 2 % 2],
                                                     .nth = 1 + i % 2,
                                                     .kind = NVMEVIRT_DROP});
        nvme_stop(&host->nvme);
        for (unsigned n = 0; n < FULL; n++) {
            assert_int_equal(io[n].done, 1);
            assert_true(io[n].request.result == NVME_ERR_RESET ||
                        io[n].request.result == NVME_ERR_TIMEOUT);
        }
        assert_int_equal(host->virt.cc & 1, 0);
        assert_int_equal(host->nvme.resets, 0);
        assert_int_equal(host->dma_live, 0);
        testhost_free(host);
    }
}

static void test_stop_of_what_does_not_stop(void **state)
{
    (void)state;
    for (unsigned isolate = 0; isolate < 2; isolate++) {
        struct testhost *host = testhost_live(NULL, &two_queues);
        struct testio io[FULL];
        fill_queues(host, io);
        if (!isolate)
            host->ops.isolate = NULL;
        nvmevirt_inject(&host->virt, NVMEVIRT_RDY_STUCK_HIGH, 0);
        long held = host->dma_live;
        nvme_stop(&host->nvme);
        assert_all_done(io, NVME_ERR_DEAD);
        assert_int_equal(host->nvme.state, NVME_DEAD);
        testhost_free_kept(host, isolate ? 0 : held);
    }
}

static void test_stop_of_what_is_gone(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, &two_queues);
    struct testio io[FULL];
    fill_queues(host, io);
    nvmevirt_inject(&host->virt, NVMEVIRT_REMOVED, 0);
    nvme_stop(&host->nvme);
    for (unsigned n = 0; n < FULL; n++)
        assert_int_equal(io[n].done, 1);
    assert_int_equal(host->nvme.state, NVME_DEAD);
    assert_int_equal(host->dma_live, 0);
    testhost_free(host);

    struct nvme_controller never_started = {0};
    nvme_stop(&never_started);
    assert_int_equal(never_started.state, NVME_STOPPED);
}

/* A read is with the device, and this happens to it there. */
static void read_meets(struct testhost *host, struct testio *io, enum nvmevirt_fault_kind kind,
                       uint64_t argument)
{
    uint8_t *data = testhost_data(host, 512);
    testhost_meets(host, 1, NVME_IO_READ, 1, kind, argument);
    assert_int_equal(testio_submit(host, &host->nvme.io[0], io, false, 0, 1, data), NVME_OK);
    nvme_ring(&host->nvme.io[0]);
    testhost_work(host);
}

/* Without interrupts as well, what is about to complete is waited for. */
static void test_reset_waits_without_interrupts(void **state)
{
    (void)state;
    struct testhost *host = testhost_new(NULL);
    testhost_polled(host);
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    struct testio io = {0};
    read_meets(host, &io, NVMEVIRT_DELAY, 3 * MS);
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_int_equal(io.done, 1);
    assert_int_equal(io.request.result, NVME_OK);
    assert_int_equal(io.request.repeats, 0);
    testhost_free(host);
}

/* What is late already is not waited for. */
static void test_reset_when_all_is_late(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct testio io = {0};
    io.request.once = true;
    read_meets(host, &io, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
    host->now += 31 * SECOND;
    uint64_t before = host->now;
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_true(host->now - before < 100 * MS);
    assert_int_equal(io.done, 1);
    assert_int_equal(io.request.result, NVME_ERR_TIMEOUT);
    testhost_free(host);
}

/* A command that fails while the queues are emptied for a reset is sent again behind it. */
static void test_retry_while_a_reset_waits(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct testio io = {0};
    read_meets(host, &io, NVMEVIRT_STATUS, NVMEVIRT_STATUS_FIELD(0, 4, 0));
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    testhost_drain(host, &host->nvme.io[0]);
    assert_int_equal(io.done, 1);
    assert_int_equal(io.request.result, NVME_OK);
    assert_int_equal(io.request.repeats, 1);
    testhost_free(host);
}

/* ---- A bad day ----------------------------------------------------------------------------- */

/*
 * Everything that can go wrong with a command, at random, over thousands of them: each ends
 * once, no list page and no slot is lost, and after the storm all is well.
 */
static void storm(const struct nvme_options *options, unsigned results[16])
{
    enum {
        DEPTH = 12,
        ROUNDS = 400
    };
    const enum nvmevirt_fault_kind kinds[] = {
        NVMEVIRT_DROP,      NVMEVIRT_DELAY,       NVMEVIRT_STATUS, NVMEVIRT_DUPLICATE,
        NVMEVIRT_WRONG_CID, NVMEVIRT_WRONG_SQID,  NVMEVIRT_TORN,   NVMEVIRT_NO_INTERRUPT,
        NVMEVIRT_FATAL,     NVMEVIRT_NO_INTERRUPT};
    struct nvmevirt_config config = testhost_config();
    config.order = NVMEVIRT_SHUFFLED;
    struct testhost *host = testhost_live(&config, options);
    uint8_t *data = testhost_data(host, 64 * 512);
    uint32_t random = 11;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct testio io[DEPTH] = {0};
        random = random * 1664525 + 1013904223;
        testhost_no_faults(host);
        for (unsigned f = 0; f < 3; f++)
            testhost_fault(host,
                           (struct nvmevirt_fault){.queue = (uint16_t)(1 + (random >> (8 + f) & 1)),
                                                   .opcode = NVMEVIRT_ANY,
                                                   .nth = 1 + (random >> (12 + 3 * f) & 7),
                                                   .kind = kinds[(random >> (9 + 5 * f)) % 10],
                                                   .argument = (random >> 16) * (uint64_t)MS / 4});
        for (unsigned n = 0; n < DEPTH; n++)
            assert_int_equal(testio_submit(host, &host->nvme.io[n % 2], &io[n], n & 2, n * 64,
                                           1 + (random >> n) % 64, data),
                             NVME_OK);
        for (unsigned n = 0; n < DEPTH; n++)
            while (!io[n].done)
                nvme_poll(&host->nvme.io[n % 2], host->now + SECOND);
        for (unsigned q = 0; q < 2; q++) {
            nvme_poll(&host->nvme.io[q], host->now); /* late duplicates */
            assert_int_equal(host->nvme.io[q].free_count, host->nvme.io[q].size - 1);
            assert_int_equal(host->nvme.io[q].lists_free, host->nvme.io[q].list_count);
        }
        for (unsigned n = 0; n < DEPTH; n++) {
            assert_int_equal(io[n].done, 1);
            results[-io[n].request.result]++;
        }
    }
    assert_int_equal(host->nvme.state, NVME_LIVE);
    testhost_no_faults(host);
    testhost_works(host);
    testhost_free(host);
}

static void test_storm(void **state)
{
    (void)state;
    unsigned results[16] = {0};
    storm(&no_retries, results);
    assert_true(results[-NVME_OK] > 1000);
    assert_true(results[-NVME_ERR_STATUS] && results[-NVME_ERR_TIMEOUT]);
    assert_true(results[-NVME_ERR_RESET] && !results[-NVME_ERR_DEAD]);
}

/* The same storm, weathered: what could be repeated was, until it went well. */
static void test_storm_with_retries(void **state)
{
    (void)state;
    unsigned results[16] = {0};
    storm(&two_queues, results);
    assert_true(results[-NVME_OK] > 4000);
    assert_true(!results[-NVME_ERR_TIMEOUT] && !results[-NVME_ERR_RESET]);
    assert_true(!results[-NVME_ERR_DEAD]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_with_full_queues),
        cmocka_unit_test(test_reset_before_reaping),
        cmocka_unit_test(test_submit_during_reset),
        cmocka_unit_test(test_reset_while_reaping),
        cmocka_unit_test(test_does_not_start_again),
        cmocka_unit_test(test_does_not_stop),
        cmocka_unit_test(test_commands_of_reset),
        cmocka_unit_test(test_fewer_queues_after_reset),
        cmocka_unit_test(test_stop_with_requests_in_flight),
        cmocka_unit_test(test_stop_hangs),
        cmocka_unit_test(test_stop_of_what_does_not_stop),
        cmocka_unit_test(test_stop_of_what_is_gone),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_storm_with_retries),
        cmocka_unit_test(test_reset_waits_without_interrupts),
        cmocka_unit_test(test_retry_while_a_reset_waits),
        cmocka_unit_test(test_reset_when_all_is_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
