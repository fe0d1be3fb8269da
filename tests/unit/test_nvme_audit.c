/*
 * The audit of nvme_host.c sees what it should: each of its rules is broken
 * here, by a driver that is played by hand, and the complaint has to come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

/* ---- DMA memory ---------------------------------------------------------------------------- */

static void test_leaked_memory(void **state)
{
    (void)state;
    struct testhost *host = testhost_new(NULL);
    uint64_t bus;
    void *memory = host->ops.dma_alloc(host, 4096, 4096, &bus);
    assert_non_null(memory);
    testhost_stop(host, 0);
    testhost_expect(host, 1, "1 allocations are out instead of 0");
    host->ops.dma_free(host, memory, 4096);
    testhost_stop(host, 1); /* what should have been kept was given back */
    testhost_expect(host, 1, "0 allocations are out instead of 1");
    testhost_free(host);
}

static void test_memory_given_back_wrongly(void **state)
{
    (void)state;
    struct testhost *host = testhost_new(NULL);
    uint64_t bus;
    uint8_t *memory = host->ops.dma_alloc(host, 8192, 4096, &bus);
    host->ops.dma_free(host, memory, 4096);
    testhost_expect(host, 1, "dma_free() of 4096 bytes instead of 8192");
    host->ops.dma_free(host, memory + 4096, 4096);
    testhost_expect(host, 1, "which dma_alloc() has not given out");
    host->ops.dma_free(host, testhost_data(host, 4096), 4096);
    testhost_expect(host, 1, "which dma_alloc() has not given out");
    host->ops.dma_free(host, memory, 8192);
    testhost_expect(host, 0, "");
    host->ops.dma_free(host, memory, 8192);
    testhost_expect(host, 1, "which dma_alloc() has not given out");
    assert_int_equal(host->dma_live, 0);
    testhost_free(host);
}

static void test_memory_asked_for_wrongly(void **state)
{
    (void)state;
    struct testhost *host = testhost_new(NULL);
    uint64_t bus;
    assert_null(host->ops.dma_alloc(host, 0, 4096, &bus));
    testhost_expect(host, 1, "dma_alloc() of 0 bytes");
    assert_null(host->ops.dma_alloc(host, 1, 512, &bus));
    testhost_expect(host, 1, "aligned to 512");
    assert_null(host->ops.dma_alloc(host, 1, 12288, &bus));
    testhost_expect(host, 1, "aligned to 12288");
    testhost_free(host);
}

static void test_memory_for_io(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    testhost_works(host);
    uint64_t bus;
    void *memory = host->ops.dma_alloc(host, 4096, 4096, &bus);
    testhost_expect(host, 1, "dma_alloc() called for I/O");
    host->ops.dma_free(host, memory, 4096);
    host->manages = true;
    memory = host->ops.dma_alloc(host, 4096, 4096, &bus);
    host->ops.dma_free(host, memory, 4096);
    testhost_expect(host, 0, "");
    testhost_free(host);
}

/* ---- Context ------------------------------------------------------------------------------- */

static void say(struct testhost *host, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    host->ops.log(host, NVME_LOG_NOTE, format, arguments);
    va_end(arguments);
}

static bool yes(void *argument)
{
    (void)argument;
    return true;
}

/* One of the functions that are for ordinary context only. */
static void call_out(struct testhost *host, unsigned call)
{
    const struct nvme_host *ops = &host->ops;
    uint64_t bus;
    size_t bytes = 4;
    switch (call) {
    case 0:
        ops->read32(host, NVME_REG_CSTS);
        break;
    case 1:
        ops->write32(host, NVME_REG_ASQ, 0);
        break;
    case 2:
        ops->dma_free(host, ops->dma_alloc(host, 4096, 4096, &bus), 4096);
        break;
    case 3:
        ops->bus_address(host, host->context, &bytes);
        break;
    case 4:
        ops->wait(host, yes, NULL, 0);
        break;
    case 5:
        say(host, "here");
        break;
    case 6:
        ops->vectors(host, 1);
        break;
    case 7:
        ops->attach(host, 1, NULL, NULL);
        break;
    case 8:
        ops->isolate(host);
        break;
    }
}

static const struct {
    const char *name;
    unsigned complaints;
} calls[] = {{"read32() called", 1},      {"write32() called", 1}, {"dma_free() called", 2},
             {"bus_address() called", 1}, {"wait() called", 1},    {"log() called", 1},
             {"vectors() called", 1},     {"attach() called", 1},  {"isolate() called", 1}};

static unsigned next_call;

static void call_next(void *argument)
{
    call_out(argument, next_call);
}

static bool call_next_and_be_ready(void *argument)
{
    call_out(argument, next_call);
    return true;
}

