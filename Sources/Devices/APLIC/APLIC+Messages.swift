// MSI delivery (AIA 1.0, section 4.9). With the lock held, so that MSIs leave in the order of their causes.
extension APLIC.Domain {
    /// Sends a pending and enabled source's MSI, which ends its pending, unless the whole domain is off.
    func forward(_ source: Int) {
        guard isEnabled else { return }
        pending.remove(source)
        send(targets[source])
    }

    /// genmsi: an MSI whatever IE says. It has left when this returns, so Busy always reads 0.
    func sendExtempore(_ value: UInt32) {
        guard sendsMessages else { return }
        extempore = value & 0xFFFC_07FF
        send(extempore)
    }

    private func send(_ target: UInt32) {
        let address = shared.addresses.address(level, hart: target &>> 18, guest: target &>> 12 & 0x3F)
        receiver?.send(address: address, data: target & 0x7FF)
    }
}
