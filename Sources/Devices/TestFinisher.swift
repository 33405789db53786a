/// What a guest asks for through the test finisher.
package enum FinisherRequest: Equatable, Sendable {
    case powerOff
    case reset
    /// Failure, with the code that the guest gave (0 to 65535).
    case fail(code: UInt16)
}

/// Receives the guest's request, on the vCPU thread that made it and with no lock held.
package protocol FinisherDelegate: AnyObject, Sendable {
    func finish(_ request: FinisherRequest)
}

/// SiFive's test finisher (`sifive,test1`), as QEMU's `virt` board has it: one write-only register at offset 0.
///
/// The low 16 bits say what to do: 0x5555 powers off, 0x7777 resets, 0x3333 fails with the code in the high 16
/// bits. The register takes 2- and 4-byte stores, and 8-byte stores by their low half; anything else is ignored.
package final class TestFinisher: MMIODevice {
    private let delegate: any FinisherDelegate

    package init(delegate: any FinisherDelegate) { self.delegate = delegate }

    package func read(offset: UInt64, width: Int) -> UInt64 { 0 }

    package func write(offset: UInt64, width: Int, value: UInt64) {
        guard offset == 0, width == 2 || width == 4 || width == 8 else { return }
        switch value & 0xFFFF {
        case 0x5555: delegate.finish(.powerOff)
        case 0x7777: delegate.finish(.reset)
        case 0x3333: delegate.finish(.fail(code: width == 2 ? 0 : UInt16(truncatingIfNeeded: value >> 16)))
        default: break
        }
    }
}
