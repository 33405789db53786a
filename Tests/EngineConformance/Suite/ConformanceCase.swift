import ExecutionEngine

/// What an engine did otherwise than the boundary says, for people.
package struct ConformanceFailure: Error {
    package let text: String
    package init(_ text: String) { self.text = text }
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
    package static let all: [ConformanceCase] =
        mmioLoads + mmioStores + mmioAnswers + kicks + sbiBase + sbiCalls + sbiHarts + sbiForwarded + registerRules
        + registerValues + registerTimes + moves + memorySlots + dirtyLog + doorbells + interrupts + power + interruptFiles + floats
        + hostile
}
