import CFDT

extension DeviceTree {
    /// The tree of `machine`. Node names, order and properties are those of QEMU's virt board where it has
    /// them. The same arguments give the same bytes.
    package static func build(_ machine: MachineDescription, chosen: Chosen) throws(BootError) -> [UInt8] {
        try checkCommandLine(chosen.commandLine)
        let fdt = try FDTWriter(limit: Placement.deviceTreeLimit, for: .deviceTree("(built in)"))
        let handles = Handles(fdt, machine)
        fdt.node("") {
            fdt.cell("#address-cells", 2)
            fdt.cell("#size-cells", 2)
            fdt.strings("compatible", machine.compatible)
            fdt.text("model", machine.model)
            powerNodes(fdt, machine, handles)
            reservedMemory(fdt, machine)
            fdt.node("memory@\(unit(machine.ram.base))") {
                fdt.text("device_type", "memory")
                fdt.reg(machine.ram)
            }
            processors(fdt, machine.processors, handles)
            flash(fdt, machine.flash)
            if let uart = machine.uart {
                fdt.node("aliases") { fdt.text("serial0", serialPath(uart)) }
            }
            fdt.node("chosen") {
                if let uart = machine.uart { fdt.text("stdout-path", serialPath(uart)) }
                if let line = chosen.commandLine { fdt.text("bootargs", line) }
                if let initrd = chosen.initrd {
                    fdt.wide("linux,initrd-start", initrd.lowerBound)
                    fdt.wide("linux,initrd-end", initrd.upperBound)
                }
                fdt.bytes("rng-seed", chosen.seeds.rng)
                fdt.wide("kaslr-seed", chosen.seeds.kaslr)
            }
            fdt.node("soc") { soc(fdt, machine, handles) }
        }
        guard let bytes = try fdt.finish() else {
            throw .usage(.deviceTree("(built in)"), reason: "the machine's device tree grows beyond \(sizeText(Placement.deviceTreeLimit)); give fewer harts or devices")
        }
        return bytes
    }

    /// A unit address.
    static func unit(_ address: UInt64) -> String { String(address, radix: 16) }

    private static func serialPath(_ uart: MachineDescription.UART) -> String {
        "/soc/serial@\(unit(uart.device.region.base))"
    }

    private static func powerNodes(_ fdt: FDTWriter, _ machine: MachineDescription, _ handles: Handles) {
        guard machine.testFinisher != nil else { return }
        // SiFive test finisher's commands: 0x5555 pass, 0x7777 reset.
        let commands: [(name: String, value: UInt32)] = [("poweroff", 0x5555), ("reboot", 0x7777)]
        for command in commands {
            fdt.node(command.name) {
                fdt.cell("value", command.value)
                fdt.cell("offset", 0)
                fdt.cell("regmap", handles.finisher)
                fdt.text("compatible", "syscon-\(command.name)")
            }
        }
    }

    private static func reservedMemory(_ fdt: FDTWriter, _ machine: MachineDescription) {
        guard !machine.reserved.isEmpty else { return }
        fdt.node("reserved-memory") {
            fdt.cell("#address-cells", 2)
            fdt.cell("#size-cells", 2)
            fdt.flag("ranges")
            for (i, region) in machine.reserved.enumerated() {
                fdt.node("mmode_resv\(i)@\(unit(region.base))") {
                    fdt.reg(region)
                    fdt.flag("no-map")
                }
            }
        }
    }

    /// All banks in one node, as QEMU has them: its readers take the first for code and the second for variables.
    private static func flash(_ fdt: FDTWriter, _ banks: [MachineDescription.Region]) {
        guard let first = banks.first else { return }
        fdt.node("flash@\(unit(first.base))") {
            // 32 bits: two chips of 16 side by side.
            fdt.cell("bank-width", 4)
            fdt.cells("reg", banks.flatMap { [$0.base >> 32, $0.base, $0.size >> 32, $0.size].map { UInt32(truncatingIfNeeded: $0) } })
            fdt.text("compatible", "cfi-flash")
        }
    }

