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

    init(_ configuration: GuestConfiguration, backends: (any HostBackends)?) throws(MachineError) {
        flash = try FlashMemory(configuration.flash)
        var devices: [any VirtIODevice] = []
        if let first = configuration.consoles.first { throw first.setting.refused("this build has no choice of consoles") }
        devices += try Board.makeDisks(configuration.disks, backends: backends)
        devices += try Board.makeNetworks(configuration.nets, backends: backends)
        if configuration.hasEntropy { throw MachineError(.usage, "--rng: this build has no entropy device") }
        if configuration.hasBalloon { throw MachineError(.usage, "--balloon: this build has no balloon") }
        devices += try Board.makeShares(configuration.shares)
        guard devices.count == configuration.virtioDeviceCount else {
            throw MachineError(.bug, "\(devices.count) virtio devices for \(configuration.virtioDeviceCount) options; please report this")
        }
        virtio = devices
    }
}

extension GuestConfiguration {
    /// How many slots `Peripherals.virtio` takes: known before anything is opened, for the device tree.
    var virtioDeviceCount: Int {
        let ones = [consoles.contains { $0.device == .virtio }, hasEntropy, hasBalloon].count { $0 }
        return ones + disks.count + nets.count + shares.count
    }
}
