/* See virt_rig.h. */
#include "tests/unit/virt_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RIG_BUS    0x180000000ull
#define RIG_MEMORY (32ull << 20)

static void *rig_dma(void *context, uint64_t bus, size_t length, bool write)
{
    struct rig *rig = context;
    if (rig->access_count < 4096)
        rig->accesses[rig->access_count++] = bus;
    for (unsigned i = 0; i < rig->grant_count; i++) {
        uint64_t start = rig->grants[i].bus;
        if (bus >= start && length <= rig->grants[i].length &&
            bus - start <= rig->grants[i].length - length &&
            (write ? rig->grants[i].writable : rig->grants[i].readable))
            return rig->memory + (bus - RIG_BUS);
    }
    return NULL;
}

static void rig_interrupt(void *context, unsigned vector)
{
    struct rig *rig = context;
    assert_true(vector < RIG_VECTORS);
    rig->interrupts[vector]++;
}

static uint64_t rig_now(void *context)
{
    struct rig *rig = context;
    return rig->now;
}

static void rig_violation(void *context, const char *text)
{
    struct rig *rig = context;
    rig->violations++;
    snprintf(rig->text, sizeof rig->text, "%s", text);
}

static void *rig_allocate(void *context, size_t size)
{
    struct rig *rig = context;
    if (rig->allocations_left == 0)
        return NULL;
    if (rig->allocations_left > 0)
        rig->allocations_left--;
    rig->allocations++;
    return calloc(1, size);
}

static void rig_release(void *context, void *memory)
{
    struct rig *rig = context;
    rig->allocations--;
    free(memory);
}

struct nvmevirt_environment rig_environment(struct rig *rig)
{
    return (struct nvmevirt_environment){
        .context = rig,
        .dma = rig_dma,
        .interrupt = rig_interrupt,
        .now_ns = rig_now,
        .violation = rig_violation,
        .allocate = rig_allocate,
        .free = rig_release,
    };
}

struct nvmevirt_config rig_config(void)
{
    static const struct nvmevirt_namespace namespace = {
        .nsid = 1, .block_size = 512, .blocks = 2048, .nguid = {1, 2, 3}};
    struct nvmevirt_config config = nvmevirt_defaults();
    config.namespaces = &namespace;
    config.namespace_count = 1;
    return config;
}

struct nvmevirt_config rig_everything(void)
{
    static const struct nvmevirt_namespace namespace = {
        .nsid = 1, .block_size = 512, .blocks = 2048, .nguid = {1, 2, 3}, .formats = {9, 12}};
    struct nvmevirt_config config = nvmevirt_everything();
    config.namespaces = &namespace;
    config.namespace_count = 1;
    return config;
}

struct rig *rig_new(const struct nvmevirt_config *config)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig->memory = aligned_alloc(65536, RIG_MEMORY);
    rig->next_bus = RIG_BUS;
    rig->allocations_left = -1;
    rig->now = 1000;
    struct nvmevirt_environment environment = rig_environment(rig);
    assert_true(nvmevirt_init(&rig->virt, config, &environment));
    return rig;
}

void rig_free(struct rig *rig)
{
    if (rig->violations != rig->expected)
        fail_msg("violation: %s", rig->text);
    nvmevirt_destroy(&rig->virt);
    assert_int_equal(rig->allocations, 0);
    free(rig->memory);
    free(rig);
}

uint64_t rig_alloc(struct rig *rig, uint64_t length)
{
    uint64_t bus = rig->next_bus;
    length = (length + RIG_PAGE - 1) / RIG_PAGE * RIG_PAGE;
    rig->next_bus += length + RIG_PAGE;
    assert_true(rig->grant_count < RIG_GRANTS && rig->next_bus - RIG_BUS <= RIG_MEMORY);
    rig->grants[rig->grant_count].bus = bus;
    rig->grants[rig->grant_count].length = length;
    rig->grants[rig->grant_count].readable = true;
    rig->grants[rig->grant_count].writable = true;
    rig->grant_count++;
    memset(rig_at(rig, bus), 0, length);
    return bus;
}

void rig_protect(struct rig *rig, uint64_t bus, bool readable, bool writable)
{
    for (unsigned i = 0; i < rig->grant_count; i++) {
        if (rig->grants[i].bus == bus) {
            rig->grants[i].readable = readable;
            rig->grants[i].writable = writable;
        }
    }
}

