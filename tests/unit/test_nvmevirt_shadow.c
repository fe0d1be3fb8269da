/*
 * The software controller's shadow doorbells: when it looks at them, when it
 * wants to be rung, and what it notices when a host gets it wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virt_rig.h"

struct fixture {
    struct rig *rig;
    uint64_t shadow_bus, event_bus;
    uint32_t *shadow, *event_index;
    unsigned rings;
};

static uint16_t configure(struct rig *rig, uint64_t shadow, uint64_t event_index)
{
    return rig_status(rig, 0, rig_command(0x7C, 0, shadow, event_index, 0, 0, 0));
}

static struct fixture start(struct nvmevirt_config config)
{
    struct rig *rig = rig_io(&config);
    struct fixture f = {rig, rig_alloc(rig, 4096), rig_alloc(rig, 4096), NULL, NULL, 0};
    f.shadow = rig_at(rig, f.shadow_bus);
    f.event_index = rig_at(rig, f.event_bus);
    assert_int_equal(configure(rig, f.shadow_bus, f.event_bus), 0);
    nvmevirt_poll(&rig->virt);
    return f;
}

/* Has the value passed the one that the controller waits for? */
static bool must_ring(uint32_t event_index, uint32_t old, uint32_t new, uint32_t size)
{
    return (event_index + size - old) % size < (new + size - old) % size;
}

/* As the specification wants it: memory first, then the register if EventIdx lies between. */
static void update(struct fixture *f, bool completion, uint32_t value, uint32_t size)
{
    unsigned index = 2 + completion;
    uint32_t old = f->shadow[index];
    f->shadow[index] = value;
    if (!must_ring(f->event_index[index], old, value, size))
        return;
    f->rings++;
    rig_write(f->rig, completion ? rig_cq_doorbell(f->rig, 1) : rig_sq_doorbell(f->rig, 1), value);
}

static void flush(struct fixture *f)
{
    rig_put(f->rig, 1, rig_command(0, 1, 0, 0, 0, 0, 0));
    update(f, false, f->rig->queues[1].tail, f->rig->queues[1].sq_size);
}

static bool reap(struct fixture *f)
{
    struct rig_cqe cqe;
    if (!rig_look(f->rig, 1, &cqe))
        return false;
    assert_int_equal(cqe.status, 0);
    update(f, true, f->rig->queues[1].head, f->rig->queues[1].cq_size);
    return true;
}

static void test_round_trips(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    for (unsigned i = 0; i < 1000; i++) {
        flush(&f);
        nvmevirt_poll(&f.rig->virt);
        assert_true(reap(&f));
    }
    assert_true(f.rings >= 1000); /* it sleeps after each */
    assert_int_equal(f.rig->virt.counters.flushes, 1000);
    rig_free(f.rig);
}

/* While it works it needs no doorbell; nothing is lost, around both ends of the queues. */
static void test_batches(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    unsigned done = 0;
    for (unsigned round = 0; round < 200; round++) {
        unsigned count = 1 + round % 15;
        f.rings = 0;
        for (unsigned i = 0; i < count; i++)
            flush(&f);
        assert_int_equal(f.rings, 1); /* the first wakes it */
        nvmevirt_poll(&f.rig->virt);
        while (reap(&f))
            done++;
    }
    assert_int_equal(done, f.rig->virt.counters.flushes);
    assert_int_equal(done, 13 * 120 + 1 + 2 + 3 + 4 + 5);
    rig_free(f.rig);
}

/* A host that saves the write that EventIdx asks for is not served. */
static void test_asleep(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    struct rig_cqe cqe;
    rig_put(f.rig, 1, rig_command(0, 1, 0, 0, 0, 0, 0));
    f.shadow[2] = 1;
    nvmevirt_poll(&f.rig->virt);
    assert_false(rig_look(f.rig, 1, &cqe));
    rig_ring(f.rig, 1);
    nvmevirt_poll(&f.rig->virt);
    assert_true(reap(&f));
    assert_int_equal(f.event_index[2], 1);
    rig_put(f.rig, 1, rig_command(0, 1, 0, 0, 0, 0, 0)); /* asleep again */
    f.shadow[2] = 2;
    nvmevirt_poll(&f.rig->virt);
    assert_false(rig_look(f.rig, 1, &cqe));
    rig_free(f.rig);
}

