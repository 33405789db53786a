extension DeviceTree {
    /// Phandles, given out before the first node so that nodes may point forward.
    struct Handles {
        var cpu: [UInt32] = []
        var cpuInterrupts: [UInt32] = []
        /// The parent of the devices' interrupts.
        let interruptController: UInt32
        let finisher: UInt32
        let machineAPLIC: UInt32
        let supervisorIMSIC: UInt32
        let machineIMSIC: UInt32
        private let isAPLIC: Bool

        init(_ fdt: FDTWriter, _ machine: MachineDescription) {
            for _ in 0..<max(machine.processors.count, 0) {
                cpu.append(fdt.newHandle())
                cpuInterrupts.append(fdt.newHandle())
            }
            interruptController = fdt.newHandle()
            finisher = fdt.newHandle()
            machineAPLIC = fdt.newHandle()
            supervisorIMSIC = fdt.newHandle()
            machineIMSIC = fdt.newHandle()
            isAPLIC = if case .aplic = machine.interruptController { true } else { false }
        }

        /// A device's `interrupts`. An APLIC's has the way it triggers as well: 4, level-sensitive and active high
        /// (devicetree specification 0.4, section 2.4).
        func interruptCells(_ number: UInt32) -> [UInt32] { isAPLIC ? [number, 4] : [number] }

        /// `interrupts-extended`: one interrupt of each hart's own controller.
        func wires(_ interrupt: UInt32) -> [UInt32] { cpuInterrupts.flatMap { [$0, interrupt] } }
    }

    /// Interrupts of a hart's own controller (privileged specification, mcause).
    enum LocalInterrupt {
        static let machineSoftware: UInt32 = 3
        static let machineTimer: UInt32 = 7
        static let supervisorExternal: UInt32 = 9
        static let machineExternal: UInt32 = 11
        /// A context that exists at the PLIC and leads nowhere, as kvmtool marks it.
        static let none: UInt32 = 0xFFFF_FFFF
    }

    static func interruptController(_ fdt: FDTWriter, _ machine: MachineDescription, _ handles: Handles) {
        switch machine.interruptController {
        case .plic(let controller): plic(fdt, controller, hasMachineMode: machine.clint != nil, handles)
        case .aplic(let controller):
            // The child stands before its parent, as on QEMU's board.
            aplic(fdt, controller, controller.supervisor, .supervisor, handles)
            if let region = controller.machine { aplic(fdt, controller, region, .machine, handles) }
            guard let files = controller.imsic else { return }
            imsics(fdt, files, files.supervisor, .supervisor, handles)
            if let region = files.machine { imsics(fdt, files, region, .machine, handles) }
        }
    }

    private enum Level {
        case machine, supervisor
        var externalInterrupt: UInt32 { self == .machine ? LocalInterrupt.machineExternal : LocalInterrupt.supervisorExternal }
    }

    private static func plic(
        _ fdt: FDTWriter, _ controller: MachineDescription.PLIC, hasMachineMode: Bool, _ handles: Handles
    ) {
        fdt.node("plic@\(unit(controller.region.base))") {
            fdt.cell("phandle", handles.interruptController)
            fdt.cell("riscv,ndev", controller.sources)
            fdt.reg(controller.region)
            var wires: [UInt32] = []
            // Context 2n is hart n's M-mode, 2n + 1 its S-mode, whether or not there is an M-mode.
            for handle in handles.cpuInterrupts {
                wires += [handle, hasMachineMode ? LocalInterrupt.machineExternal : LocalInterrupt.none]
                wires += [handle, LocalInterrupt.supervisorExternal]
            }
            fdt.cells("interrupts-extended", wires)
            fdt.flag("interrupt-controller")
            fdt.strings("compatible", ["sifive,plic-1.0.0", "riscv,plic0"])
            fdt.cell("#address-cells", 0)
            fdt.cell("#interrupt-cells", 1)
        }
    }

    /// One interrupt domain (Linux, bindings/interrupt-controller/riscv,aplic.yaml).
    private static func aplic(
        _ fdt: FDTWriter, _ controller: MachineDescription.APLIC, _ region: MachineDescription.Region, _ level: Level,
        _ handles: Handles
    ) {
        fdt.node("interrupt-controller@\(unit(region.base))") {
            fdt.cell("phandle", level == .machine ? handles.machineAPLIC : handles.interruptController)
            if level == .machine {
                // For firmware to delegate every source.
                fdt.cells("riscv,delegation", [handles.interruptController, 1, controller.sources])
                fdt.cell("riscv,children", handles.interruptController)
            }
            fdt.cell("riscv,num-sources", controller.sources)
            fdt.reg(region)
            if controller.imsic != nil {
                fdt.cell("msi-parent", level == .machine ? handles.machineIMSIC : handles.supervisorIMSIC)
            } else {
                fdt.cells("interrupts-extended", handles.wires(level.externalInterrupt))
            }
            fdt.flag("interrupt-controller")
            fdt.cell("#interrupt-cells", 2)
            fdt.cell("#address-cells", 0)
            fdt.strings("compatible", ["qemu,aplic", "riscv,aplic"])
        }
    }

    /// All harts' interrupt files of one level (Linux, bindings/interrupt-controller/riscv,imsics.yaml).
    private static func imsics(
        _ fdt: FDTWriter, _ files: MachineDescription.IMSIC, _ region: MachineDescription.Region, _ level: Level,
        _ handles: Handles
    ) {
        fdt.node("interrupt-controller@\(unit(region.base))") {
            fdt.cell("phandle", level == .machine ? handles.machineIMSIC : handles.supervisorIMSIC)
            if level == .supervisor, files.guestIndexBits > 0 { fdt.cell("riscv,guest-index-bits", files.guestIndexBits) }
            fdt.cell("riscv,num-ids", files.identities)
            fdt.reg(region)
            fdt.cells("interrupts-extended", handles.wires(level.externalInterrupt))
            fdt.flag("msi-controller")
            fdt.cell("#msi-cells", 0)
            fdt.flag("interrupt-controller")
            fdt.cell("#interrupt-cells", 0)
            // dtc misses it in an interrupt parent.
            fdt.cell("#address-cells", 0)
            fdt.strings("compatible", ["qemu,imsics", "riscv,imsics"])
        }
    }
}
