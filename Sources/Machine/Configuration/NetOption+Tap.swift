import VirtIO

/// `--net tap[,ifname=NAME][,script=FILE][,fd=N[:N…]]`
extension NetOption {
    static func tap(_ options: KeyedOptions, _ queuePairs: Int) throws(MachineError) -> TapBackend.Settings {
        var result = TapBackend.Settings()
        result.queuePairs = queuePairs
        if let value = options.value("ifname") {
            let isName = value.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2F && $0 != 0x3A }
            guard isName, value.text.utf8.count <= 15 else {
                throw value.refused("an interface's name has at most 15 letters, digits and the like")
            }
            result.name = value.text
        }
        if let value = options.value("script") { result.script = try GuestConfiguration.path(value) }
        if let value = options.value("fd") {
            guard result.name.isEmpty else { throw value.refused("a descriptor has its interface already: leave ifname= out") }
            for part in value.text.utf8.split(separator: 0x3A, omittingEmptySubsequences: false) {
                // The first three are the console's.
                guard let number = parseDecimal(part), number > 2, number < 1 << 20 else {
                    throw value.refused("descriptors are numbers from 3 on, with a colon between two of them")
                }
                result.descriptors.append(Int32(truncatingIfNeeded: number))
            }
            guard result.descriptors.count <= 16 else { throw value.refused("a network device has 1 to 16 pairs of queues") }
            if options.value("queues") != nil, queuePairs != result.descriptors.count {
                throw value.refused("there is one descriptor for each of the \(queuePairs) pairs of queues")
            }
        }
        return result
    }
}
