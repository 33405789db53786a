import CHost
import Devices
import GuestMemory

/// The flash memory of a machine: what outlives a reset, that is the files and what the guest wrote to them.
///
/// The first bank has code that is run in place, so its cells are a slot of guest memory, and commands to its chips
/// change nothing. The second is the guest's to write; every access to it goes to the chips. Without a file of its
/// own it is erased, and lost in the end.
final class FlashMemory {
    /// None without options.
    fileprivate let banks: [FlashBank]

    /// Opens the files, the first bank's first. Without options there is no flash memory.
    init(_ options: [FlashOption]) throws(MachineError) {
        var banks: [FlashBank] = []
        if !options.isEmpty {
            for i in 0..<MemoryMap.flashBanks.count { banks.append(try Self.open(i < options.count ? options[i] : nil, isCode: i == 0)) }
        }
        self.banks = banks
    }

    private static func open(_ option: FlashOption?, isCode: Bool) throws(MachineError) -> FlashBank {
        do throws(FlashError) {
            guard let option else { return FlashBank(try FlashStorage()) }
            return FlashBank(try FlashStorage(option.path, isReadOnly: isCode || option.isReadOnly))
        } catch {
            guard let option else { throw MachineError(.host, "the host refuses memory for a bank of flash memory") }
            let (kind, reason) = explain(error, isCode: isCode)
            throw MachineError(kind, "\(option.setting.origin) \(quoted(option.path)): \(reason)")
        }
    }

    private static func explain(_ error: FlashError, isCode: Bool) -> (MachineError.Kind, String) {
        func text(_ errno: Int32) -> String { MachineError.lowercasedFirst(MachineError.hostText(errno)) }
        switch error {
        case .cantOpen(let errno):
            let hint = !isCode && host_error_is_read_only(errno) ? "; the second bank is written to: give it a file of its own, or ,readonly" : ""
            return (.missingFile, "can't be opened\(isCode ? "" : " for writing"): \(text(errno))\(hint)")
        case .notAFile: return (.data, "isn't a file")
        case .tooLarge(let size):
            return (.data, "holds \(sizeText(size)), and a bank of flash memory has \(sizeText(UInt64(FlashGeometry.bankSize)))")
        case .cantRead(let errno): return (.missingFile, "can't be read: \(text(errno))")
        case .inUse(let pid, let name):
            let who = pid == 0 ? "another process" : pid == host_process_id() ? "another option" : "another process (pid \(pid) \(MachineError.printableName(name)))"
            return (.host, "is in use by \(who); every guest needs a file of its own for its variables")
        case .cantLock(let errno): return (.host, "can't be locked: \(text(errno)); move it to a file system with locks")
        case .noMemory: return (.host, "the host refuses memory for it")
        case .noThread(let errno): return (.host, "the host refuses a thread for it: \(text(errno))")
        }
    }
}

extension Board {
    /// Puts the banks at their places, `MemoryMap.flashBanks`. To be called before any hart runs.
    func attach(_ flash: FlashMemory) throws(MachineError) {
        for (bank, place) in zip(flash.banks, MemoryMap.flashBanks) {
            bank.reset()
            try attach(bank, place)
        }
    }

    /// The slot of the bank that code runs from. To be called before the engine sees the memory.
    static func addSlots(of flash: FlashMemory, to memory: GuestMemory) throws(MachineError) {
        guard let code = flash.banks.first, let place = MemoryMap.flashBanks.first else { return }
        do throws(GuestMemoryError) {
            try memory.addRAM(base: place.base, size: place.size, borrowing: code.cells, readOnly: true)
        } catch { throw MachineError(.bug, "flash memory and RAM share addresses; please report this") }
    }
}
