/* A platform-level interrupt controller with level-triggered sources 1 to 31. */
#include "nested.h"

static uint32_t priority[32], levels, claimed;
static struct {
    uint32_t enabled, threshold;
} contexts[MAX_CPUS];

/* The source to claim: the highest priority above the threshold, the lowest number first; 0 if there is none. */
static int best(int context)
{
    uint32_t ready = levels & ~claimed & contexts[context].enabled;
    int found = 0;
    for (int i = 1; i < 32; i++)
        if (ready >> i & 1 && priority[i] > contexts[context].threshold && (!found || priority[i] > priority[found]))
            found = i;
    return found;
}

static void update(void)
{
    for (int i = 0; i < MAX_CPUS; i++)
        set_external_interrupt(i, best(i) != 0);
}

void plic_set(int source, int level)
{
    uint32_t now = level ? levels | 1u << source : levels & ~(1u << source);
    if (now == levels)
        return;
    levels = now;
    update();
}

uint32_t plic_read(uint64_t offset)
{
    if (offset < 0x80)
        return priority[offset / 4];
    if (offset == 0x1000)
        return levels & ~claimed;
    if (offset >= 0x2000 && offset < 0x2000 + 0x80 * MAX_CPUS)
        return offset % 0x80 ? 0 : contexts[(offset - 0x2000) / 0x80].enabled;
    if (offset >= 0x200000 && offset < 0x200000 + 0x1000 * MAX_CPUS) {
        int context = (offset - 0x200000) / 0x1000;
        if (offset % 0x1000 == 0)
            return contexts[context].threshold;
        if (offset % 0x1000 == 4) {
            int source = best(context);
            if (source)
                claimed |= 1u << source;
            update();
            return source;
        }
    }
    return 0;
}

void plic_write(uint64_t offset, uint32_t value)
{
    if (offset < 0x80)
        priority[offset / 4] = value & 7;
    else if (offset >= 0x2000 && offset < 0x2000 + 0x80 * MAX_CPUS) {
        if (offset % 0x80 == 0)
            contexts[(offset - 0x2000) / 0x80].enabled = value & ~1u;
    } else if (offset >= 0x200000 && offset < 0x200000 + 0x1000 * MAX_CPUS) {
        if (offset % 0x1000 == 0)
            contexts[(offset - 0x200000) / 0x1000].threshold = value & 7;
        else if (offset % 0x1000 == 4 && value < 32)
            claimed &= ~(1u << value);
    }
    update();
}