void *rig_at(struct rig *rig, uint64_t bus)
{
    return rig->memory + (bus - RIG_BUS);
}

void rig_expect(struct rig *rig, unsigned count, const char *text)
{
    if (rig->violations != rig->expected + count)
        fail_msg("%u violations instead of %u, the last: %s", rig->violations - rig->expected,
                 count, rig->text);
    if (count && !strstr(rig->text, text))
        fail_msg("violation \"%s\" instead of \"%s\"", rig->text, text);
    rig->expected = rig->violations;
}

uint32_t rig_read(struct rig *rig, uint32_t offset)
{
    return nvmevirt_read32(&rig->virt, offset);
}

void rig_write(struct rig *rig, uint32_t offset, uint32_t value)
{
    nvmevirt_write32(&rig->virt, offset, value);
}

static void write64(struct rig *rig, uint32_t offset, uint64_t value)
{
    rig_write(rig, offset, (uint32_t)value);
    rig_write(rig, offset + 4, (uint32_t)(value >> 32));
}

void rig_admin_queue(struct rig *rig, uint32_t sq_size, uint32_t cq_size)
{
    struct rig_queue *queue = &rig->queues[0];
    *queue = (struct rig_queue){.sq = rig_alloc(rig, sq_size * 64ull),
                                .cq = rig_alloc(rig, cq_size * 16ull),
                                .sq_size = sq_size,
                                .cq_size = cq_size,
                                .phase = 1};
    rig_write(rig, R_AQA, (cq_size - 1) << 16 | (sq_size - 1));
    write64(rig, R_ASQ, queue->sq);
    write64(rig, R_ACQ, queue->cq);
}

bool rig_wait_ready(struct rig *rig, uint32_t ready)
{
    uint64_t limit = (rig_read(rig, R_CAP) >> 24) * 500 * MS;
    for (uint64_t waited = 0; waited <= limit; waited += MS / 2) {
        uint32_t csts = rig_read(rig, R_CSTS);
        if ((csts & 1) == ready)
            return true;
        if (csts & 2)
            return false;
        rig->now += MS / 2;
    }
    return false;
}

void rig_enable(struct rig *rig)
{
    rig_admin_queue(rig, 16, 16);
    rig_write(rig, R_CC, CC_GOOD);
    assert_true(rig_wait_ready(rig, 1));
}

void rig_disable(struct rig *rig)
{
    rig_write(rig, R_CC, 0);
    assert_true(rig_wait_ready(rig, 0));
}

struct rig *rig_ready(const struct nvmevirt_config *config)
{
    struct rig *rig = rig_new(config);
    for (unsigned v = 0; v < config->vectors; v++)
        nvmevirt_msix_mask(&rig->virt, v, false);
    rig_enable(rig);
    return rig;
}

struct rig *rig_io(const struct nvmevirt_config *config)
{
    struct rig *rig = rig_ready(config);
    assert_int_equal(rig_create(rig, 1, 16, 16), 0);
    return rig;
}

static uint32_t stride(struct rig *rig)
{
    return 4u << (rig_read(rig, R_CAP + 4) & 15);
}

uint32_t rig_sq_doorbell(struct rig *rig, uint16_t qid)
{
    return R_DOORBELL + 2u * qid * stride(rig);
}

uint32_t rig_cq_doorbell(struct rig *rig, uint16_t qid)
{
    return R_DOORBELL + (2u * qid + 1) * stride(rig);
}

struct rig_sqe rig_command(uint8_t opcode, uint32_t nsid, uint64_t prp1, uint64_t prp2,
                           uint32_t dw10, uint32_t dw11, uint32_t dw12)
{
    return (struct rig_sqe){{opcode, nsid, 0, 0, 0, 0, (uint32_t)prp1, (uint32_t)(prp1 >> 32),
                             (uint32_t)prp2, (uint32_t)(prp2 >> 32), dw10, dw11, dw12}};
}

void rig_put_as(struct rig *rig, uint16_t qid, struct rig_sqe sqe, uint16_t cid)
{
    struct rig_queue *queue = &rig->queues[qid];
    sqe.dword[0] |= (uint32_t)cid << 16;
    memcpy(rig_at(rig, queue->sq + queue->tail * 64ull), &sqe, sizeof sqe);
    queue->tail = (queue->tail + 1) % queue->sq_size;
}

