/* Requests that are submitted again, from another LBA, with all else as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

enum {
    PAGE = 4096,
    BLOCKS = 8, /* to a page */
    NAMESPACE_BLOCKS = 4096
};

/* A host that knows where its data is: `pages` in a row, which are read again and again. */
static uint8_t *direct_data(struct testhost *host, size_t pages)
{
    uint8_t *data = testhost_chunks(host, 0, pages * PAGE, pages);
    host->ops.direct_start = (uintptr_t)data;
    host->ops.direct_length = pages * PAGE;
    host->ops.direct_bus = testhost_bus(host, data);
    return data;
}

static void submit_again(struct testhost *host, struct testio *io, uint64_t lba)
{
    unsigned done = io->done;
    assert_int_equal(testio_again(io, lba), NVME_OK);
    testhost_drain(host, io->queue);
    assert_int_equal(io->done, done + 1);
    assert_int_equal(io->request.result, NVME_OK);
}

/* Reads a page into each of `count` pages, and again: after that a request goes the short way. */
static void read_twice(struct testhost *host, struct testio *io, unsigned count, uint8_t *data)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(testio_submit(host, &host->nvme.io[0], &io[i], false, 0, BLOCKS,
                                       data + (size_t)i * PAGE),
                         NVME_OK);
        testhost_drain(host, &host->nvme.io[0]);
        submit_again(host, &io[i], 0);
    }
}

/* Writes `blocks` everywhere with the same request, and reads them with another. */
static void everywhere(struct testhost *host, uint8_t *data, uint32_t blocks)
{
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io[2] = {0};
    uint8_t *copy = malloc((size_t)blocks * 512);
    for (unsigned reading = 0; reading < 2; reading++)
        for (uint64_t lba = 0; lba + blocks <= NAMESPACE_BLOCKS; lba += blocks) {
            testhost_fill(copy, (size_t)blocks * 512, (unsigned)lba);
            memcpy(data, copy, reading ? 0 : (size_t)blocks * 512);
            if (lba == 0) {
                assert_int_equal(
                    testio_submit(host, queue, &io[reading], !reading, 0, blocks, data), NVME_OK);
                testhost_drain(host, queue);
            } else {
                submit_again(host, &io[reading], lba);
            }
            assert_memory_equal(data, copy, (size_t)blocks * 512);
            memset(data, 0xee, (size_t)blocks * 512);
        }
    assert_int_equal(queue->lists_free, queue->list_count);
    free(copy);
}

/* One page and two are in the command itself. */
static void test_pages(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    uint8_t *data = direct_data(host, 4);
    everywhere(host, data, 1);
    everywhere(host, data + 512, BLOCKS);
    assert_int_equal(host->nvme.io[0].counters.errors, 0);
    testhost_free(host);
}

/* More are in lists, which others have used meanwhile. */
static void test_lists(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    uint8_t *data = direct_data(host, 8), *others = testhost_data(host, 8 * PAGE);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io = {0}, other = {0};
    everywhere(host, data, 4 * BLOCKS);
    assert_int_equal(testio_submit(host, queue, &io, false, 0, 4 * BLOCKS, data), NVME_OK);
    testhost_drain(host, queue);
    submit_again(host, &io, 32);
    assert_int_equal(testio_submit(host, queue, &other, false, 0, 8 * BLOCKS, others), NVME_OK);
    assert_int_equal(testio_again(&io, 64), NVME_OK);
    testhost_drain(host, queue);
    assert_int_equal(io.done, 3);
    uint8_t *expected = testhost_data(host, 4 * PAGE);
    assert_int_equal(testhost_rw(host, false, 64, 4 * BLOCKS, expected), NVME_OK);
    assert_memory_equal(data, expected, 4 * PAGE);
    testhost_free(host);
}

