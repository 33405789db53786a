/// A trap as a hart takes it: an exception or an interrupt (cause bit 63).
package struct TrapRecord: Equatable, Sendable {
    package var hart: Int
    /// Address of the trapping, or of the interrupted, instruction: what goes into xepc.
    package var pc: UInt64
    /// As in scause and mcause.
    package var cause: UInt64
    /// As in stval and mtval.
    package var value: UInt64
    /// Privilege modes before and after, as mstatus.MPP encodes them; VU and VS have bit 2 set as well.
    package var from: UInt8
    package var to: UInt8
    /// Where the handler starts.
    package var target: UInt64

    package init(hart: Int, pc: UInt64, cause: UInt64, value: UInt64, from: UInt8, to: UInt8, target: UInt64) {
        self.hart = hart
        self.pc = pc
        self.cause = cause
        self.value = value
        self.from = from
        self.to = to
        self.target = target
    }
}

/// Is told what harts do, on the harts' own threads.
package protocol TraceSink: AnyObject {
    func trap(_ record: TrapRecord)
    /// Before each instruction: its address, its 16 or 32 bits, and the privilege mode.
    func instruction(hart: Int, pc: UInt64, word: UInt32, mode: UInt8)
}

/// What an engine shows beyond running: only some engines can, so it stands apart from `VirtualMachine`.
package protocol Inspector: AnyObject {
    /// Starts to tell `sink`. To be called before any vCPU runs. Tracing instructions slows a guest down by two
    /// orders of magnitude.
    func trace(to sink: any TraceSink, traps: Bool, instructions: Bool)
}
