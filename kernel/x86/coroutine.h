/*
 * Functions that take turns on the boot processor, each on a stack of its own.
 * One goes on until it yields; nobody is interrupted. Who started the first
 * ones is in the ring with them.
 */
#ifndef KERNEL_X86_COROUTINE_H
#define KERNEL_X86_COROUTINE_H

#include <stdbool.h>

struct coroutine;

/* Enters the ring as the last one, and runs when its turn comes. NULL without memory. */
struct coroutine *coroutine_start(void (*run)(void *argument), void *argument);

/* Lets the others have their turns. */
void coroutine_yield(void);

/* Yields until run() has returned, and frees it. */
void coroutine_finish(struct coroutine *coroutine);

#endif
