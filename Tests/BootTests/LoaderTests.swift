import Boot
import Foundation
import GuestMemory
import Testing

@Suite struct LoaderTests {
    private let scratch: Scratch
    private let memory = GuestMemory()

    init() throws {
        scratch = try Scratch()
        try memory.addRAM(base: ramBase, size: 64 * miB)
    }

    private var machine: MachineDescription { machine10(harts: 2, ramSize: 64 * miB) }

    private func load(_ request: BootRequest) throws(BootError) -> BootInfo {
        try Loader.load(request, machine: machine, into: memory)
    }

    /// The error, after making sure that nothing reached guest memory.
    private func refusal(_ request: BootRequest) throws -> BootError {
        let error = bootError { () throws(BootError) in _ = try load(request) }
        for slot in memory.slots {
            let bytes = UnsafeRawBufferPointer(start: slot.host, count: Int(slot.size))
            #expect(bytes.withMemoryRebound(to: UInt64.self) { $0.allSatisfy { $0 == 0 } })
        }
        return try #require(error)
    }

    private func cpio(_ size: Int) throws -> String {
        var bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        bytes.put("070701", at: 0)
        return try scratch.file("initrd", bytes)
    }

    @Test func everythingLands() throws {
        let kernel = image(length: 10_000)
        let info = try load(BootRequest(
            kernel: try scratch.file("Image", kernel), initrd: try cpio(70_001), commandLine: "quiet", seeds: fixedSeeds))
        #expect(info.entry == 0x8020_0000)
        #expect(info.kernel == 0x8020_0000..<0x8030_0000)
        #expect(try memory.bytes(info.entry, count: kernel.count) == kernel)
        let initrd = try #require(info.initrd)
        #expect(try memory.bytes(initrd.lowerBound, count: 70_001)[10...] == Array((0..<70_001).map { UInt8(truncatingIfNeeded: $0 &* 31) })[10...])
        #expect(try memory.bytes(info.deviceTree, count: info.deviceTreeBytes.count) == info.deviceTreeBytes)
        let expected = try DeviceTree.build(machine, chosen: .init(commandLine: "quiet", initrd: initrd, seeds: fixedSeeds))
        #expect(info.deviceTreeBytes == expected)
    }

    @Test func bssIsClearedForASecondStart() throws {
        let file = try scratch.file("k.elf", elf([Segment(fileSize: 0x100, memorySize: 0x3000)]))
        try memory.write([UInt8](repeating: 0xEE, count: 0x4000), at: 0x8020_0000)
        _ = try load(BootRequest(kernel: file))
        #expect(try memory.bytes(0x8020_0000, count: 0x100) == Array(elf()[0x1000..<0x1100]))
        #expect(try memory.bytes(0x8020_0100, count: 0x2F00).allSatisfy { $0 == 0 })
        #expect(try memory.bytes(0x8020_3000, count: 1) == [0xEE])
    }

    @Test func ownTree() throws {
        let tree = try DeviceTree.build(machine10(harts: 1), chosen: .init(commandLine: "old", initrd: 0..<5, seeds: fixedSeeds))
        let info = try load(BootRequest(
            kernel: try scratch.file("Image", image()), deviceTree: try scratch.file("t.dtb", tree), commandLine: "new"))
        let text = treeText(info.deviceTreeBytes)
        #expect(text.contains("bootargs = \"new\""))
        #expect(!text.contains("initrd"))
        #expect(!text.contains("cpu@1"))
    }

    @Test func refusalsLeaveMemoryAlone() throws {
        let kernel = try scratch.file("Image", image())
        #expect(try refusal(BootRequest(kernel: scratch.path("none"))).category == .missing)
        #expect(try refusal(BootRequest(kernel: kernel, initrd: scratch.path("none"))).category == .missing)
        #expect(try refusal(BootRequest(kernel: kernel, initrd: scratch.url.path)).category == .badData)
        #expect(try refusal(BootRequest(kernel: kernel, deviceTree: kernel)).category == .badData)
        #expect(try refusal(BootRequest(kernel: kernel, initrd: kernel)).message.contains("is a kernel; rvkvm needs a cpio archive") )
        let script = try scratch.file("s", Array("#!/bin/sh\n".utf8))
        #expect(try refusal(BootRequest(kernel: kernel, initrd: script)).category == .badData)
        #expect(try refusal(BootRequest(kernel: kernel, commandLine: "a\0")).category == .usage)
    }

    /// kvm-unit-tests find their environment in the initrd.
    @Test func initrdOfText() throws {
        let text = Array("FOO=foo\nBAR=bar\n".utf8)
        let info = try load(BootRequest(kernel: try scratch.file("Image", image()), initrd: try scratch.file("env", text)))
        let initrd = try #require(info.initrd)
        #expect(initrd.count == text.count)
        #expect(try memory.bytes(initrd.lowerBound, count: text.count) == text)
    }

    @Test func initrdLargerThanRAMIsNotRead() throws {
        let kernel = try scratch.file("Image", image())
        let big = try cpio(100)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: big))
        try handle.truncate(atOffset: 4 << 40)
        try handle.close()
        let error = try refusal(BootRequest(kernel: kernel, initrd: big))
        #expect(error.category == .usage)
        #expect(error.message.contains("4096 GiB doesn't fit between the kernel's end 0x8030_0000 and the end of RAM 0x8400_0000"))
    }

    /// What goes into guest memory as it stands is read only then.
    @Test(arguments: ["Image", "initrd"]) func cutAfterItWasPlaced(_ which: String) throws {
        let request = BootRequest(kernel: try scratch.file("Image", image(length: 10_000)), initrd: try cpio(20_000))
        let plan = try Loader.plan(request, machine: machine)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: scratch.path(which)))
        try handle.truncate(atOffset: 5_000)
        try handle.close()
        let error = bootError { () throws(BootError) in try plan.install(into: memory) }
        #expect(error?.category == .badData)
        #expect(error?.message.contains("while rvkvm read it") == true)
    }

    @Test func memoryThatDoesNotMatchTheDescription() throws {
        let kernel = try scratch.file("Image", image())
        let plan = try Loader.plan(BootRequest(kernel: kernel), machine: machine10(harts: 1, ramSize: 128 * miB))
        let error = bootError { () throws(BootError) in try plan.install(into: memory) }
        #expect(error?.category == .host)
        #expect(try memory.bytes(0x8020_0000, count: 4) == [0, 0, 0, 0])
    }
}
