/* Ends: every controller is shut down first, so that nothing written is lost. */
#ifndef KERNEL_POWER_H
#define KERNEL_POWER_H

_Noreturn void power_off(void);
_Noreturn void power_reset(void);

#endif
