import ExecutionEngine
import RISCV

/// Where the interrupt files of a machine lie (AIA 1.0, "Arrangement of the memory regions of multiple interrupt
/// files"), and what a store there does.
struct InterruptPages {
    private let setup: IMSICSetup
    private let harts: [Hart]
    /// Sizes of the two regions: the harts' number rounded up to a power of two, so that pages without a file lie in
    /// them too.
    private let supervisorSize: UInt64
    private let machineSize: UInt64

    init(_ setup: IMSICSetup, harts: [Hart]) {
        self.setup = setup
        self.harts = harts
        var places: UInt64 = 1
        while places < UInt64(harts.count) { places &*= 2 }
        supervisorSize = places &* setup.supervisorStride
        machineSize = setup.machineBase == nil ? 0 : places &* 4096
    }

    /// Refuses what no IMSIC looks like.
    static func check(_ setup: MachineSetup, hasMachineMode: Bool) throws(EngineError) {
        guard let imsic = setup.imsic else { return }
        guard setup.extensions.contains(.smaia) || setup.extensions.contains(.ssaia) else {
            throw .invalid("interrupt files need the extension ssaia, or smaia")
        }
        guard (63...2047).contains(imsic.identities), imsic.identities % 64 == 63 else {
            throw .invalid("an interrupt file has 63 to 2047 identities, one less than a multiple of 64")
        }
        guard (0...63).contains(imsic.guestFiles), imsic.guestFiles == 0 || setup.extensions.contains(.h) else {
            throw .invalid("there are up to 63 guest interrupt files, and none without the extension h")
        }
        let stride = imsic.supervisorStride
        guard stride.nonzeroBitCount == 1, stride <= 64 << 12, stride >= UInt64(imsic.guestFiles + 1) << 12 else {
            throw .invalid("a hart's interrupt files take a power of two of pages, one for each of them")
        }
        guard imsic.supervisorBase & (stride - 1) == 0, (imsic.machineBase ?? 0) & 4095 == 0,
            imsic.supervisorBase < 1 << 55, (imsic.machineBase ?? 0) < 1 << 55
        else { throw .invalid("interrupt files lie at multiples of their size, below 2^55") }
        guard imsic.machineBase == nil || hasMachineMode else {
            throw .invalid("there are no machine-level interrupt files without M-mode")
        }
    }

    func contains(_ address: UInt64) -> Bool {
        if address &- setup.supervisorBase < supervisorSize { return true }
        guard let base = setup.machineBase else { return false }
        return address &- base < machineSize
    }

    /// A 32-bit store of `value` to an aligned `address`. False when no interrupt file is there; pages in between take
    /// stores and ignore them.
    func store(_ address: UInt64, _ value: UInt32) -> Bool {
        let offset = address &- setup.supervisorBase
        if offset < supervisorSize {
            let page = Int(truncatingIfNeeded: (offset % setup.supervisorStride) &>> 12)
            guard page <= setup.guestFiles else { return false }
            return store(address, value, hart: offset / setup.supervisorStride) { _ in page }
        }
        guard let base = setup.machineBase, address &- base < machineSize else { return false }
        return store(address, value, hart: (address &- base) &>> 12) { $0.machine }
    }

    private func store(_ address: UInt64, _ value: UInt32, hart: UInt64, _ file: (InterruptFiles) -> Int) -> Bool {
        guard hart < UInt64(harts.count), let files = harts[Int(truncatingIfNeeded: hart)].files else { return false }
        switch address & 4095 {
        case 0: files.post(value, to: file(files))  // seteipnum_le
        case 4: files.post(value.byteSwapped, to: file(files))  // seteipnum_be
        default: break
        }
        return true
    }
}
