/* A 16550A with a receive buffer, to standard output. */
#include <unistd.h>

#include "nested.h"

enum { RBR = 0, IER = 1, IIR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };

static uint8_t buffer[256];
static unsigned first, count;
static uint8_t ier, lcr, mcr, scr, divisor[2];
static int transmitter_idle;

static void update(void)
{
    set_interrupt(UART_IRQ, ((ier & 1) && count) || ((ier & 2) && transmitter_idle));
}

int uart_has_room(void) { return count < sizeof buffer; }

void uart_receive(uint8_t byte)
{
    if (uart_has_room())
        buffer[(first + count++) % sizeof buffer] = byte;
    update();
}

uint8_t uart_read(uint64_t offset)
{
    uint8_t value = 0;
    switch (offset) {
    case RBR:
        if (lcr & 0x80)
            return divisor[0];
        if (count) {
            value = buffer[first];
            first = (first + 1) % sizeof buffer;
            count--;
        }
        break;
    case IER: return lcr & 0x80 ? divisor[1] : ier;
    case IIR:
        if ((ier & 1) && count)
            return 0xc4;
        if ((ier & 2) && transmitter_idle) {
            transmitter_idle = 0;
            value = 0xc2;
            break;
        }
        return 0xc1;
    case LCR: return lcr;
    case MCR: return mcr;
    case LSR: return 0x60 | (count ? 1 : 0);
    case MSR: return 0xb0;
    case SCR: return scr;
    }
    update();
    return value;
}

void uart_write(uint64_t offset, uint8_t value)
{
    switch (offset) {
    case RBR:
        if (lcr & 0x80) {
            divisor[0] = value;
            return;
        }
        if (write(STDOUT_FILENO, &value, 1) != 1)
            fail("standard output is gone");
        transmitter_idle = 1;
        break;
    case IER:
        if (lcr & 0x80) {
            divisor[1] = value;
            return;
        }
        if (value & ~ier & 2)
            transmitter_idle = 1;
        ier = value & 0xf;
        break;
    case LCR: lcr = value; break;
    case MCR: mcr = value; break;
    case SCR: scr = value; break;
    }
    update();
}
