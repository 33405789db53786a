import ExecutionEngine
import RISCV

/// Runs guests on harts written in Swift, on any host.
package final class InterpreterEngine: Engine {
    package init() {}

    /// An engine whose insides stay in this module: an Embedded build would otherwise compile them into every module
    /// that makes one.
    @export(interface) package static func make() -> any Engine { InterpreterEngine() }

    package var name: String { "interpreter" }

    /// Processors and slots: as many as are tried, since nothing here ends at a number.
    package func capability(_ one: Capability) -> Int {
        switch one {
        case .processors: 64
        case .memorySlots: 32
        case .guestAddressBits: 56
        case .readOnlyMemory, .doorbells, .interruptFiles, .interruptDoorbells, .debugging, .firmware: 1
        case .dirtyRing: 0
        }
    }

    package func makeMachine(_ setup: MachineSetup) throws(EngineError) -> any VirtualMachine {
        guard setup.dirtyRing == nil else {
            throw .unsupported("the interpreter's vCPUs have no ring of written pages; use the log")
        }
        return try Cluster(setup, answersSBI: setup.mode == .supervisor)
    }

    /// What the harts implement; anything else in `MachineSetup.extensions` is refused by whoever parses it.
    package static var extensions: Extensions {
        [
            .i, .m, .a, .f, .d, .c, .zaamo, .zalrsc, .zca, .zcd, .zicbom, .zicbop, .zicboz, .zicntr, .zicond, .zicsr, .zifencei, .zihintntl,
            .zihintpause, .zihpm, .zawrs, .zfa, .zfhmin, .zcb, .zba, .zbb, .zbs, .sstc, .svade, .svadu, .svinval, .svnapot,
            .svpbmt, .smepmp, .smstateen, .ssstateen, .sscofpmf, .zkr, .smaia, .ssaia,
            .h, .shcounterenw, .shgatpa, .shtvala, .shvsatpa, .shvstvala, .shvstvecd,
        ]
    }
}
