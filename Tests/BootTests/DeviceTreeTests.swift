import Boot
import CFDT
import Foundation
import Testing

private func chosen(_ commandLine: String? = "console=ttyS0 panic=-1", initrd: Range<UInt64>? = 0x8FAF_D000..<0x8FFF_D001) -> DeviceTree.Chosen {
    .init(commandLine: commandLine, initrd: initrd, seeds: fixedSeeds)
}

private func property(_ tree: [UInt8], _ path: String, _ name: String) -> [UInt8]? {
    tree.withUnsafeBytes { raw in
        guard let fdt = raw.baseAddress else { return nil }
        var length: Int32 = 0
        let node = fdt_path_offset(fdt, path)
        guard node >= 0, let value = fdt_getprop(fdt, node, name, &length) else { return nil }
        return Array(UnsafeRawBufferPointer(start: value, count: Int(length)))
    }
}

@Suite struct DeviceTreeTests {
    /// To renew it after a change that is meant: RVKVM_RENEW_GOLDEN=1 swift test --filter golden
    @Test(arguments: [
        ("rvkvm-1.0", machine10(harts: 2)),
        ("rvkvm-1.0-aplic", machine10(harts: 2, interrupts: aplic10(harts: 2, firmware: false, messages: false))),
        ("rvkvm-1.0-aia", machine10(harts: 2, interrupts: aplic10(harts: 2, firmware: false, messages: true, guestIndexBits: 0))),
        ("rvkvm-1.0-aplic-firmware", machine10(harts: 2, firmware: true, interrupts: aplic10(harts: 2, firmware: true, messages: false))),
        ("rvkvm-1.0-aia-firmware", machine10(harts: 2, firmware: true, interrupts: aplic10(harts: 2, firmware: true, messages: true))),
    ])
    func golden(name: String, machine: MachineDescription) throws {
        let text = treeText(try DeviceTree.build(machine, chosen: chosen()))
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/\(name).dts")
        if ProcessInfo.processInfo.environment["RVKVM_RENEW_GOLDEN"] != nil { try text.write(to: url, atomically: true, encoding: .utf8) }
        let golden = try String(contentsOf: url, encoding: .utf8)
        #expect(text == golden, "the device tree of rvkvm-1.0 changed: a guest can tell; see Golden/\(name).dts")
    }

    @Test(.enabled(if: dtc != nil, "dtc isn't installed"), arguments: [(1, false), (2, false), (64, false), (4, true)])
    func dtcHasNothingToSay(harts: Int, firmware: Bool) throws {
        var machine = machine10(harts: harts, firmware: firmware)
        if firmware { machine.reserved = [Region(base: ramBase, size: 0x4_0000)] }
        let (status, text) = try dtcComplaints(try DeviceTree.build(machine, chosen: chosen()))
        #expect(status == 0)
        #expect(text == "")
    }

    @Test(.enabled(if: dtc != nil, "dtc isn't installed"), arguments: [1, 64], [false, true])
    func dtcHasNothingToSayAboutAPLICs(harts: Int, messages: Bool) throws {
        for firmware in [false, true] {
            let interrupts = aplic10(harts: harts, firmware: firmware, messages: messages)
            let tree = try DeviceTree.build(machine10(harts: harts, firmware: firmware, interrupts: interrupts), chosen: chosen())
            let (status, text) = try dtcComplaints(tree)
            #expect(status == 0)
            #expect(text == "")
        }
    }

    @Test func firmwareModeHasClintAndMachineContexts() throws {
        let plain = try DeviceTree.build(machine10(harts: 1), chosen: chosen())
        let firmware = try DeviceTree.build(machine10(harts: 1, firmware: true), chosen: chosen())
        #expect(property(plain, "/soc/clint@2000000", "reg") == nil)
        #expect(property(firmware, "/soc/clint@2000000", "interrupts-extended") == [0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 7])
        #expect(property(plain, "/soc/plic@c000000", "interrupts-extended") == [0, 0, 0, 2, 255, 255, 255, 255, 0, 0, 0, 2, 0, 0, 0, 9])
        #expect(property(firmware, "/soc/plic@c000000", "interrupts-extended") == [0, 0, 0, 2, 0, 0, 0, 11, 0, 0, 0, 2, 0, 0, 0, 9])
    }

