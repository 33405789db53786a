import Synchronization

extension KVMSpace {
    /// How often the kernel's slots have begun to change, and how often they have ended it: odd meanwhile. Where a
    /// vCPU's run fails, that counts when this has stayed the same, and even.
    package var changes: UInt64 { changeCount.load(ordering: .sequentiallyConsistent) }

    /// Runs what changes the kernel's slots. One at a time: with `lock`, or before there are vCPUs.
    package func changing(_ body: () -> Int32) -> Int32 {
        changeCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
        defer { changeCount.wrappingAdd(1, ordering: .sequentiallyConsistent) }
        return body()
    }

    /// Whether slots have changed, or still do, since `changes` was `before`.
    package func hasChanged(since before: UInt64) -> Bool {
        let now = changes
        return now != before || now % 2 == 1
    }
}
