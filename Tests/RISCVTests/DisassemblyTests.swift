import Foundation
import RISCV
import Testing

/// Disassembly against llvm-objdump's, from which the spelling is taken.
@Suite("Disassembly")
struct DisassemblyTests {
    @Test("a few lines by heart")
    func spelling() {
        #expect(disassemble(0x1234_5537, pc: 0) == "lui a0, 0x12345")
        #expect(disassemble(0xffc1_2503, pc: 0) == "lw a0, -0x4(sp)")
        #expect(disassemble(0xfe1f_f0ef, pc: 0x8000_0024) == "jal ra, 0x80000004")
        #expect(disassemble(0x1005_9573, pc: 0) == "csrrw a0, sstatus, a1")
        #expect(disassemble(0x1605_a52f, pc: 0) == "lr.w.aqrl a0, (a1)")
        #expect(disassemble(0xabcd_1141, pc: 0) == "c.addi sp, -0x10")
        #expect(disassemble(0x8082, pc: 0) == "c.jr ra")
        #expect(disassemble(0, pc: 0) == "<unknown>")
    }

    static let objdump = LLVMObjdump.find()

    @Test("every line of the table as llvm-objdump has it", .enabled(if: objdump.isUsable, objdump.reason))
    func everyLine() throws {
        var random = SeededGenerator(state: 4)
        var words: [UInt32] = []
        for row in tableRows {
            for _ in 0..<200 { words.append(row.value | (UInt32(truncatingIfNeeded: random.next()) & ~row.mask)) }
        }
        try compare(words.map { $0 & 3 == 3 ? $0 : $0 & 0xffff })
    }

    @Test("every halfword as llvm-objdump has it", .enabled(if: objdump.isUsable, objdump.reason))
    func everyHalfword() throws {
        try compare((UInt32(0)...0xffff).filter { $0 & 3 != 3 })
    }

    @Test("random words as llvm-objdump has them", .enabled(if: objdump.isUsable, objdump.reason))
    func randomWords() throws {
        var random = SeededGenerator(state: 5)
        try compare((0..<100_000).map { _ in
            let word = UInt32(truncatingIfNeeded: random.next()) | 3
            // Not the prefix of something longer than 32 bits.
            return word & 0x1c == 0x1c ? word & ~0x10 : word
        })
    }

    @Test("every CSR's name as llvm-objdump has it", .enabled(if: objdump.isUsable, objdump.reason))
    func everyCSR() throws {
        try compare((0..<4096).map { encode(.csrrs, rd: 10, imm: $0) })
    }

    private func compare(_ words: [UInt32]) throws {
        let theirs = try Self.objdump.disassemble(words)
        try #require(theirs.count == words.count)
        var differences = 0
        for (index, word) in words.enumerated() {
            let ours = disassemble(word, pc: UInt64(index) * 4)
            guard ours != theirs[index], !isKnownDifference(word, ours, theirs[index]) else { continue }
            differences += 1
            if differences <= 20 {
                Issue.record(Comment(rawValue: "\(hex(word)): \(ours), llvm-objdump: \(theirs[index])"))
            }
        }
        #expect(differences == 0)
    }

    /// Where we spell or read something differently on purpose.
    private func isKnownDifference(_ word: UInt32, _ ours: String, _ theirs: String) -> Bool {
        let decoded = decode(word, everything)
        switch decoded.instruction {
        case .fence, .fence_i:
            // Fields that the specification says to ignore: LLVM wants zeros in them.
            return theirs == "<unknown>" && (word >> 7 & 31 != 0 || word >> 15 != 0)
        case .pause:
            // To LLVM an alias of the fence that it is a HINT of.
            return theirs == "fence w, 0"
        case .slli, .srli, .srai:
            // RV128's name for a HINT of RV64, dropped from the specification since.
            return decoded.length == 2 && decoded.imm == 0 && theirs == ours.replacing(", 0x0", with: "")
                .replacing(" ", with: "64 ")
        case .csrrw, .csrrs, .csrrc, .csrrwi, .csrrsi, .csrrci:
            // The names of RV32's upper halves and odd pmpcfg registers, which LLVM doesn't use on RV64.
            guard let csr = CSR(rawValue: UInt16(decoded.imm)) else { return false }
            let odd = csr.name.hasPrefix("pmpcfg") && decoded.imm & 1 == 1
            guard odd || csr.name.hasSuffix("h") else { return false }
            return theirs == ours.replacing(csr.name, with: hex(UInt32(decoded.imm)))
        case .illegal:
            return word == 0 && theirs == "c.unimp"
        default:
            return false
        }
    }
}

