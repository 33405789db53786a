import ExecutionEngine
import RISCV

/// Runs guests on harts written in Swift, on any host.
package final class InterpreterEngine: Engine {
    package init() {}

    package var name: String { "interpreter" }

    package func makeMachine(_ setup: MachineSetup) throws(EngineError) -> any VirtualMachine {
        try Cluster(setup, answersSBI: setup.mode == .supervisor)
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
