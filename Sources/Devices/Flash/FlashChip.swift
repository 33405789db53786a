/// One 16-bit flash chip with Intel's command set (CFI command set 0x0001), apart from its cells: a command comes as a
/// write, and what a read gives depends on the last one. Programming and erasing take no time.
struct FlashChip {
    /// What a read gives.
    enum Mode: Equatable { case array, status, identifier, query }

    /// What the next write is.
    enum Pending: Equatable {
        case command
        /// 0x40: the word's value.
        case program
        /// 0x20: the confirmation.
        case erase
        /// 0x60: what to do with the lock.
        case lock
        /// 0xE8: how many words will follow, less one.
        case bufferCount
        case bufferData(left: Int)
        case bufferConfirm
        /// 0xC0: a word of the protection register, which can't be programmed here.
        case protection
    }

    /// What a write does to the cells.
    enum Effect: Equatable {
        case none
        /// Clears the bits that are clear in `value`, if `mask` has them.
        case program(word: Int, value: UInt16, mask: UInt16)
        /// The words collected for the buffer: `values` from word `start` on, 0xFFFF where none was given.
        case programBuffer(start: Int, values: [UInt16])
        case erase(block: Int)
    }

    /// Bits of the status register.
    enum Status {
        static let ready: UInt8 = 0x80
        static let eraseError: UInt8 = 0x20
        static let programError: UInt8 = 0x10
        static let locked: UInt8 = 0x02
        static let sequenceError: UInt8 = eraseError | programError
    }

    private(set) var mode = Mode.array
    private(set) var status = Status.ready
    private(set) var pending = Pending.command
    private var lockedBlocks = Set<Int>()
    private var buffer: [UInt16] = []
    /// First word of the buffer's place; the words before the first one given aren't programmed.
    private var bufferStart = 0
    private var bufferCount = 0

    private static let manufacturer: UInt16 = 0x0089
    private static let device: UInt16 = 0x0018

    init() {}

    /// What the chip gives at `word` when it isn't in array mode.
    func read(_ word: Int) -> UInt16 {
        switch mode {
        case .array: return 0xFFFF
        case .status: return UInt16(status)
        case .query: return UInt16(FlashQuery.byte(word & 0xFF))
        case .identifier:
            switch word & (FlashGeometry.blockWords - 1) {
            case 0: return Self.manufacturer
            case 1: return Self.device
            case 2: return lockedBlocks.contains(word / FlashGeometry.blockWords) ? 1 : 0
            default: return 0
            }
        }
    }

    /// The cells couldn't keep what they were given.
    mutating func fail(_ effect: Effect) {
        if case .erase = effect { status |= Status.eraseError } else { status |= Status.programError }
    }

    /// Takes a write of the bits of `mask`.
    mutating func write(_ word: Int, _ value: UInt16, mask: UInt16) -> Effect {
        let block = word / FlashGeometry.blockWords
        switch pending {
        case .command: return command(value)
        case .program:
            pending = .command
            mode = .status
            if isLocked(block, Status.programError) { return .none }
            return .program(word: word, value: value, mask: mask)
        case .erase:
            pending = .command
            mode = .status
            guard value & 0xFF == 0xD0 else { return abort() }
            if isLocked(block, Status.eraseError) { return .none }
            return .erase(block: block)
        case .lock:
            pending = .command
            mode = .status
            switch value & 0xFF {
            case 0x01, 0x2F: lockedBlocks.insert(block)
            case 0xD0: lockedBlocks.remove(block)
            // 0x03: the configuration register, which changes nothing that a guest could see.
            case 0x03: break
            default: return abort()
            }
            return .none
        case .bufferCount:
            let count = Int(value) + 1
            guard count <= FlashGeometry.bufferWords else { return abort() }
            bufferCount = count
            buffer = []
            pending = .bufferData(left: count)
            return .none
        case .bufferData(let left): return collect(word, value, mask, left)
        case .bufferConfirm:
            pending = .command
            mode = .status
            guard value & 0xFF == 0xD0 else { return abort() }
            if isLocked(bufferStart / FlashGeometry.blockWords, Status.programError) { return .none }
            return .programBuffer(start: bufferStart, values: buffer)
        case .protection:
            pending = .command
            mode = .status
            status |= Status.programError | Status.locked
            return .none
        }
    }

    private mutating func command(_ value: UInt16) -> Effect {
        switch value & 0xFF {
        case 0xFF: mode = .array
        case 0x90: mode = .identifier
        case 0x98: mode = .query
        // A suspended operation has ended already, and is resumed as soon.
        case 0x70, 0xB0, 0xD0: mode = .status
        case 0x50: status = Status.ready
        case 0x10, 0x40: begin(.program)
        case 0x20: begin(.erase)
        case 0x60: begin(.lock)
        case 0xC0: begin(.protection)
        case 0xE8: begin(.bufferCount)
        // Nothing that there is: the chip goes back to its array.
        default: mode = .array
        }
        return .none
    }

    private mutating func begin(_ next: Pending) {
        pending = next
        mode = .status
    }

    /// Takes one word of a buffer. The first one says where the buffer lies; all have to be within the same block
    /// and within the count, and they may come in any order.
    private mutating func collect(_ word: Int, _ value: UInt16, _ mask: UInt16, _ left: Int) -> Effect {
        if buffer.isEmpty {
            bufferStart = word
            buffer = [UInt16](repeating: 0xFFFF, count: bufferCount)
        }
        let place = word - bufferStart
        guard place >= 0, place < buffer.count, word / FlashGeometry.blockWords == bufferStart / FlashGeometry.blockWords
        else { return abort() }
        buffer[place] &= value | ~mask
        pending = left == 1 ? .bufferConfirm : .bufferData(left: left - 1)
        return .none
    }

    /// A sequence that isn't one.
    private mutating func abort() -> Effect {
        pending = .command
        mode = .status
        status |= Status.sequenceError
        buffer = []
        return .none
    }

    private mutating func isLocked(_ block: Int, _ error: UInt8) -> Bool {
        guard lockedBlocks.contains(block) else { return false }
        status |= error | Status.locked
        return true
    }
}
