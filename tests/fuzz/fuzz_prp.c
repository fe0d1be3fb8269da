/*
 * The driver's PRP builder against the oracle: segments of any place and
 * length, bus pages of any size and order, list pages short and long.
 */
#include "tests/fuzz/host.h"

#include <string.h>

#include "drivers/nvme/internal.h"
#include "tests/unit/prp_oracle.h"

enum {
    SEGMENTS = 12,
    BUFFER_BYTES = 256 << 10,
    MOST_PIECES = 8192,
    MOST_ENTRIES = 4096
};

static struct input input;
static struct testhost *host;
static struct nvme_queue queue;

static bool read_qword(void *context, uint64_t bus, uint64_t *value)
{
    const void *memory = testhost_at(context, bus, sizeof *value);
    if (memory)
        memcpy(value, memory, sizeof *value);
    return memory != NULL;
}

/* The segments in pieces that do not leave a page of the host, as the oracle wants them. */
static size_t on_the_bus(const struct nvme_segment *segments, unsigned count,
                         struct prp_segment *pieces)
{
    size_t n = 0;
    for (unsigned s = 0; s < count; s++) {
        const uint8_t *at = segments[s].base;
        for (size_t left = segments[s].length, step; left; left -= step, at += step) {
            uint64_t bus = testhost_bus(host, at);
            step = TESTHOST_PAGE - bus % TESTHOST_PAGE;
            if (step > left)
                step = left;
            CHECK(n < MOST_PIECES);
            pieces[n++] = (struct prp_segment){.bus = bus, .length = step};
        }
    }
    return n;
}

/* Anything, but often what can be described: whole pages but for the first and last. */
static unsigned make_segments(uint8_t *buffer, uint32_t page, struct nvme_segment *segments)
{
    unsigned count = choose(&input, SEGMENTS + 1), loose = choose(&input, 8);
    for (unsigned i = 0; i < count; i++) {
        size_t start = take(&input, 2) * page % BUFFER_BYTES;
        size_t length = (1 + take(&input, 1)) * page;
        if (i == 0) {
            size_t in = take(&input, 2) % page & ~(loose ? 3ul : 0);
            start += in;
            length -= in;
        }
        if (i == count - 1 || loose == 1)
            length -= take(&input, 2) % length;
        if (loose == 2)
            start += take(&input, 1);
        if (loose == 3 && i && choose(&input, 4)) /* goes on where the last one ended */
            start = (size_t)((uint8_t *)segments[i - 1].base + segments[i - 1].length - buffer);
        start %= BUFFER_BYTES;
        if (length > BUFFER_BYTES - start)
            length = BUFFER_BYTES - start;
        segments[i] = (struct nvme_segment){.base = buffer + start, .length = length};
    }
    return count;
}

static void check(const struct nvme_segment *segments, unsigned count)
{
    static struct prp_segment pieces[MOST_PIECES];
    static uint64_t wanted[MOST_ENTRIES], got[MOST_ENTRIES];
    const struct nvme_controller *nvme = &host->nvme;
    size_t bytes = 0, wanted_count, got_count, piece_count = on_the_bus(segments, count, pieces);
    for (unsigned i = 0; i < count; i++)
        bytes += segments[i].length;
    bool possible =
        prp_oracle(nvme->page_size, pieces, piece_count, wanted, MOST_ENTRIES, &wanted_count) &&
        bytes <= nvme->max_transfer;
    struct nvme_request request = {
        .segments = segments, .segment_count = count, .data_bytes = bytes};
    int error = nvme_prp_build(&queue, &request);
    CHECK(error == (possible ? NVME_OK : NVME_ERR_INVALID));
    if (possible) {
        CHECK(prp_oracle_decode(nvme->page_size, request.command.prp1, request.command.prp2, bytes,
                                read_qword, host, got, MOST_ENTRIES, &got_count));
        CHECK(got_count == wanted_count && !memcmp(got, wanted, wanted_count * sizeof *wanted));
        nvme_prp_release(&queue, &request);
    }
    CHECK(queue.lists_free == queue.list_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    input = (struct input){bytes, size};
    struct nvmevirt_config config = fuzz_config();
    const struct fuzz_limits limits = {.virtual_ns = 1, .blame = BLAME_ALL};
    host = fuzz_host_new(&config, &limits);
    host->whole_runs = choose(&input, 2);
    const uint32_t page = 4096u << choose(&input, 5);
    host->nvme.host = &host->ops;
    host->nvme.page_size = page;
    host->nvme.max_transfer = page * (1 + choose(&input, 20) * choose(&input, 100));
    /* Mostly in pages of the device, so that something is possible. */
    size_t chunk = choose(&input, 8) ? page / TESTHOST_PAGE : 1;
    uint8_t *buffer = testhost_chunks(host, 0, BUFFER_BYTES, chunk);
    unsigned entries = 2 + choose(&input, 30);
    /* Large lists for a large transfer may be more memory than there is. */
    if (nvme_queue_allocate(&host->nvme, &queue, 1, entries,
                            (unsigned)(host->nvme.max_transfer / page) + 1) == NVME_OK) {
        do {
            struct nvme_segment segments[SEGMENTS];
            unsigned count = make_segments(buffer, page, segments);
            check(segments, count);
        } while (input.left);
        nvme_queue_free(&queue);
    }
    fuzz_host_free(host);
    return 0;
}
