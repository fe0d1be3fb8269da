/*
 * Commands that do not come back, and controllers that do not either: every
 * request ends exactly once, and what can work again does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define SECOND (1000 * MS)

/* Nothing is sent again, nor aborted: what ends, ends here. test_nvme_retry.c has the rest. */
static const struct nvme_options two_queues = {.io_queues = 2, .retries = -1};

/* The ways to learn of completions: vectors for all, one for all, none. */
enum {
    ALL_VECTORS,
    ONE_VECTOR,
    NO_VECTORS,
    WAYS
};

static struct testhost *live(unsigned way)
{
    struct nvmevirt_config config = testhost_config();
    config.abort_never = true;
    struct testhost *host = testhost_new(&config);
    if (way == ONE_VECTOR)
        host->vectors = 1;
    if (way == NO_VECTORS)
        testhost_polled(host);
    assert_int_equal(testhost_start(host, &two_queues), NVME_OK);
    return host;
}

/* From now on reads on I/O queues meet this. */
static void reads_meet(struct testhost *host, enum nvmevirt_fault_kind kind, uint64_t argument,
                       uint32_t nth)
{
    testhost_fault(host, (struct nvmevirt_fault){.queue = NVMEVIRT_ANY,
                                                 .opcode = NVME_IO_READ,
                                                 .nth = nth,
                                                 .kind = kind,
                                                 .argument = argument});
}

static void submit_read(struct testhost *host, unsigned queue, struct testio *io, uint8_t *data)
{
    assert_int_equal(testio_submit(host, &host->nvme.io[queue], io, false, 0, 1, data), NVME_OK);
}

static void assert_done(const struct testio *io, int result)
{
    assert_int_equal(io->done, 1);
    assert_int_equal(io->request.result, result);
}

/* ---- The ladder ---------------------------------------------------------------------------- */

/* A queue that is never idle has deadlines too. */
static void test_late_under_load(void **state)
{
    (void)state;
    struct testhost *host = live(0);
    struct nvme_queue *queue = &host->nvme.io[0];
    uint8_t *data = testhost_data(host, 512);
    reads_meet(host, NVMEVIRT_DROP, 0, 1);
    struct testio hung = {0}, other = {0};
    submit_read(host, 0, &hung, data);
    unsigned polls = 0;
    for (; !hung.done; polls++) {
        assert_true(polls < 2000);
        memset(&other, 0, sizeof other);
        assert_int_equal(testio_flush(host, queue, &other), NVME_OK);
        nvme_ring(queue);
        testhost_work(host);
        host->now += SECOND;
        nvme_poll(queue, 0);
        assert_int_equal(other.done, 1);
    }
    assert_true(polls < 1200);
    assert_done(&hung, NVME_ERR_TIMEOUT);
    testhost_free(host);
}

static void test_late_command(void **state)
{
    (void)state;
    const enum nvmevirt_fault_kind kinds[] = {NVMEVIRT_DROP, NVMEVIRT_DELAY};
    for (unsigned i = 0; i < 2 * WAYS; i++) {
        struct testhost *host = live(i / 2);
        uint8_t *data = testhost_data(host, 512);
        reads_meet(host, kinds[i % 2], NVMEVIRT_NEVER, 2);
        struct testio io[3] = {0};
        uint64_t before = host->now;
        for (unsigned n = 0; n < 3; n++)
            submit_read(host, 0, &io[n], data);
        testhost_drain(host, &host->nvme.io[0]);
        assert_true(host->now - before >= 30 * SECOND && host->now - before < 31 * SECOND);
        assert_done(&io[0], NVME_OK);
        assert_done(&io[1], NVME_ERR_TIMEOUT);
        assert_done(&io[2], NVME_OK);
        assert_int_equal(host->nvme.state, NVME_LIVE);
        assert_int_equal(host->nvme.resets, 1);
        assert_int_equal(host->nvme.io[0].counters.timeouts, 1);
        assert_int_equal(host->nvme.io[0].counters.aborts, 1);
        assert_int_equal(host->nvme.io[0].counters.resets, 1);
        assert_int_equal(host->virt.counters.resets, 1);
        assert_int_equal(host->isolated, 0);
        assert_true(testhost_logged(host, "no answer to command"));
        testhost_no_faults(host);
        testhost_works(host);
        testhost_free(host);
    }
}

