import Devices
import ExecutionEngine
import Foundation
import GuestMemory
import Machine
import Synchronization
import Testing

/// The debug console on guest memory: what is inside RAM works, everything else is refused.
@Suite struct SBIConsoleTests {
    let memory = GuestMemory()
    let output = Recorder()
    let input = ConsoleInput(wake: -1)

    static let base: UInt64 = 0x8000_0000
    static let size: UInt64 = 64 << 10

    init() throws { try memory.addRAM(base: Self.base, size: Self.size) }

    func call(_ function: UInt64, _ a0: UInt64, _ a1: UInt64, _ a2: UInt64 = 0) -> ExitAnswer {
        SBIConsole(memory: memory, output: output, input: input).answer(
            SBICall(extensionID: 0x4442_434E, functionID: function, a0: a0, a1: a1, a2: a2, a3: 0, a4: 0, a5: 0))
    }

    @Test func writesWhatIsThere() throws {
        try memory.write(Array("hello".utf8), at: Self.base + 3)
        #expect(call(0, 5, Self.base + 3) == .sbi(error: 0, value: 5))
        #expect(output.text == "hello")
    }

    @Test(arguments: [
        (1, 0x7FFF_FFFF, 0), (2, 0x8000_FFFF, 0), (1, 0x8001_0000, 0), (1, 0, 0), (1, 0x8000_0000, 1),
        (UInt64.max, 0x8000_0000, 0), (UInt64.max, UInt64.max, UInt64.max), (0x1_0001, 0x8000_0000, 0),
        (16, 0xFFFF_FFFF_FFFF_FFF8, 0), (0x8000_0001, 0xFFFF_FFFF_8000_0000, 0),
    ] as [(UInt64, UInt64, UInt64)])
    func refusesWhatIsNotRAM(_ range: (UInt64, UInt64, UInt64)) {
        input.push([1, 2, 3])
        for function: UInt64 in [0, 1] { #expect(call(function, range.0, range.1, range.2) == .sbi(error: -3, value: 0)) }
        #expect(output.text == "")
        // What was typed is still there.
        #expect(input.take(9) == [1, 2, 3])
    }

    @Test func lastByteOfRAM() {
        #expect(call(0, 1, Self.base + Self.size - 1) == .sbi(error: 0, value: 1))
    }

    @Test func nothingIsAlwaysFine() {
        #expect(call(0, 0, 0) == .sbi(error: 0, value: 0))
        #expect(call(1, 0, UInt64.max) == .sbi(error: 0, value: 0))
    }

    @Test func longWritesComeInParts() {
        #expect(call(0, Self.size, Self.base) == .sbi(error: 0, value: 4096))
    }

    @Test func readsWhatWasTyped() throws {
        input.push(Array("typed".utf8))
        #expect(call(1, 3, Self.base) == .sbi(error: 0, value: 3))
        #expect(try memory.bytes(Self.base, count: 4) == Array("typ\0".utf8))
        #expect(call(1, 64, Self.base) == .sbi(error: 0, value: 2))
        #expect(call(1, 64, Self.base) == .sbi(error: 0, value: 0))
    }

    @Test func unknownFunctionIsNotSupported() { #expect(call(3, 0, 0) == .sbi(error: -2, value: 0)) }
}

@Suite struct ConsoleInputTests {
    @Test func takesNoMoreThanItHasRoomFor() {
        let input = ConsoleInput(wake: -1)
        let room = input.room
        input.push([UInt8](repeating: 7, count: room + 100))
        #expect(input.room == 0)
        #expect(input.take(room + 100).count == room)
        #expect(input.room == room)
        #expect(input.take(-1) == [])
    }
}

@Suite struct ConsoleWriterTests {
    /// Both ends of a pipe.
    final class Pipe: @unchecked Sendable {
        let read: Int32
        private var writeEnd: Int32
        var write: Int32 { writeEnd }

        init() {
            var ends: [Int32] = [-1, -1]
            _ = pipe(&ends)
            (read, writeEnd) = (ends[0], ends[1])
        }

        func closeRead() { close(read) }
        func closeWrite() {
            close(writeEnd)
            writeEnd = -1
        }

        func readAll() -> [UInt8] {
            var all: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                let n = Glibc.read(read, &buffer, buffer.count)
                if n <= 0 { return all }
                all += buffer.prefix(n)
            }
        }
    }

    @Test func nothingIsLostAtTheEnd() throws {
        let pipe = Pipe()
        let writer = try ConsoleWriter(descriptor: pipe.write) { _ in }
        for i in 0..<1000 { Array("line \(i)\n".utf8).withUnsafeBytes { writer.write($0) } }
        #expect(writer.finish())
        pipe.closeWrite()
        let text = String(decoding: pipe.readAll(), as: UTF8.self)
        #expect(text.split(separator: "\n").count == 1000)
        #expect(text.hasSuffix("line 999\n"))
    }

    @Test func waitsForASlowReader() throws {
        let pipe = Pipe()
        let writer = try ConsoleWriter(descriptor: pipe.write) { _ in }
        let total = 1 << 20
        Thread.detachNewThread {
            let block = [UInt8](repeating: 0x2E, count: 1000)
            var left = total
            while left > 0 {
                block.prefix(min(left, 1000)).withUnsafeBytes { writer.write($0) }
                left -= min(left, 1000)
            }
            _ = writer.finish()
            pipe.closeWrite()
        }
        #expect(pipe.readAll().count == total)
    }

    @Test func impatienceFreesWhoeverWaits() throws {
        let pipe = Pipe()
        let writer = try ConsoleWriter(descriptor: pipe.write) { _ in }
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let block = [UInt8](repeating: 0x2E, count: 4096)
            for _ in 0..<100 { block.withUnsafeBytes { writer.write($0) } }
            done.signal()
        }
        #expect(done.wait(timeout: .now() + 0.2) == .timedOut)
        writer.setPatient(false)
        #expect(done.wait(timeout: .now() + 5) == .success)
        // Nobody reads: the end doesn't wait for ever.
        #expect(!writer.finish(deadline: 0))
        pipe.closeRead()
    }

    @Test func readerThatLeavesIsTold() throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = Pipe()
        let told = Mutex<Int32>(0)
        let seen = DispatchSemaphore(value: 0)
        let writer = try ConsoleWriter(descriptor: pipe.write) { error in
            told.withLock { $0 = error }
            seen.signal()
        }
        pipe.closeRead()
        Array("x".utf8).withUnsafeBytes { writer.write($0) }
        #expect(seen.wait(timeout: .now() + 5) == .success)
        #expect(told.withLock { $0 } == EPIPE)
        #expect(!writer.finish())
    }
}
