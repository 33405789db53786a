import Devices

/// The flash memory of a machine: what outlives a reset, that is the files and what the guest wrote to them.
final class FlashMemory {
    /// Opens the files, the first bank's first. Without options there is no flash memory.
    init(_ options: [FlashOption]) throws(MachineError) {
        if let first = options.first { throw first.setting.refused("this build has no flash memory") }
    }
}

extension Board {
    /// Puts the banks at their places, `MemoryMap.flashBanks`. To be called before any hart runs.
    func attach(_ flash: FlashMemory) throws(MachineError) {}
}