/* The late one has timed out; the others, on either queue and rung or not, were merely there. */
static void test_others_are_reset(void **state)
{
    (void)state;
    for (unsigned way = 0; way < WAYS; way++) {
        struct testhost *host = live(way);
        uint8_t *data = testhost_data(host, 512);
        reads_meet(host, NVMEVIRT_DELAY, NVMEVIRT_NEVER, 0);
        struct testio io[20] = {0};
        io[7].request.timeout_ns = 3 * SECOND;
        uint64_t before = host->now;
        for (unsigned n = 0; n < 19; n++)
            submit_read(host, n % 2, &io[n], data);
        nvme_ring(&host->nvme.io[0]);
        nvme_ring(&host->nvme.io[1]);
        submit_read(host, 0, &io[19], data);
        testhost_drain(host, &host->nvme.io[1]);
        assert_true(host->now - before >= 3 * SECOND && host->now - before < 4 * SECOND);
        for (unsigned n = 0; n < 20; n++)
            assert_done(&io[n], n == 7 ? NVME_ERR_TIMEOUT : NVME_ERR_RESET);
        assert_int_equal(host->nvme.resets, 1);
        testhost_no_faults(host);
        testhost_works(host);
        testhost_free(host);
    }
}

static void test_late_admin_command(void **state)
{
    (void)state;
    struct testhost *host = live(ALL_VECTORS);
    struct nvme_request request = {
        .command = {.opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = NVME_FEATURE_QUEUES}};
    testhost_fault(host, (struct nvmevirt_fault){
                             .opcode = NVME_ADMIN_GET_FEATURES, .nth = 1, .kind = NVMEVIRT_DROP});
    uint64_t before = host->now;
    assert_int_equal(nvme_execute(&host->nvme.admin, &request), NVME_ERR_TIMEOUT);
    assert_true(host->now - before >= 60 * SECOND && host->now - before < 61 * SECOND);
    assert_int_equal(nvme_execute(&host->nvme.admin, &request), NVME_OK);
    testhost_works(host);
    testhost_free(host);
}

static void test_timeouts_are_options(void **state)
{
    (void)state;
    const struct nvme_options options = {
        .io_timeout_ms = 700, .admin_timeout_ms = 1500, .retries = -1};
    struct testhost *host = testhost_live(NULL, &options);
    uint8_t *data = testhost_data(host, 512);
    reads_meet(host, NVMEVIRT_DROP, 0, 1);
    uint64_t before = host->now;
    assert_int_equal(testhost_rw(host, false, 0, 1, data), NVME_ERR_TIMEOUT);
    assert_true(host->now - before >= 700 * MS && host->now - before < 800 * MS);

    /* Shorter than the pause between two looks at CSTS, the last of which was just now. */
    nvme_check(&host->nvme);
    struct testio io = {0};
    io.request.timeout_ns = 50 * MS;
    testhost_no_faults(host);
    reads_meet(host, NVMEVIRT_DROP, 0, 1);
    before = host->now;
    submit_read(host, 0, &io, data);
    testhost_drain(host, &host->nvme.io[0]);
    assert_done(&io, NVME_ERR_TIMEOUT);
    assert_true(host->now - before >= 50 * MS && host->now - before < 100 * MS);
    testhost_free(host);
}

/* However long: it does not wrap around to "long ago", and a fatal status still ends it. */
static void test_endless_timeout(void **state)
{
    (void)state;
    const uint64_t timeouts[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 2000, 1ull << 63};
    for (unsigned i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        struct testhost *host = live(ALL_VECTORS);
        uint8_t *data = testhost_data(host, 512);
        struct testio io = {0};
        io.request.timeout_ns = timeouts[i];
        reads_meet(host, NVMEVIRT_DELAY, 500 * SECOND, 1);
        submit_read(host, 0, &io, data);
        testhost_drain(host, &host->nvme.io[0]);
        assert_done(&io, NVME_OK);

        reads_meet(host, NVMEVIRT_FATAL, 0, 1);
        submit_read(host, 0, &io, data);
        testhost_drain(host, &host->nvme.io[0]);
        assert_done(&io, NVME_ERR_RESET);
        testhost_free(host);
    }
}

