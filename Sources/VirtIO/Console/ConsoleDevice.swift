import CHost
import Devices

/// The virtio console (virtio 1.2, 5.3): port 0, and any number of further ports when there are more.
///
/// A thread of its own does all the work between driver and far ends, so that neither waits for the other. Its
/// lock is never held while the transport is told something that could call back.
package final class ConsoleDevice: VirtIODevice, @unchecked Sendable {
    /// Feature bits (5.3.3).
    private enum Feature {
        static let size: UInt64 = 1 << 0
        static let multiport: UInt64 = 1 << 1
        static let emergencyWrite: UInt64 = 1 << 2
    }

    private static let queueSize: UInt16 = 128
    private static let controlReceive = 2
    private static let controlTransmit = 3
    /// Messages that wait for the driver's buffers. A driver that asks on without making room isn't heard.
    private static let controlBacklog = 256

    package let deviceID: UInt32 = 3
    package let features: UInt64
    package let queueSizes: [UInt16]

    private let wake: Int32
    private let lock = Lock()
    private var thread: OpaquePointer?
    /// By number. Port 0 is missing when no port is a console: drivers take it for one.
    private let ports: [ConsolePort]
    private let portLimit: Int

    // Guarded by `lock`.
    private var session: (any VirtIOSession)?
    /// Counts starts and stops, so that the thread sees when what it knows is old.
    private var generation: UInt64 = 0
    private var isBroken = false
    private var isEnding = false
    private var messages: [ConsoleControl] = []
    /// What the configuration shows.
    private var shownSize = ConsoleSize(columns: 0, rows: 0)

    /// A device with `ports`: consoles first, which makes the first of them port 0, then the ports for programs.
    /// Throws errno when the host refuses a descriptor or a thread.
    package init(ports: [ConsolePortSetup]) throws(ConsoleDeviceError) {
        let consoles = ports.filter { $0.isConsole }
        var number = consoles.isEmpty ? 1 : 0
        var made: [ConsolePort] = []
        for setup in consoles + ports.filter({ !$0.isConsole }) {
            made.append(ConsolePort(number: number, setup))
            number += 1
        }
        self.ports = made
        portLimit = max(1, number)
        // A single console needs no control queues, and its size then goes through the configuration, whose
        // layout every driver agrees about: Linux before 6.15 takes columns for rows in the control message.
        let isMultiport = portLimit > 1
        features = Feature.size | Feature.emergencyWrite | (isMultiport ? Feature.multiport : 0)
        queueSizes = [UInt16](repeating: Self.queueSize, count: isMultiport ? 2 + 2 * portLimit : 2)
        wake = host_eventfd()
        guard wake >= 0 else { throw .noDescriptor(errno: -wake) }
        var error: Int32 = 0
        // The thread keeps the device alive until `close`.
        let reference = Unmanaged.passRetained(self)
        thread = host_thread_start(
            { argument in
                guard let argument else { return }
                Unmanaged<ConsoleDevice>.fromOpaque(argument).takeRetainedValue().loop()
            }, reference.toOpaque(), "rvkvm-vconsole", &error)
        guard thread != nil else {
            reference.release()
            throw .noThread(errno: error)
        }
        shownSize = Self.shown(made.first)
        for port in made { port.farEnd.attach(wake: wake) }
    }

    deinit { if wake >= 0 { host_close(wake) } }

    /// Ends the device's thread. To be called once, after the last `stop`.
    package func close() {
        for port in ports { port.farEnd.attach(wake: -1) }
        lock.withLock { isEnding = true }
        host_eventfd_signal(wake)
        if let thread { host_thread_join(thread) }
        thread = nil
    }

    // MARK: Configuration (5.3.4): cols, rows, max_nr_ports, emerg_wr

    package func readConfiguration(offset: UInt64, width: Int) -> UInt64 {
        let size = lock.withLock { shownSize }
        let low = UInt64(size.columns) | UInt64(size.rows) << 16 | UInt64(portLimit) << 32
        guard offset < 8 else { return 0 }
        // Zeros follow: the guest's emergency characters can't be read back.
        return low >> (offset &* 8) & RegisterAccess.mask(width: width)
    }

    package func writeConfiguration(offset: UInt64, width: Int, value: UInt64) {
        guard offset == 8, let port = ports.first, port.number == 0 else { return }
        // No queue is needed for it, nor any feature; on a vCPU's thread, so what finds no room is lost.
        withUnsafeBytes(of: UInt8(truncatingIfNeeded: value)) { _ = port.farEnd.write($0) }
    }

    // MARK: Session

    package func start(_ session: any VirtIOSession) {
        lock.withLock {
            self.session = session
            generation &+= 1
            isBroken = false
            // Without the control queues nobody says that the port is open.
            if !isMultiport, let port = ports.first, port.number == 0 {
                port.becomeReady()
                port.setOpen(true)
            }
        }
        host_eventfd_signal(wake)
    }

    package func stop() {
        lock.withLock {
            session = nil
            generation &+= 1
            messages = []
            for port in ports { port.reset() }
        }
        host_eventfd_signal(wake)
    }

    /// With the lock held: whether the driver uses the control queues.
    private var isMultiport: Bool { (session?.acceptedFeatures ?? 0) & Feature.multiport != 0 }

    private static func shown(_ port: ConsolePort?) -> ConsoleSize {
        guard let port, port.number == 0, let size = port.farEnd.size else { return ConsoleSize(columns: 0, rows: 0) }
        return size
    }

    // MARK: The thread

    private func loop() {
        var known: UInt64?
        var descriptors: [Int32] = [wake]
        while true {
            var report = Report()
            let goesOn = lock.withLock {
                if known != generation {
                    known = generation
                    descriptors = [wake] + (session?.queues ?? []).compactMap { $0?.doorbell }
                }
                if isEnding { return false }
                work(&report)
                return true
            }
            guard goesOn else { return }
            if report.isResized { report.session?.configurationChanged() }
            if let error = report.failure { report.session?.fail(error) }
            wait(descriptors, known)
        }
    }

    /// Sleeps until there is something to do, and takes the bells' rings.
    private func wait(_ descriptors: [Int32], _ known: UInt64?) {
        var rung = [UInt8](repeating: 0, count: descriptors.count)
        guard host_poll_readable(descriptors, &rung, descriptors.count, -1) > 0 else { return }
        lock.withLock {
            // A session that has ended took its doorbells along.
            for (descriptor, isRung) in zip(descriptors, rung) where isRung != 0 && (descriptor == wake || known == generation) {
                host_eventfd_drain(descriptor)
            }
        }
    }

    /// What is told to the transport once the lock is free.
    private struct Report {
        var session: (any VirtIOSession)?
        var isResized = false
        var failure: VirtQueueError?
    }

    /// Does all there is to do, with the lock held.
    private func work(_ report: inout Report) {
        let size = Self.shown(ports.first)
        report.isResized = size != shownSize
        shownSize = size
        guard let session, !isBroken else { return }
        report.session = session
        do throws(VirtQueueError) {
            if isMultiport {
                try takeControl(session)
            }
            for port in ports {
                if let queue = queue(port.transmitQueue, session) { try port.transmit(queue) }
                if let queue = queue(port.receiveQueue, session) { try port.receive(queue) }
            }
            // After the data: a peer's end comes behind its last byte.
            if isMultiport {
                for port in ports where port.isReady { tellChanges(of: port) }
                try sendControl(session)
            }
        } catch {
            isBroken = true
            report.failure = error
        }
    }

    private func queue(_ index: Int, _ session: any VirtIOSession) -> (any VirtQueue)? {
        session.queues.indices.contains(index) ? session.queues[index] : nil
    }

    // MARK: Control queues (5.3.6.2)

    private func takeControl(_ session: any VirtIOSession) throws(VirtQueueError) {
        guard let queue = queue(Self.controlTransmit, session) else { return }
        var isDone = false
        defer { if isDone { queue.signal() } }
        while messages.count < Self.controlBacklog {
            guard let chain = try queue.pop() else {
                if queue.wantNotifications(true) { continue }
                return
            }
            var bytes = [UInt8](repeating: 0, count: ConsoleControl.headerSize)
            let isWhole = bytes.withUnsafeMutableBytes { chain.read(at: 0, into: $0) }
            queue.push(chain, written: 0)
            isDone = true
            guard isWhole, let message = ConsoleControl(bytes) else { throw .badRequest }
            handle(message)
        }
    }

    /// What doesn't fit the state or names no port is ignored: the specification leaves it open.
    private func handle(_ message: ConsoleControl) {
        if message.event == ConsoleControl.Event.deviceReady.rawValue {
            guard message.value == 1 else { return }
            for port in ports { messages.append(ConsoleControl(.deviceAdd, port: port.number)) }
            return
        }
        guard let port = ports.first(where: { UInt32($0.number) == message.port }) else { return }
        switch message.event {
        case ConsoleControl.Event.portReady.rawValue:
            guard message.value == 1, !port.isReady else { return }
            port.becomeReady()
            if let name = port.setup.name { messages.append(ConsoleControl(name: name, port: port.number)) }
            if port.setup.isConsole { messages.append(ConsoleControl(.consolePort, port: port.number)) }
        case ConsoleControl.Event.portOpen.rawValue:
            port.setOpen(message.value != 0)
        default: break
        }
    }

    private func tellChanges(of port: ConsolePort) {
        guard messages.count < Self.controlBacklog else { return }
        if port.setup.isConsole, let size = port.farEnd.size, size != port.toldSize {
            port.toldSize = size
            messages.append(ConsoleControl(size: size, port: port.number))
        }
        let isConnected = port.farEnd.isConnected
        if isConnected != port.toldConnected {
            port.toldConnected = isConnected
            messages.append(ConsoleControl(.portOpen, port: port.number, value: isConnected ? 1 : 0))
        }
    }

    private func sendControl(_ session: any VirtIOSession) throws(VirtQueueError) {
        guard let queue = queue(Self.controlReceive, session) else { return }
        var isDone = false
        defer { if isDone { queue.signal() } }
        while let message = messages.first {
            guard let chain = try queue.pop() else {
                if queue.wantNotifications(true) { continue }
                return
            }
            let bytes = message.bytes
            guard bytes.withUnsafeBytes({ chain.write($0, at: 0) }) else { throw .badRequest }
            queue.push(chain, written: bytes.count)
            isDone = true
            messages.removeFirst()
        }
    }
}

/// Why a console device can't be made.
package enum ConsoleDeviceError: Error, Equatable {
    case noDescriptor(errno: Int32)
    case noThread(errno: Int32)
}
