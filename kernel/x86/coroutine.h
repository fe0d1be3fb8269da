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

/* Lets the others have their turns; are there any? */
void coroutine_yield(void);
bool coroutine_alone(void);

/* What each has of its own: save() is called before the others have their turns, and restore()
 * with its result behind them. */
void coroutine_keep(void *(*save)(void), void (*restore)(void *saved));

/* Yields until run() has returned, and frees it. */
void coroutine_finish(struct coroutine *coroutine);

#endif
