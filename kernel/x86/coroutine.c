/*
 * See coroutine.h. The stacks are heap memory, in the direct map, so that
 * devices may be pointed at what lies there; the lowest page of each is taken out
 * of it as a guard.
 */
#include "kernel/x86/coroutine.h"

#include <stddef.h>
#include <stdint.h>

#include "kernel/mem/frames.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/paging.h"
#include "kernel/x86/cpus.h"

#define STACK_SIZE (128 << 10) /* with the guard */

struct coroutine {
    struct coroutine *next, *previous;
    void *stack_pointer;
    uint8_t *stack; /* its lowest page is the guard; NULL: the one the processor has always had */
    void (*run)(void *argument);
    void *argument;
    bool ended;
};

static struct coroutine first = {.next = &first, .previous = &first};
static struct coroutine *current = &first;

static struct {
    void *(*save)(void);
    void (*restore)(void *saved);
} keep;

/* Leaves what a function has to preserve on one stack, and takes it from the other (System V ABI,
 * AMD64 supplement, 3.2.1). */
__attribute__((naked, noinline)) static void switch_stacks(__attribute__((unused)) void **from,
                                                           __attribute__((unused)) void *to)
{
    __asm__("push %rbp\n\t"
            "push %rbx\n\t"
            "push %r12\n\t"
            "push %r13\n\t"
            "push %r14\n\t"
            "push %r15\n\t"
            "mov %rsp, (%rdi)\n\t"
            "mov %rsi, %rsp\n\t"
            "pop %r15\n\t"
            "pop %r14\n\t"
            "pop %r13\n\t"
            "pop %r12\n\t"
            "pop %rbx\n\t"
            "pop %rbp\n\t"
            "ret");
}

static void next_turn(void)
{
    struct coroutine *from = current;
    current = from->next;
    if (current->stack)
        cpu_use_stack(current->stack + PAGE_SIZE, STACK_SIZE - PAGE_SIZE);
    else
        cpu_use_stack(NULL, 0);
    switch_stacks(&from->stack_pointer, current->stack_pointer);
}

bool coroutine_alone(void)
{
    return current->next == current;
}

void coroutine_yield(void)
{
    if (coroutine_alone())
        return;
    void *saved = keep.save ? keep.save() : NULL;
    next_turn();
    if (keep.restore)
        keep.restore(saved);
}

void coroutine_keep(void *(*save)(void), void (*restore)(void *saved))
{
    keep.save = save;
    keep.restore = restore;
}

/* Returning from here would lead nowhere: an ended one is out of the ring, its turn never comes. */
static void begin(void)
{
    struct coroutine *self = current;
    self->run(self->argument);
    self->ended = true;
    self->next->previous = self->previous;
    self->previous->next = self->next;
    next_turn();
}

struct coroutine *coroutine_start(void (*run)(void *argument), void *argument)
{
    struct coroutine *self = kcalloc(1, sizeof *self);
    uint8_t *stack = self ? kmalloc(STACK_SIZE) : NULL;
    if (!stack || !paging_guard(stack, GUARD_STACK)) {
        kfree(stack);
        kfree(self);
        return NULL;
    }
    /* What switch_stacks() pops: six registers, then where to go; and a return address for that,
     * 0, which ends a backtrace. */
    uint64_t *top = (uint64_t *)(void *)(stack + STACK_SIZE) - 8;
    for (unsigned i = 0; i < 8; i++)
        top[i] = i == 6 ? (uint64_t)(uintptr_t)begin : 0;
    *self = (struct coroutine){.next = current,
                               .previous = current->previous,
                               .stack_pointer = top,
                               .stack = stack,
                               .run = run,
                               .argument = argument};
    self->previous->next = self;
    current->previous = self;
    return self;
}

void coroutine_finish(struct coroutine *self)
{
    while (!self->ended)
        coroutine_yield();
    paging_guard(self->stack, GUARD_NONE);
    kfree(self->stack);
    kfree(self);
}
