extension PLIC {
    /// The register at an offset (specification, "Memory Map").
    private enum Register {
        case priority(source: Int)
        /// IP of 32 sources from 32 × `word`.
        case pending(word: Int)
        case enable(context: Int, word: Int)
        case threshold(context: Int)
        /// Claim when read, completion when written.
        case claim(context: Int)
        /// Reads 0, ignores stores.
        case reserved
    }

    /// Bytes of enable bits a context has.
    private static let enableStride: UInt64 = 0x80
    /// Bytes of threshold and claim a context has.
    private static let contextStride: UInt64 = 0x1000

    package func read(offset: UInt64, width: Int) -> UInt64 {
        lock.withLock { RegisterAccess.read(offset: offset, width: width) { readRegister($0) } }
    }

    package func write(offset: UInt64, width: Int, value: UInt64) {
        lock.withLock {
            RegisterAccess.write(offset: offset, width: width, value: value) { writeRegister($0, $1) }
        }
    }

    private func readRegister(_ offset: UInt64) -> UInt32 {
        switch register(at: offset) {
        case .priority(let source): UInt32(priorities[source])
        case .pending(let word): pending.word(word)
        case .enable(let context, let word): contexts[context].enabled.word(word)
        case .threshold(let context): UInt32(truncatingIfNeeded: contexts[context].threshold)
        case .claim(let context): claim(context)
        case .reserved: 0
        }
    }

    private func writeRegister(_ offset: UInt64, _ value: UInt32) {
        switch register(at: offset) {
        case .priority(let source): setPriority(source, value)
        case .enable(let context, let word): setEnabled(context, word: word, value)
        case .threshold(let context): setThreshold(context, value)
        case .claim(let context): complete(context, value)
        case .pending, .reserved: break
        }
    }

    /// Only registers that exist here come back as other than `.reserved`.
    private func register(at offset: UInt64) -> Register {
        switch offset {
        case 0x4...0xFFF:
            let source = Int(offset / 4)
            return source <= Self.sourceCount ? .priority(source: source) : .reserved
        case 0x1000...0x107F:
            let word = Int((offset & 0x7F) / 4)
            return word < Bits128.wordCount ? .pending(word: word) : .reserved
        case 0x2000...0x1F_1FFF:
            let context = Int((offset &- 0x2000) / Self.enableStride)
            let word = Int((offset & 0x7F) / 4)
            guard context < contexts.count, word < Bits128.wordCount else { return .reserved }
            return .enable(context: context, word: word)
        case 0x20_0000...0x3FF_FFFF:
            let context = Int((offset &- 0x20_0000) / Self.contextStride)
            guard context < contexts.count else { return .reserved }
            switch offset & 0xFFF {
            case 0: return .threshold(context: context)
            case 4: return .claim(context: context)
            default: return .reserved
            }
        default:
            return .reserved
        }
    }
}
