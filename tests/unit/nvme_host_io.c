/* See nvme_host.h: requests of a test, from the driver's door to their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

static void completed(struct nvme_request *request)
{
    struct testio *io = request->context;
    struct testhost *host = io->host;
    testhost_called(host, "done");
    io->done++;
    io->order = ++host->completions;
    /* Without the device's answer its memory comes back only when the device cannot write it. */
    bool answered = request->result == NVME_OK || request->status;
    bool held_back = request->result == NVME_ERR_GONE; /* until that was found out */
    assert_true(answered || held_back || !io->queue->live || !(host->virt.cc & NVME_CC_EN) ||
                host->virt.removed || host->isolated);
    assert_int_not_equal(request->result, NVME_ERR_PENDING);
}

void testio_watch(struct testhost *host, struct nvme_queue *queue, struct testio *io)
{
    io->host = host;
    io->queue = queue;
    io->request.done = completed;
    io->request.context = io;
}

static void testio_reset(struct testhost *host, struct nvme_queue *queue, struct testio *io)
{
    uint64_t timeout = io->request.timeout_ns;
    bool once = io->request.once;
    *io = (struct testio){0};
    io->request.timeout_ns = timeout;
    io->request.once = once;
    testio_watch(host, queue, io);
}

int testio_submit(struct testhost *host, struct nvme_queue *queue, struct testio *io, bool write,
                  uint64_t lba, uint32_t blocks, void *data)
{
    testio_reset(host, queue, io);
    int error = nvme_prepare_rw(&io->request, &host->nvme.namespaces[0], write, lba, blocks);
    if (error)
        return error;
    io->segment = (struct nvme_segment){.base = data, .length = io->request.data_bytes};
    io->request.segments = &io->segment;
    io->request.segment_count = 1;
    return nvme_submit(queue, &io->request);
}

int testio_again(struct testio *io, uint64_t lba)
{
    io->request.next = NULL;
    nvme_set_lba(&io->request, lba);
    struct nvme_request *rest = nvme_submit_again(io->queue, &io->request);
    assert_true(!rest || rest == &io->request);
    return rest ? rest->result : NVME_OK;
}

int testio_flush(struct testhost *host, struct nvme_queue *queue, struct testio *io)
{
    testio_reset(host, queue, io);
    nvme_prepare_flush(&io->request, &host->nvme.namespaces[0]);
    return nvme_submit(queue, &io->request);
}

void testhost_drain(struct testhost *host, struct nvme_queue *queue)
{
    while (queue->free_count != queue->size - 1u)
        nvme_poll(queue, host->now + 1000 * MS);
}

int testhost_rw(struct testhost *host, bool write, uint64_t lba, uint32_t blocks, void *data)
{
    struct nvme_request request = {0};
    int error = nvme_prepare_rw(&request, &host->nvme.namespaces[0], write, lba, blocks);
    if (error)
        return error;
    const struct nvme_segment segment = {.base = data, .length = request.data_bytes};
    request.segments = &segment;
    request.segment_count = 1;
    return nvme_execute(&host->nvme.io[0], &request);
}

void testhost_fill(void *data, size_t bytes, unsigned seed)
{
    uint8_t *byte = data;
    for (size_t i = 0; i < bytes; i++)
        byte[i] = (uint8_t)(i * 7 + i / 256 * 13 + i / 4096 + seed);
}

void testhost_works(struct testhost *host)
{
    const uint32_t blocks = 3;
    const size_t bytes = (size_t)blocks * host->nvme.namespaces[0].block_size;
    static unsigned seed;
    uint8_t *out = testhost_data(host, bytes), *in = testhost_data(host, bytes);
    testhost_fill(out, bytes, ++seed);
    assert_int_equal(testhost_rw(host, true, 5, blocks, out), NVME_OK);
    assert_int_equal(testhost_rw(host, false, 5, blocks, in), NVME_OK);
    assert_memory_equal(in, out, bytes);
}
