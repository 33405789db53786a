import ExecutionEngine

/// What machine version rvkvm-1.0 pins and a host may dictate otherwise.
package enum MachineVersion {
    package static let name = "rvkvm-1.0"
    /// Bytes of a cache block.
    static let blockSize: UInt64 = 64
    /// The largest satp.MODE: Sv57.
    static let satpMode: UInt64 = 10
    /// What SBI's base extension answers.
    package static let sbi = SBIAnswers(
        specification: 3 << 24, implementation: 3, implementationVersion: 0x0001_0000, mvendorid: 0, marchid: 0, mimpid: 0,
        extensions: SBIProbe.extensions.map { $0.number })
}

/// What a guest hears from SBI's base extension (SBI 3.0, chapter 4).
package struct SBIAnswers: Equatable, Sendable {
    /// Major version in bits 30 to 24, minor below.
    package var specification: UInt64
    package var implementation: UInt64
    package var implementationVersion: UInt64
    package var mvendorid: UInt64
    package var marchid: UInt64
    package var mimpid: UInt64
    /// Those that probing finds, of the ones that `SBIProbe` asks for.
    package var extensions: [SBIExtensionNumber]

    package init(
        specification: UInt64, implementation: UInt64, implementationVersion: UInt64, mvendorid: UInt64, marchid: UInt64,
        mimpid: UInt64, extensions: [SBIExtensionNumber]
    ) {
        self.specification = specification
        self.implementation = implementation
        self.implementationVersion = implementationVersion
        self.mvendorid = mvendorid
        self.marchid = marchid
        self.mimpid = mimpid
        self.extensions = extensions
    }
}
