/*
 * A 16550 UART at 115200 8N1 (National PC16550D data sheet). Output is polled:
 * how long to wait for room is the caller's business. Input comes by interrupt.
 */
#ifndef DRIVERS_SERIAL_SERIAL_H
#define DRIVERS_SERIAL_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIAL_COM1     0x3f8
#define SERIAL_COM1_IRQ 4

/* Sets up the port; from now on serial_send() works. */
void serial_start(uint16_t port);

/* Sends the first of `length` bytes, as many as there is room for now; returns how many, 0 while
 * earlier ones are still on their way. A port that is not there has room for everything. Any
 * context. */
size_t serial_send(const char *bytes, size_t length);

/*
 * Gives every byte received to receive(), which runs in interrupt context and says whether it
 * could take one more after this. While it cannot, the port holds bytes back; serial_resume()
 * ends that.
 */
void serial_receive(bool (*receive)(uint8_t byte));
void serial_resume(void);

/* The interrupt handler; its argument is unused. */
void serial_interrupt(void *unused);

#endif
