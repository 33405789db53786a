/* A monitor for /dev/kvm on riscv64, as small as it can be: RAM, a 16550A UART, a PLIC, a test finisher.
 * It runs inside a guest of rvkvm and boots a kernel there, to show that the guest's hypervisor works. */
#ifndef NESTED_H
#define NESTED_H

#include <stddef.h>
#include <stdint.h>

enum {
    MAX_CPUS = 8,
    UART_IRQ = 10,
};

static const uint64_t finisher_base = 0x00100000, plic_base = 0x0c000000, plic_size = 0x600000;
static const uint64_t uart_base = 0x10000000, ram_base = 0x80000000;

struct machine {
    uint8_t *ram;
    uint64_t ram_size;
    int cpus;
    const char *bootargs;
    uint64_t initrd_start, initrd_end;
    uint32_t timebase;
    const char *isa;
};

_Noreturn void fail(const char *format, ...);

/* Writes the device tree to `to`, which has room for `size` bytes; returns what it takes. */
size_t build_device_tree(const struct machine *machine, uint8_t *to, size_t size);

/* The UART. `uart_receive` is what a keyboard does; all of them raise and lower UART_IRQ. */
uint8_t uart_read(uint64_t offset);
void uart_write(uint64_t offset, uint8_t value);
void uart_receive(uint8_t byte);
int uart_has_room(void);

/* The PLIC: one context for each processor, its S-mode. */
uint32_t plic_read(uint64_t offset);
void plic_write(uint64_t offset, uint32_t value);
void plic_set(int source, int level);

/* Raises or lowers the external interrupt of a processor. */
void set_external_interrupt(int cpu, int level);

#endif