/* From an interrupt handler, and from ready(), each function is one too many. */
static void test_calls_from_a_wrong_context(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 2; way++)
        for (next_call = 0; next_call < sizeof calls / sizeof calls[0]; next_call++) {
            struct testhost *host = testhost_new(NULL);
            host->context = testhost_data(host, 4);
            call_out(host, next_call);
            testhost_expect(host, 0, "");
            host->isolated = 0;
            if (way) {
                host->ops.wait(host, call_next_and_be_ready, host, 0);
            } else {
                host->ops.attach(host, 0, call_next, host);
                testhost_interrupt(host, 0);
                host->ops.attach(host, 0, NULL, NULL);
            }
            testhost_expect(host, calls[next_call].complaints, calls[next_call].name);
            assert_non_null(strstr(host->violation, way ? "ready()" : "an interrupt handler"));
            host->isolated = 0;
            testhost_free(host);
        }
}

static void reap_all(void *argument)
{
    struct testhost *host = argument;
    nvme_reap(&host->nvme.io[0]);
}

static void test_done_in_an_interrupt(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct handler handler = host->handlers[queue->vector];
    struct testio io = {0};
    host->ops.attach(host, queue->vector, reap_all, host);
    assert_int_equal(testio_flush(host, queue, &io), NVME_OK);
    nvme_ring(queue);
    testhost_work(host);
    assert_int_equal(io.done, 1);
    testhost_expect(host, 1, "done() called from an interrupt handler");
    host->ops.attach(host, queue->vector, handler.function, handler.argument);
    testhost_free(host);
}

static void wait_inside(struct nvme_request *request)
{
    struct testhost *host = request->context;
    host->in_done++;
    host->ops.wait(host, yes, NULL, 0);
    host->in_done--;
}

/* done() may wait, but not for a reset that waits for it. */
static void test_wait_in_done(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    for (unsigned resets = 0; resets < 2; resets++) {
        struct nvme_request request = {.once = true, .done = wait_inside, .context = host};
        nvme_prepare_flush(&request, host->nvme.namespaces);
        assert_int_equal(nvme_submit(&host->nvme.io[0], &request), NVME_OK);
        if (resets)
            assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        else
            testhost_drain(host, &host->nvme.io[0]);
        testhost_expect(host, resets, resets ? "wait() called from done() while a reset runs" : "");
    }
    testhost_free(host);
}

/* ---- Registers ----------------------------------------------------------------------------- */

static void test_registers_that_do_not_exist(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    unsigned before = host->violations;
    host->ops.read32(host, NVME_REG_CSTS + 2);
    assert_true(host->violations > before);
    testhost_expect(host, host->violations - before, "not aligned");
    before = host->violations;
    host->ops.write32(host, NVME_DOORBELLS + 1, 0);
    assert_true(host->violations > before);
    testhost_expect(host, host->violations - before, "");
    host->ops.write32(host, NVME_DOORBELLS + 8 * 9, 0);
    testhost_expect(host, 1, "doorbell 1048 belongs to no queue");
    host->ops.read32(host, NVME_DOORBELLS);
    testhost_expect(host, 1, "read of doorbell");
    host->ops.write32(host, 0x800, 0);
    testhost_expect(host, 1, "write to register 800: read-only, reserved or absent");
    testhost_free(host);
}

static void test_registers_of_what_was_let_go(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    nvme_stop(&host->nvme);
    host->ops.read32(host, NVME_REG_CSTS);
    testhost_expect(host, 1, "read32() of register 1c after the controller was stopped");
    host->ops.write32(host, NVME_REG_ASQ, 0);
    testhost_expect(host, 1, "write32() of register 28 after the controller was stopped");
    testhost_free(host);

    host = testhost_live(NULL, NULL);
    nvmevirt_inject(&host->virt, NVMEVIRT_RDY_STUCK_HIGH, 0);
    assert_int_equal(nvme_reset(&host->nvme), NVME_ERR_DEAD);
    assert_int_equal(host->isolated, 1);
    testhost_expect(host, 0, "");
    host->ops.read32(host, NVME_REG_CSTS);
    testhost_expect(host, 1, "read32() of register 1c after the controller was isolated");
    host->ops.isolate(host);
    testhost_expect(host, 1, "isolate() called again");
    testhost_free(host);
}

static void test_forgotten_handler(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    nvme_stop(&host->nvme);
    host->ops.attach(host, 1, call_next, host);
    testhost_stop(host, 0);
    testhost_expect(host, 1, "vector 1 has a handler");
    host->ops.attach(host, 1, NULL, NULL);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaked_memory),
        cmocka_unit_test(test_memory_given_back_wrongly),
        cmocka_unit_test(test_memory_asked_for_wrongly),
        cmocka_unit_test(test_memory_for_io),
        cmocka_unit_test(test_calls_from_a_wrong_context),
        cmocka_unit_test(test_done_in_an_interrupt),
        cmocka_unit_test(test_wait_in_done),
        cmocka_unit_test(test_registers_that_do_not_exist),
        cmocka_unit_test(test_registers_of_what_was_let_go),
        cmocka_unit_test(test_forgotten_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