/* Interrupts get lost: whoever waits looks by himself, and no reset is needed. */
static void test_lost_interrupt(void **state)
{
    (void)state;
    struct testhost *host = live(ALL_VECTORS);
    uint8_t *data = testhost_data(host, 512);
    reads_meet(host, NVMEVIRT_NO_INTERRUPT, 0, 0);
    uint64_t before = host->now;
    assert_int_equal(testhost_rw(host, false, 0, 1, data), NVME_OK);
    assert_true(host->now - before <= SECOND);

    /* Nobody waited: found when the deadline has passed. */
    struct testio io[2] = {0};
    for (unsigned n = 0; n < 2; n++)
        submit_read(host, n, &io[n], data);
    nvme_ring(&host->nvme.io[0]);
    nvme_ring(&host->nvme.io[1]);
    testhost_work(host);
    host->now += 29 * SECOND;
    uint64_t next = nvme_check(&host->nvme);
    assert_int_equal(io[0].done, 0);
    assert_true(next > host->now && next <= host->now + SECOND);
    host->now += SECOND;
    nvme_check(&host->nvme);
    for (unsigned n = 0; n < 2; n++) {
        assert_done(&io[n], NVME_OK);
        assert_int_equal(host->nvme.io[n].counters.missed, 1);
        assert_int_equal(host->nvme.io[n].counters.timeouts, 0);
    }
    assert_int_equal(host->nvme.resets, 0);

    /* No interrupt ever again: slow, and correct, through a reset as well. */
    testhost_no_faults(host);
    nvmevirt_inject(&host->virt, NVMEVIRT_MUTE, 0);
    testhost_works(host);
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    testhost_works(host);
    testhost_free(host);
}

/* CSTS is looked at twice a second, in case that nobody waits for anything but an event as well. */
static void test_check_is_cheap(void **state)
{
    (void)state;
    struct testhost *host = live(ALL_VECTORS);
    struct testio io = {0};
    host->now += SECOND;
    nvme_check(&host->nvme);
    uint64_t reads = host->reads;
    for (unsigned i = 0; i < 1000; i++) {
        host->now += 10 * MS;
        assert_true(nvme_check(&host->nvme) > host->now);
    }
    assert_in_range(host->reads - reads, 19, 21);
    reads = host->reads;
    assert_int_equal(testio_flush(host, &host->nvme.io[0], &io), NVME_OK);
    for (unsigned i = 0; i < 1000; i++) {
        host->now += 10 * MS;
        nvme_check(&host->nvme);
    }
    assert_in_range(host->reads - reads, 19, 21);
    nvme_ring(&host->nvme.io[0]);
    testhost_drain(host, &host->nvme.io[0]);
    assert_done(&io, NVME_OK);
    testhost_free(host);
}

/* ---- Fatal and gone ------------------------------------------------------------------------ */

static void test_fatal_status(void **state)
{
    (void)state;
    for (unsigned way = 0; way < WAYS; way++) {
        struct testhost *host = live(way);
        uint8_t *data = testhost_data(host, 512);
        struct testio io[4] = {0};
        uint64_t before = host->now;
        reads_meet(host, NVMEVIRT_FATAL, 0, 2);
        for (unsigned n = 0; n < 4; n++)
            submit_read(host, n % 2, &io[n], data);
        nvme_ring(&host->nvme.io[1]);
        testhost_drain(host, &host->nvme.io[0]);
        for (unsigned n = 0; n < 4; n++)
            assert_int_equal(io[n].done, 1);
        assert_true(host->now - before <= SECOND);
        assert_int_equal(host->nvme.resets, 1);
        assert_true(testhost_logged(host, "fatal status"));
        testhost_works(host);
        testhost_free(host);
    }
}

