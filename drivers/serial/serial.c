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

static uint16_t base;
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

/* The status bit means that the whole FIFO is empty: it is filled at one go. */
size_t serial_send(const char *bytes, size_t length)
{
    if (!(in8(base + LINE_STATUS) & LSR_CAN_SEND))
        return 0;
    size_t count = MIN(length, (size_t)FIFO_SIZE);
    for (size_t i = 0; i < count; i++)
        out8(base + DATA, (uint8_t)bytes[i]);
    return count;
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
