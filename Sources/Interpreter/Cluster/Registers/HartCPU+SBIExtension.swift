import ExecutionEngine

/// The SBI extensions that a hart answers, by Linux's numbers. BASE is always there.
struct SBIExtensionSet {
    private var bits: UInt64

    /// KVM's defaults: the debug console has to be asked for, since user space answers it.
    init() {
        bits = 0
        for one in SBIExtensionNumber.allCases where one != .debugConsole { self[one] = true }
    }

    subscript(_ one: SBIExtensionNumber) -> Bool {
        get { bits &>> one.rawValue & 1 != 0 }
        set { bits = newValue ? bits | 1 &<< one.rawValue : bits & ~(1 &<< one.rawValue) }
    }
}

// SBI_EXT (arch/riscv/kvm/vcpu_sbi.c): only where the engine is the SBI implementation.
extension HartCPU {
    var sbiExtensionList: [RegisterID] {
        cluster.answersSBI ? SBIExtensionNumber.allCases.map { RegisterID.sbiExtension($0) } : []
    }

    func sbiExtension(_ id: RegisterID) throws(EngineError) -> UInt64 {
        guard cluster.answersSBI else { throw Self.missing(id) }
        switch id.subtype {
        case 0:
            guard let one = SBIExtensionNumber(rawValue: id.index) else { break }
            return hart.sbiExtensions[one] ? 1 : 0
        case 1, 2:
            guard Self.numbers(of: id.index) != nil else { break }
            var word: UInt64 = 0
            for one in SBIExtensionNumber.allCases where hart.sbiExtensions[one] { word |= 1 &<< one.rawValue }
            return id.subtype == 1 ? word : ~word
        default: break
        }
        throw Self.missing(id)
    }

    func setSBIExtension(_ id: RegisterID, _ value: UInt64) throws(EngineError) {
        guard cluster.answersSBI else { throw Self.missing(id) }
        if hart.hasRun { throw Self.late }
        switch id.subtype {
        case 0:
            guard value <= 1 else { throw .invalid("an SBI extension is there (1) or not (0)") }
            guard let one = SBIExtensionNumber(rawValue: id.index) else { break }
            hart.sbiExtensions[one] = value == 1
            return
        case 1, 2:
            guard Self.numbers(of: id.index) != nil else { break }
            for one in SBIExtensionNumber.allCases where value &>> one.rawValue & 1 != 0 { hart.sbiExtensions[one] = id.subtype == 1 }
            return
        default: break
        }
        throw Self.missing(id)
    }

    /// One word has room for all of them.
    private static func numbers(of index: UInt64) -> Range<UInt64>? {
        Bitmap.numbers(of: index, count: SBIExtensionNumber.allCases.count)
    }
}
