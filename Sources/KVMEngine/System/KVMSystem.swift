import CHost
import ExecutionEngine

/// An open /dev/kvm. Knows no architecture.
package final class KVMSystem {
    let descriptor: Int32
    private var spare: KVMSpare?

    /// Opens the device. The sentence of an error is `KVMProbe`'s.
    package init() throws(EngineError) {
        descriptor = host_kvm_open()
        guard descriptor >= 0 else { throw .host("/dev/kvm can't be opened", errno: -descriptor) }
    }

    deinit { if descriptor >= 0 { host_close(descriptor) } }

    /// Makes a machine to be asked; `takeSpare` gives it away.
    func makeSpare() throws(EngineError) -> KVMSpare {
        let made = try KVMSpare(self)
        spare = made
        return made
    }

    /// The machine that was asked, once; nil when there is none any more.
    func takeSpare() -> (machine: Int32, vcpu: Int32)? {
        defer { spare = nil }
        return spare?.take()
    }

    /// KVM_CHECK_EXTENSION: 0 when this host doesn't have it.
    package func capability(_ number: host_kvm_capability_number) -> Int {
        Int(max(0, host_kvm_capability(descriptor, Int(number.rawValue))))
    }

    /// Bytes of the page that a vCPU and its thread share.
    func runSize() throws(EngineError) -> Int {
        let size = host_kvm_run_size(descriptor)
        guard size >= 4096 else { throw .kvm("the size of a vCPU's shared page", -size) }
        return Int(size)
    }
}
