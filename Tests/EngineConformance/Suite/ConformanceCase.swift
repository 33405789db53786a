import ExecutionEngine

/// What an engine did otherwise than the boundary says, for people.
package struct ConformanceFailure: Error {
    package let text: String
    /// It is exactly this fault of KVM's in Linux, which no monitor can mend.
    package let fault: KernelFault?

    package init(_ text: String, fault: KernelFault? = nil) {
        self.text = text
        self.fault = fault
    }
}

/// What Linux' KVM is known to do otherwise than its interface and the specifications say. A case that finds one of
/// them has passed but for that; for another engine it is a failure as any other.
package enum KernelFault: Sendable {
    /// An MMIO load of a signed type of less than 8 bytes is extended with zeros (6.12; mended since).
    case unsignedLoads
    /// An MMIO load into x0 is what later MMIO stores of x0 store.
    case loadedZero
    /// An interrupt file in software is written 32 bits at a time: the upper halves of eip and eie keep what they have.
    case unwrittenHalves
    /// A vCPU that leaves the guest between KVM's noting an IPI for it and noting that it has noted it takes it for one
    /// that the guest has cleared.
    case lostInterrupt
    /// hart_get_status of a hart that there isn't succeeds, with the status 0.
    case statusOfNoHart

    package var label: String {
        switch self {
        case .unsignedLoads: "unsignedLoads"
        case .loadedZero: "loadedZero"
        case .unwrittenHalves: "unwrittenHalves"
        case .lostInterrupt: "lostInterrupt"
        case .statusOfNoHart: "statusOfNoHart"
        }
    }
}

/// One promise of the boundary: guests that would find it broken.
package struct ConformanceCase: Sendable {
    package let name: String
    /// An engine without one of these is spared.
    package let needs: [Capability]
    let body: @Sendable (Bench) throws(ConformanceFailure) -> Void

    init(_ name: String, needs: [Capability] = [], _ body: @escaping @Sendable (Bench) throws(ConformanceFailure) -> Void) {
        self.name = name
        self.needs = needs
        self.body = body
    }

    /// All there are, in the order in which they run.
    @export(interface) package static func all() -> [ConformanceCase] { every }

    private static let every: [ConformanceCase] =
        mmioLoads + mmioStores + mmioAnswers + kicks + sbiBase + sbiCalls + sbiHarts + sbiForwarded + registerRules
        + registerValues + registerTimes + moves + memorySlots + dirtyLog + dirtyRing + doorbells + interrupts + power + interruptFiles + floats
        + hostile
}