static void test_range(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io = {0};
    read_twice(host, &io, 1, direct_data(host, 1));
    static const uint64_t wrong[] = {NAMESPACE_BLOCKS - BLOCKS + 1, NAMESPACE_BLOCKS - 1,
                                     NAMESPACE_BLOCKS, UINT64_MAX - BLOCKS + 1, UINT64_MAX};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(testio_again(&io, wrong[i]), NVME_ERR_INVALID);
    assert_int_equal(queue->tail, queue->rung);
    submit_again(host, &io, NAMESPACE_BLOCKS - BLOCKS);
    testhost_free(host);
}

static void test_full_queue(void **state)
{
    (void)state;
    const struct nvme_options options = {.queue_entries = 4};
    struct testhost *host = testhost_live(NULL, &options);
    struct nvme_queue *queue = &host->nvme.io[0];
    uint8_t *data = direct_data(host, 4);
    struct testio io[4] = {0};
    read_twice(host, io, 4, data);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(testio_again(&io[i], 8 * i), i < 3 ? NVME_OK : NVME_ERR_BUSY);
    testhost_drain(host, queue);
    submit_again(host, &io[3], 24);
    testhost_free(host);
}

/* A deadline of its own counts from when the request is submitted, in a batch as alone. */
static void test_deadline(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    uint8_t *data = direct_data(host, 2);
    struct testio io[2] = {0};
    io[1].request.timeout_ns = 5 * MS;
    read_twice(host, io, 2, data);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(testio_again(&io[i], 8), NVME_OK);
    assert_int_equal(io[0].request.deadline - io[1].request.deadline,
                     queue->default_timeout_ns - 5 * MS);
    testhost_drain(host, queue);
    testhost_free(host);
}

/* What was prepared for another namespace than is there now goes nowhere, and so does anything
 * when the controller is dead. */
static void test_changed_namespace(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io[2] = {0};
    uint8_t *data = direct_data(host, 2);
    read_twice(host, io, 2, data);
    /* Behind another, so that the short way is gone. */
    assert_int_equal(testio_again(&io[0], 8), NVME_OK);
    host->nvme.namespaces->changes++;
    assert_int_equal(testio_again(&io[1], 8), NVME_ERR_GONE);
    testhost_drain(host, queue);
    assert_int_equal(testio_again(&io[1], 8), NVME_ERR_GONE);
    host->nvme.namespaces->changes--;
    submit_again(host, &io[1], 8);
    nvme_stop(&host->nvme);
    assert_int_equal(io[0].done, 3);
    assert_int_equal(io[1].done, 3);
    testhost_free(host);
}

/* Links requests that read page after page from block `lba` on. */
static struct nvme_request *chain_of(struct testio *io, unsigned count, uint64_t lba)
{
    for (unsigned i = 0; i < count; i++) {
        nvme_set_lba(&io[i].request, lba + (uint64_t)i * BLOCKS);
        io[i].request.next = i + 1 < count ? &io[i + 1].request : NULL;
    }
    return &io[0].request;
}

static void assert_pages(struct testhost *host, const uint8_t *data, unsigned count, uint64_t lba)
{
    uint8_t *expected = testhost_data(host, (size_t)count * PAGE);
    assert_int_equal(testhost_rw(host, false, lba, count * BLOCKS, expected), NVME_OK);
    assert_memory_equal(data, expected, (size_t)count * PAGE);
}

/* As many as the queue takes, again and again, all the way round the ring. */
static void test_chain(void **state)
{
    (void)state;
    enum {
        COUNT = 20
    };
    const struct nvme_options options = {.queue_entries = 8};
    struct testhost *host = testhost_live(NULL, &options);
    struct nvme_queue *queue = &host->nvme.io[0];
    uint8_t *data = direct_data(host, COUNT);
    struct testio io[COUNT] = {0};
    for (unsigned i = 0; i < COUNT; i++)
        read_twice(host, &io[i], 1, data + (size_t)i * PAGE);
    for (unsigned round = 0; round < 10; round++) {
        struct nvme_request *rest = chain_of(io, COUNT, round * BLOCKS);
        memset(data, 0xee, COUNT * PAGE);
        for (unsigned taken = 7; (rest = nvme_submit_again(queue, rest)); taken += 7) {
            assert_ptr_equal(rest, &io[taken].request);
            assert_int_equal(rest->result, NVME_ERR_BUSY);
            testhost_drain(host, queue);
        }
        testhost_drain(host, queue);
        assert_pages(host, data, COUNT, round * BLOCKS);
        for (unsigned i = 0; i < COUNT; i++)
            assert_int_equal(io[i].done, round + 3);
    }
    testhost_free(host);
}