static void test_completion_queue_full(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    struct fixture f = start(config);
    assert_int_equal(rig_status(f.rig, 0, rig_command(0, 0, 0, 0, 1, 0, 0)), 0);
    assert_int_equal(rig_status(f.rig, 0, rig_command(4, 0, 0, 0, 1, 0, 0)), 0);
    f.shadow[2] = f.shadow[3] = f.event_index[2] = f.event_index[3] = 0;
    assert_int_equal(rig_create(f.rig, 1, 32, 4), 0);
    for (unsigned i = 0; i < 20; i++)
        flush(&f);
    nvmevirt_poll(&f.rig->virt);
    struct rig_cqe cqe;
    unsigned done = 3;
    for (unsigned i = 0; i < 3; i++)
        assert_true(rig_look(f.rig, 1, &cqe));
    f.shadow[3] = 3; /* EventIdx asks for the doorbell, too */
    assert_true(must_ring(f.event_index[3], 0, 3, 4));
    nvmevirt_poll(&f.rig->virt);
    assert_false(rig_look(f.rig, 1, &cqe));
    rig_consumed(f.rig, 1);
    nvmevirt_poll(&f.rig->virt);
    while (done < 20) {
        unsigned before = done;
        while (reap(&f))
            done++;
        assert_true(done > before);
        nvmevirt_poll(&f.rig->virt);
    }
    rig_free(f.rig);
}

static void test_wrong_values(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    struct rig_cqe cqe;
    rig_put(f.rig, 1, rig_command(0, 1, 0, 0, 0, 0, 0));
    rig_ring(f.rig, 1); /* without the shadow */
    rig_expect(f.rig, 1, "1 written, its shadow is 0");
    nvmevirt_poll(&f.rig->virt);
    assert_false(rig_look(f.rig, 1, &cqe));
    f.shadow[2] = 16; /* beyond the queue */
    rig_write(f.rig, rig_sq_doorbell(f.rig, 1), 16);
    nvmevirt_poll(&f.rig->virt);
    assert_true(f.rig->virt.counters.violations > 1);
    rig_expect(f.rig, (unsigned)f.rig->virt.counters.violations - 1, "tail 16, size 16");
    f.shadow[2] = 1;
    rig_ring(f.rig, 1);
    nvmevirt_poll(&f.rig->virt);
    assert_true(rig_look(f.rig, 1, &cqe));
    f.shadow[3] = 2; /* only one is there to be consumed */
    rig_write(f.rig, rig_cq_doorbell(f.rig, 1), 2);
    rig_expect(f.rig, 1, "head 2 beyond tail 1");
    rig_free(f.rig);
}

static void test_config_rules(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    struct rig *rig = rig_io(&config);
    uint64_t a = rig_alloc(rig, 8192), b = rig_alloc(rig, 4096);
    assert_int_equal(configure(rig, 0, b), DNR | 2);
    rig_expect(rig, 1, "not two buffers");
    assert_int_equal(configure(rig, a, 0), DNR | 2);
    rig_expect(rig, 1, "not two buffers");
    assert_int_equal(configure(rig, a, a), DNR | 2);
    rig_expect(rig, 1, "not two buffers");
    assert_int_equal(configure(rig, a + 64, b), DNR | 2);
    rig_expect(rig, 1, "not aligned");
    assert_int_equal(configure(rig, a, b + 8), DNR | 2);
    rig_expect(rig, 1, "not aligned");
    assert_int_equal(configure(rig, a - 4096, b), 4);
    rig_expect(rig, 1, "shadow doorbells: read");
    rig_protect(rig, b, true, false);
    assert_int_equal(configure(rig, a, b), 4);
    rig_expect(rig, 1, "EventIdx: write");
    rig->virt.config.oacs = 0;
    assert_int_equal(configure(rig, a, b), DNR | 1);
    assert_int_equal(rig_status(rig, 1, rig_command(0, 1, 0, 0, 0, 0, 0)), 0); /* as before */
    rig_free(rig);
}

