/*
 * The stack protector: functions with arrays on the stack keep a secret value
 * between these and their return address, and look at it before they return.
 */
#ifndef KERNEL_CANARY_H
#define KERNEL_CANARY_H

#include "boot/handover.h"

/* Chooses the value. From a function that does not return, before there are other processors. */
void canary_start(const struct handover *handover);

#endif
