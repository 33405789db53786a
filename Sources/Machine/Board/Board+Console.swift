import VirtIO

extension Board {
    /// The one device that all ports of the virtio console belong to.
    static func makeConsole(_ ports: [ConsolePortSetup]) throws(MachineError) -> ConsoleDevice {
        do throws(ConsoleDeviceError) {
            return try ConsoleDevice(ports: ports)
        } catch {
            switch error {
            case .noDescriptor(let errno):
                throw MachineError(.host, "the host refuses a descriptor for the virtio console: \(MachineError.hostText(errno))")
            case .noThread(let errno):
                throw MachineError(.host, "the host refuses a thread for the virtio console: \(MachineError.hostText(errno))")
            }
        }
    }
}
