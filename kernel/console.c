/*
 * See console.h. The interrupt handler puts bytes into a ring that is large
 * enough for a pasted file; when it is full the port holds back what follows.
 */
#include "kernel/console.h"

#include "drivers/serial/serial.h"
#include "kernel/console_start.h"
#include "kernel/log.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/interrupts.h"
#include "lib/ring.h"
#include "lib/string.h"

#define RING_SIZE 65536
#define CTRL_C    3

static uint8_t bytes[RING_SIZE];
static struct ring ring = {.bytes = bytes, .size = RING_SIZE};
static volatile bool interrupted;
static volatile uint32_t discard_to; /* what was typed ahead of Ctrl-C ends here */
static volatile bool held_back;      /* the port waits for serial_resume() */

/* In interrupt context. One place is kept free, so that a byte in hand always fits. */
static bool receive(uint8_t byte)
{
    if (byte == CTRL_C) {
        discard_to = ring.written;
        interrupted = true;
    } else {
        ring_put(&ring, byte);
    }
    held_back = ring_used(&ring) == ring.size;
    return !held_back;
}

void console_start(void)
{
    int vector = interrupt_allocate(serial_interrupt, NULL);
    if (vector < 0 || !apic_route_isa(SERIAL_COM1_IRQ, (unsigned)vector)) {
        log_line(LOG_ERROR, "console: no interrupt for the serial port: nothing can be typed");
        return;
    }
    serial_receive(receive);
}

static bool take(uint8_t *byte)
{
    bool taken = ring_get(&ring, byte);
    if (held_back) {
        held_back = false;
        serial_resume();
    }
    return taken;
}

static bool ready(void *unused)
{
    (void)unused;
    return interrupted || ring_used(&ring);
}

int console_get(uint64_t deadline)
{
    uint8_t byte;
    clock_wait(ready, NULL, deadline);
    if (interrupted)
        return CONSOLE_CTRL_C;
    return take(&byte) ? byte : CONSOLE_TIMEOUT;
}

void console_write(const char *text, size_t length)
{
    while (length) {
        const char *newline = memchr(text, '\n', length);
        size_t line = newline ? (size_t)(newline - text) : length;
        serial_write(text, line);
        if (newline) {
            serial_write("\r\n", 2);
            line++;
        }
        text += line;
        length -= line;
    }
}

bool console_interrupted(void)
{
    return interrupted;
}

void console_clear_interrupt(void)
{
    uint8_t byte;
    if (!interrupted)
        return;
    interrupted = false;
    while (ring_used(&ring) && (int32_t)(discard_to - ring.read) > 0)
        take(&byte);
}
