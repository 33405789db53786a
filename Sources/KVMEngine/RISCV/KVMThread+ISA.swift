import CHost
import ExecutionEngine
import RISCV

extension KVMThread {
    /// What the guest's harts have and lack, before the first run: exactly `wanted`, or an error that names what is
    /// missing here or can't be hidden.
    ///
    /// KVM gives a vCPU all that the host has. Some of it a guest can be denied; of the rest it would only not be
    /// told, and whoever tries would find it, so that guests on two hosts would differ.
    func setISA(_ wanted: Extensions) throws(EngineError) {
        if wanted.contains(.h) {
            throw .unsupported("KVM's guests can't have guests of their own (extension h); choose --cpu rv64gc or --engine interpreter")
        }
        var missing = ""
        var unhideable = ""
        var known = Extensions()
        for (number, text) in ExtensionNumber.names.enumerated() {
            let name = "\(text)"
            let id = RegisterID.isaExtension(UInt64(number))
            let one = Extension.parse(name)
            guard let state = try isaState(id) else { continue }
            if let one { known.insert(one) }
            if let one, wanted.contains(one) {
                if state == 0, !turn(id, on: true) { missing += (missing.isEmpty ? "" : ", ") + name }
            } else if state != 0, !turn(id, on: false) {
                unhideable += (unhideable.isEmpty ? "" : ", ") + name
            }
        }
        for one in Extension.allCases where wanted.contains(one) && !known.contains(one) && !ExtensionNumber.isImplied(one, by: wanted) {
            missing += (missing.isEmpty ? "" : ", ") + one.name
        }
        if !missing.isEmpty {
            throw .unsupported("this host's KVM can't give a guest \(missing), which the processor model has; take it out with --isa, or use --engine interpreter")
        }
        if !unhideable.isEmpty {
            throw .unsupported("this host's KVM can't hide \(unhideable), which the processor model lacks; add it with --isa if rvkvm knows it, or use --engine interpreter")
        }
    }

    /// 0 or 1; nil when the kernel or the host doesn't know the extension.
    private func isaState(_ id: RegisterID) throws(EngineError) -> UInt64? {
        var value: UInt64 = 0
        let status = host_kvm_get_register(descriptor, id.rawValue, &value)
        // An unknown number is EINVAL or ENOENT, by the kernel's age.
        if status == -KVMError.missing || status == -KVMError.invalid { return nil }
        guard status >= 0 else { throw .kvm("the guest's extensions", -status) }
        return value
    }

    private func turn(_ id: RegisterID, on: Bool) -> Bool {
        var value: UInt64 = on ? 1 : 0
        return host_kvm_set_register(descriptor, id.rawValue, &value) >= 0
    }
}
