import RISCV

// The hart's extensions before its first run: all that the engine implements may be there or not.
extension Hart {
    /// Whether the hart can be given this extension and be without it. The base is always there, and interrupt files
    /// are made with the machine.
    func mayChoose(_ one: Extension) -> Bool {
        switch one {
        case .i, .smaia, .ssaia: false
        default: InterpreterEngine.extensions.contains(one)
        }
    }

    /// Switches an extension on with all that it needs, or off with all that needs it. So a set in which nothing is
    /// missing can be carried over one by one, in any order.
    func choose(_ one: Extension, _ on: Bool) {
        var wanted = extensions
        var next = Extensions(one)
        while !next.isEmpty {
            if on {
                wanted.formUnion(next)
                next = Self.needed(by: next).subtracting(wanted)
            } else {
                wanted.subtract(next)
                next = Self.needing(next, of: wanted)
            }
        }
        adopt(wanted)
    }

    private static func needed(by these: Extensions) -> Extensions {
        var all = Extensions()
        for one in Extension.allCases where these.contains(one) { all.formUnion(one.requirements) }
        return all
    }

    private static func needing(_ these: Extensions, of others: Extensions) -> Extensions {
        var all = Extensions()
        for one in Extension.allCases where others.contains(one) && !one.requirements.intersection(these).isEmpty { all.insert(one) }
        return all
    }
}
