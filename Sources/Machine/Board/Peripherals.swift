import Devices
import VirtIO

/// What is plugged into the machine: devices with a back end of the host's behind them.
///
/// They outlive a reset, for the guest would find another disk, another terminal or a broken connection after it.
/// What the guest did to a device ends with `VirtIODevice.stop`, after which the next board's transport may start
/// it again. Made before the guest's memory, so that a wrong image is found before anything else happens.
final class Peripherals {
    /// By slot. The order is the machine's, not the command line's: console, disks, networks, entropy, balloon,
    /// shares, each kind in the order of its options. It decides the slots, so it never changes.
    let virtio: [any VirtIODevice]
    let flash: FlashMemory
    let consoles: ConsoleSet
    private var console: ConsoleDevice?

    init(_ configuration: GuestConfiguration, _ host: HostConnections) throws(MachineError) {
        flash = try FlashMemory(configuration.flash)
        var devices: [any VirtIODevice] = []
        devices += try Board.makeDisks(configuration.disks, backends: host.backends)
        devices += try Board.makeNetworks(configuration.nets, backends: host.backends)
        if configuration.hasEntropy { devices.append(EntropyDevice()) }
        if configuration.hasBalloon { devices.append(BalloonDevice()) }
        devices += try Board.makeShares(configuration.shares)
        // Last, because it leaves traces: files are emptied and sockets appear.
        consoles = try ConsoleSet(configuration.consoles, output: host.output, input: host.input, report: host.report)
        if !consoles.ports.isEmpty {
            let device = try Board.makeConsole(consoles.ports)
            console = device
            devices.insert(device, at: 0)
        }
        virtio = devices
        guard devices.count == configuration.virtioDeviceCount else {
            throw MachineError(.bug, "\(devices.count) virtio devices for \(configuration.virtioDeviceCount) options; please report this")
        }
    }

    deinit { finish() }

    /// Ends what has threads of its own, once no board uses it any more; the guest's last output is written out.
    func finish() {
        console?.close()
        console = nil
        consoles.finish()
    }
}

/// The host's side of a machine, made by the command.
package struct HostConnections {
    package var output: any ConsoleOutput
    package var input: ConsoleInput
    /// Makes what needs a library of the host; nil in a build without any.
    package var backends: (any HostBackends)?
    /// Takes a sentence for the user while the guest runs, from any thread.
    package var report: @Sendable (_ sentence: String) -> Void

    package init(
        output: any ConsoleOutput, input: ConsoleInput, backends: (any HostBackends)? = nil,
        report: @escaping @Sendable (_ sentence: String) -> Void = { _ in }
    ) {
        self.output = output
        self.input = input
        self.backends = backends
        self.report = report
    }
}

extension GuestConfiguration {
    /// How many slots `Peripherals.virtio` takes: known before anything is opened, for the device tree.
    var virtioDeviceCount: Int {
        let ones = [consoles.contains { $0.device == .virtio }, hasEntropy, hasBalloon].count { $0 }
        return ones + disks.count + nets.count + shares.count
    }
}
