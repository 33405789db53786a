import CHost
import Devices
import GuestMemory

/// Spike's host-target interface (riscv-isa-sim, fesvr/htif.cc, device.cc, syscall.cc): commands that a
/// bare-metal program stores to `tohost`, answered in `fromhost`.
///
/// A command has a device in bits 63–56, a command in 55–48 and a payload below. Device 0 ends the program
/// (payload odd: exit code × 2 + 1) or carries out a system call, whose number and arguments lie at the payload;
/// device 1 is the console.
final class HTIF: @unchecked Sendable {
    private let memory: GuestMemory
    private let toHost: UInt64
    private let fromHost: UInt64?
    private let output: any ByteSink
    private let input: ConsoleInput
    private let delegate: any BoardDelegate

    private let lock = Lock()
    // Guarded by `lock`.
    private var answers: [UInt64] = []
    private var isReading = false

    /// The most that one call may write.
    private static let most: UInt64 = 1 << 20
    private static let notImplemented = UInt64(bitPattern: -38)  // ENOSYS
    private static let badAddress = UInt64(bitPattern: -14)  // EFAULT

    init(
        memory: GuestMemory, toHost: UInt64, fromHost: UInt64?, output: any ByteSink, input: ConsoleInput,
        delegate: any BoardDelegate
    ) {
        self.memory = memory
        self.toHost = toHost
        self.fromHost = fromHost
        self.output = output
        self.input = input
        self.delegate = delegate
    }

    /// A hart stored to `tohost` or `fromhost`. Called on its thread.
    func stored() {
        let code: UInt64? = lock.withLock {
            guard let place = memory.pointer(toHost, count: 8), let command = Self.load(place), command != 0 else {
                answerNext()
                return nil
            }
            host_atomic_store_64(place, 0)
            let code = carryOut(command)
            answerNext()
            return code
        }
        if let code { delegate.testEnded(code: code) }
    }

    private static func load(_ place: UnsafeMutableRawPointer) -> UInt64? {
        UInt(bitPattern: place) & 7 == 0 ? host_atomic_load_64(place) : place.loadUnaligned(as: UInt64.self)
    }

    // With the lock held.

    /// The exit code, when the command is the program's end.
    private func carryOut(_ command: UInt64) -> UInt64? {
        let payload = command & 0xFFFF_FFFF_FFFF
        switch (command >> 56, command >> 48 & 0xFF) {
        case (0, 0):
            if payload & 1 != 0 { return payload >> 1 }
            return callSystem(payload, command)
        case (1, 0): isReading = true
        case (1, 1): put([UInt8(truncatingIfNeeded: payload)])
        default: break
        }
        return nil
    }

    private func callSystem(_ address: UInt64, _ command: UInt64) -> UInt64? {
        do throws(GuestMemoryError) {
            let number = try memory.read(address, as: UInt64.self)
            let first = try memory.read(address &+ 8, as: UInt64.self)
            let result: UInt64
            switch number {
            case 93: return first  // exit
            case 64:  // write(fd, buffer, count)
                let buffer = try memory.read(address &+ 16, as: UInt64.self)
                let count = min(try memory.read(address &+ 24, as: UInt64.self), Self.most)
                result = write(to: first, buffer, count)
            default: result = Self.notImplemented
            }
            try memory.write(result, at: address)
        } catch {
            // Nowhere to put a result.
        }
        answers.append(command & 0xFFFF_0000_0000_0000 | 1)
        return nil
    }

    private func write(to descriptor: UInt64, _ buffer: UInt64, _ count: UInt64) -> UInt64 {
        guard descriptor == 1 || descriptor == 2 else { return UInt64(bitPattern: -9) }  // EBADF
        do throws(GuestMemoryError) {
            put(try memory.bytes(buffer, count: Int(count)))
            return count
        } catch { return Self.badAddress }
    }

    private func put(_ bytes: [UInt8]) { bytes.withUnsafeBytes { output.write($0) } }

    /// Answers wait until the program has taken the one before.
    private func answerNext() {
        if isReading, let byte = input.take(1).first {
            isReading = false
            answers.append(1 << 56 | 0x100 | UInt64(byte))
        }
        guard let fromHost, let next = answers.first else { return }
        do throws(GuestMemoryError) {
            guard try memory.read(fromHost, as: UInt64.self) == 0 else { return }
            try memory.write(next, at: fromHost)
        } catch { return }
        answers.removeFirst()
    }
}