uint16_t rig_put(struct rig *rig, uint16_t qid, struct rig_sqe sqe)
{
    uint16_t cid = rig->next_cid++;
    if (rig->next_cid == 0xFFFF)
        rig->next_cid = 0;
    rig_put_as(rig, qid, sqe, cid);
    return cid;
}

void rig_ring(struct rig *rig, uint16_t qid)
{
    rig_write(rig, rig_sq_doorbell(rig, qid), rig->queues[qid].tail);
}

bool rig_look(struct rig *rig, uint16_t qid, struct rig_cqe *cqe)
{
    struct rig_queue *queue = &rig->queues[qid];
    uint32_t entry[4];
    memcpy(entry, rig_at(rig, queue->cq + queue->head * 16ull), sizeof entry);
    if ((entry[3] >> 16 & 1) != queue->phase)
        return false;
    *cqe = (struct rig_cqe){.result = entry[0],
                            .dword1 = entry[1],
                            .sq_head = (uint16_t)entry[2],
                            .sqid = (uint16_t)(entry[2] >> 16),
                            .cid = (uint16_t)entry[3],
                            .status = (uint16_t)(entry[3] >> 17)};
    if (++queue->head == queue->cq_size) {
        queue->head = 0;
        queue->phase ^= 1;
    }
    return true;
}

void rig_consumed(struct rig *rig, uint16_t qid)
{
    rig_write(rig, rig_cq_doorbell(rig, qid), rig->queues[qid].head);
}

bool rig_reap(struct rig *rig, uint16_t qid, struct rig_cqe *cqe)
{
    if (!rig_look(rig, qid, cqe))
        return false;
    rig_consumed(rig, qid);
    return true;
}

struct rig_cqe rig_run(struct rig *rig, uint16_t qid, struct rig_sqe sqe)
{
    struct rig_cqe cqe = {0};
    uint16_t cid = rig_put(rig, qid, sqe);
    rig_ring(rig, qid);
    nvmevirt_poll(&rig->virt);
    assert_true(rig_reap(rig, qid, &cqe));
    assert_int_equal(cqe.cid, cid);
    assert_int_equal(cqe.sqid, qid);
    assert_int_equal(cqe.sq_head, rig->queues[qid].tail);
    return cqe;
}

uint16_t rig_status(struct rig *rig, uint16_t qid, struct rig_sqe sqe)
{
    return rig_run(rig, qid, sqe).status;
}

uint16_t rig_create(struct rig *rig, uint16_t qid, uint32_t sq_size, uint32_t cq_size)
{
    struct rig_queue *queue = &rig->queues[qid];
    *queue = (struct rig_queue){.sq = rig_alloc(rig, sq_size * 64ull),
                                .cq = rig_alloc(rig, cq_size * 16ull),
                                .sq_size = sq_size,
                                .cq_size = cq_size,
                                .phase = 1};
    uint32_t vector = rig->virt.config.vectors ? qid : 0;
    uint16_t status = rig_status(
        rig, 0, rig_command(5, 0, queue->cq, 0, (cq_size - 1) << 16 | qid, vector << 16 | 3, 0));
    if (status)
        return status;
    return rig_status(
        rig, 0,
        rig_command(1, 0, queue->sq, 0, (sq_size - 1) << 16 | qid, (uint32_t)qid << 16 | 1, 0));
}

struct rig_sqe rig_sgl(struct rig_sqe sqe, uint64_t address, uint32_t length, uint8_t type)
{
    sqe.dword[0] |= 1u << 14;
    sqe.dword[6] = (uint32_t)address;
    sqe.dword[7] = (uint32_t)(address >> 32);
    sqe.dword[8] = length;
    sqe.dword[9] = (uint32_t)type << 24;
    return sqe;
}

struct rig_sqe rig_rw(uint8_t opcode, uint64_t lba, uint32_t blocks, uint64_t prp1, uint64_t prp2)
{
    return rig_command(opcode, 1, prp1, prp2, (uint32_t)lba, (uint32_t)(lba >> 32), blocks - 1);
}
