import ExecutionEngine

/// Extensions, functions and errors of the SBI specification 3.0.
enum SBI {
    enum Extension {
        static let legacySetTimer: UInt64 = 0
        static let legacyPutchar: UInt64 = 1
        static let legacyGetchar: UInt64 = 2
        static let legacyClearIPI: UInt64 = 3
        static let legacySendIPI: UInt64 = 4
        static let legacyFenceI: UInt64 = 5
        static let legacySFence: UInt64 = 6
        static let legacySFenceASID: UInt64 = 7
        static let legacyShutdown: UInt64 = 8
        static let base: UInt64 = 0x10
        static let time: UInt64 = 0x5449_4D45
        static let ipi: UInt64 = 0x73_5049
        static let rfence: UInt64 = 0x5246_4E43
        static let hsm: UInt64 = 0x48_534D
        static let srst: UInt64 = 0x5352_5354
        static let dbcn: UInt64 = 0x4442_434E
        static let susp: UInt64 = 0x5355_5350
        static let pmu: UInt64 = 0x50_4D55
        static let sta: UInt64 = 0x53_5441
        static let fwft: UInt64 = 0x4657_4654

        /// What user space answers instead of the engine, as with KVM.
        static func isForwarded(_ id: UInt64) -> Bool {
            switch id {
            case legacyPutchar, legacyGetchar, dbcn: true
            default: isForeign(id)
            }
        }

        /// The experimental and the vendors' spaces.
        static func isForeign(_ id: UInt64) -> Bool {
            switch id {
            case 0x0800_0000...0x08FF_FFFF, 0x0900_0000...0x09FF_FFFF: true
            default: false
            }
        }

        /// The number under which an extension can be switched off; nil for one that can't, or isn't known.
        static func number(of id: UInt64) -> SBIExtensionNumber? {
            switch id {
            case 0...legacyShutdown: .legacy
            case time: .time
            case ipi: .ipi
            case rfence: .rfence
            case srst: .srst
            case hsm: .hsm
            case pmu: .pmu
            case 0x0800_0000...0x08FF_FFFF: .experimental
            case 0x0900_0000...0x09FF_FFFF: .vendor
            case dbcn: .debugConsole
            case sta: .stealTime
            case susp: .systemSuspend
            case fwft: .firmwareFeatures
            default: nil
            }
        }
    }

    /// What an extension's function returns in a0 and a1.
    struct Result {
        var error: Int64
        var value: UInt64

        static func value(_ v: UInt64) -> Result { Result(error: 0, value: v) }
        static let success = Result(error: 0, value: 0)
        static let failed = Result(error: -1, value: 0)
        static let notSupported = Result(error: -2, value: 0)
        static let invalidParameter = Result(error: -3, value: 0)
        static let denied = Result(error: -4, value: 0)
        static let invalidAddress = Result(error: -5, value: 0)
        static let alreadyAvailable = Result(error: -6, value: 0)
        static let alreadyStarted = Result(error: -7, value: 0)
        static let alreadyStopped = Result(error: -8, value: 0)
        static let deniedLocked = Result(error: -14, value: 0)
    }

    /// Version 3.0, major in bits 30 to 24.
    static let specificationVersion: UInt64 = 3 << 24
    /// KVM's implementation id: the machine behaves as KVM's does.
    static let implementationID: UInt64 = 3
    /// Pinned by machine version rvkvm-1.0.
    static let implementationVersion: UInt64 = 0x0001_0000
}
