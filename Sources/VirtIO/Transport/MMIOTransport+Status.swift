import CHost

extension MMIOTransport {
    /// Writing 0 resets; otherwise bits are only ever added (2.1.1), in the order of 3.1.1.
    func setStatus(_ value: UInt32) {
        guard value != 0 else { return reset() }
        guard !isShutDown else { return }
        let added = value & ~status
        status |= added & (DeviceStatus.acknowledge | DeviceStatus.driver)
        if added & DeviceStatus.featuresOK != 0, areFeaturesGood { status |= DeviceStatus.featuresOK }
        if added & DeviceStatus.failed != 0 {
            status |= DeviceStatus.failed
            endSession()
        }
        if added & DeviceStatus.driverOK != 0 { start() }
    }

    /// Only what was offered: without FEATURES_OK the driver has to give up (2.1). A driver that doesn't accept
    /// VERSION_1 gets on nevertheless, as 6.2 leaves open: xv6's looks at the lower 32 features only, and goes by
    /// virtio 1 all the same.
    private var areFeaturesGood: Bool { accepted & ~offered == 0 }

    private func start() {
        guard status & DeviceStatus.featuresOK != 0, status & DeviceStatus.failed == 0, !interrupts.needsReset else { return }
        status |= DeviceStatus.driverOK
        let session = MMIOSession(
            acceptedFeatures: accepted, queues: queues.map { $0.queue }, memory: memory, interrupt: interrupt)
        self.session = session
        device.start(session)
    }

    /// Stops the device. When this returns it touches neither memory nor queues.
    private func endSession() {
        device.stop()
        session?.end()
        interrupt.cut()
        session = nil
    }

    func reset() {
        endSession()
        interrupt = SessionInterrupt(interrupts)
        status = 0
        accepted = 0
        deviceFeaturesSelect = 0
        driverFeaturesSelect = 0
        queueSelect = 0
        for index in queues.indices {
            queues[index].reset()
            host_eventfd_drain(doorbells[index])
        }
        interrupts.clear()
    }

    /// QueueReady. A queue that can't be used doesn't become ready, and the device asks for its reset.
    func setReady(_ index: Int, _ ready: Bool) {
        if ready {
            // Which kind of ring it is depends on the features, and once the device runs its queues are settled.
            guard queues[index].queue == nil, !isShutDown, session == nil, status & DeviceStatus.featuresOK != 0,
                status & (DeviceStatus.driverOK | DeviceStatus.failed) == 0
            else { return }
            makeReady(index)
        } else if queues[index].queue != nil {
            // The driver takes a queue's memory back. Without RING_RESET it may do that only around a reset, so
            // nothing is lost by stopping the device as a whole.
            if session != nil {
                endSession()
                interrupts.requireReset(telling: true)
            }
            queues[index].queue = nil
        }
    }

    private func makeReady(_ index: Int) {
        let registers = queues[index]
        do throws(VirtQueueError) {
            guard registers.size <= registers.sizeMax else { throw .badIndex(UInt16(clamping: registers.size)) }
            let setup = QueueSetup(
                index: index, size: registers.size, descriptors: registers.descriptors, driver: registers.driver,
                device: registers.device, features: accepted, doorbell: doorbells[index])
            queues[index].queue = try setup.makeQueue(memory, interrupt: interrupt)
        } catch {
            // Before DRIVER_OK no driver waits for an interrupt (2.1.2).
            interrupts.requireReset(telling: false)
        }
    }
}