static void test_removed(void **state)
{
    (void)state;
    for (unsigned isolate = 0; isolate < 2; isolate++) {
        struct testhost *host = live(ALL_VECTORS);
        if (!isolate)
            host->ops.isolate = NULL;
        uint8_t *data = testhost_data(host, 512);
        struct testio io[3] = {0}, again = {0};
        for (unsigned n = 0; n < 3; n++)
            submit_read(host, n % 2, &io[n], data);
        nvmevirt_inject(&host->virt, NVMEVIRT_REMOVED, 0);
        testhost_drain(host, &host->nvme.io[0]);
        for (unsigned n = 0; n < 3; n++)
            assert_done(&io[n], NVME_ERR_DEAD);
        assert_int_equal(host->nvme.state, NVME_DEAD);
        assert_int_equal(host->isolated, isolate);
        for (unsigned q = 0; q < 2; q++)
            assert_int_equal(testio_submit(host, &host->nvme.io[q], &again, false, 0, 1, data),
                             NVME_ERR_DEAD);
        assert_int_equal(testhost_rw(host, false, 0, 1, data), NVME_ERR_DEAD);
        assert_int_equal(nvme_reset(&host->nvme), NVME_ERR_DEAD);
        assert_int_equal(again.done, 0);
        uint64_t writes = host->writes;
        nvme_ring(&host->nvme.io[0]);
        assert_int_equal(nvme_reap(&host->nvme.io[0]), 0);
        nvme_poll(&host->nvme.io[0], host->now + SECOND);
        nvme_check(&host->nvme);
        assert_int_equal(host->writes, writes);
        testhost_free_kept(host, isolate ? 0 : host->dma_live);
    }
}

/* ---- Completions that lie ------------------------------------------------------------------ */

static void test_completion_of_nobody(void **state)
{
    (void)state;
    const struct {
        enum nvmevirt_fault_kind kind;
        uint64_t argument;
    } lies[] = {
        {NVMEVIRT_WRONG_CID, 0xffff},  {NVMEVIRT_WRONG_CID, 0},      {NVMEVIRT_WRONG_CID, 0x1fff},
        {NVMEVIRT_WRONG_CID, 0x1010},  {NVMEVIRT_WRONG_SQID, 2},     {NVMEVIRT_WRONG_SQID, 0},
        {NVMEVIRT_WRONG_SQID, 0xffff}, {NVMEVIRT_TORN, 10 * SECOND}, {NVMEVIRT_TORN, MS},
    };
    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct testhost *host = live(ALL_VECTORS);
        uint8_t *data = testhost_data(host, 512);
        struct testio io[3] = {0};
        reads_meet(host, lies[i].kind, lies[i].argument, 2);
        for (unsigned n = 0; n < 3; n++)
            submit_read(host, 0, &io[n], data);
        testhost_drain(host, &host->nvme.io[0]);
        assert_done(&io[0], NVME_OK);
        assert_done(&io[1], NVME_ERR_TIMEOUT);
        assert_done(&io[2], NVME_OK);
        assert_int_equal(host->nvme.io[0].counters.bad_completions, 1);
        assert_true(testhost_logged(host, "not in flight"));
        testhost_no_faults(host);
        testhost_works(host);
        testhost_free(host);
    }
}

/* A whole ring of entries that look new: read once, believed by nobody, and then mended. */
static void test_ring_of_garbage(void **state)
{
    (void)state;
    struct testhost *host = live(ALL_VECTORS);
    struct nvme_queue *queue = &host->nvme.io[0];
    uint8_t *data = testhost_data(host, 512);
    struct testio io = {0};
    for (unsigned i = 0; i < queue->size; i++)
        queue->cq[i].status = 0xffff;
    assert_int_equal(nvme_reap(queue), queue->size);
    assert_int_equal(nvme_reap(queue), 0);
    assert_int_equal(queue->counters.bad_completions, queue->size);
    submit_read(host, 0, &io, data); /* the answer has the phase tag of the first round */
    testhost_drain(host, queue);
    assert_done(&io, NVME_ERR_TIMEOUT);
    testhost_works(host);
    testhost_free(host);
}

/* The first of three reads is answered with the identifier of another in flight: that one is
 * believed, but only once; or with that of the next command, which is known to who has seen the
 * others: that is not. */
