"""The translation matrix: VS-stage mode × G-stage mode × sizes of page × permissions × kind of access.

What the product has too much of is drawn from it: every scenario with every kind of access, the rest by chance, from a
generator whose seed is printed. Permissions are exhaustive where one page size stands for all.
"""

import itertools

from . import instructions as asm
from .layout import HIGH_END
from .machine import HS, U, VS, Done, Trap, Unspecified, bit, mstatus
from .memory import Memory
from .plan import DIRECT_WAYS, LEVELS, PLAIN, WAYS, Plan, sizes, ways
from .rows import Row
from .scenarios import SCENARIOS
from .tables import CODE_OF_S, CODE_OF_U, NAMES, code_offset
from .translation import access

DIRECT = (asm.LOADS + asm.STORES + asm.FLOAT_LOADS + asm.FLOAT_STORES + asm.COMPRESSED + asm.STACK + asm.WITH_OFFSET
          + asm.LR + asm.SC + asm.AMO + asm.CACHE_BLOCK)
# One of each kind, for what is done with every one of them.
KINDS = [asm.LOADS[3], asm.LOADS[1], asm.STORES[3], asm.STORES[2], asm.COMPRESSED[1], asm.COMPRESSED[2],
         asm.FLOAT_LOADS[2], asm.FLOAT_STORES[1], asm.LR[1], asm.SC[1], asm.AMO[1], asm.AMO[0], asm.CACHE_BLOCK[1],
         asm.CACHE_BLOCK[3], asm.GUEST_LOADS[4], asm.GUEST_LOADS[6], asm.GUEST_FETCHES[0],
         asm.GUEST_FETCHES[1], asm.GUEST_STORES[0], asm.GUEST_STORES[3], *asm.FETCHES]


def describe(levels, level, napot, suffix=""):
    if not levels:
        return "Bare"
    return NAMES[levels] + suffix + " " + ("64K" if napot else ("4K", "2M", "1G", "512G", "256T")[level])


def make(plan, code):
    """The row, or None when there is none like that."""
    if not plan.possible or not plan.build() or (plan.scenario.protected and plan.protected is None):
        return None
    instruction, random = plan.instruction, plan.random
    row = Row(plan.mode, instruction, plan.registers(), matrix="translation", scenario=plan.scenario.name, way=plan.way,
              vs=describe(plan.vs, plan.p, plan.vs_napot), g=plan.virtual and describe(plan.g, plan.q, plan.g_napot, "x4"),
              crossing=plan.crossing and "portion %d of 2" % (plan.defective + 1), address="%#x" % plan.va)
    row.plan = plan
    row.delegate(*plan.delegation)
    row.words = plan.words
    row.a0, row.a1 = plan.va, random.getrandbits(64)
    for target in plan.targets:
        for at in (target & ~7, (target & ~7) + 8):
            if at != HIGH_END:
                row.words.setdefault(at, random.getrandbits(64))
    s, u = (code_offset(plan.vs, entry) for entry in (CODE_OF_S, CODE_OF_U))
    own = (s if plan.mode in (VS, HS) else u) if plan.mode.virtual or (plan.mode in (HS, U) and not plan.virtual) else 0
    row.places = (own, s if not plan.virtual else 0, s if plan.virtual else 0)
    if instruction.kind == "fetch":
        fetched = Memory(row)
        data = instruction.word.to_bytes(instruction.length, "little")
        first = HIGH_END - plan.targets[0] if plan.crossing else len(data)
        fetched.store(plan.targets[0], data[:first])
        if plan.crossing:
            fetched.store(plan.targets[1], data[first:])
        row.words = fetched.words
        row.pc = row.exit_pc = plan.va
    if instruction.kind == "sc" and not plan.misaligned:
        row.before = (asm.LR[asm.SC.index(instruction)],)
    elif instruction in asm.STACK:
        row.before = (asm.TO_STACK,)
    elif instruction in asm.WITH_OFFSET:
        row.before = (asm.TO_OFFSET,)
    row.place(code)
    row.judge = lambda rules: judged(row, rules)
    try:
        row.expect()
    except Unspecified:
        return None
    row.after, row.ignored = row.left, row.either
    # A store may have gone elsewhere: an entry's page number is part of what scenarios change.
    row.words = {**dict.fromkeys(row.after, 0), **row.words}
    return row


def judged(row, rules):
    """How the row ends by these rules; `row.left` is its memory then, with the bits of `row.either` one or the other."""
    memory = Memory(row, rules)
    row.either = {}
    end = perform(row, memory, rules)
    row.left = memory.words
    if isinstance(end, Trap):
        # A and D may have been set on the way, or not: "Virtual Address Translation Process", step 9.
        row.either = {at: memory.words[at] ^ before for at, before in row.words.items()}
        if row.plan.crossing and row.instruction.kind in ("store", "hsv"):
            # The portion that is permitted may have been stored.
            for target in row.plan.targets:
                for at in (target & ~7, (target & ~7) + 8):
                    row.either[at] = bit(64) - 1
    return end


