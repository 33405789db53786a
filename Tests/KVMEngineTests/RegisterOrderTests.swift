import ExecutionEngine
import KVMEngine
import Testing

@Suite("The order of registers")
struct RegisterOrderTests {
    /// As 6.12 lists them: by group number, and within a group as here.
    static let kernels: [RegisterID] = [
        .isa, .mvendorid, .satpMode, .pc, .a0, .mode, .csr(0), .csr(7), .aiaCSR(0), .sstateen0,
        .frequency, .time, .timerCompare, .timerState, .single(0), .singleStatus, .fp(0), .fp(31), .fcsr,
        .isaExtension(0), .isaExtension(8), .sbiExtension(.time), .sbiExtension(.debugConsole), .stealTime(0),
        RegisterID(.vector, 0), RegisterID(.vector, 6, size: 16),
    ]

    @Test("what the processor is comes first, time last, and FP once")
    func order() {
        let ordered = RegisterOrder.restorable(Self.kernels)
        #expect(ordered.prefix(7) == [
            .isa, .mvendorid, .satpMode, .isaExtension(0), .isaExtension(8), .sbiExtension(.time), .sbiExtension(.debugConsole),
        ])
        #expect(ordered.suffix(4) == [.frequency, .time, .timerCompare, .timerState])
        #expect(!ordered.contains(.single(0)))
        #expect(Set(ordered) == Set(Self.kernels).subtracting([.single(0), .singleStatus]))
        #expect(ordered.count == Set(ordered).count)
    }

    @Test("without D the registers of F are there, and a group of a newer kernel's isn't lost")
    func others() {
        let new = RegisterID(rawValue: 0x8030_0000_0B00_0001)
        #expect(RegisterOrder.restorable([new, .single(3), .pc]) == [.pc, .single(3), new])
    }
}
