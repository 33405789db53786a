import CHost
import ExecutionEngine

extension KVMInterruptFiles {
    /// An eventfd whose signals are MSIs. `gsi` is KVM's number of the route between the two.
    struct Doorbell {
        let eventfd: Int32
        let gsi: UInt32
        let address: UInt64
        let data: UInt32
    }

    /// See `VirtualMachine.addInterruptDoorbell`.
    func addDoorbell(eventfd: Int32, address: UInt64, data: UInt32) throws(EngineError) {
        guard hasRegister(at: address) else { throw .invalid("there is no interrupt file at 0x\(String(address, radix: 16))") }
        try lock.withLock { () throws(EngineError) in
            guard !doorbells.contains(where: { $0.eventfd == eventfd }) else {
                throw .busy("descriptor \(eventfd) sends an interrupt already")
            }
            var gsi: UInt32 = 0
            while doorbells.contains(where: { $0.gsi == gsi }) { gsi += 1 }
            doorbells.append(Doorbell(eventfd: eventfd, gsi: gsi, address: address, data: data))
            do throws(EngineError) {
                try setRoutes()
                let status = host_kvm_irqfd(space.descriptor, eventfd, gsi, false)
                guard status >= 0 else { throw .kvm("KVM takes no interrupts from descriptor \(eventfd)", -status) }
            } catch {
                doorbells.removeLast()
                throw error
            }
        }
    }

    /// See `VirtualMachine.removeInterruptDoorbell`.
    func removeDoorbell(eventfd: Int32) throws(EngineError) {
        try lock.withLock { () throws(EngineError) in
            guard let place = doorbells.firstIndex(where: { $0.eventfd == eventfd }) else {
                throw .missing("descriptor \(eventfd) sends no interrupt")
            }
            // On return KVM has let go of the descriptor.
            let status = host_kvm_irqfd(space.descriptor, eventfd, doorbells[place].gsi, true)
            guard status >= 0 else { throw .kvm("KVM doesn't let go of descriptor \(eventfd)", -status) }
            doorbells.remove(at: place)
            try setRoutes()
        }
    }

    /// Tells KVM all routes: it takes nothing less.
    private func setRoutes() throws(EngineError) {
        let routes = doorbells.map { host_kvm_route(address: $0.address, gsi: $0.gsi, data: $0.data) }
        let status = routes.withUnsafeBufferPointer { host_kvm_set_routes(space.descriptor, $0.baseAddress, UInt32($0.count)) }
        guard status >= 0 else { throw .kvm("KVM takes no \(routes.count) routes of interrupts", -status) }
    }
}
