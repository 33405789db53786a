import CHost
import ExecutionEngine

extension KVMSpare {
    /// What the vCPU tells before it runs.
    func dictates() throws(EngineError) -> HostDictates {
        var answer = HostDictates()
        guard let frequency = register(.frequency) else { throw .unsupported("this host's KVM doesn't tell the frequency of time") }
        answer.timebase = frequency
        // Absent where the host or the kernel doesn't have the extension.
        answer.cbomBlockSize = register(.zicbomBlockSize)
        answer.cbozBlockSize = register(.zicbozBlockSize)
        answer.satpMode = register(.satpMode)
        return answer
    }

    private func register(_ id: RegisterID) -> UInt64? {
        var value: UInt64 = 0
        return host_kvm_get_register(vcpu, id.rawValue, &value) < 0 ? nil : value
    }
}