def perform(row, memory, rules):
    """What the access does: the oracle's translation and the instruction's own semantics."""
    if row.instruction.kind == "sc" and row.a0 % row.instruction.size and rules.waives("SC at a misaligned address"):
        return Done(row.mode, result=1)
    offset = 0
    for instruction in (*row.before, row.instruction):
        found = access(row, instruction, row.a0, memory, rules) if instruction.size else None
        if isinstance(found, Trap):
            found.offset = offset
            return found
        offset += instruction.length
    kind, size = row.instruction.kind, row.instruction.size
    if kind == "cbz":
        base = found[0][0] & ~63
        for at in row.words:
            if base <= at < base + 64:
                memory.words[at] = 0
        return Done(row.mode)
    content = b"".join(memory.bytes(pa, length) for pa, length in found)
    if kind == "fetch" and content != row.instruction.word.to_bytes(size, "little"):
        # A page, but not the one where the instruction is.
        raise Unspecified
    if kind in ("cbm", "fetch"):
        return Done(row.mode)
    old = int.from_bytes(content, "little")
    if kind in ("store", "hsv", "sc", "amo"):
        operand = row.a1 & bit(8 * size) - 1
        if row.instruction.name.startswith("amoadd"):
            operand = old + operand & bit(8 * size) - 1
        if row.instruction.float:
            # Its register's value isn't known here: the words aren't looked at.
            for pa, length in found:
                for at in range(pa & ~7, pa + length, 8):
                    row.either[at] = bit(64) - 1
            return Done(row.mode)
        data = operand.to_bytes(size, "little")
        for pa, length in found:
            memory.store(pa, data[:length])
            data = data[length:]
    if kind in ("store", "hsv") or row.instruction.float:
        return Done(row.mode)
    if kind == "sc":
        return Done(row.mode, result=0)
    if row.instruction.signed and old >> 8 * size - 1:
        old |= -1 << 8 * size & bit(64) - 1
    return Done(row.mode, result=old)


def pairs(random):
    """Each scenario and each instruction with every way, and with every size of page at either stage."""
    shapes = [{stage: levels, stage + "_size": size} for stage in ("vs", "g") for levels in LEVELS for size in sizes(levels)]
    for scenario in SCENARIOS:
        for way in WAYS:
            yield Plan(random, random.choice([i for i in KINDS if way in ways(i)]), scenario, way=way)
        for shape in shapes:
            instruction = random.choice(KINDS)
            way = random.choice([w for w in ways(instruction) if WAYS[w][2]])
            yield Plan(random, instruction, scenario, way=way, **shape)
    for instruction in DIRECT + asm.GUEST_ACCESSES + asm.FETCHES:
        for way in sorted(set(ways(instruction))):
            yield Plan(random, instruction, random.choice(SCENARIOS), way=way)
        for shape in shapes:
            way = random.choice([w for w in ways(instruction) if WAYS[w][2]])
            yield Plan(random, instruction, random.choice((PLAIN, random.choice(SCENARIOS))), way=way, **shape)


def plans(random, density):
    yield from pairs(random)
    for scenario, instruction in itertools.product(SCENARIOS, KINDS):
        for _ in range(density):
            yield Plan(random, instruction, scenario)
    # Every size of page at both stages.
    for vs, g in itertools.product(LEVELS, LEVELS):
        for vs_size, g_size, instruction in itertools.product(sizes(vs), sizes(g), KINDS):
            way = random.choice([w for w in ways(instruction) if WAYS[w][2]])
            yield Plan(random, instruction, PLAIN, vs=vs, g=g, vs_size=vs_size, g_size=g_size, way=way)
    # Every combination of an entry's low bits, at either stage; SUM, MXR and who asks.
    kinds = [asm.LOADS[3], asm.STORES[3], asm.FETCHES[0], asm.AMO[1], asm.GUEST_LOADS[6], asm.GUEST_FETCHES[1], asm.GUEST_STORES[3]]
    status = [a | b for a in (0, mstatus.SUM) for b in (0, mstatus.MXR)]
    for flags, instruction, m, v in itertools.product(range(256), kinds, status, status):
        if flags & bit(5):
            continue
        if not flags & 1 and flags & 0xE:
            continue
        way = random.choice([w for w in ways(instruction) if WAYS[w][2]])
        stage = {"vs_flags": flags} if random.random() < 0.6 else {"g_flags": flags}
        yield Plan(random, instruction, PLAIN, vs=3, g=3, vs_size=(0, False), g_size=(0, False), way=way, bits=(m, v),
                   crossing=False, **stage)
    # Atomics at addresses that aren't theirs.
    for instruction, way in itertools.product(asm.LR + asm.SC + asm.AMO, sorted(set(DIRECT_WAYS))):
        for _ in range(density):
            yield Plan(random, instruction, PLAIN, way=way, crossing=False, misaligned=True)
    # Instructions that KINDS leaves out.
    for instruction in DIRECT + asm.GUEST_ACCESSES:
        for scenario in random.sample(SCENARIOS, min(len(SCENARIOS), 4 * density)):
            yield Plan(random, instruction, scenario)


def rows(random, code, density=6):
    for plan in plans(random, density):
        row = make(plan, code)
        if row is not None:
            yield row