static void answer_with_another(bool next)
{
    struct testhost *host = live(ALL_VECTORS);
    struct nvme_queue *queue = &host->nvme.io[0];
    uint8_t *data = testhost_data(host, 512);
    struct testio io[3] = {0};
    for (unsigned n = 0; n < 3; n++)
        submit_read(host, 0, &io[n], data);
    reads_meet(host, NVMEVIRT_WRONG_CID, next ? queue->free->cid : io[2].request.command.cid, 1);
    testhost_drain(host, queue);
    assert_done(&io[0], NVME_ERR_TIMEOUT);
    assert_done(&io[1], NVME_OK);
    assert_done(&io[2], NVME_OK);
    assert_int_equal(queue->counters.bad_completions, 1);
    testhost_works(host);
    testhost_free(host);
}

static void test_completion_of_another(void **state)
{
    (void)state;
    answer_with_another(false);
}

static void test_completion_of_the_next(void **state)
{
    (void)state;
    answer_with_another(true);
}

/* That of the command before it in the same slot. */
static void test_completion_of_before(void **state)
{
    (void)state;
    struct testhost *host = live(ALL_VECTORS);
    struct nvme_queue *queue = &host->nvme.io[0];
    uint8_t *data = testhost_data(host, 512);
    struct testio io[2] = {0};
    for (unsigned n = 0; n < 2; n++) {
        submit_read(host, 0, &io[n], data);
        if (n == 0)
            reads_meet(host, NVMEVIRT_WRONG_CID, io[0].request.command.cid, 2);
        testhost_drain(host, queue);
    }
    assert_int_equal((io[0].request.command.cid ^ io[1].request.command.cid) & queue->slot_mask, 0);
    assert_done(&io[0], NVME_OK);
    assert_done(&io[1], NVME_ERR_TIMEOUT);
    assert_int_equal(queue->counters.bad_completions, 1);
    testhost_free(host);
}

/* A request that submits itself once more, so that its slot is in use when the duplicate comes. */
struct twice {
    struct nvme_request request;
    struct testhost *host;
    unsigned done;
};

static void submit_once_more(struct nvme_request *request)
{
    struct twice *twice = request->context;
    assert_int_equal(request->result, NVME_OK);
    if (++twice->done == 1)
        assert_int_equal(nvme_submit(&twice->host->nvme.io[0], request), NVME_OK);
}

static void test_duplicate_completion(void **state)
{
    (void)state;
    for (unsigned nth = 0; nth < 2; nth++) { /* each, and the first only */
        struct testhost *host = live(ALL_VECTORS);
        struct twice twice = {.host = host};
        testhost_fault(
            host, (struct nvmevirt_fault){
                      .queue = 1, .opcode = NVME_IO_FLUSH, .nth = nth, .kind = NVMEVIRT_DUPLICATE});
        nvme_prepare_flush(&twice.request, &host->nvme.namespaces[0]);
        twice.request.done = submit_once_more;
        twice.request.context = &twice;
        assert_int_equal(nvme_submit(&host->nvme.io[0], &twice.request), NVME_OK);
        testhost_drain(host, &host->nvme.io[0]);
        nvme_reap(&host->nvme.io[0]);
        assert_int_equal(twice.done, 2);
        assert_int_equal(host->nvme.io[0].counters.bad_completions, nth ? 1 : 2);
        assert_int_equal(host->nvme.resets, 0);
        testhost_no_faults(host);
        testhost_works(host);
        testhost_free(host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_late_command),          cmocka_unit_test(test_late_under_load),
        cmocka_unit_test(test_others_are_reset),      cmocka_unit_test(test_late_admin_command),
        cmocka_unit_test(test_timeouts_are_options),  cmocka_unit_test(test_endless_timeout),
        cmocka_unit_test(test_lost_interrupt),        cmocka_unit_test(test_check_is_cheap),
        cmocka_unit_test(test_fatal_status),          cmocka_unit_test(test_removed),
        cmocka_unit_test(test_completion_of_nobody),  cmocka_unit_test(test_ring_of_garbage),
        cmocka_unit_test(test_completion_of_another), cmocka_unit_test(test_completion_of_the_next),
        cmocka_unit_test(test_completion_of_before),  cmocka_unit_test(test_duplicate_completion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
