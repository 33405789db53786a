import Boot
import Testing

@Suite struct PlacementTests {
    private func place(_ size: UInt64, kernelEnd: UInt64, tree: UInt64 = 8000, initrd: UInt64?, dtb: PayloadSource? = nil) throws(BootError) -> Placement {
        try Placement(
            ram: ram(size), kernelEnd: kernelEnd, deviceTreeSize: tree, deviceTreeSource: dtb,
            initrdSize: initrd, initrdSource: initrd == nil ? nil : .initrd("X"))
    }

    private func refusal(_ size: UInt64, kernelEnd: UInt64, tree: UInt64 = 8000, initrd: UInt64?, dtb: PayloadSource? = nil) -> BootError? {
        bootError { () throws(BootError) in _ = try place(size, kernelEnd: kernelEnd, tree: tree, initrd: initrd, dtb: dtb) }
    }

    @Test func atTheTopOfSmallRAM() throws {
        let p = try place(256 * miB, kernelEnd: 0x8260_0000, initrd: 5 * miB + 1)
        #expect(p.deviceTree == 0x8FFF_E000..<0x8FFF_E000 + 8000)
        #expect(p.initrd == 0x8FAF_D000..<0x8FAF_D000 + 5 * miB + 1)
    }

    @Test func withinTheFirstGiB() throws {
        let p = try place(64 << 30, kernelEnd: 0x8260_0000, initrd: 900 * miB)
        #expect(p.deviceTree.upperBound <= 0xC000_0000)
        #expect(p.initrd.map { $0.upperBound <= p.deviceTree.lowerBound } == true)
    }

    @Test func withoutInitrd() throws {
        #expect(try place(64 * miB, kernelEnd: 0x8100_0000, initrd: nil).initrd == nil)
    }

    @Test func initrdTooLarge() {
        let error = refusal(256 * miB, kernelEnd: 0x8260_0000, initrd: 900 * miB)
        #expect(error?.category == .usage)
        #expect(
            error?.message
                == "--initrd X: 900 MiB doesn't fit between the kernel's end 0x8260_0000 and the end of RAM 0x9000_0000, where the device tree takes 8 KiB; give more --mem")
    }

    @Test func initrdBeyondTheFirstGiB() {
        #expect(
            refusal(2 << 30, kernelEnd: 0x8260_0000, initrd: 1200 * miB)?.message
                == "--initrd X: 1.1 GiB doesn't fit between the kernel's end 0x8260_0000 and the end of RAM's first GiB 0xC000_0000, where the device tree takes 8 KiB; initrd and device tree have to lie below it")
    }

    @Test func exactFit() throws {
        // Kernel to 0x8100_0000, two pages of tree at the top, the rest initrd.
        let room = 48 * miB - 8192
        #expect(try place(64 * miB, kernelEnd: 0x8100_0000, initrd: room).initrd == 0x8100_0000..<0x8100_0000 + room)
        #expect(refusal(64 * miB, kernelEnd: 0x8100_0000, initrd: room + 1)?.category == .usage)
        #expect(refusal(64 * miB, kernelEnd: 0x8100_0001, initrd: room)?.category == .usage)
    }

    @Test func noRoomForTheTree() {
        #expect(refusal(64 * miB, kernelEnd: 0x8400_0000 - 8192, initrd: nil) == nil)
        #expect(
            refusal(64 * miB, kernelEnd: 0x8400_0000 - 4096, initrd: nil)?.message
                == "--mem: the device tree's 7.8 KiB doesn't fit between the kernel's end 0x83FF_F000 and the end of RAM 0x8400_0000; give more --mem")
        #expect(refusal(64 * miB, kernelEnd: 0x8400_0000 - 4096, initrd: nil, dtb: .deviceTree("t"))?.message.hasPrefix("--dtb t: 7.8 KiB doesn't fit") == true)
        #expect(refusal(2 << 30, kernelEnd: 0xC000_0001, initrd: nil)?.category == .usage)
    }

    @Test(arguments: [.max, .max - 4095, 1 << 63, 0] as [UInt64])
    func absurdSizes(size: UInt64) {
        if size != 0 { #expect(refusal(64 * miB, kernelEnd: 0x8100_0000, initrd: size)?.category == .usage) }
        #expect(refusal(64 * miB, kernelEnd: size == 0 ? .max : size, initrd: 1)?.category == .usage)
    }

    @Test func neverOverlapping() throws {
        var random = Xorshift(state: 1)
        var placed = 0
        for _ in 0..<20_000 {
            let total = UInt64.random(in: 1...2048, using: &random) * miB
            let kernelEnd = ramBase + UInt64.random(in: 1...total, using: &random)
            let tree = UInt64.random(in: 1...Placement.deviceTreeLimit, using: &random)
            let initrd = UInt64.random(in: 1...total, using: &random)
            guard let p = try? place(total, kernelEnd: kernelEnd, tree: tree, initrd: initrd), let i = p.initrd else { continue }
            placed += 1
            try #require(kernelEnd <= i.lowerBound && i.upperBound <= p.deviceTree.lowerBound)
            try #require(p.deviceTree.upperBound <= ramBase + min(total, 1 << 30))
            try #require(i.lowerBound % 4096 == 0 && p.deviceTree.lowerBound % 8 == 0)
            try #require(i.upperBound - i.lowerBound == initrd && p.deviceTree.upperBound - p.deviceTree.lowerBound == tree)
        }
        #expect(placed > 1000)
    }
}
