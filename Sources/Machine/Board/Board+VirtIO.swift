import Devices
import VirtIO

extension Board {
    /// Puts a transport with `device` behind it on the bus.
    func attach(
        _ device: any VirtIODevice, _ place: MemoryMap.Place, _ line: any InterruptLine
    ) throws(MachineError) -> MMIOTransport {
        let transport: MMIOTransport
        do throws(TransportError) {
            transport = try MMIOTransport(device: device, memory: memory, line: line)
        } catch {
            switch error {
            case .noDoorbell(let errno):
                throw MachineError(.host, "the host refuses a descriptor for a virtio device: \(MachineError.hostText(errno))")
            }
        }
        try attach(transport, place)
        return transport
    }
}
