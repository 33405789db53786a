import ExecutionEngine

/// In which order a vCPU's registers can be written to another one.
package enum RegisterOrder {
    /// The kernel's list for `VirtualCPU.registers`: what the processor is comes first, since a change of it clears
    /// FP and V registers; and the timer late, since it starts to count.
    package static func restorable(_ ids: [RegisterID]) -> [RegisterID] {
        // Both groups show the same storage, and FP_F a part of it.
        let hasDouble = ids.contains { $0.group == .double }
        var ordered: [RegisterID] = []
        ordered.reserveCapacity(ids.count)
        for group in groups {
            if group == .float, hasDouble { continue }
            for id in ids where id.group == group { ordered.append(id) }
        }
        // A newer kernel's.
        for id in ids where id.group == nil { ordered.append(id) }
        return ordered
    }

    private static let groups: [RegisterID.Group] = [
        .config, .isaExtension, .sbiExtension, .core, .csr, .float, .double, .vector, .sbiState, .timer,
    ]
}