    @Test func chosenIsComplete() throws {
        let tree = try DeviceTree.build(machine10(harts: 1), chosen: chosen())
        #expect(property(tree, "/chosen", "bootargs") == Array("console=ttyS0 panic=-1\0".utf8))
        #expect(property(tree, "/chosen", "linux,initrd-start") == [0, 0, 0, 0, 0x8F, 0xAF, 0xD0, 0])
        #expect(property(tree, "/chosen", "linux,initrd-end") == [0, 0, 0, 0, 0x8F, 0xFF, 0xD0, 1])
        #expect(property(tree, "/chosen", "rng-seed") == fixedSeeds.rng)
        #expect(property(tree, "/chosen", "kaslr-seed") == [1, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF])
        let bare = try DeviceTree.build(machine10(harts: 1), chosen: chosen(nil, initrd: nil))
        #expect(property(bare, "/chosen", "bootargs") == nil)
        #expect(property(bare, "/chosen", "linux,initrd-start") == nil)
    }

    @Test func memoryBeyond4GiB() throws {
        let tree = try DeviceTree.build(machine10(harts: 1, ramSize: 64 << 30), chosen: chosen())
        #expect(property(tree, "/memory@80000000", "reg") == [0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0])
    }

    @Test func freshSeedsDiffer() throws {
        let a = try DeviceTree.Seeds.fresh(), b = try DeviceTree.Seeds.fresh()
        #expect(a.rng.count == 32)
        #expect(a != b)
    }

    @Test func commandLine() {
        let nul = bootError { () throws(BootError) in _ = try DeviceTree.build(machine10(harts: 1), chosen: chosen("a\0b")) }
        #expect(nul?.message == "--append: a kernel command line can't contain a NUL character")
        #expect(nul?.category == .usage)
        let long = bootError { () throws(BootError) in
            _ = try DeviceTree.build(machine10(harts: 1), chosen: chosen(String(repeating: "x", count: 65537)))
        }
        #expect(long?.category == .usage)
    }

    @Test("a tree that grows out of one buffer after another is whole", arguments: [4, 64, 700, 1500])
    func growing(harts: Int) throws {
        let tree = try DeviceTree.build(machine10(harts: harts), chosen: chosen())
        #expect(tree.count > harts * 300)
        #expect(tree.withUnsafeBytes { fdt_check_full($0.baseAddress, $0.count) } == 0)
        for hart in Array(stride(from: 0, to: harts, by: max(1, harts / 10))) + [harts - 1] {
            let node = "/cpus/cpu@\(String(hart, radix: 16))"
            #expect(property(tree, node, "reg") == (0..<4).map { UInt8(truncatingIfNeeded: hart >> (24 - 8 * $0)) })
            #expect(property(tree, node, "riscv,isa-base") == Array("rv64i\0".utf8))
            #expect(property(tree, node + "/interrupt-controller", "compatible") == Array("riscv,cpu-intc\0".utf8))
        }
        #expect(property(tree, "/soc/clint@2000000", "reg") == nil)
        #expect(property(tree, "/soc/serial@10000000", "compatible") == Array("ns16550a\0".utf8))
    }

    @Test func tooManyHartsForTheTree() {
        let error = bootError { () throws(BootError) in _ = try DeviceTree.build(machine10(harts: 20_000), chosen: chosen()) }
        #expect(error?.category == .usage)
    }
}

@Suite struct UserTreeTests {
    private let tree = try? DeviceTree.build(machine10(harts: 2), chosen: chosen())

