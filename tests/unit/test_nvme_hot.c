/*
 * A controller that goes away or breaks at the worst moment, and done() that
 * calls back into the driver at just that one: at each register that is read,
 * at each command of a reset, inside of it and at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define SECOND (1000 * MS)

enum {
    COUNT = 20
};

static const struct nvme_options two_queues = {.io_queues = 2, .queue_entries = 16};

/* I/O on both queues, most of it hanging, until the faults are forgotten. */
static void hang(struct testhost *host, struct testio *io)
{
    uint8_t *data = testhost_data(host, 512);
    testhost_fault(host, (struct nvmevirt_fault){.queue = NVMEVIRT_ANY,
                                                 .opcode = NVME_IO_READ,
                                                 .kind = NVMEVIRT_DELAY,
                                                 .argument = NVMEVIRT_NEVER});
    memset(io, 0, COUNT * sizeof *io);
    for (unsigned n = 0; n < COUNT; n++) {
        io[n].request.once = n % 5 == 4;
        assert_int_equal(testio_submit(host, &host->nvme.io[n % 2], &io[n], n % 4 == 3, n, 1, data),
                         NVME_OK);
    }
    nvme_ring(&host->nvme.io[0]);
    nvme_ring(&host->nvme.io[1]);
    testhost_work(host);
    testhost_no_faults(host);
}

static void assert_each_once(const struct testio *io)
{
    for (unsigned n = 0; n < COUNT; n++) {
        assert_int_equal(io[n].done, 1);
        assert_int_not_equal(io[n].request.result, NVME_ERR_PENDING);
    }
}

static void drain_both(struct testhost *host)
{
    testhost_drain(host, &host->nvme.io[0]);
    testhost_drain(host, &host->nvme.io[1]);
}

/* ---- Gone at any moment -------------------------------------------------------------------- */

/* Removed at the nth read of a register in a reset or a stop, with isolate() and without. */
static void test_removed_at_every_read(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 4; way++) {
        bool stops = way & 1, isolates = way & 2;
        unsigned left = 0;
        for (unsigned n = 1; left == 0; n++) {
            struct testhost *host = testhost_live(NULL, &two_queues);
            struct testio io[COUNT];
            if (!isolates)
                host->ops.isolate = NULL;
            hang(host, io);
            left = n;
            host->context = &left;
            host->read = testhost_vanish;
            long held = host->dma_live;
            if (stops)
                nvme_stop(&host->nvme);
            else if (nvme_reset(&host->nvme) == NVME_OK)
                drain_both(host);
            host->read = NULL;
            assert_each_once(io);
            if (left == 0 && !stops)
                assert_int_equal(host->nvme.state, NVME_DEAD);
            assert_true(n < 100);
            bool kept = host->nvme.at_large;
            assert_true(!kept || !isolates);
            testhost_free_kept(host, kept ? held : 0);
        }
    }
}

static void test_removed_by_every_command_of_a_reset(void **state)
{
    (void)state;
    bool met = true;
    for (uint32_t nth = 1; met; nth++) {
        struct testhost *host = testhost_live(NULL, &two_queues);
        struct testio io[COUNT];
        hang(host, io);
        testhost_fault(host, (struct nvmevirt_fault){
                                 .opcode = NVMEVIRT_ANY, .nth = nth, .kind = NVMEVIRT_REMOVED});
        int error = nvme_reset(&host->nvme);
        met = host->virt.removed;
        assert_int_equal(error, met ? NVME_ERR_DEAD : NVME_OK);
        if (!met)
            drain_both(host);
        assert_each_once(io);
        assert_true(nth < 50);
        testhost_free(host);
    }
}

