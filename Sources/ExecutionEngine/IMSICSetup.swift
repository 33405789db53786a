/// The engine's own interrupt files: IMSICs of the Advanced Interrupt Architecture (AIA 1.0, chapter "Incoming
/// MSI Controller").
package struct IMSICSetup: Equatable, Sendable {
    /// Hart h's supervisor-level file lies at `supervisorBase + h * supervisorStride`; its guest files 1 to
    /// `guestFiles` follow, a page each.
    package var supervisorBase: UInt64
    /// A power of two: the page of the supervisor-level file and those of as many guest files as there may be.
    package var supervisorStride: UInt64
    /// Hart h's machine-level file lies at `machineBase + h * 4096`; nil without M-mode.
    package var machineBase: UInt64?
    /// GEILEN: 0 without H.
    package var guestFiles: Int
    /// Interrupt identities are 1 to this: 63 to 2047, one less than a multiple of 64.
    package var identities: Int

    package init(
        supervisorBase: UInt64, supervisorStride: UInt64, machineBase: UInt64?, guestFiles: Int, identities: Int
    ) {
        self.supervisorBase = supervisorBase
        self.supervisorStride = supervisorStride
        self.machineBase = machineBase
        self.guestFiles = guestFiles
        self.identities = identities
    }
}
