import Boot
import Foundation
import GuestMemory

typealias Region = MachineDescription.Region

let ramBase: UInt64 = 0x8000_0000
let miB: UInt64 = 1 << 20

func ram(_ size: UInt64) -> Region { Region(base: ramBase, size: size) }

/// A directory that goes when the value does.
final class Scratch {
    let url: URL
    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("rvkvm-boot-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
        return path(name)
    }
}

/// The error of `body`, or nil when it throws none.
func bootError(_ body: () throws(BootError) -> Void) -> BootError? {
    do throws(BootError) {
        try body()
        return nil
    } catch { return error }
}

func payload(_ bytes: [UInt8]) throws -> PayloadBytes { try PayloadBytes(bytes, for: .kernel("k")) }

func parse(_ bytes: [UInt8], _ size: UInt64 = 256 * miB) throws(BootError) -> KernelImage {
    try KernelImage.parse(try PayloadBytes(bytes, for: .kernel("k")), ram: ram(size), source: .kernel("k"))
}

func parseError(_ bytes: [UInt8], _ size: UInt64 = 256 * miB) -> BootError? {
    bootError { () throws(BootError) in _ = try parse(bytes, size) }
}

extension Array where Element == UInt8 {
    mutating func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        Swift.withUnsafeBytes(of: value.littleEndian) { for (i, b) in $0.enumerated() { self[offset + i] = b } }
    }
    mutating func put(_ text: String, at offset: Int) {
        for (i, b) in text.utf8.enumerated() { self[offset + i] = b }
    }
}

/// A Linux Image of `length` bytes without a PE header.
func image(textOffset: UInt64 = 0x20_0000, imageSize: UInt64 = 0x10_0000, flags: UInt64 = 0, length: Int = 4096) -> [UInt8] {
    var out = [UInt8](repeating: 0x13, count: max(length, 64))
    out.put(UInt32(0x0000_006F), at: 0)
    out.put(UInt32(0), at: 4)
    out.put(textOffset, at: 8)
    out.put(imageSize, at: 16)
    out.put(flags, at: 24)
    out.put(UInt32(2), at: 32)
    for i in 36..<48 { out[i] = 0 }
    out.put("RISCV\0\0\0", at: 48)
    out.put("RSC\u{5}", at: 56)
    out.put(UInt32(0), at: 60)
    return Array(out[..<length])
}

struct Segment {
    var type: UInt32 = 1
    var offset: UInt64 = 0x1000
    var vaddr: UInt64 = 0x8020_0000
    var paddr: UInt64 = 0x8020_0000
    var fileSize: UInt64 = 0x100
    var memorySize: UInt64 = 0x100
}

/// An ELF file with the given program headers behind its header.
func elf(
    machine: UInt16 = 243, elfClass: UInt8 = 2, order: UInt8 = 1, type: UInt16 = 2, entry: UInt64 = 0x8020_0000,
    phoff: UInt64 = 64, phnum: UInt16? = nil, phentsize: UInt16 = 56, _ segments: [Segment] = [Segment()], length: Int = 0x2000
) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: length)
    for i in 0x1000..<max(length, 0x1000) { out[i] = UInt8(truncatingIfNeeded: i &* 7) }
    out.put("\u{7F}ELF", at: 0)
    out[4] = elfClass
    out[5] = order
    out[6] = 1
    out.put(order == 2 ? type.byteSwapped : type, at: 16)
    out.put(order == 2 ? machine.byteSwapped : machine, at: 18)
    out.put(UInt32(1), at: 20)
    out.put(entry, at: 24)
    out.put(phoff, at: 32)
    out.put(UInt64(0x1800), at: 40)
    out.put(UInt16(64), at: 52)
    out.put(phentsize, at: 54)
    out.put(phnum ?? UInt16(segments.count), at: 56)
    out.put(UInt16(64), at: 58)
    out.put(UInt16(3), at: 60)
    out.put(UInt16(1), at: 62)
    for (i, s) in segments.enumerated() {
        let at = 64 + 56 * i
        out.put(s.type, at: at)
        out.put(UInt32(5), at: at + 4)
        out.put(s.offset, at: at + 8)
        out.put(s.vaddr, at: at + 16)
        out.put(s.paddr, at: at + 24)
        out.put(s.fileSize, at: at + 32)
        out.put(s.memorySize, at: at + 40)
        out.put(UInt64(0x1000), at: at + 48)
    }
    return out
}

