extension APLIC.Domain {
    /// The register at an offset (AIA 1.0, section 4.5).
    private enum Register {
        case domaincfg
        case sourcecfg(source: Int)
        /// mmsiaddrcfg, mmsiaddrcfgh, smsiaddrcfg, smsiaddrcfgh.
        case msiaddrcfg(index: Int)
        /// Bits of 32 sources from 32 × `word`.
        case setip(word: Int), inClrip(word: Int), setie(word: Int), clrie(word: Int)
        case setipnum, setipnumBE, clripnum, setienum, clrienum
        case genmsi
        case target(source: Int)
        case idelivery(hart: Int), iforce(hart: Int), ithreshold(hart: Int), topi(hart: Int), claimi(hart: Int)
        /// Reads 0, ignores stores.
        case reserved
    }

    /// Only naturally aligned accesses of 32 bits are any; a byte that strays here claims no interrupt.
    package func read(offset: UInt64, width: Int) -> UInt64 {
        guard width == 4, offset & 3 == 0 else { return 0 }
        return shared.lock.withLock { UInt64(readRegister(offset)) }
    }

    package func write(offset: UInt64, width: Int, value: UInt64) {
        guard width == 4, offset & 3 == 0 else { return }
        shared.lock.withLock { writeRegister(offset, UInt32(truncatingIfNeeded: value)) }
    }

    private func readRegister(_ offset: UInt64) -> UInt32 {
        switch register(at: offset) {
        case .domaincfg: readDomainConfiguration()
        case .sourcecfg(let source): readConfiguration(source)
        case .msiaddrcfg(let index): shared.addresses.read(index)
        case .setip(let word): pending.word(word)
        case .inClrip(let word): rectified.word(word)
        case .setie(let word): enabled.word(word)
        case .genmsi: extempore
        case .target(let source): targets[source]
        case .idelivery(let hart): harts[hart].delivers ? 1 : 0
        case .iforce(let hart): harts[hart].isForced ? 1 : 0
        case .ithreshold(let hart): harts[hart].threshold
        case .topi(let hart): topInterrupt(hart)
        case .claimi(let hart): claim(hart)
        case .setipnum, .setipnumBE, .clripnum, .clrie, .setienum, .clrienum, .reserved: 0
        }
    }

    private func writeRegister(_ offset: UInt64, _ value: UInt32) {
        switch register(at: offset) {
        case .domaincfg: writeDomainConfiguration(value)
        case .sourcecfg(let source): writeConfiguration(source, value)
        case .msiaddrcfg(let index): shared.addresses.write(index, value)
        case .setip(let word): requestPending(Self.sources(word, value))
        case .setipnum: requestPending(Self.source(value))
        case .setipnumBE: requestPending(Self.source(value.byteSwapped))
        case .inClrip(let word): requestClearing(Self.sources(word, value))
        case .clripnum: requestClearing(Self.source(value))
        case .setie(let word): enable(Self.sources(word, value))
        case .setienum: enable(Self.source(value))
        case .clrie(let word): disable(Self.sources(word, value))
        case .clrienum: disable(Self.source(value))
        case .genmsi: sendExtempore(value)
        case .target(let source): setTarget(source, value)
        case .idelivery(let hart): setDelivery(hart, value)
        case .iforce(let hart): setForce(hart, value)
        case .ithreshold(let hart): setThreshold(hart, value)
        case .topi, .claimi, .reserved: break
        }
    }

    private static func sources(_ word: Int, _ bits: UInt32) -> Bits128 {
        var sources = Bits128()
        sources.set(word: word, to: bits)
        return sources
    }

    /// Nothing for a number that is too large.
    private static func source(_ number: UInt32) -> Bits128 {
        var sources = Bits128()
        if number < UInt32(Bits128.capacity) { sources.insert(Int(number)) }
        return sources
    }

    /// Only sources and harts that exist come back.
    private func register(at offset: UInt64) -> Register {
        switch offset {
        case 0: .domaincfg
        case 0x0004...0x0FFF: Self.existing(offset) { .sourcecfg(source: $0) }
        case 0x1BC0...0x1BCF where level == .machine && sendsMessages: .msiaddrcfg(index: Int(offset & 0xF) / 4)
        case 0x1C00...0x1C7F: .setip(word: Int(offset & 0x7F) / 4)
        case 0x1CDC, 0x2000: .setipnum
        case 0x1D00...0x1D7F: .inClrip(word: Int(offset & 0x7F) / 4)
        case 0x1DDC: .clripnum
        case 0x1E00...0x1E7F: .setie(word: Int(offset & 0x7F) / 4)
        case 0x1EDC: .setienum
        case 0x1F00...0x1F7F: .clrie(word: Int(offset & 0x7F) / 4)
        case 0x1FDC: .clrienum
        case 0x2004: .setipnumBE
        case 0x3000: .genmsi
        case 0x3004...0x3FFF: Self.existing(offset & 0xFFF) { .target(source: $0) }
        case 0x4000...: deliveryControl(offset &- 0x4000)
        default: .reserved
        }
    }

    private static func existing(_ offset: UInt64, _ register: (_ source: Int) -> Register) -> Register {
        let source = Int(offset / 4)
        return source <= APLIC.sourceCount ? register(source) : .reserved
    }

    private func deliveryControl(_ offset: UInt64) -> Register {
        guard offset / 32 < UInt64(harts.count) else { return .reserved }
        let hart = Int(offset / 32)
        return switch offset & 31 {
        case 0x00: .idelivery(hart: hart)
        case 0x04: .iforce(hart: hart)
        case 0x08: .ithreshold(hart: hart)
        case 0x18: .topi(hart: hart)
        case 0x1C: .claimi(hart: hart)
        default: .reserved
        }
    }
}
