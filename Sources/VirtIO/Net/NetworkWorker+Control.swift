import CHost

/// Commands of the control queue (virtio 1.2, 5.1.6.5).
extension NetworkWorker {
    private static let ok: UInt8 = 0
    private static let error: UInt8 = 1
    /// The longest command that means something: two full tables of addresses.
    private static let longestCommand: Int = 2 &+ 2 &* (4 &+ 6 &* 4096)
    /// Commands carried out before others get their turn.
    private static let budget = 64

    func serviceControl() throws(VirtQueueError) {
        guard let control else { return }
        var hasPushed = false
        defer { if hasPushed { control.signal() } }
        for _ in 0 ..< Self.budget {
            guard let chain = try control.pop() else { return }
            // Class, command and the place for the answer.
            guard chain.readableCount >= 2, let answer = chain.writable.first else { throw .badRequest }
            let length = min(chain.readableCount, Self.longestCommand)
            let command = [UInt8](unsafeUninitializedCapacity: length) { target, count in
                var done = 0
                for segment in chain.readable where done < length {
                    let part = min(segment.count, length &- done)
                    if let base = target.baseAddress { host_copy(base + done, segment.base, part) }
                    done &+= part
                }
                count = done
            }
            let isDone = chain.readableCount <= Self.longestCommand && run(command)
            answer.base.storeBytes(of: isDone ? Self.ok : Self.error, as: UInt8.self)
            control.push(chain, written: 1)
            hasPushed = true
        }
        // There may be more, and no notification for it.
        host_eventfd_signal(control.doorbell)
    }

    /// Whether the command was one, and could be carried out.
    private func run(_ command: [UInt8]) -> Bool {
        let data = command.dropFirst(2)
        switch (command[0], command[1]) {
        case (0, let mode): return features.contains(.ctrlRX) && setMode(mode, data)
        case (1, 0): return features.contains(.ctrlRX) && setTables(data)
        case (1, 1): return features.contains(.ctrlMACAddress) && setAddress(data)
        case (2, let action) where action <= 1:
            guard features.contains(.ctrlVLAN), data.count == 2 else { return false }
            return filter.setVLAN(UInt16(truncatingIfNeeded: Self.little(data)), action == 0)
        case (3, 0):
            guard features.contains(.guestAnnounce) else { return false }
            state.announced()
            return true
        case (4, 0): return features.contains(.mq) && setPairs(data)
        case (5, 0): return features.contains(.ctrlGuestOffloads) && setOffloads(data)
        default: return false
        }
    }

    private func setMode(_ mode: UInt8, _ data: ArraySlice<UInt8>) -> Bool {
        guard data.count == 1, let isOn = data.first.map({ $0 != 0 }) else { return false }
        if mode >= 2, !features.contains(.ctrlRXExtra) { return false }
        switch mode {
        case 0: filter.isPromiscuous = isOn
        case 1: filter.allMulticast = isOn
        case 2: filter.allUnicast = isOn
        case 3: filter.noMulticast = isOn
        case 4: filter.noUnicast = isOn
        case 5: filter.noBroadcast = isOn
        default: return false
        }
        return true
    }

    /// Two tables, unicast and multicast: a 32-bit count each, then the addresses.
    private func setTables(_ data: ArraySlice<UInt8>) -> Bool {
        var rest = data
        func table() -> [ReceiveFilter.Address]?? {
            guard rest.count >= 4 else { return nil }
            let count = Int(Self.little(rest.prefix(4)))
            rest = rest.dropFirst(4)
            guard count <= rest.count / 6 else { return nil }
            defer { rest = rest.dropFirst(6 &* count) }
            guard count <= ReceiveFilter.tableLimit else { return .some(nil) }
            var result: [ReceiveFilter.Address] = []
            var place = rest.startIndex
            for _ in 0 ..< count {
                result.append(Self.address(rest[place ..< place &+ 6]))
                place &+= 6
            }
            return result
        }
        guard let unicast = table(), let multicast = table(), rest.isEmpty else { return false }
        filter.unicast = unicast
        filter.multicast = multicast
        return true
    }

    private func setAddress(_ data: ArraySlice<UInt8>) -> Bool {
        guard data.count == 6 else { return false }
        let address = Self.address(data)
        filter.address = address
        state.setAddress(address)
        return true
    }

    private func setPairs(_ data: ArraySlice<UInt8>) -> Bool {
        guard data.count == 2 else { return false }
        let count = Int(Self.little(data))
        guard count >= 1, count <= pairs.count else { return false }
        activePairs = count
        for pair in pairs.prefix(count) where pair.transmit != nil { pair.hasFrames = true }
        backend.setActivePairs(count)
        return true
    }

    private func setOffloads(_ data: ArraySlice<UInt8>) -> Bool {
        guard data.count == 8 else { return false }
        let wanted = NetworkFeatures(rawValue: Self.little(data))
        guard wanted.isSubset(of: features.intersection(.guestOffloads)) else { return false }
        guestOffloads = wanted.consistent
        backend.setGuestOffloads(guestOffloads)
        return true
    }

    private static func little(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func address(_ bytes: ArraySlice<UInt8>) -> ReceiveFilter.Address {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
