/* A monitor for /dev/kvm on riscv64, as small as it can be: RAM, a 16550A UART, a PLIC or KVM's AIA, a test finisher.
 * It runs inside a guest of rvkvm and boots a kernel there, to show that the guest's hypervisor works. */
#ifndef NESTED_H
#define NESTED_H

#include <stddef.h>
#include <stdint.h>

enum {
    MAX_CPUS = 8,
    UART_IRQ = 10,
    AIA_SOURCES = 31,
};

static const uint64_t finisher_base = 0x00100000, plic_base = 0x0c000000, plic_size = 0x600000;
static const uint64_t aplic_base = 0x0d000000, aplic_size = 0x4000, imsic_base = 0x28000000;
static const uint64_t uart_base = 0x10000000, ram_base = 0x80000000;

struct machine {
    uint8_t *ram;
    uint64_t ram_size, slot_size; /* what the guest is told of, and what KVM is: whole pages of the backing */
    int huge;                     /* backed by pages of hugetlbfs */
    int cpus;
    const char *bootargs;
    uint64_t initrd_start, initrd_end;
    uint32_t timebase;
    const char *isa;
    uint32_t identities; /* of each IMSIC; 0 with a PLIC */
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

/* The AIA in the kernel, made once the processors are there; `mode` is emul, hwaccel, auto or NULL: KVM's choice. */
void aia_create(int vm, struct machine *machine, const char *mode);
void aia_set(int source, int level);

/* Raises or lowers a device's interrupt, whichever the controller is. */
void set_interrupt(int source, int level);

/* Raises or lowers the external interrupt of a processor. */
void set_external_interrupt(int cpu, int level);

/* Guest memory of 4k, thp, 2m or 1g pages; `backing` is one of these or NULL: as the kernel likes. */
void allocate_ram(struct machine *machine, const char *backing);
/* Has the kernel take parts of guest memory away for ever, wherever they go to. */
void start_pageout(const struct machine *machine);

/* Logs dirty pages of slot 0, again and again switched on and off, and has a copy follow by them; it ends the
 * process when the copy differs. */
void start_dirty_log(int vm, const struct machine *machine);
/* When the guest is off: compares for the last time and says what the log has seen. Nothing happens without a log. */
void finish_dirty_log(void);

/* All processors stand still between these two. */
void pause_cpus(void);
void resume_cpus(void);
/* The caller, a processor's thread, stands still for good. */
void stand_aside(void);

#endif
