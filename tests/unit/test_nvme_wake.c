/*
 * Driver and device on a processor each: the one leaves a shadow doorbell while
 * the other asks for a wake-up and falls asleep.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

#include "drivers/nvme/nvme.h"

enum {
    ROUNDS = 30000,
    PAGE = 4096,
    PAGE_WORDS = PAGE / 4
};

struct race {
    struct nvme_queue queue;
    atomic_uint begun, ended; /* so many rounds */
    bool found, written;
};

/* Of the tail: the word behind the shadow, a page on. */
static uint32_t *event_index(struct race *race)
{
    return race->queue.shadow + PAGE_WORDS;
}

static void await(atomic_uint *value, unsigned round)
{
    for (unsigned looks = 1; atomic_load(value) != round; looks++)
        if (looks % 1024 == 0)
            sched_yield(); /* the other has no processor */
}

/* Each on a processor of its own, if there are two: the scheduler likes to keep them together. */
static void settle(unsigned which)
{
    cpu_set_t all, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof all, &all))
        return;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
        if (CPU_ISSET(cpu, &all) && (which-- == 0 || CPU_COUNT(&all) == 1))
            CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
}

/* A device that asks for a wake-up and then looks once more, as it has to. */
static void *fall_asleep(void *argument)
{
    struct race *race = argument;
    volatile uint32_t *shadow = race->queue.shadow, *asked = event_index(race);
    settle(1);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        const uint32_t known = (round - 1) % race->queue.size;
        await(&race->begun, round);
        *asked = known;
        atomic_thread_fence(memory_order_seq_cst);
        race->found = *shadow != known;
        atomic_store(&race->ended, round);
    }
    return NULL;
}

static void note_write(void *context, uint32_t offset, uint32_t value)
{
    struct race *race = context;
    (void)offset, (void)value;
    race->written = true;
}

/* On two processors: never is nothing found and nothing written as well. */
static void test_barrier(void **state)
{
    (void)state;
    static uint32_t pages[2 * PAGE_WORDS];
    static struct race race;
    const struct nvme_host ops = {.context = &race, .write32 = note_write};
    struct nvme_controller controller = {.host = &ops, .page_size = PAGE, .doorbell_shift = 2};
    race.queue = (struct nvme_queue){
        .controller = &controller, .id = 1, .size = 1024, .live = true, .shadow = pages};
    *event_index(&race) = race.queue.size - 1;
    pthread_t device;
    unsigned lost = 0;
    assert_int_equal(pthread_create(&device, NULL, fall_asleep, &race), 0);
    settle(0);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        race.written = false;
        race.queue.tail = (uint16_t)(round % race.queue.size);
        atomic_store(&race.begun, round);
        for (volatile unsigned pause = round % 128; pause; pause--)
            ; /* until about now the device has seen it */
        nvme_ring(&race.queue);
        await(&race.ended, round);
        lost += !race.found && !race.written;
    }
    assert_int_equal(pthread_join(device, NULL), 0);
    assert_int_equal(lost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_barrier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
