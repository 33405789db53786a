/* KVM's own interrupt controller: an APLIC in MSI mode and an IMSIC for each processor. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>

#include "nested.h"

/* Headers older than Linux 6.5 haven't got these numbers. */
enum { DEVICE_TYPE_AIA = 11 };
enum { GROUP_CONFIG, GROUP_ADDRESS, GROUP_CONTROL };
enum { CONFIG_MODE, CONFIG_IDENTITIES, CONFIG_SOURCES, CONFIG_GROUP_BITS, CONFIG_GROUP_SHIFT, CONFIG_HART_BITS };
enum { ADDRESS_APLIC, ADDRESS_IMSIC };

static const char *const modes[] = {"emul", "hwaccel", "auto"};
static int vm, device;

static int access_attribute(unsigned long request, int group, uint64_t number, void *value)
{
    struct kvm_device_attr attribute = {.group = group, .attr = number, .addr = (uintptr_t)value};
    return ioctl(device, request, &attribute);
}

static void set(const char *name, int group, uint64_t number, void *value)
{
    if (access_attribute(KVM_SET_DEVICE_ATTR, group, number, value))
        fail("AIA, %s: %s", name, strerror(errno));
}

static uint32_t get(const char *name, uint64_t number)
{
    uint32_t value = 0;
    if (access_attribute(KVM_GET_DEVICE_ATTR, GROUP_CONFIG, number, &value))
        fail("AIA, %s: %s", name, strerror(errno));
    return value;
}

void aia_create(int vm_file, struct machine *machine, const char *mode)
{
    struct kvm_create_device create = {.type = DEVICE_TYPE_AIA};
    vm = vm_file;
    if (ioctl(vm, KVM_CREATE_DEVICE, &create))
        fail("KVM here has no AIA: %s", strerror(errno));
    device = create.fd;

    /* Without a guest interrupt file KVM accepts no mode but emulation, and doesn't choose "auto" either. */
    uint32_t chosen = get("mode", CONFIG_MODE), probe = 1;
    int files = access_attribute(KVM_SET_DEVICE_ATTR, GROUP_CONFIG, CONFIG_MODE, &probe) == 0;
    for (uint32_t i = 0; mode && i < 3; i++)
        if (strcmp(mode, modes[i]) == 0)
            chosen = i;
    if (mode && strcmp(mode, modes[chosen]))
        fail("the modes of AIA are emul, hwaccel and auto, not %s", mode);
    set("mode", GROUP_CONFIG, CONFIG_MODE, &chosen);

    uint32_t sources = AIA_SOURCES, hart_bits = 0;
    while (1 << hart_bits < machine->cpus)
        hart_bits++;
    set("sources", GROUP_CONFIG, CONFIG_SOURCES, &sources);
    set("hart bits", GROUP_CONFIG, CONFIG_HART_BITS, &hart_bits);
    uint64_t address = aplic_base;
    set("the APLIC's address", GROUP_ADDRESS, ADDRESS_APLIC, &address);
    for (int i = 0; i < machine->cpus; i++) {
        address = imsic_base + 0x1000 * i;
        set("an IMSIC's address", GROUP_ADDRESS, ADDRESS_IMSIC + i, &address);
    }
    set("initialization", GROUP_CONTROL, 0, NULL);
    machine->identities = get("identities", CONFIG_IDENTITIES);
    fprintf(stderr, "monitor: AIA in the kernel: mode %s, %u identities, guest interrupt files: %s\n",
            modes[get("mode", CONFIG_MODE) % 3], machine->identities, files ? "yes" : "no");
}

void aia_set(int source, int level)
{
    struct kvm_irq_level line = {.irq = source, .level = level};
    if (ioctl(vm, KVM_IRQ_LINE, &line))
        fail("KVM_IRQ_LINE: %s", strerror(errno));
}