/* Each command of a reset goes wrong once: the second try succeeds, and no request is lost. */
static void test_second_try(void **state)
{
    (void)state;
    const enum nvmevirt_fault_kind kinds[] = {NVMEVIRT_DROP, NVMEVIRT_FATAL, NVMEVIRT_STATUS};
    const uint16_t opcodes[] = {NVME_ADMIN_SET_FEATURES, NVME_ADMIN_CREATE_CQ, NVME_ADMIN_CREATE_SQ,
                                NVME_ADMIN_IDENTIFY};
    for (unsigned k = 0; k < 3; k++)
        for (unsigned o = 0; o < 4; o++) {
            struct testhost *host = testhost_live(NULL, &two_queues);
            struct testio io[COUNT];
            hang(host, io);
            testhost_fault(host,
                           (struct nvmevirt_fault){
                               .opcode = opcodes[o], .nth = 1, .kind = kinds[k], .argument = 6});
            assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
            drain_both(host);
            assert_each_once(io);
            for (unsigned n = 0; n < COUNT; n++)
                if (!io[n].request.once)
                    assert_int_equal(io[n].request.result, NVME_OK);
            assert_int_equal(host->nvme.resets, 1);
            testhost_works(host);
            testhost_free(host);
        }
}

static void test_ready_sticks_once(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, &two_queues);
    struct testio io[COUNT];
    hang(host, io);
    nvmevirt_inject(&host->virt, NVMEVIRT_RDY_STUCK_LOW, 1);
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    drain_both(host);
    assert_each_once(io);
    testhost_works(host);
    testhost_free(host);
}

/* Unplugged under load, from the queue's point of view: whoever polls learns it within a second. */
static void test_removed_under_load(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, &two_queues);
    struct testio io[COUNT];
    hang(host, io);
    uint64_t before = host->now;
    nvmevirt_inject(&host->virt, NVMEVIRT_REMOVED, 0);
    drain_both(host);
    assert_true(host->now - before <= SECOND);
    assert_each_once(io);
    for (unsigned n = 0; n < COUNT; n++)
        assert_true(io[n].request.result == NVME_ERR_DEAD || io[n].request.result == NVME_OK);
    testhost_free(host);
}

/* ---- done() calls back --------------------------------------------------------------------- */

struct caller {
    struct nvme_request request;
    struct testhost *host;
    struct testio io;
    unsigned done;
    int reset, execute, admin, submit;
    struct nvme_controller never_started;
};

static void call_everything(struct nvme_request *request)
{
    struct caller *caller = request->context;
    struct testhost *host = caller->host;
    struct nvme_request flush = {0}, identify = {.command = {.opcode = NVME_ADMIN_IDENTIFY}};
    nvme_prepare_flush(&flush, host->nvme.namespaces);
    if (caller->done++)
        return;
    host->in_done++;
    caller->reset = nvme_reset(&host->nvme);
    nvme_stop(host->nvme.state == NVME_DEAD ? &caller->never_started : &host->nvme);
    caller->execute = nvme_execute(&host->nvme.io[0], &flush);
    caller->admin = nvme_execute(&host->nvme.admin, &identify);
    caller->submit = testio_flush(host, &host->nvme.io[1], &caller->io);
    nvme_ring(&host->nvme.io[0]);
    nvme_reap(&host->nvme.io[0]);
    nvme_check(&host->nvme);
    nvme_poll(&host->nvme.io[1], host->now + MS);
    host->in_done--;
}

static void test_calls_inside_a_reset(void **state)
{
    (void)state;
    for (unsigned answered = 0; answered < 2; answered++) {
        struct testhost *host = testhost_live(NULL, &two_queues);
        struct caller caller = {.host = host};
        nvme_prepare_flush(&caller.request, host->nvme.namespaces);
        caller.request.once = true;
        caller.request.done = call_everything;
        caller.request.context = &caller;
        if (!answered)
            testhost_fault(host, (struct nvmevirt_fault){.queue = 1,
                                                         .opcode = NVME_IO_FLUSH,
                                                         .nth = 1,
                                                         .kind = NVMEVIRT_DELAY,
                                                         .argument = NVMEVIRT_NEVER});
        assert_int_equal(nvme_submit(&host->nvme.io[0], &caller.request), NVME_OK);
        nvme_ring(&host->nvme.io[0]);
        testhost_work(host);
        assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        assert_int_equal(caller.done, 1);
        assert_int_equal(caller.request.result, answered ? NVME_OK : NVME_ERR_RESET);
        assert_int_equal(caller.reset, NVME_ERR_PENDING);
        assert_int_equal(caller.execute, NVME_ERR_RESET);
        assert_int_equal(caller.admin, NVME_ERR_RESET);
        assert_int_equal(caller.submit, NVME_OK);
        testhost_drain(host, &host->nvme.io[1]);
        assert_int_equal(caller.io.done, 1);
        assert_int_equal(caller.io.request.result, NVME_OK);
        assert_int_equal(host->nvme.resets, 1);
        testhost_free(host);
    }
}