/// An llvm-objdump that knows the extensions of the table.
struct LLVMObjdump: Sendable {
    var path: String?
    var reason: Comment

    var isUsable: Bool { path != nil }

    private static let oldest = 20
    private static let attributes =
        "+m,+a,+f,+d,+c,+zicsr,+zifencei,+zba,+zbb,+zbs,+zicond,+zawrs,+zihintpause,+zicbom,+zicboz,+zcb,+zfa,"
        + "+zfhmin,+svinval,+h"

    /// The one beside `swift` first: its release is known to go with this toolchain.
    static func find() -> LLVMObjdump {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        let manager = FileManager.default
        var candidates: [String] = []
        for folder in folders where manager.isExecutableFile(atPath: folder + "/swift") {
            let swift = URL(fileURLWithPath: folder + "/swift").resolvingSymlinksInPath()
            candidates.append(swift.deletingLastPathComponent().path + "/llvm-objdump")
        }
        candidates += folders.map { $0 + "/llvm-objdump" }
        var tooOld = false
        for candidate in candidates where manager.isExecutableFile(atPath: candidate) {
            guard let text = try? run(candidate, ["--version"]), let version = version(in: text) else { continue }
            if version >= oldest && text.contains("riscv64") { return LLVMObjdump(path: candidate, reason: "") }
            tooOld = true
        }
        return LLVMObjdump(
            path: nil,
            reason: tooOld
                ? "llvm-objdump is older than LLVM \(oldest) or lacks riscv64" : "llvm-objdump isn't in PATH")
    }

    private static func version(in text: String) -> Int? {
        guard let range = text.range(of: "LLVM version ") else { return nil }
        return Int(text[range.upperBound...].prefix { $0.isNumber })
    }

    /// One line an instruction, each in four bytes of its own from address 0.
    func disassemble(_ words: [UInt32]) throws -> [String] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("rvkvm-\(UUID().uuidString).o")
        defer { try? FileManager.default.removeItem(at: file) }
        try Self.object(words).write(to: file)
        let text = try Self.run(
            path!,
            [
                "-d", "-z", "--no-show-raw-insn", "--print-imm-hex", "-M", "no-aliases",
                "--mattr=" + Self.attributes, file.path,
            ])
        var lines = [String](repeating: "", count: words.count)
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let address = UInt64(parts[0].drop { $0 == " " }, radix: 16), address % 4 == 0
            else { continue }
            // "beq\ta0, a1, 0x30 <.text+0x30>": the symbol is objdump's own addition.
            var fields = parts[1].split { $0 == " " || $0 == "\t" }.map(String.init)
            if fields.count > 1, fields.last!.hasPrefix("<") { fields.removeLast() }
            lines[Int(address / 4)] = fields.joined(separator: " ")
        }
        return lines
    }

    /// An ELF object with nothing but .text.
    private static func object(_ words: [UInt32]) -> Data {
        var data = Data()
        func put<T: FixedWidthInteger>(_ value: T) {
            withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
        }
        let names: [UInt8] = Array("\0.text\0.shstrtab\0".utf8)
        let textSize = UInt64(words.count * 4)
        data.append(contentsOf: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        put(UInt16(1)); put(UInt16(243)); put(UInt32(1))  // relocatable, RISC-V
        put(UInt64(0)); put(UInt64(0)); put(64 + textSize + 24)
        put(UInt32(5))  // RVC, double-float ABI
        put(UInt16(64)); put(UInt16(0)); put(UInt16(0)); put(UInt16(64)); put(UInt16(3)); put(UInt16(2))
        for word in words {
            // c.nop fills the slot of a 16-bit instruction.
            put(word & 3 == 3 ? word : word & 0xffff | 0x0001_0000)
        }
        data.append(contentsOf: names)
        while data.count < 64 + Int(textSize) + 24 { data.append(0) }
        func section(_ name: Int, _ type: UInt32, _ flags: UInt64, _ offset: UInt64, _ size: UInt64) {
            put(UInt32(name)); put(type); put(flags); put(UInt64(0)); put(offset); put(size)
            put(UInt32(0)); put(UInt32(0)); put(UInt64(4)); put(UInt64(0))
        }
        section(0, 0, 0, 0, 0)
        section(1, 1, 6, 64, textSize)  // .text: allocated, executable
        section(7, 3, 0, 64 + textSize, UInt64(names.count))
        return data
    }

    private static func run(_ path: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }
}
