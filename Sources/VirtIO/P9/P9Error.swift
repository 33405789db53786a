/// Why a request fails: the number that Rlerror carries, an errno of Linux on the architectures that share its
/// generic numbers (x86-64 and RISC-V do).
package struct P9Error: Error, Equatable, Sendable {
    package let number: UInt32

    package init(_ number: UInt32) { self.number = number }

    package static let notPermitted = P9Error(1)
    package static let noSuchEntry = P9Error(2)
    package static let inputOutput = P9Error(5)
    package static let noDevice = P9Error(6)
    package static let badDescriptor = P9Error(9)
    package static let tryAgain = P9Error(11)
    package static let noMemory = P9Error(12)
    package static let accessDenied = P9Error(13)
    package static let exists = P9Error(17)
    package static let notDirectory = P9Error(20)
    package static let isDirectory = P9Error(21)
    package static let invalid = P9Error(22)
    package static let tooManyFiles = P9Error(24)
    package static let readOnly = P9Error(30)
    package static let outOfRange = P9Error(34)
    package static let nameTooLong = P9Error(36)
    package static let linkLoop = P9Error(40)
    package static let noData = P9Error(61)
    package static let protocolViolation = P9Error(71)
    package static let messageTooLong = P9Error(90)
    package static let notSupported = P9Error(95)

    /// The result of a call of the host's that returns -errno.
    @inline(__always) @discardableResult
    static func check(_ result: Int32) throws(P9Error) -> Int32 {
        if result < 0 { throw P9Error(UInt32(bitPattern: 0 &- result)) }
        return result
    }

    /// The same for a call that counts bytes.
    @inline(__always) @discardableResult
    static func check(_ result: Int) throws(P9Error) -> Int {
        if result < 0 { throw P9Error(UInt32(truncatingIfNeeded: 0 &- result)) }
        return result
    }
}
