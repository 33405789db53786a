import CHost
import Synchronization

/// Why a bank of flash memory can't have its file.
package enum FlashError: Error, Equatable {
    case cantOpen(errno: Int32)
    /// Not a regular file.
    case notAFile
    /// Larger than a bank.
    case tooLarge(UInt64)
    case cantRead(errno: Int32)
    /// Another open file has it: a process, and its name, as far as they could be found; pid 0 for neither.
    case inUse(pid: Int32, name: String)
    case cantLock(errno: Int32)
    case noMemory
    case noThread(errno: Int32)
}

/// The cells of a bank: in memory, and in a file as well that has their content from one run to the next.
///
/// Used under the bank's lock. What is programmed is written to the file at once, and from there to the disk by a
/// thread that lets changes gather for a moment: firmware stores a variable in dozens of small steps.
package final class FlashStorage: @unchecked Sendable {
    let cells: UnsafeMutableRawPointer
    private let file: FlashFile?
    /// What has changed since `keep`: a range of bytes.
    private var changed: Range<Int>?
    /// The last write to the file failed: from here on the cells are as they are, and nothing can be programmed.
    private var isBroken = false
    private let isReadOnly: Bool

    /// Erased cells that nobody keeps.
    package init() throws(FlashError) {
        cells = try Self.reserve()
        host_fill(cells, 0xFF, FlashGeometry.bankSize)
        file = nil
        isReadOnly = false
    }

    /// The content of the file at `path`; cells behind its end are erased. It is locked: against writers when it
    /// is for reading only, otherwise against everybody.
    package init(_ path: String, isReadOnly: Bool) throws(FlashError) {
        let memory = try Self.reserve()
        do throws(FlashError) {
            file = try FlashFile(path, isReadOnly: isReadOnly, into: memory)
        } catch {
            host_memory_release(memory, FlashGeometry.bankSize)
            throw error
        }
        cells = memory
        self.isReadOnly = isReadOnly
    }

    deinit {
        file?.close()
        host_memory_release(cells, FlashGeometry.bankSize)
    }

    private static func reserve() throws(FlashError) -> UnsafeMutableRawPointer {
        var error: Int32 = 0
        guard let memory = host_memory_reserve(FlashGeometry.bankSize, 4096, &error) else { throw .noMemory }
        return memory
    }

    /// Clears bits of the halfword at `offset`. False when that can't be.
    func program(_ offset: Int, _ value: UInt16) -> Bool {
        set(offset, cells.load(fromByteOffset: offset, as: UInt16.self) & value.littleEndian)
    }

    func erase(_ offset: Int) -> Bool { set(offset, 0xFFFF) }

    private func set(_ offset: Int, _ value: UInt16) -> Bool {
        if isReadOnly || isBroken { return false }
        cells.storeBytes(of: value, toByteOffset: offset, as: UInt16.self)
        changed = min(offset, changed?.lowerBound ?? offset)..<max(offset &+ 2, changed?.upperBound ?? 0)
        return true
    }

    /// Brings what has changed into the file.
    func keep() {
        guard let range = changed else { return }
        changed = nil
        if let file, !file.write(cells, range) { isBroken = true }
    }
}

/// The file behind a bank's cells.
private final class FlashFile: @unchecked Sendable {
    private let descriptor: Int32
    /// How far the file reaches. Under the bank's lock.
    private var end: Int
    private let mutex = host_mutex_create()
    private let wake = host_cond_create()
    // Guarded by `mutex`.
    private var isDirty = false
    private var isClosing = false
    private var thread: OpaquePointer?

    /// How long changes gather, in nanoseconds.
    private static let pause: UInt64 = 200_000_000

    init(_ path: String, isReadOnly: Bool, into cells: UnsafeMutableRawPointer) throws(FlashError) {
        let fd = host_image_open(path, !isReadOnly, false)
        guard fd >= 0 else { throw .cantOpen(errno: -fd) }
        do throws(FlashError) {
            end = try Self.load(fd, isReadOnly, cells)
        } catch {
            host_close(fd)
            throw error
        }
        descriptor = fd
        if isReadOnly { return }
        var error: Int32 = 0
        // The thread owns a reference until it ends.
        let reference = Unmanaged.passRetained(self)
        thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<FlashFile>.fromOpaque(argument).takeRetainedValue().loop()
            }, reference.toOpaque(), "rvkvm-flash", &error)
        if thread == nil {
            reference.release()
            throw .noThread(errno: error)
        }
    }

    deinit {
        host_close(descriptor)
        host_cond_destroy(wake)
        host_mutex_destroy(mutex)
    }

    private static func load(_ fd: Int32, _ isReadOnly: Bool, _ cells: UnsafeMutableRawPointer) throws(FlashError) -> Int {
        var facts = host_image_facts()
        let error = host_image_inspect(fd, &facts)
        if error != 0 { throw .cantOpen(errno: -error) }
        guard facts.kind == HOST_IMAGE_FILE.rawValue else { throw .notAFile }
        guard facts.size <= UInt64(FlashGeometry.bankSize) else { throw .tooLarge(facts.size) }
        let refusal = host_image_lock(fd, !isReadOnly)
        if refusal != 0 {
            guard host_error_is_busy(-refusal) else { throw .cantLock(errno: -refusal) }
            var name = [CChar](repeating: 0, count: 64)
            let pid = host_image_lock_holder(fd, &name, name.count)
            var bytes: [UInt8] = []
            for c in name {
                if c == 0 { break }
                bytes.append(UInt8(bitPattern: c))
            }
            throw .inUse(pid: pid, name: String(decoding: bytes, as: UTF8.self))
        }
        var done = 0
        while done < FlashGeometry.bankSize {
            let n = host_pread(fd, cells + done, FlashGeometry.bankSize &- done, UInt64(done))
            if n < 0 { throw .cantRead(errno: Int32(truncatingIfNeeded: -n)) }
            if n == 0 { break }
            done &+= n
        }
        host_fill(cells + done, 0xFF, FlashGeometry.bankSize &- done)
        return done
    }

    /// Writes a range of the cells, and those between the file's end and it. False when not all of it could be.
    func write(_ cells: UnsafeMutableRawPointer, _ range: Range<Int>) -> Bool {
        let start = min(range.lowerBound, end)
        var done = start
        while done < range.upperBound {
            var stretch = host_stretch(base: cells + done, count: range.upperBound &- done)
            let n = host_image_write(descriptor, &stretch, 1, UInt64(done))
            guard n > 0 else { return false }
            done &+= n
        }
        end = max(end, range.upperBound)
        host_mutex_lock(mutex)
        if !isDirty {
            isDirty = true
            host_cond_signal(wake)
        }
        host_mutex_unlock(mutex)
        return true
    }

    /// Waits until everything is on the disk.
    func close() {
        host_mutex_lock(mutex)
        isClosing = true
        let ending = thread
        thread = nil
        host_cond_signal(wake)
        host_mutex_unlock(mutex)
        if let ending { host_thread_join(ending) }
    }

    private func loop() {
        host_mutex_lock(mutex)
        while true {
            if isDirty {
                if !isClosing { _ = host_cond_wait_until(wake, mutex, host_clock_monotonic_ns() &+ Self.pause) }
                isDirty = false
                host_mutex_unlock(mutex)
                _ = host_image_sync(descriptor)
                host_mutex_lock(mutex)
            } else if isClosing {
                break
            } else {
                host_cond_wait(wake, mutex)
            }
        }
        host_mutex_unlock(mutex)
    }
}