/* What cannot be taken stops the chain where it is; what has to be looked at does not. */
static void test_chain_with_others(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    uint8_t *data = direct_data(host, 4);
    struct testio io[4] = {0};
    io[1].request.timeout_ns = 5 * MS;
    read_twice(host, io, 4, data);
    assert_int_equal(io[1].request.again_end, 0);
    struct nvme_request *rest = chain_of(io, 4, 16);
    nvme_set_lba(&io[2].request, NAMESPACE_BLOCKS);
    rest = nvme_submit_again(queue, rest);
    assert_ptr_equal(rest, &io[2].request);
    assert_int_equal(rest->result, NVME_ERR_INVALID);
    assert_int_equal(nvme_queue_in_flight(queue), 2);
    nvme_set_lba(rest, 32);
    assert_null(nvme_submit_again(queue, rest));
    testhost_drain(host, queue);
    assert_pages(host, data, 4, 16);
    testhost_free(host);
}

/* One that was refused, repeated or ended otherwise leaves nothing behind for the next time. */
static void test_after_failures(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        int result;
        unsigned repeats;
    } cases[] = {{NVMEVIRT_STATUS_FIELD(2, 0x81, 1), NVME_ERR_STATUS, 0},
                 {NVMEVIRT_STATUS_FIELD(0, 4, 0), NVME_OK, 1}};
    struct testhost *host = testhost_live(NULL, NULL);
    struct testio io = {0};
    read_twice(host, &io, 1, direct_data(host, 1));
    for (unsigned i = 0; i < 2; i++) {
        testhost_no_faults(host);
        testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_STATUS, cases[i].status);
        for (unsigned round = 0; round < 3; round++) {
            assert_int_equal(testio_again(&io, 8), NVME_OK);
            testhost_drain(host, io.queue);
            assert_int_equal(io.request.result, round ? NVME_OK : cases[i].result);
            assert_int_equal(io.request.status, round || !cases[i].result ? 0 : cases[i].status);
            assert_int_equal(io.request.repeats, round ? 0 : cases[i].repeats);
        }
    }
    testhost_free(host);
}

/* ---- Many at once ---------------------------------------------------------------------------- */

static bool is_there(void *queue)
{
    return nvme_has_completion(queue);
}

static void test_take(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    uint8_t *data = direct_data(host, 6);
    struct testio io[6] = {0};
    read_twice(host, io, 6, data);
    assert_null(nvme_take(queue));
    testhost_meets(host, 1, NVME_IO_READ, 3, NVMEVIRT_STATUS, NVMEVIRT_STATUS_FIELD(2, 0x81, 1));
    assert_null(nvme_submit_again(queue, chain_of(io, 6, 0)));
    nvme_ring(queue);
    for (unsigned taken = 0; taken < 6;) {
        host->ops.wait(host, is_there, queue, host->now + MS);
        for (struct nvme_request *request = nvme_take(queue); request; request = request->next) {
            assert_ptr_equal(request, &io[taken].request);
            assert_int_equal(request->result, taken == 2 ? NVME_ERR_STATUS : NVME_OK);
            taken++;
        }
    }
    assert_int_equal(nvme_queue_in_flight(queue), 0);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(io[i].done, 2); /* of before */
    assert_null(nvme_take(queue));
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),          cmocka_unit_test(test_lists),
        cmocka_unit_test(test_range),          cmocka_unit_test(test_full_queue),
        cmocka_unit_test(test_deadline),       cmocka_unit_test(test_changed_namespace),
        cmocka_unit_test(test_chain),          cmocka_unit_test(test_chain_with_others),
        cmocka_unit_test(test_after_failures), cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
