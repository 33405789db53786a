import ExecutionEngine
import RISCV

extension ExtensionNumber {
    /// What a guest may be promised where the kernel has no number for it: the instructions of each come with other
    /// extensions, do nothing where they aren't there, or are what every implementation does unless told otherwise.
    static func isImplied(_ one: Extension, by others: Extensions) -> Bool {
        switch one {
        // Halves of A, and C without and with D.
        case .zaamo, .zalrsc: others.contains(.a)
        case .zca: others.contains(.c)
        case .zcd: others.isSuperset(of: Extensions(.c, .d))
        // Counters and CSR accesses, which Linux itself can't do without.
        case .zicsr, .zifencei, .zicntr, .zihpm: true
        // Hints: nothing happens without them.
        case .zihintpause, .zihintntl, .zicbop: true
        // Faults on clear A and D bits: what there is without Svadu.
        case .svade: !others.contains(.svadu)
        case .b: others.isSuperset(of: Extensions(.zba, .zbb, .zbs))
        default: false
        }
    }
}
