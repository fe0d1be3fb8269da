/* See serial.h. */
#include "drivers/serial/serial.h"

#include "kernel/x86/cpu.h"
#include "lib/bits.h"

#define DATA             0
#define INTERRUPT_ENABLE 1
#define FIFO_CONTROL     2
#define LINE_CONTROL     3
#define MODEM_CONTROL    4
#define LINE_STATUS      5
#define DIVISOR_LOW      0 /* while LINE_CONTROL has DLAB */
#define DIVISOR_HIGH     1

#define IER_RECEIVED BIT(0)
#define FCR_ENABLE   0x07 /* and clear both FIFOs */
#define LCR_8N1      0x03
#define LCR_DLAB     0x80
#define MCR_READY    0x0b /* DTR, RTS, and OUT2, which lets interrupts out */
#define LSR_RECEIVED BIT(0)
#define LSR_CAN_SEND BIT(5)

#define DIVISOR_115200 1
#define FIFO_SIZE      16

/* Looks at the line status before output is given up: far above what 16 bytes take at this rate.
 * After that each write tries only once, until the port moves again. */
#define PATIENCE 1000000

static uint16_t base;
static bool stuck;
static bool (*receiver)(uint8_t byte);

void serial_start(uint16_t port)
{
    base = port;
    out8(base + INTERRUPT_ENABLE, 0);
    out8(base + LINE_CONTROL, LCR_DLAB);
    out8(base + DIVISOR_LOW, DIVISOR_115200);
    out8(base + DIVISOR_HIGH, 0);
    out8(base + LINE_CONTROL, LCR_8N1);
    out8(base + FIFO_CONTROL, FCR_ENABLE);
    out8(base + MODEM_CONTROL, MCR_READY);
}

static bool wait_for_room(void)
{
    for (unsigned tries = 0; tries < (stuck ? 1 : PATIENCE); tries++) {
        if (in8(base + LINE_STATUS) & LSR_CAN_SEND) {
            stuck = false;
            return true;
        }
        cpu_pause();
    }
    stuck = true;
    return false;
}

/* The status bit means that the whole FIFO is empty: it is filled at one go. */
void serial_write(const char *bytes, size_t length)
{
    while (length && wait_for_room())
        for (unsigned i = 0; i < FIFO_SIZE && length; i++, length--)
            out8(base + DATA, (uint8_t)*bytes++);
}

void serial_receive(bool (*receive)(uint8_t byte))
{
    receiver = receive;
    serial_resume();
}

void serial_resume(void)
{
    out8(base + INTERRUPT_ENABLE, IER_RECEIVED);
}

void serial_interrupt(void *unused)
{
    (void)unused;
    while (in8(base + LINE_STATUS) & LSR_RECEIVED)
        if (!receiver(in8(base + DATA))) {
            out8(base + INTERRUPT_ENABLE, 0);
            break;
        }
}
