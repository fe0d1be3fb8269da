/*
 * What tells a device where data is, for segments of any place and length, bus
 * pages of any size and order, lists short and long: the driver's PRPs against
 * the oracle, its SGLs against a walk of them that gives the same bytes.
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

/* The segments of an attempt on the bus, page by page of the host. */
static struct prp_segment pieces[MOST_PIECES];
static size_t piece_count;

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

static void check_prps(const struct nvme_segment *segments, unsigned count, size_t bytes)
{
    static uint64_t wanted[MOST_ENTRIES], got[MOST_ENTRIES];
    const struct nvme_controller *nvme = &host->nvme;
    size_t wanted_count, got_count;
    bool possible =
        prp_oracle(nvme->page_size, pieces, piece_count, wanted, MOST_ENTRIES, &wanted_count) &&
        bytes <= nvme->max_transfer;
    struct nvme_request request = {
        .segments = segments, .segment_count = count, .data_bytes = bytes};
    int error = nvme_data_build(&queue, &request);
    CHECK(error == (possible ? NVME_OK : NVME_ERR_INVALID));
    if (possible) {
        CHECK(prp_oracle_decode(nvme->page_size, request.command.prp1, request.command.prp2, bytes,
                                testhost_read_qword, host, got, MOST_ENTRIES, &got_count));
        CHECK(got_count == wanted_count && !memcmp(got, wanted, wanted_count * sizeof *wanted));
        nvme_data_release(&queue, &request);
    }
}

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint8_t reserved[3];
    uint8_t type; /* 00h data, 20h segment, 30h last segment: Base 4.1.2 */
};

/* Follows the list as a device does; the data that it names, and how many descriptors do so. */
static size_t walk(struct descriptor root, struct prp_segment *runs, size_t *descriptors)
{
    const struct descriptor *list = &root;
    size_t left = 1, n = 0;
    bool last = false;
    for (*descriptors = 0; left; list++, left--) {
        ++*descriptors;
        CHECK(list->length && !list->reserved[0] && !list->reserved[1] && !list->reserved[2]);
        if (list->type == 0) {
            CHECK(n < MOST_PIECES);
            runs[n++] = (struct prp_segment){.bus = list->address, .length = list->length};
            continue;
        }
        CHECK(left == 1 && !last && list->length % sizeof *list == 0);
        CHECK(list->type == 0x20 || list->type == 0x30);
        last = list->type == 0x30;
        left = list->length / sizeof *list + 1;
        list = testhost_at(host, list->address, list->length);
        CHECK(list);
        list--;
    }
    return n;
}

static void check_sgl(const struct nvme_segment *segments, unsigned count, size_t bytes)
{
    static struct prp_segment wanted[MOST_PIECES], got[MOST_PIECES];
    const bool dwords = choose(&input, 2);
    const unsigned most = choose(&input, 2) ? UINT32_MAX : choose(&input, 64);
    memcpy(wanted, pieces, piece_count * sizeof *wanted);
    size_t runs = prp_segments_join(wanted, piece_count), descriptors;
    struct nvme_request request = {.segments = segments,
                                   .segment_count = count,
                                   .data_bytes = bytes,
                                   .list_first = NVME_NO_LIST};
    host->nvme.identify->sgls = dwords ? NVME_SGLS_DWORDS : NVME_SGLS_BYTES;
    int error = nvme_sgl_build(&queue, &request, most);
    if (error) {
        size_t room = (size_t)queue.list_count * (queue.list_bytes / sizeof(struct descriptor) - 1);
        CHECK(dwords || most != UINT32_MAX || runs > room);
        return;
    }
    struct descriptor root;
    memcpy(&root, &request.command.prp1, sizeof root);
    CHECK(request.command.flags == 0x40);
    CHECK(walk(root, got, &descriptors) == runs && !memcmp(got, wanted, runs * sizeof *got));
    CHECK(runs == 1 || descriptors - 1 <= most);
    for (size_t i = 0; dwords && i < runs; i++)
        CHECK(got[i].bus % 4 == 0 && got[i].length % 4 == 0);
    nvme_data_release(&queue, &request);
}

static void check(const struct nvme_segment *segments, unsigned count)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < count; i++)
        bytes += segments[i].length;
    piece_count = testhost_pieces(host, segments, count, pieces, MOST_PIECES);
    host->nvme.identify->sgls = 0;
    check_prps(segments, count, bytes);
    CHECK(queue.lists_free == queue.list_count);
    if (bytes && bytes <= host->nvme.max_transfer)
        check_sgl(segments, count, bytes);
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
    static struct nvme_identify_controller identify;
    host->nvme.identify = &identify;
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
    host->nvme.identify = NULL;
    fuzz_host_free(host);
    return 0;
}