/* Where the values of a queue begin: at its doorbells' when it was there before, or at 0. */
static void test_first_values(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    struct rig *rig = rig_io(&config);
    struct rig_sqe flush_sqe = rig_command(0, 1, 0, 0, 0, 0, 0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(rig_status(rig, 1, flush_sqe), 0);
    struct fixture f = {rig, rig_alloc(rig, 4096), rig_alloc(rig, 4096), NULL, NULL, 0};
    f.shadow = rig_at(rig, f.shadow_bus);
    f.event_index = rig_at(rig, f.event_bus);
    f.shadow[2] = 5;
    assert_int_equal(configure(rig, f.shadow_bus, f.event_bus), 0);
    rig_expect(rig, 1, "queue 1 begins at 5, its shadow at 0");
    f.shadow[3] = 5;
    assert_int_equal(configure(rig, f.shadow_bus, f.event_bus), 0);
    assert_int_equal(f.event_index[2], 5);
    flush(&f);
    nvmevirt_poll(&rig->virt);
    assert_true(reap(&f));
    f.shadow[4] = 1;
    f.event_index[5] = 9;
    assert_int_equal(rig_create(rig, 2, 4, 4), 0);
    rig_expect(rig, 1, "queue 2 begins at 0, its shadow at 1");
    assert_int_equal(f.event_index[5], 0);
    rig_free(rig);
}

static void *(*rig_dma)(void *context, uint64_t bus, size_t length, bool write);
static struct fixture *racing;

/* Right before EventIdx changes, the host submits: it saw the old one, and rings nothing. */
static void *race(void *context, uint64_t bus, size_t length, bool write)
{
    if (racing && bus == racing->event_bus + 8 && write) {
        racing->shadow[2] = racing->rig->queues[1].tail;
        racing = NULL;
    }
    return rig_dma(context, bus, length, write);
}

static void test_race(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    rig_dma = f.rig->virt.environment.dma;
    f.rig->virt.environment.dma = race;
    flush(&f);
    rig_put(f.rig, 1, rig_command(0, 1, 0, 0, 0, 0, 0));
    racing = &f;
    nvmevirt_poll(&f.rig->virt);
    assert_null(racing);
    assert_true(reap(&f));
    assert_true(reap(&f));
    rig_free(f.rig);
}

/* A reset ends it: real doorbells again, and the buffers are the host's own. */
static void test_reset(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    rig_disable(f.rig);
    rig_protect(f.rig, f.shadow_bus, false, false);
    rig_protect(f.rig, f.event_bus, false, false);
    rig_enable(f.rig);
    assert_int_equal(rig_create(f.rig, 1, 16, 16), 0);
    assert_int_equal(rig_status(f.rig, 1, rig_command(0, 1, 0, 0, 0, 0, 0)), 0);
    rig_free(f.rig);
}

/* The stride is that of the real doorbells. */
static void test_stride(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    config.dstrd = 2;
    struct fixture f = start(config);
    struct rig_cqe cqe;
    rig_put(f.rig, 1, rig_command(0, 1, 0, 0, 0, 0, 0));
    f.shadow[2 * 4] = 1;
    rig_ring(f.rig, 1);
    nvmevirt_poll(&f.rig->virt);
    assert_true(rig_look(f.rig, 1, &cqe));
    assert_int_equal(f.event_index[2 * 4], 1);
    rig_free(f.rig);
}

/* The pin stays asserted until the shadow says that all was consumed. */
static void test_pin(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    config.vectors = 0;
    struct fixture f = start(config);
    flush(&f);
    nvmevirt_poll(&f.rig->virt);
    unsigned before = f.rig->interrupts[0];
    nvmevirt_poll(&f.rig->virt);
    assert_int_equal(f.rig->interrupts[0], before + 1);
    assert_true(reap(&f));
    nvmevirt_poll(&f.rig->virt);
    assert_int_equal(f.rig->interrupts[0], before + 1);
    rig_free(f.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),  cmocka_unit_test(test_batches),
        cmocka_unit_test(test_asleep),       cmocka_unit_test(test_completion_queue_full),
        cmocka_unit_test(test_wrong_values), cmocka_unit_test(test_config_rules),
        cmocka_unit_test(test_reset),        cmocka_unit_test(test_race),
        cmocka_unit_test(test_first_values), cmocka_unit_test(test_stride),
        cmocka_unit_test(test_pin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
