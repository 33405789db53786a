"""Which rules hold: the specification's, all of them, or what another implementation makes of them.

The oracles ask at each place where an implementation is known to differ, and only when it would make a difference
there, whether the rule is waived. The specification waives nothing.
"""


class Rules:
    def __init__(self, waived=()):
        self.waived = frozenset(waived)
        self.used = set()

    def waives(self, name):
        if name not in self.waived:
            return False
        self.used.add(name)
        return True


SPECIFICATION = Rules()
