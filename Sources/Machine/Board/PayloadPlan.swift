import Boot

/// The payloads of one start: read, checked and placed, with nothing in guest memory yet.
package struct PayloadPlan {
    let plan: BootPlan
    package var deviceTree: [UInt8] { plan.info.deviceTreeBytes }

    @export(interface) package init(_ configuration: GuestConfiguration) throws(MachineError) {
        switch configuration.firmware {
        case .file: break
        case .supervisor, .none:
            guard configuration.kernel != nil || !configuration.flash.isEmpty else {
                throw MachineError(.usage, "a guest needs a kernel; name one with --kernel, or firmware with --flash")
            }
        }
        let request = BootRequest(
            kernel: configuration.kernel, firmware: configuration.firmware, initrd: configuration.initrd, deviceTree: configuration.dtb,
            commandLine: configuration.append.isEmpty ? nil : configuration.append,
            flash: configuration.flash.isEmpty ? nil : MemoryMap.flashBanks.first?.base)
        do throws(BootError) {
            plan = try Loader.plan(request, machine: MachineDescription(configuration))
        } catch {
            throw MachineError(error)
        }
    }
}

extension MachineError {
    init(_ error: BootError) {
        let kind: Kind =
            switch error.category {
            case .usage: .usage
            case .badData: .data
            case .missing: .missingFile
            case .host: .host
            }
        self.init(kind, error.message)
    }
}