/* Everything is refused to the done() of a request that dies, and of one that ends by a stop. */
static void test_calls_at_the_end(void **state)
{
    (void)state;
    for (unsigned stops = 0; stops < 2; stops++) {
        struct testhost *host = testhost_live(NULL, &two_queues);
        struct caller caller = {.host = host};
        testhost_fault(host, (struct nvmevirt_fault){.queue = 1,
                                                     .opcode = NVME_IO_FLUSH,
                                                     .kind = NVMEVIRT_DELAY,
                                                     .argument = NVMEVIRT_NEVER});
        nvme_prepare_flush(&caller.request, host->nvme.namespaces);
        caller.request.done = call_everything;
        caller.request.context = &caller;
        assert_int_equal(nvme_submit(&host->nvme.io[0], &caller.request), NVME_OK);
        nvme_ring(&host->nvme.io[0]);
        testhost_work(host);
        if (!stops)
            nvmevirt_inject(&host->virt, NVMEVIRT_REMOVED, 0);
        if (stops)
            nvme_stop(&host->nvme);
        else
            assert_int_equal(nvme_reset(&host->nvme), NVME_ERR_DEAD);
        assert_int_equal(caller.done, 1);
        assert_int_equal(caller.request.result, stops ? NVME_ERR_RESET : NVME_ERR_DEAD);
        assert_int_equal(caller.reset, NVME_ERR_DEAD);
        assert_int_equal(caller.execute, NVME_ERR_DEAD);
        assert_int_equal(caller.admin, NVME_ERR_DEAD);
        assert_int_equal(caller.submit, NVME_ERR_DEAD);
        assert_int_equal(caller.io.done, 0);
        testhost_free(host);
    }
}

/* Nothing is done about late commands twice: done() looks at deadlines while a reset drains. */
static void check_inside(struct nvme_request *request)
{
    struct caller *caller = request->context;
    caller->done++;
    nvme_check(&caller->host->nvme);
}

static void test_check_inside_a_drain(void **state)
{
    (void)state;
    const struct nvme_options options = {.retries = -1};
    struct testhost *host = testhost_live(NULL, &options);
    struct caller caller = {.host = host};
    uint8_t *data = testhost_data(host, 512);
    struct testio late = {0}, last = {0};
    host->virt.config.abort_never = true;
    const uint64_t delays[] = {NVMEVIRT_NEVER, 1010 * MS, 1050 * MS};
    const uint16_t opcodes[] = {NVME_IO_READ, NVME_IO_FLUSH, NVME_IO_WRITE};
    for (unsigned i = 0; i < 3; i++)
        testhost_fault(host, (struct nvmevirt_fault){.queue = 1,
                                                     .opcode = opcodes[i],
                                                     .nth = 1,
                                                     .kind = NVMEVIRT_DELAY,
                                                     .argument = delays[i]});
    late.request.timeout_ns = SECOND;
    nvme_prepare_flush(&caller.request, host->nvme.namespaces);
    caller.request.done = check_inside;
    caller.request.context = &caller;
    struct nvme_queue *queue = &host->nvme.io[0];
    assert_int_equal(testio_submit(host, queue, &late, false, 0, 1, data), NVME_OK);
    assert_int_equal(nvme_submit(queue, &caller.request), NVME_OK);
    assert_int_equal(testio_submit(host, queue, &last, true, 0, 1, data), NVME_OK);
    testhost_drain(host, queue);
    assert_int_equal(late.request.result, NVME_ERR_TIMEOUT);
    assert_int_equal(caller.request.result, NVME_OK);
    assert_int_equal(last.request.result, NVME_OK);
    assert_true(late.done == 1 && caller.done == 1 && last.done == 1);
    assert_int_equal(host->nvme.resets, 1);
    testhost_free(host);
}

