"""Judges what the rows left: rvkvm by the specification alone, QEMU by what is known of it as well."""

from collections import Counter
from dataclasses import dataclass, field

from .deviations import QEMU
from .entry import GVA, HGVA, OUTCOMES, TO_MACHINE, TO_SUPERVISOR, describe_status
from .rules import Rules
from .machine import Unspecified


def differences(row, expected, observed, after, either):
    """Fields in which an observed row isn't as expected: (name, expected, observed)."""
    found = []
    none = expected.tval_may_be_zero and observed.tval == 0
    status = expected.status
    if none and expected.tval:
        # As matrix.c has it: a trap value of zero is no guest virtual address.
        status &= ~{TO_MACHINE: 1 << GVA, TO_SUPERVISOR: 1 << HGVA}.get(expected.outcome, 0)
    if observed.outcome != expected.outcome:
        found.append(("outcome", OUTCOMES[expected.outcome], OUTCOMES[observed.outcome]))
    for name in ("cause", "epc", "tval", "tval2", "tinst"):
        left, right = getattr(expected, name), getattr(observed, name)
        allowed = name == "tval" and (none or expected.tval_unknown)
        allowed = allowed or name == "tinst" and right == 0 and expected.tinst_may_be_zero
        allowed = allowed or name == "cause" and expected.misaligned and right == left + 1
        if left != right and not allowed:
            found.append((name, "%#x" % left, "%#x" % right))
    mask = expected.mask & (~(1 << GVA) if expected.tval_unknown else -1)
    if (status ^ observed.status) & mask:
        found.append(("status", describe_status(status & mask), describe_status(observed.status & mask)))
    if expected.result is not None and expected.result != observed.result:
        found.append(("result", "%#x" % expected.result, "%#x" % observed.result))
    for at, before in row.words.items():
        # What isn't listed is what the specification expects.
        right = observed.words.get(at, row.after.get(at, before))
        left = after.get(at, before)
        if (left ^ right) & ~either.get(at, 0):
            found.append(("memory at %#x" % at, "%#x" % left, "%#x" % right))
    return found


def describe(number, row, found):
    return "row %d: %s" % (number, row) + "".join("\n      %s: %s expected, %s observed" % entry for entry in found)


@dataclass
class Verdict:
    wrong: list = field(default_factory=list)  # sentences
    explained: Counter = field(default_factory=Counter)  # deviations by the rows they explain
    notes: list = field(default_factory=list)


def judge(rows, report):
    """By the specification alone."""
    verdict = Verdict()
    if report.ran != len(rows):
        verdict.wrong.append("%s of %d rows were run:\n%s" % (report.ran or "not all", len(rows), report.output[-400:]))
    for number, observed in report.rows.items():
        if not observed.good:
            row = rows[number]
            verdict.wrong.append(describe(number, row, differences(row, row.expected, observed, row.after, row.ignored)))
    if report.bad and not verdict.wrong:
        verdict.wrong.append("%d rows are wrong, but weren't printed" % report.bad)
    return verdict


def judge_qemu(rows, report, deviations=None):
    """By the rules that QEMU follows. The deviations have to explain a row as a whole, and have to show wherever their
    rule says they do."""
    deviations = QEMU if deviations is None else deviations
    verdict = Verdict()
    if report.ran != len(rows):
        verdict.wrong.append("%s of %d rows were run:\n%s" % (report.ran or "not all", len(rows), report.output[-400:]))
        return verdict
    absent, examples = Counter(), {}
    for number, row in enumerate(rows):
        observed = report.rows.get(number)
        rules = Rules(d.name for d in deviations)
        try:
            expected = row.by(rules)
        except Unspecified:
            continue
        good = observed is None or observed.good
        if good:
            if rules.used and departs(row, expected):
                absent.update(rules.used)
                examples.update(dict.fromkeys(rules.used, number))
            continue
        after, either = (row.left, row.either) if row.plan else (row.after, row.ignored)
        found = differences(row, expected, observed, after, either)
        if found or not rules.used:
            known = "\n      known of it: " + ", ".join(sorted(rules.used)) if rules.used else ""
            verdict.wrong.append(describe(number, row, found) + known)
        verdict.explained.update(rules.used)
    for deviation in deviations:
        name = deviation.name
        if absent[name] and verdict.explained[name]:
            verdict.wrong.append("known of QEMU, but not in all rows where it should show: %s: not in %d, as in row %d: %s" % (
                name, absent[name], examples[name], rows[examples[name]]))
        elif not verdict.explained[name]:
            verdict.notes.append("known of QEMU, but not seen: " + name)
    return verdict


def departs(row, expected):
    """Whether an outcome by other rules is one that the specification doesn't allow."""
    after, either = (row.left, row.either) if row.plan else (row.after, row.ignored)
    spec = row.expected
    if (spec.outcome, spec.cause, spec.epc) != (expected.outcome, expected.cause, expected.epc):
        return True
    if (spec.status ^ expected.status) & spec.mask & expected.mask:
        return True
    if spec.tval != expected.tval or spec.tval2 != expected.tval2:
        return not expected.tval_unknown
    if spec.tinst != expected.tinst and not (spec.tinst_may_be_zero and expected.tinst in (0, spec.tinst)):
        return not expected.tinst_may_be_zero
    return any((after.get(at, 0) ^ row.after.get(at, before)) & ~either.get(at, 0) & ~row.ignored.get(at, 0)
               for at, before in row.words.items())