/// A repeatable random source, so that a failing mutation can be found again.
struct Xorshift: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

/// `bytes` with a few bits, bytes or words changed, or cut short.
func mutate(_ bytes: [UInt8], _ random: inout Xorshift, within: Int? = nil) -> [UInt8] {
    var out = bytes
    let span = min(within ?? bytes.count, bytes.count)
    for _ in 0..<Int.random(in: 1...6, using: &random) {
        let at = Int.random(in: 0..<span, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: out[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: out[at] = UInt8.random(in: 0...255, using: &random)
        case 2:
            let values: [UInt64] = [0, 1, .max, 1 << 63, .max - 0xFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x8000_0000]
            let value = values.randomElement(using: &random) ?? 0
            let aligned = at & ~7
            for i in 0..<8 where aligned + i < span { out[aligned + i] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(i))) }
        default:
            let aligned = at & ~3
            let value = UInt32.random(in: 0...UInt32(bytes.count &* 2), using: &random)
            for i in 0..<4 where aligned + i < span { out[aligned + i] = UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32(i))) }
        }
    }
    if Int.random(in: 0..<10, using: &random) == 0 { out.removeLast(Int.random(in: 0..<out.count, using: &random)) }
    return out
}

/// Machine version rvkvm-1.0, as shared/PLATFORM.md has it.
func machine10(
    harts: Int, ramSize: UInt64 = 1 << 30, firmware: Bool = false,
    interrupts: MachineDescription.InterruptController = .plic(.init(base: 0x0C00_0000, size: 0x60_0000, sources: 95))
) -> MachineDescription {
    MachineDescription(
        model: "rvkvm,rvkvm-1.0",
        ram: ram(ramSize),
        processors: .init(
            count: harts, isaString: "rv64imafdc_zicbom_zicbop_zicboz_zicntr_zicsr_zifencei_sstc_svpbmt",
            isaExtensions: ["i", "m", "a", "f", "d", "c", "zicbom", "zicbop", "zicboz", "zicntr", "zicsr", "zifencei", "sstc", "svpbmt"],
            mmuType: "riscv,sv57", cbomBlockSize: 64, cbozBlockSize: 64, cbopBlockSize: 64, timebaseFrequency: 10_000_000),
        interruptController: interrupts,
        uart: .init(base: 0x1000_0000, size: 0x100, interrupt: 10, clockFrequency: 3_686_400),
        rtc: .init(base: 0x10_1000, size: 0x1000, interrupt: 11),
        testFinisher: Region(base: 0x10_0000, size: 0x1000),
        clint: firmware ? Region(base: 0x0200_0000, size: 0x1_0000) : nil,
        virtio: (0..<8).map { .init(base: 0x1000_1000 + UInt64($0) * 0x1000, size: 0x1000, interrupt: 1 + UInt32($0)) })
}

/// The APLIC of machine version rvkvm-1.0, with IMSICs or without.
func aplic10(harts: Int, firmware: Bool, messages: Bool, guestIndexBits: UInt32 = 3) -> MachineDescription.InterruptController {
    let imsic = MachineDescription.IMSIC(
        machine: firmware ? Region(base: 0x2400_0000, size: UInt64(harts) << 12) : nil,
        supervisor: Region(base: 0x2800_0000, size: UInt64(harts) << (12 + guestIndexBits)), identities: 255,
        guestIndexBits: guestIndexBits)
    return .aplic(.init(
        machine: firmware ? Region(base: 0x0C00_0000, size: 0x8000) : nil, supervisor: Region(base: 0x0D00_0000, size: 0x8000),
        sources: 96, imsic: messages ? imsic : nil))
}

let fixedSeeds = DeviceTree.Seeds(rng: (0..<32).map { UInt8($0) }, kaslr: 0x0123_4567_89AB_CDEF)
