/*
 * See console.h. The interrupt handler puts bytes into a ring that is large
 * enough for a pasted file; when it is full the port holds back what follows.
 */
#include "kernel/console.h"

#include "drivers/serial/serial.h"
#include "kernel/console_start.h"
#include "kernel/idle.h"
#include "kernel/log.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/interrupts.h"
#include "lib/ring.h"
#include "lib/string.h"

#define RING_SIZE 65536
#define CTRL_C    3

/* Looks at the port: those made at once, before sleeping in between; those made at all where
 * there is no sleeping. A port that works needs a hundred or so. */
#define QUICK_TRIES         10000
#define SLEEPS_AFTER_CTRL_C 1000 /* milliseconds */
#define PATIENCE            1000000

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
    held_back = ring_used(&ring) >= ring.size - 1;
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
    idle_wait(ready, NULL, deadline);
    if (interrupted)
        return CONSOLE_CTRL_C;
    return take(&byte) ? byte : CONSOLE_TIMEOUT;
}

/*
 * Waits a little for the port to take more. A terminal that is stopped may stay so for as long as
 * its owner likes: nothing is lost, and Ctrl-C ends the wait, but not at once: what a command says
 * of its end shall be read. Where nobody can type, in interrupt handlers and panics, patience is
 * short. False: give up.
 */
static bool wait_for_port(unsigned tries)
{
    if (!(read_flags() & RFLAGS_IF))
        return tries < PATIENCE;
    if (tries > QUICK_TRIES)
        clock_sleep(NS_PER_MS);
    return !interrupted || tries < QUICK_TRIES + SLEEPS_AFTER_CTRL_C;
}

static void send(const char *text, size_t length)
{
    for (unsigned tries = 0; length && (tries == 0 || wait_for_port(tries)); tries++) {
        size_t sent = serial_send(text, length);
        if (sent)
            tries = 0;
        text += sent;
        length -= sent;
    }
}

void console_write(const char *text, size_t length)
{
    while (length) {
        const char *newline = memchr(text, '\n', length);
        size_t line = newline ? (size_t)(newline - text) : length;
        send(text, line);
        if (newline) {
            send("\r\n", 2);
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
