/* What only the boot order needs of the console. */
#ifndef KERNEL_CONSOLE_START_H
#define KERNEL_CONSOLE_START_H

/* Input from now on. Output works as soon as serial_start() was called. */
void console_start(void);

#endif
