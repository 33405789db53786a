import CHost
import ExecutionEngine
import RISCV
import TestSupport

extension ConformanceCase {
    /// Anything, or something near what there is.
    private static func anyID(_ random: inout Random) -> RegisterID {
        let number = random.next()
        switch random.below(4) {
        case 0: return RegisterID(rawValue: number)
        case 1: return RegisterID(rawValue: 0x8000_0000_0000_0000 | number & 0x00F0_0000_FFFF_FFFF)
        default:
            let size: UInt64 = [2, 3, 3, 3, 4, 5][Int(random.below(6))]
            return RegisterID(rawValue: 0x8000_0000_0000_0000 | size << 52 | (number >> 8 & 15) << 24 | (number >> 16 & 3) << 16 | number >> 24 & 127)
        }
    }

    /// The guest does what it does; the engine only has to come back, by itself or when kicked.
    private static func runAnything(_ bench: Bench, _ guest: Guest) throws(ConformanceFailure) {
        let over = Shared()
        let kicker = bench.beside { () throws(ConformanceFailure) in
            while over.value == 0 {
                try bench.check()
                host_sleep_ns(500_000)
                guest.kick()
            }
        }
        for _ in 0..<5 { _ = try guest.run() }
        over.value = 1
        try kicker.join()
    }

    static let hostile = [
        ConformanceCase("hostile: 100000 register ids of any bits") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var random = Random(4)
            for i in 0..<100_000 {
                if i % 1000 == 0 { try bench.check() }
                let id = anyID(&random)
                _ = guest.readRefusal(id)
                if i % 4 == 0 { _ = guest.writeRefusal(id, random.next()) }
                if i % 16 == 0 {
                    _ = try? guest.cpu(0).bytes(of: id)
                    let count = Int(random.below(40))
                    _ = try? guest.cpu(0).setBytes(of: id, to: [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: count))
                }
            }
            try runAnything(bench, guest)
        },
        ConformanceCase("hostile: registers of any value, and a run") { bench throws(ConformanceFailure) in
            var random = Random(5)
            for _ in 0..<20 {
                let guest = try bench.guest()
                guest.mapGiants()
                var program = GuestProgram()
                program.begin()
                program.report(value: 1)
                program.spin()
                try guest.load(program)
                for id in try guest.registers() where !id.isFixed {
                    // Now and then a pc within RAM, or the guest would never run.
                    if id == .pc, random.below(2) == 0 { continue }
                    _ = guest.writeRefusal(id, random.next())
                }
                // What Linux, and the hardware below it, make of such a guest isn't ours to promise: 6.12 warns of where
                // it is to write stolen time, and a hart of QEMU's may not come back.
                if bench.engine.name != "kvm" { try runAnything(bench, guest) }
                bench.forget(guest)
            }
        },
        ConformanceCase("hostile: a fetch from where nothing is ends, and harms nobody") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var program = GuestProgram()
            program.begin()
            program.report(value: 1)
            program.li(X.t0, Layout.device)
            program.emit(.jalr, rs1: X.t0)
            try guest.load(program)
            try guest.report(1, "the program")
            // KVM gives the vCPU up; an engine that can tell the guest raises an access fault there.
            let exit = try guest.run()
            switch exit {
            case .internalError: break
            case .mmioWrite(Layout.trap, 8, 1):
                _ = try guest.run()
                _ = try guest.run()
                guest.kick()
                try guest.expect(.interrupted)
            default: throw ConformanceFailure(text(exit) + " after a jump to a device")
            }
            try guest.set(.pc, program.origin)
            try guest.report(1, "the program after its pc was set back")
        },
        ConformanceCase("hostile: doorbells, slots and MSIs that make no sense") { bench throws(ConformanceFailure) in
            let guest = try bench.guest()
            var random = Random(6)
            for i in 0..<2000 {
                if i % 100 == 0 { try bench.check() }
                let address = random.next() >> random.below(64)
                let slot = Int(truncatingIfNeeded: random.next() >> random.below(64))
                do throws(EngineError) {
                    switch random.below(6) {
                    case 0: try guest.machine.addDoorbell(address: address, width: Int(random.below(20)) - 4, value: nil, eventfd: -1)
                    case 1: try guest.machine.removeDoorbell(address: address, width: 4, value: random.next(), eventfd: Int32(truncatingIfNeeded: slot))
                    case 2: try guest.machine.moveSlot(slot == 0 ? 1 : slot, to: address)
                    case 3: try guest.machine.logWrites(slot: slot == 0 ? -1 : slot, true)
                    case 4: _ = try guest.machine.takeWrites(slot: slot)
                    default: guest.machine.sendMSI(address: address, data: UInt32(truncatingIfNeeded: random.next()))
                    }
                } catch {
                    continue
                }
            }
            var program = GuestProgram()
            program.begin()
            program.report(value: 1)
            program.end()
            try guest.load(program)
            try guest.report(1, "the program")
            try guest.done()
        },
    ]
}