/* A chain that never ends: each done() submits its request again, through resets. */
struct chain {
    struct nvme_request request;
    struct nvme_queue *queue;
    unsigned done;
    int last;
};

static void next_link(struct nvme_request *request)
{
    struct chain *chain = request->context;
    chain->done++;
    chain->last = nvme_submit(chain->queue, request);
}

static void test_resets_under_a_chain(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, &two_queues);
    struct chain chains[30] = {0};
    for (unsigned n = 0; n < 30; n++) {
        chains[n].queue = &host->nvme.io[n % 2];
        nvme_prepare_flush(&chains[n].request, host->nvme.namespaces);
        chains[n].request.once = n % 3 == 0;
        chains[n].request.done = next_link;
        chains[n].request.context = &chains[n];
        assert_int_equal(nvme_submit(chains[n].queue, &chains[n].request), NVME_OK);
    }
    for (unsigned round = 1; round <= 20; round++) {
        for (unsigned polls = 0; polls < round; polls++)
            nvme_poll(&host->nvme.io[polls % 2], host->now + MS);
        assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        assert_int_equal(host->nvme.resets, round);
        for (unsigned n = 0; n < 30; n++)
            assert_int_equal(chains[n].last, NVME_OK);
    }
    unsigned total = 0;
    for (unsigned n = 0; n < 30; n++) {
        total += chains[n].done;
        assert_true(chains[n].done > 0);
    }
    nvme_stop(&host->nvme);
    unsigned after = 0;
    for (unsigned n = 0; n < 30; n++) {
        assert_int_equal(chains[n].last, NVME_ERR_DEAD);
        after += chains[n].done;
    }
    assert_int_equal(after, total + 30);
    testhost_free(host);
}

/* ---- With I/O in flight -------------------------------------------------------------------- */

/* What can end before CC.EN is cleared gets the time for it: a little. */
static void test_drained_before_reset_and_stop(void **state)
{
    (void)state;
    for (unsigned stops = 0; stops < 2; stops++) {
        struct testhost *host = testhost_live(NULL, &two_queues);
        uint8_t *data = testhost_data(host, 512);
        struct testio io[4] = {0};
        testhost_fault(host, (struct nvmevirt_fault){.queue = NVMEVIRT_ANY,
                                                     .opcode = NVME_IO_READ,
                                                     .kind = NVMEVIRT_DELAY,
                                                     .argument = 50 * MS});
        for (unsigned n = 0; n < 4; n++)
            assert_int_equal(testio_submit(host, &host->nvme.io[n % 2], &io[n], false, n, 1, data),
                             NVME_OK);
        nvme_ring(&host->nvme.io[0]);
        nvme_ring(&host->nvme.io[1]);
        testhost_work(host);
        uint64_t before = host->now;
        if (stops)
            nvme_stop(&host->nvme);
        else
            assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        assert_true(host->now - before < 200 * MS);
        for (unsigned n = 0; n < 4; n++) {
            assert_int_equal(io[n].done, 1);
            assert_int_equal(io[n].request.result, NVME_OK);
            assert_int_equal(io[n].request.repeats, 0);
        }
        testhost_free(host);
    }
}

/* Late DMA: a command that ends after its reset has begun writes into nobody else's memory, and
 * its buffer is not given back before the controller is known to be disabled (see completed()). */