    private func patch(_ bytes: [UInt8], _ what: DeviceTree.Chosen = chosen()) throws(BootError) -> [UInt8] {
        try DeviceTree.patch(try PayloadBytes(bytes, for: .deviceTree("t")), chosen: what, source: .deviceTree("t"))
    }

    private func refusal(_ bytes: [UInt8]) -> BootError? { bootError { () throws(BootError) in _ = try patch(bytes) } }

    @Test func chosenIsReplaced() throws {
        let seeds = DeviceTree.Seeds(rng: [UInt8](repeating: 7, count: 32), kaslr: 9)
        let out = try patch(try #require(tree), .init(commandLine: "quiet", initrd: 0x1000..<0x2000, seeds: seeds))
        #expect(property(out, "/chosen", "bootargs") == Array("quiet\0".utf8))
        #expect(property(out, "/chosen", "linux,initrd-end") == [0, 0, 0, 0, 0, 0, 0x20, 0])
        #expect(property(out, "/chosen", "rng-seed") == seeds.rng)
        #expect(property(out, "/chosen", "kaslr-seed") == [0, 0, 0, 0, 0, 0, 0, 9])
        #expect(property(out, "/soc/serial@10000000", "clock-frequency") == [0, 0x38, 0x40, 0])
    }

    @Test func bootargsStayAndAStaleInitrdGoes() throws {
        let out = try patch(try #require(tree), chosen(nil, initrd: nil))
        #expect(property(out, "/chosen", "bootargs") == Array("console=ttyS0 panic=-1\0".utf8))
        #expect(property(out, "/chosen", "linux,initrd-start") == nil)
        #expect(property(out, "/chosen", "linux,initrd-end") == nil)
    }

    @Test func chosenIsAddedAndSizesAreStable() throws {
        var buffer = [UInt8](repeating: 0, count: 4096)
        #expect(fdt_create_empty_tree(&buffer, 4096) == 0)
        let out = try patch(buffer)
        #expect(property(out, "/chosen", "bootargs") != nil)
        #expect(try patch(buffer, chosen(initrd: 0..<1)).count == out.count)
        #expect(try patch(out).count == out.count)
    }

    @Test func truncated() throws {
        let bytes = try #require(tree)
        for length in stride(from: 1, to: bytes.count, by: 13) {
            let error = refusal(Array(bytes[..<length]))
            #expect(error?.category == .badData)
            #expect(error?.message.contains("truncated copy") == true)
        }
    }

    @Test func foreign() {
        #expect(refusal(Array(repeating: 0x20, count: 100))?.message == "--dtb t: is a text file and no flattened device tree; compile a source with dtc -O dtb")
        #expect(refusal(elf())?.category == .badData)
        #expect(refusal([UInt8](repeating: 0, count: 4096))?.category == .badData)
    }

    @Test func corruptHeaders() throws {
        for (offset, value) in [(8, UInt32.max), (8, 3), (12, .max), (16, .max), (20, 0), (24, .max), (32, .max), (36, .max), (4, .max), (4, 0)] as [(Int, UInt32)] {
            var bytes = try #require(tree)
            bytes.put(value.bigEndian, at: offset)
            #expect(refusal(bytes)?.category == .badData, "offset \(offset)")
        }
    }

    @Test(.timeLimit(.minutes(5))) func mutationsNeverTrap() throws {
        var random = Xorshift(state: 2)
        let bytes = try #require(tree)
        var accepted = 0
        for _ in 0..<20_000 {
            if refusal(mutate(bytes, &random)) == nil { accepted += 1 }
        }
        // Header and structure get a share of their own: most mutations of the whole hit values.
        for _ in 0..<5_000 {
            if refusal(mutate(bytes, &random, within: 120)) == nil { accepted += 1 }
        }
        #expect(accepted > 0 && accepted < 25_000)
    }
}
