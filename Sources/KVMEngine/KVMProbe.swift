import CHost
import ExecutionEngine

/// Whether this host's `/dev/kvm` can run our guests, and if not, why, as a sentence for people.
package enum KVMProbe: Equatable {
    case available
    case unavailable(String)

    private static let enoent: Int32 = 2
    private static let enodev: Int32 = 19
    private static let enxio: Int32 = 6
    private static let eacces: Int32 = 13
    private static let eperm: Int32 = 1
    /// The only version there has been since Linux 2.6.22.
    private static let apiVersion: Int32 = 12

    /// Asks the host. Opens the device and creates nothing.
    package static func run() -> KVMProbe {
        let fd = host_kvm_open()
        guard fd >= 0 else { return refused(-fd) }
        defer { host_close(fd) }
        let verdict = judge(version: host_kvm_api_version(fd), riscvHost: host_is_riscv64() != 0)
        if case .available = verdict, host_kvm_capability(fd, Int(HOST_KVM_CAP_IMMEDIATE_EXIT.rawValue)) <= 0 {
            return .unavailable("/dev/kvm lacks KVM_CAP_IMMEDIATE_EXIT, which Linux has since 4.11")
        }
        return verdict
    }

    /// What a refused open means.
    package static func refused(_ error: Int32) -> KVMProbe {
        switch error {
        case enoent, enodev, enxio:
            .unavailable("there is no /dev/kvm here")
        case eacces, eperm:
            .unavailable("/dev/kvm may not be opened by this user (on Debian, members of the group kvm may)")
        default:
            .unavailable("/dev/kvm can't be opened: \(String(cString: host_error_text(error)))")
        }
    }

    /// What a device that opened is good for.
    package static func judge(version: Int32, riscvHost: Bool) -> KVMProbe {
        if version < 0 { return .unavailable("/dev/kvm is no KVM device: \(String(cString: host_error_text(-version)))") }
        if !riscvHost { return .unavailable("/dev/kvm here runs x86_64 guests") }
        if version != apiVersion { return .unavailable("/dev/kvm speaks version \(version) of its interface, not \(apiVersion)") }
        return .available
    }
}
