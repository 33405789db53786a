extension MMIOTransport {
    /// What isn't a readable register reads 0.
    func readRegister(_ offset: UInt64) -> UInt32 {
        switch offset {
        case MMIORegister.magicValue: MMIORegister.magic
        case MMIORegister.version: 2
        case MMIORegister.deviceID: device.deviceID
        case MMIORegister.vendorID: MMIORegister.vendor
        case MMIORegister.deviceFeatures: half(offered, deviceFeaturesSelect)
        case MMIORegister.queueSizeMax: selected.map { queues[$0].sizeMax } ?? 0
        case MMIORegister.queueReady: selected.map { queues[$0].queue != nil ? 1 : 0 } ?? 0
        case MMIORegister.interruptStatus: interrupts.status
        case MMIORegister.status: status | (interrupts.needsReset ? DeviceStatus.needsReset : 0)
        // No region has any of the selectable ids (4.2.2: length and base of an absent one are all ones).
        case MMIORegister.sharedMemoryLengthLow, MMIORegister.sharedMemoryLengthHigh,
            MMIORegister.sharedMemoryBaseLow, MMIORegister.sharedMemoryBaseHigh:
            ~0
        case MMIORegister.configGeneration: interrupts.generation
        default: 0
        }
    }

    /// What isn't a writable register takes nothing.
    func writeRegister(_ offset: UInt64, _ value: UInt32) {
        switch offset {
        case MMIORegister.deviceFeaturesSelect: deviceFeaturesSelect = value
        case MMIORegister.driverFeaturesSelect: driverFeaturesSelect = value
        case MMIORegister.driverFeatures: accept(value)
        case MMIORegister.queueSelect: queueSelect = value
        case MMIORegister.queueSize: configure { $0.size = value }
        case MMIORegister.queueDescLow: configure { $0.descriptors.setLow(value) }
        case MMIORegister.queueDescHigh: configure { $0.descriptors.setHigh(value) }
        case MMIORegister.queueDriverLow: configure { $0.driver.setLow(value) }
        case MMIORegister.queueDriverHigh: configure { $0.driver.setHigh(value) }
        case MMIORegister.queueDeviceLow: configure { $0.device.setLow(value) }
        case MMIORegister.queueDeviceHigh: configure { $0.device.setHigh(value) }
        case MMIORegister.queueReady: if let selected { setReady(selected, value & 1 != 0) }
        case MMIORegister.interruptACK: interrupts.acknowledge(value)
        case MMIORegister.status: setStatus(value)
        default: break
        }
    }

    /// The queue that QueueSel names, if there is one.
    private var selected: Int? {
        let index = Int(queueSelect)
        return index < queues.count ? index : nil
    }

    private func half(_ features: UInt64, _ select: UInt32) -> UInt32 {
        switch select {
        case 0: UInt32(truncatingIfNeeded: features)
        case 1: UInt32(truncatingIfNeeded: features >> 32)
        default: 0
        }
    }

    /// Features can be chosen until FEATURES_OK (3.1.1).
    private func accept(_ value: UInt32) {
        guard status & DeviceStatus.featuresOK == 0 else { return }
        switch driverFeaturesSelect {
        case 0: accepted.setLow(value)
        case 1: accepted.setHigh(value)
        default: break
        }
    }

    /// A queue's size and addresses can be set while it isn't ready.
    private func configure(_ change: (inout QueueRegisters) -> Void) {
        guard let selected, queues[selected].queue == nil else { return }
        change(&queues[selected])
    }
}