    private static func processors(_ fdt: FDTWriter, _ cpus: MachineDescription.Processors, _ handles: Handles) {
        fdt.node("cpus") {
            fdt.cell("#address-cells", 1)
            fdt.cell("#size-cells", 0)
            fdt.cell("timebase-frequency", cpus.timebaseFrequency)
            for (hart, handle) in handles.cpu.enumerated() {
                fdt.node("cpu@\(unit(UInt64(hart)))") {
                    fdt.cell("phandle", handle)
                    fdt.text("device_type", "cpu")
                    fdt.cell("reg", UInt32(truncatingIfNeeded: hart))
                    fdt.text("status", "okay")
                    fdt.text("compatible", "riscv")
                    if let size = cpus.cbopBlockSize { fdt.cell("riscv,cbop-block-size", size) }
                    if let size = cpus.cbozBlockSize { fdt.cell("riscv,cboz-block-size", size) }
                    if let size = cpus.cbomBlockSize { fdt.cell("riscv,cbom-block-size", size) }
                    fdt.strings("riscv,isa-extensions", cpus.isaExtensions)
                    fdt.text("riscv,isa-base", cpus.isaBase)
                    fdt.text("riscv,isa", cpus.isaString)
                    if let mmu = cpus.mmuType { fdt.text("mmu-type", mmu) }
                    fdt.node("interrupt-controller") {
                        // dtc misses it in an interrupt parent.
                        fdt.cell("#address-cells", 0)
                        fdt.cell("#interrupt-cells", 1)
                        fdt.flag("interrupt-controller")
                        fdt.text("compatible", "riscv,cpu-intc")
                        fdt.cell("phandle", handles.cpuInterrupts[hart])
                    }
                }
            }
            fdt.node("cpu-map") {
                fdt.node("cluster0") {
                    for (hart, handle) in handles.cpu.enumerated() {
                        fdt.node("core\(hart)") { fdt.cell("cpu", handle) }
                    }
                }
            }
        }
    }

    private static func soc(_ fdt: FDTWriter, _ machine: MachineDescription, _ handles: Handles) {
        fdt.cell("#address-cells", 2)
        fdt.cell("#size-cells", 2)
        fdt.text("compatible", "simple-bus")
        fdt.flag("ranges")
        if let finisher = machine.testFinisher {
            fdt.node("test@\(unit(finisher.base))") {
                fdt.cell("phandle", handles.finisher)
                fdt.reg(finisher)
                fdt.strings("compatible", ["sifive,test1", "sifive,test0", "syscon"])
            }
        }
        if let rtc = machine.rtc {
            device(fdt, "rtc", rtc, "google,goldfish-rtc", handles) {}
        }
        if let uart = machine.uart {
            device(fdt, "serial", uart.device, "ns16550a", handles) { fdt.cell("clock-frequency", uart.clockFrequency) }
        }
        for slot in machine.virtio { device(fdt, "virtio_mmio", slot, "virtio,mmio", handles) {} }
        interruptController(fdt, machine, handles)
        if let clint = machine.clint {
            fdt.node("clint@\(unit(clint.base))") {
                var wires: [UInt32] = []
                for handle in handles.cpuInterrupts {
                    wires += [handle, LocalInterrupt.machineSoftware, handle, LocalInterrupt.machineTimer]
                }
                fdt.cells("interrupts-extended", wires)
                fdt.reg(clint)
                fdt.strings("compatible", ["sifive,clint0", "riscv,clint0"])
            }
        }
    }

    private static func device(_ fdt: FDTWriter, _ name: String, _ device: MachineDescription.Device, _ compatible: String, _ handles: Handles, _ more: () -> Void) {
        fdt.node("\(name)@\(unit(device.region.base))") {
            fdt.cells("interrupts", handles.interruptCells(device.interrupt))
            fdt.cell("interrupt-parent", handles.interruptController)
            more()
            fdt.reg(device.region)
            fdt.text("compatible", compatible)
        }
    }
}
