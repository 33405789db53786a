import CHost
import ExecutionEngine
import Foundation
import KVMEngine
import Testing

/// What of the engine knows no architecture, on the host's own /dev/kvm.
@Suite("KVM's machine, on x86 code", .enabled(if: RealModeGuest.obstacle == nil, Comment(rawValue: RealModeGuest.obstacle ?? "")))
struct RealModeTests {
    @Test("a store without RAM leaves with address, width and value", arguments: [
        (1, [0xC6, 0x06, 0x00, 0x80, 0x42], 0x42),  // mov byte [0x8000], 0x42
        (2, [0xC7, 0x06, 0x00, 0x80, 0x34, 0x12], 0x1234),
        (4, [0x66, 0xC7, 0x06, 0x00, 0x80, 0x78, 0x56, 0x34, 0x92], 0x9234_5678),
    ] as [(Int, [UInt8], UInt64)])
    func stores(width: Int, code: [UInt8], value: UInt64) throws {
        let guest = try RealModeGuest(code + [0xF4])
        let access = try guest.access()
        #expect(access.is_write && access.address == RealModeGuest.device)
        #expect(Int(access.width) == width && access.value == value)
        #expect(guest.halts)
    }

    @Test("a load without RAM gets the answer")
    func loads() throws {
        // mov eax, [0x8000]; mov [0x8004], eax; hlt
        let guest = try RealModeGuest([0x66, 0xA1, 0x00, 0x80, 0x66, 0xA3, 0x04, 0x80, 0xF4])
        let load = try guest.access()
        #expect(!load.is_write && load.width == 4 && load.address == RealModeGuest.device)
        host_kvm_answer_mmio(guest.cpu.page, 0xFEDC_BA98)
        let store = try guest.access()
        #expect(store.is_write && store.value == 0xFEDC_BA98)
        #expect(guest.halts)
    }

    @Test("a kick before the run ends it, once")
    func kickBefore() throws {
        let guest = try RealModeGuest([0xF4])
        guest.cpu.kick()
        guest.cpu.kick()
        #expect(guest.cpu.run() == .kicked)
        #expect(guest.halts)
    }

    @Test("a kick brings a spinning guest out")
    func kickInside() throws {
        let guest = try RealModeGuest([0xEB, 0xFE])
        for _ in 0..<20 {
            let ended = DispatchSemaphore(value: 0)
            let cpu = guest.cpu
            let thread = Thread {
                let end = cpu.run()
                #expect(end == .kicked)
                ended.signal()
            }
            thread.start()
            host_sleep_ns(UInt64.random(in: 0..<2_000_000))
            cpu.kick()
            ended.wait()
        }
    }

    @Test("a kick between an access and its answer loses neither")
    func kickWithOpenAccess() throws {
        let guest = try RealModeGuest([0xA0, 0x00, 0x80, 0xA2, 0x01, 0x80, 0xF4])
        #expect(try !guest.access().is_write)
        host_kvm_answer_mmio(guest.cpu.page, 0x5A)
        guest.cpu.kick()
        #expect(guest.cpu.run() == .kicked)
        let store = try guest.access()
        #expect(store.is_write && store.address == RealModeGuest.device + 1 && store.value == 0x5A)
    }

    @Test("a doorbell takes the store, and only its value's")
    func doorbell() throws {
        // mov word [0x8000], 7; mov word [0x8000], 8; hlt
        let guest = try RealModeGuest([0xC7, 0x06, 0x00, 0x80, 7, 0, 0xC7, 0x06, 0x00, 0x80, 8, 0, 0xF4])
        let bell = host_eventfd()
        defer { host_close(bell) }
        try guest.space.addDoorbell(address: RealModeGuest.device, width: 2, value: 7, eventfd: bell)
        #expect(throws: EngineError.self) { try guest.space.addDoorbell(address: RealModeGuest.device, width: 2, value: 7, eventfd: bell) }
        #expect(try guest.access().value == 8)
        #expect(host_poll_read(bell, -1, 0) > 0)
        try guest.space.removeDoorbell(address: RealModeGuest.device, width: 2, value: 7, eventfd: bell)
        #expect(throws: EngineError.self) { try guest.space.removeDoorbell(address: RealModeGuest.device, width: 2, value: 7, eventfd: bell) }
        #expect(guest.halts)
    }

    @Test("a store to read-only memory leaves and changes nothing")
    func readOnly() throws {
        // mov al, [0x5000]; mov [0x5001], al; hlt
        let guest = try RealModeGuest([0xA0, 0x00, 0x50, 0xA2, 0x01, 0x50, 0xF4], readOnlyAt: 0x5000)
        let store = try guest.access()
        #expect(store.is_write && store.address == 0x5001)
        #expect(guest.halts)
        #expect(try guest.memory.read(0x5001, as: UInt8.self) == 0)
    }
}
