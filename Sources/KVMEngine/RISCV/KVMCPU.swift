import CHost
import ExecutionEngine

/// A hart of KVM's: exits and answers in the boundary's words.
final class KVMCPU: VirtualCPU {
    /// What the next entry has to find in the shared page.
    private enum Open { case nothing, read, call, csr }

    let id: Int
    private let thread: KVMThread
    private var open = Open.nothing

    init(_ thread: KVMThread, id: Int) {
        self.thread = thread
        self.id = id
    }

    func kick() { thread.kick() }

    func setExternalInterrupt(_ level: Bool) {
        // Fails for no vCPU that exists.
        _ = host_kvm_set_interrupt(thread.descriptor, level)
    }

    func register(_ id: RegisterID) throws(EngineError) -> UInt64 { try thread.register(id) }
    func setRegister(_ id: RegisterID, to value: UInt64) throws(EngineError) { try thread.setRegister(id, to: value) }
    func bytes(of id: RegisterID) throws(EngineError) -> [UInt8] { try thread.bytes(of: id) }
    func setBytes(of id: RegisterID, to bytes: [UInt8]) throws(EngineError) { try thread.setBytes(of: id, to: bytes) }
    func registers() throws(EngineError) -> [RegisterID] { RegisterOrder.restorable(try thread.registers()) }
    func takeDirtyPages() throws(EngineError) -> [DirtyPage] { try thread.takeDirtyPages() }

    func powerState() throws(EngineError) -> PowerState {
        var state: UInt32 = 0
        let status = host_kvm_power_state(thread.descriptor, &state)
        guard status >= 0 else { throw .kvm("whether hart \(id) runs", -status) }
        guard let known = PowerState(rawValue: state) else {
            throw .unsupported("hart \(id) is in KVM's state \(state), which this rvkvm doesn't know")
        }
        return known
    }

    func setPowerState(_ state: PowerState) throws(EngineError) {
        let status = host_kvm_set_power_state(thread.descriptor, state.rawValue)
        guard status >= 0 else { throw .kvm("KVM neither starts nor stops hart \(id)", -status) }
    }

    func setDebugging(_ isOn: Bool) throws(EngineError) {
        let status = host_kvm_set_debugging(thread.descriptor, isOn)
        if status == -KVMError.invalid { throw .unsupported("this host's KVM debugs no guests (KVM_CAP_SET_GUEST_DEBUG, since Linux 6.10)") }
        guard status >= 0 else { throw .kvm("KVM doesn't debug hart \(id)", -status) }
    }

    func run(_ answer: ExitAnswer) -> Exit {
        finish(answer)
        return switch thread.run() {
        case .kicked: .interrupted
        case .refused(let error): .internalError(reason: Self.refusal(error))
        case .exit(let reason): exit(reason)
        }
    }

    /// Puts the answer where the kernel looks for it. One that doesn't fit the exit, like one that is given twice,
    /// is nobody's.
    private func finish(_ answer: ExitAnswer) {
        switch (open, answer) {
        case (.read, .data(let value)): host_kvm_answer_mmio(thread.page, value)
        case (.call, .sbi(let error, let value)): host_kvm_answer_sbi(thread.page, UInt64(bitPattern: error), value)
        case (.csr, .csr(let value)): host_kvm_answer_csr(thread.page, value)
        default: break
        }
        open = .nothing
    }

    private func exit(_ reason: UInt32) -> Exit {
        switch reason {
        case HOST_KVM_EXIT_MMIO.rawValue: return access()
        case HOST_KVM_EXIT_RISCV_SBI.rawValue: return call()
        case HOST_KVM_EXIT_RISCV_CSR.rawValue: return csr()
        case HOST_KVM_EXIT_SYSTEM_EVENT.rawValue: return event()
        case HOST_KVM_EXIT_INTR.rawValue: return .interrupted
        case HOST_KVM_EXIT_DEBUG.rawValue: return .debug(pc: (try? thread.register(.pc)) ?? 0)
        case HOST_KVM_EXIT_DIRTY_RING_FULL.rawValue: return .dirtyRingFull
        case HOST_KVM_EXIT_FAIL_ENTRY.rawValue: return .entryRefused(reason: host_kvm_exit_refusal(thread.page))
        case HOST_KVM_EXIT_INTERNAL_ERROR.rawValue:
            return .internalError(reason: StaticText("KVM met an error of its own (KVM_EXIT_INTERNAL_ERROR); the kernel's log may say more"))
        default:
            return .internalError(reason: StaticText("KVM left the guest for a reason that this rvkvm doesn't know; the kernel's log may say more"))
        }
    }

    private func access() -> Exit {
        let access = host_kvm_exit_mmio(thread.page)
        let width = Int(access.width)
        if access.is_write { return .mmioWrite(address: access.address, width: width, value: access.value) }
        // Whoever has no answer reads zeros.
        host_kvm_answer_mmio(thread.page, 0)
        open = .read
        return .mmioRead(address: access.address, width: width)
    }

    private func call() -> Exit {
        let call = host_kvm_exit_sbi(thread.page)
        open = .call
        return .sbi(
            SBICall(
                extensionID: call.extension, functionID: call.function, a0: call.a0, a1: call.a1, a2: call.a2, a3: call.a3, a4: call.a4,
                a5: call.a5))
    }

    private func csr() -> Exit {
        open = .csr
        let access = host_kvm_exit_csr(thread.page)
        return .csr(CSRAccess(number: UInt16(truncatingIfNeeded: access.number), newValue: access.new_value, writeMask: access.write_mask))
    }

    private func event() -> Exit {
        let event = host_kvm_exit_event(thread.page)
        switch event.type {
        case 1: return .systemEvent(.shutdown(reason: event.data))
        case 2: return .systemEvent(.reset(reason: event.data))
        // A crash is a power-off with SRST's reason "system failure".
        case 3: return .systemEvent(.shutdown(reason: 1))
        default: return .internalError(reason: StaticText("KVM reports a system event that this rvkvm doesn't know"))
        }
    }

    private static func refusal(_ error: Int32) -> StaticText {
        switch error {
        case KVMError.fault: StaticText("the host has no memory behind an address of the guest's RAM (KVM_RUN: EFAULT)")
        case KVMError.noMemory: StaticText("the host has no memory left for the guest (KVM_RUN: ENOMEM)")
        case KVMError.notSupported:
            StaticText("the guest reached a device with an instruction that KVM can't take apart (KVM_RUN: EOPNOTSUPP); only plain loads and stores do")
        case KVMError.io: StaticText("KVM ended the guest after an error (KVM_RUN: EIO)")
        case KVMError.invalid: StaticText("KVM finds the vCPU's state invalid (KVM_RUN: EINVAL)")
        case KVMError.busy: StaticText("KVM has no place for the vCPU among the host's harts (KVM_RUN: EBUSY)")
        default: StaticText("KVM refuses to run the guest (KVM_RUN failed)")
        }
    }
}
