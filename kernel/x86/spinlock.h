/*
 * A lock for what several processors touch, and interrupt handlers too: whoever
 * holds it has interrupts off. For a few instructions only, and never two at once.
 */
#ifndef KERNEL_X86_SPINLOCK_H
#define KERNEL_X86_SPINLOCK_H

#include "kernel/x86/cpu.h"

struct spinlock {
    bool held;
};

/* Returns what spin_unlock() wants back. */
static inline uint64_t spin_lock(struct spinlock *lock)
{
    uint64_t flags = read_flags();
    interrupts_off();
    while (__atomic_exchange_n(&lock->held, true, __ATOMIC_ACQUIRE))
        cpu_pause();
    return flags;
}

static inline void spin_unlock(struct spinlock *lock, uint64_t flags)
{
    __atomic_store_n(&lock->held, false, __ATOMIC_RELEASE);
    if (flags & RFLAGS_IF)
        interrupts_on();
}

#endif
