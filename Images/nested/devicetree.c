/* Writes a flattened device tree (devicetree specification 0.4, chapter 5). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "nested.h"

static uint8_t structure[16384], strings[1024];
static size_t used, named;

static void put(const void *bytes, size_t count)
{
    if (used + count + 4 > sizeof structure)
        fail("the device tree is too large");
    memcpy(structure + used, bytes, count);
    used += count;
    while (used % 4)
        structure[used++] = 0;
}

static void word(uint32_t value)
{
    uint8_t bytes[4] = {value >> 24, value >> 16, value >> 8, value};
    put(bytes, 4);
}

static void begin(const char *name, ...)
{
    char text[64];
    va_list arguments;
    va_start(arguments, name);
    vsnprintf(text, sizeof text, name, arguments);
    va_end(arguments);
    word(1);
    put(text, strlen(text) + 1);
}

static void end(void) { word(2); }

static void property(const char *name, const void *value, size_t size)
{
    word(3);
    word(size);
    word(named);
    if (named + strlen(name) + 1 > sizeof strings)
        fail("the device tree has too many names");
    memcpy(strings + named, name, strlen(name) + 1);
    named += strlen(name) + 1;
    put(value, size);
}

static void text(const char *name, const char *value) { property(name, value, strlen(value) + 1); }

static void cells(const char *name, int count, ...)
{
    uint8_t bytes[4 * 64];
    va_list arguments;
    va_start(arguments, count);
    for (int i = 0; i < count; i++) {
        uint32_t value = va_arg(arguments, uint32_t);
        for (int j = 0; j < 4; j++)
            bytes[4 * i + j] = value >> (24 - 8 * j);
    }
    va_end(arguments);
    property(name, bytes, 4 * count);
}

static void range(uint64_t base, uint64_t size)
{
    cells("reg", 4, (uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32), (uint32_t)size);
}

static void processors(const struct machine *machine)
{
    begin("cpus");
    cells("#address-cells", 1, 1);
    cells("#size-cells", 1, 0);
    cells("timebase-frequency", 1, machine->timebase);
    for (int i = 0; i < machine->cpus; i++) {
        begin("cpu@%x", i);
        text("device_type", "cpu");
        text("compatible", "riscv");
        text("mmu-type", "riscv,sv57");
        text("riscv,isa", machine->isa);
        text("status", "okay");
        cells("reg", 1, i);
        begin("interrupt-controller");
        cells("#interrupt-cells", 1, 1);
        property("interrupt-controller", "", 0);
        text("compatible", "riscv,cpu-intc");
        cells("phandle", 1, 1 + i);
        end();
        end();
    }
    end();
}

/* Phandles: those of the processors' own controllers begin at 1. */
enum { CONTROLLER = 100, IMSICS };

/* "interrupts-extended" of a controller that drives every processor's external interrupt in S-mode. */
static void external_interrupts(const struct machine *machine)
{
    uint8_t contexts[MAX_CPUS * 8] = {0};
    for (int i = 0; i < machine->cpus; i++) {
        contexts[8 * i + 3] = 1 + i;
        contexts[8 * i + 7] = 9;
    }
    property("interrupts-extended", contexts, 8 * machine->cpus);
}

static void plic(const struct machine *machine)
{
    begin("plic@%x", (unsigned)plic_base);
    property("compatible", "sifive,plic-1.0.0\0riscv,plic0", 30);
    range(plic_base, plic_size);
    cells("#interrupt-cells", 1, 1);
    cells("#address-cells", 1, 0);
    property("interrupt-controller", "", 0);
    external_interrupts(machine);
    cells("riscv,ndev", 1, 31);
    cells("phandle", 1, CONTROLLER);
    end();
}

static void aia(const struct machine *machine)
{
    begin("imsics@%x", (unsigned)imsic_base);
    text("compatible", "riscv,imsics");
    range(imsic_base, 0x1000 * machine->cpus);
    cells("#interrupt-cells", 1, 0);
    property("interrupt-controller", "", 0);
    property("msi-controller", "", 0);
    cells("#msi-cells", 1, 0);
    external_interrupts(machine);
    cells("riscv,num-ids", 1, machine->identities);
    cells("phandle", 1, IMSICS);
    end();

    begin("aplic@%x", (unsigned)aplic_base);
    text("compatible", "riscv,aplic");
    range(aplic_base, aplic_size);
    cells("#interrupt-cells", 1, 2);
    cells("#address-cells", 1, 0);
    property("interrupt-controller", "", 0);
    cells("msi-parent", 1, IMSICS);
    cells("riscv,num-sources", 1, AIA_SOURCES);
    cells("phandle", 1, CONTROLLER);
    end();
}

static void devices(const struct machine *machine)
{
    begin("soc");
    cells("#address-cells", 1, 2);
    cells("#size-cells", 1, 2);
    text("compatible", "simple-bus");
    property("ranges", "", 0);
    if (machine->identities)
        aia(machine);
    else
        plic(machine);

    begin("serial@%x", (unsigned)uart_base);
    text("compatible", "ns16550a");
    range(uart_base, 0x100);
    cells("clock-frequency", 1, 3686400);
    cells("interrupt-parent", 1, CONTROLLER);
    if (machine->identities)
        cells("interrupts", 2, UART_IRQ, 4); /* 4: by level, active high */
    else
        cells("interrupts", 1, UART_IRQ);
    end();
    end();
}

size_t build_device_tree(const struct machine *machine, uint8_t *to, size_t size)
{
    begin("");
    cells("#address-cells", 1, 2);
    cells("#size-cells", 1, 2);
    text("compatible", "linux,dummy-virt");
    text("model", "nested monitor");

    begin("chosen");
    text("bootargs", machine->bootargs);
    text("stdout-path", "/soc/serial@10000000");
    /* Without one the kernel's generator takes its slow path in every system call. */
    uint8_t seed[64];
    if (getrandom(seed, sizeof seed, 0) != sizeof seed)
        fail("no random numbers for the guest");
    property("rng-seed", seed, sizeof seed);
    if (machine->initrd_end > machine->initrd_start) {
        cells("linux,initrd-start", 2, (uint32_t)(machine->initrd_start >> 32), (uint32_t)machine->initrd_start);
        cells("linux,initrd-end", 2, (uint32_t)(machine->initrd_end >> 32), (uint32_t)machine->initrd_end);
    }
    end();

    begin("memory@80000000");
    text("device_type", "memory");
    range(ram_base, machine->ram_size);
    end();

    processors(machine);
    devices(machine);
    end();
    word(9);

    /* Header and an empty memory reservation block come first. */
    size_t total = 40 + 16 + used + named;
    if (total > size)
        fail("no room for the device tree");
    uint32_t header[10] = {0xd00dfeed, total, 56, 56 + used, 40, 17, 16, 0, named, used};
    memset(to, 0, 56);
    for (int i = 0; i < 40; i++)
        to[i] = header[i / 4] >> (24 - 8 * (i % 4));
    memcpy(to + 56, structure, used);
    memcpy(to + 56 + used, strings, named);
    return total;
}
