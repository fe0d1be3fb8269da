/*
 * A command's data: where its bytes are on the bus, how the device is told, and
 * the memory that takes. PRPs (prp.c) have an entry for every page; an SGL
 * (sgl.c) has a descriptor for every run of pages that follow one another.
 *
 * Which of them a command gets: with few long runs an SGL is less for the
 * device to fetch (in QEMU 128 KiB in one descriptor move about twice as fast
 * as in 32 PRPs), scattered pages cost twice as much in an SGL as in PRPs, and
 * data that starts and ends anywhere has no PRPs at all. Admin commands have
 * PRPs, since over PCIe there are no SGLs for them (Base 4.1.2), and so do
 * those that the caller wrote by hand, as far as it goes: SGLS speaks of the
 * NVM command set only.
 */
#include "internal.h"

#define SGL_LEAST     (32u << 10) /* bytes, from which an SGL is looked at */
#define SGL_RUN_LEAST (16u << 10) /* bytes in a descriptor, on average */

bool nvme_cursor_fill(struct nvme_cursor *cursor)
{
    while (cursor->run == 0) {
        while (cursor->left == 0) {
            if (cursor->segment == cursor->end)
                return false;
            cursor->at = cursor->segment->base;
            cursor->left = cursor->segment->length;
            cursor->segment++;
        }
        cursor->run = cursor->left;
        const struct nvme_host *host = cursor->controller->host;
        if (!nvme_direct_address(host, cursor->at, cursor->run, &cursor->run_bus))
            cursor->run_bus = host->bus_address(host->context, cursor->at, &cursor->run);
        if (cursor->run == 0 || cursor->run > cursor->left)
            return false; /* the host has no address for it: `left` is not 0 */
        cursor->at += cursor->run;
        cursor->left -= cursor->run;
    }
    return true;
}

struct nvme_cursor nvme_cursor_start(struct nvme_controller *controller,
                                     const struct nvme_request *request)
{
    return (struct nvme_cursor){.controller = controller,
                                .segment = request->segments,
                                .end = request->segments + request->segment_count};
}

bool nvme_lists_take(struct nvme_queue *queue, struct nvme_request *request, unsigned count)
{
    if (count > queue->lists_free)
        return false;
    while (count--) {
        uint16_t index = queue->list_first_free;
        queue->list_first_free = queue->list_next[index];
        queue->lists_free--;
        queue->list_next[index] = request->list_first;
        request->list_first = index;
    }
    return true;
}

void nvme_data_release(struct nvme_queue *queue, struct nvme_request *request)
{
    for (uint16_t index = request->list_first, next; index != NVME_NO_LIST; index = next) {
        next = queue->list_next[index];
        queue->list_next[index] = queue->list_first_free;
        queue->list_first_free = index;
        queue->lists_free++;
    }
    request->list_first = NVME_NO_LIST;
}

/* The segments' sum, for which no more may be claimed, nor less. */
static int check_length(const struct nvme_queue *queue, const struct nvme_request *request)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < request->segment_count; i++) {
        if (request->segments[i].length > request->data_bytes - bytes)
            return NVME_ERR_INVALID;
        bytes += request->segments[i].length;
    }
    if (bytes != request->data_bytes || bytes > queue->controller->max_transfer)
        return NVME_ERR_INVALID;
    return NVME_OK;
}

/* The most descriptors that an SGL of this request may have; 0: no SGL. */
static unsigned sgl_most(const struct nvme_queue *queue)
{
    const struct nvme_controller *controller = queue->controller;
    if (queue->id == 0 || controller->options.data == NVME_DATA_PRP || !controller->identify)
        return 0;
    uint32_t sgls = controller->identify->sgls;
    unsigned support = NVME_GET(NVME_SGLS_SUPPORT, sgls);
    unsigned most = NVME_GET(NVME_SGLS_DESCRIPTORS, sgls);
    if (support != NVME_SGLS_BYTES && support != NVME_SGLS_DWORDS)
        return 0;
    return most ? most : UINT32_MAX;
}

int nvme_data_build_any(struct nvme_queue *queue, struct nvme_request *request)
{
    int error = check_length(queue, request);
    if (error || request->data_bytes == 0)
        return error; /* Create I/O Queue has a pointer in PRP1 all the same: it stays */

    const unsigned most = sgl_most(queue);
    if (most && queue->controller->options.data == NVME_DATA_SGL)
        return nvme_sgl_build(queue, request, most);
    const size_t bytes = request->data_bytes;
    if (most && bytes >= SGL_LEAST && request->ns) {
        unsigned few = (unsigned)(bytes / SGL_RUN_LEAST);
        if (!nvme_sgl_build(queue, request, few < most ? few : most))
            return NVME_OK;
    }
    error = nvme_prp_build(queue, request);
    if (error == NVME_ERR_INVALID && most)
        error = nvme_sgl_build(queue, request, most);
    return error;
}
