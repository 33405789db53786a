import CHost

/// A descriptor of the host's, closed when nobody needs it any more. Counts against its tree's budget.
final class P9Descriptor {
    let number: Int32
    private let budget: P9Budget

    /// Takes over `number`, which was opened within the budget.
    fileprivate init(_ number: Int32, _ budget: P9Budget) {
        self.number = number
        self.budget = budget
    }

    deinit {
        host_close(number)
        budget.left &+= 1
    }
}

/// How many descriptors a share may still have: a client that only ever walks must not take the last one from
/// the rest of the machine.
final class P9Budget {
    fileprivate(set) var left: Int

    init(_ count: Int) { left = count }

    /// What `open` opens, or its error.
    func open(_ open: () -> Int32) throws(P9Error) -> P9Descriptor {
        guard left > 0 else { throw .tooManyFiles }
        let number = try P9Error.check(open())
        left &-= 1
        return P9Descriptor(number, self)
    }
}

/// A file or directory that a client has walked to: an O_PATH descriptor, so that it stays the same file
/// whatever happens to its names, and the way by which it was reached.
///
/// Nodes never change; a renamed file gets another one. So the depth is true, and letting go of the deepest
/// chain of parents needs no more stack than `P9Limit.depth` allows.
final class P9Node {
    let descriptor: P9Descriptor
    /// nil for the root: `..` ends there.
    let parent: P9Node?
    let name: P9Name
    /// The host's number of the file system it lies on.
    let device: UInt64
    private let depth: Int

    init(root descriptor: P9Descriptor, device: UInt64) {
        self.descriptor = descriptor
        self.device = device
        parent = nil
        name = .root
        depth = 0
    }

    init(_ descriptor: P9Descriptor, in parent: P9Node, as name: P9Name, device: UInt64) throws(P9Error) {
        guard parent.depth < P9Limit.depth else { throw .nameTooLong }
        self.descriptor = descriptor
        self.parent = parent
        self.name = name
        self.device = device
        depth = parent.depth &+ 1
    }
}
