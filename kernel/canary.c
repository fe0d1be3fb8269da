/* See canary.h. The compiler knows these two by their names. */
#include "kernel/canary.h"

#include "kernel/entropy.h"
#include "kernel/panic.h"
#include "lib/string.h"

extern uint64_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

uint64_t __stack_chk_guard;

/* Who calls this never returns, and so its frame may hold the old value; this one's may not. */
__attribute__((no_stack_protector)) void canary_start(const struct handover *handover)
{
    uint64_t seed;
    memcpy(&seed, handover->random_seed, sizeof seed);
    /* The byte that a string would have to write first is one that it cannot. */
    __stack_chk_guard = (seed ^ entropy_word()) & ~0xffULL;
}

void __stack_chk_fail(void)
{
    panic("a function has written beyond what is its own on the stack");
}