static void test_late_dma(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    config.disable_ns = 2 * SECOND;
    const struct nvme_options options = {.retries = -1};
    struct testhost *host = testhost_live(&config, &options);
    uint8_t *data = testhost_data(host, 512);
    struct testio io = {0};
    testhost_fault(host, (struct nvmevirt_fault){.queue = 1,
                                                 .opcode = NVME_IO_READ,
                                                 .nth = 1,
                                                 .kind = NVMEVIRT_DELAY,
                                                 .argument = SECOND});
    assert_int_equal(testio_submit(host, &host->nvme.io[0], &io, false, 0, 1, data), NVME_OK);
    nvme_ring(&host->nvme.io[0]);
    testhost_work(host);
    memset(data, 0x5a, 512);
    uint64_t before = host->now;
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_true(host->now - before >= 2 * SECOND);
    assert_int_equal(io.done, 1);
    assert_int_equal(io.request.result, NVME_ERR_RESET);
    testhost_works(host);
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(data[i], 0x5a);
    testhost_free(host);
}

/* ---- Queues that do not come back ---------------------------------------------------------- */

static void test_requests_of_a_lost_queue(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, &two_queues);
    struct testio io[COUNT], extra = {0};
    hang(host, io);
    testhost_fault(host, (struct nvmevirt_fault){.opcode = NVME_ADMIN_CREATE_CQ,
                                                 .nth = 2,
                                                 .kind = NVMEVIRT_STATUS,
                                                 .argument = NVMEVIRT_STATUS_FIELD(1, 1, 1)});
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_int_equal(host->nvme.io_count, 1);
    drain_both(host);
    assert_each_once(io);
    for (unsigned n = 0; n < COUNT; n++)
        if (!io[n].request.once)
            assert_int_equal(io[n].request.result,
                             n % 2 && !host->nvme.io[1].live && io[n].request.repeats
                                 ? NVME_ERR_RESET
                                 : NVME_OK);
    struct nvme_request flush = {0};
    nvme_prepare_flush(&flush, host->nvme.namespaces);
    assert_int_equal(nvme_execute(&host->nvme.io[1], &flush), NVME_ERR_NO_QUEUE);
    assert_int_equal(testio_flush(host, &host->nvme.io[1], &extra), NVME_ERR_NO_QUEUE);
    assert_int_equal(nvme_reap(&host->nvme.io[1]), 0);
    nvme_poll(&host->nvme.io[1], host->now + SECOND);
    testhost_works(host);

    testhost_no_faults(host);
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_int_equal(nvme_execute(&host->nvme.io[1], &flush), NVME_OK);
    testhost_free(host);
}

/* A command that was not rung for when the controller died is nothing to ring for. */
static void test_ring_of_the_dead(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, &two_queues);
    struct testio io = {0};
    assert_int_equal(testio_flush(host, &host->nvme.io[0], &io), NVME_OK);
    nvmevirt_inject(&host->virt, NVMEVIRT_REMOVED, 0);
    assert_int_equal(nvme_reset(&host->nvme), NVME_ERR_DEAD);
    const uint64_t writes = host->writes;
    nvme_ring(&host->nvme.io[0]);
    assert_int_equal(host->writes, writes);
    assert_int_equal(host->nvme.io[0].counters.sq_doorbells, 0);
    assert_int_equal(io.done, 1);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_removed_at_every_read),
        cmocka_unit_test(test_removed_by_every_command_of_a_reset),
        cmocka_unit_test(test_second_try),
        cmocka_unit_test(test_ready_sticks_once),
        cmocka_unit_test(test_removed_under_load),
        cmocka_unit_test(test_calls_inside_a_reset),
        cmocka_unit_test(test_calls_at_the_end),
        cmocka_unit_test(test_check_inside_a_drain),
        cmocka_unit_test(test_resets_under_a_chain),
        cmocka_unit_test(test_drained_before_reset_and_stop),
        cmocka_unit_test(test_late_dma),
        cmocka_unit_test(test_requests_of_a_lost_queue),
        cmocka_unit_test(test_ring_of_the_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
