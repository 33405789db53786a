import CHost

extension TapBackend {
    static func refusal(_ error: Int32, _ settings: Settings) -> BackendError {
        let reason = String(cString: host_error_text(error))
        let name = settings.name.isEmpty ? "a tap interface" : "the tap interface \(settings.name)"
        let mode = settings.queuePairs > 1 ? "tap multi_queue" : "tap"
        let example = settings.name.isEmpty ? "tap0" : settings.name
        if host_error_is_missing(error) != 0 {
            return .missing("/dev/net/tun isn't there: \(reason); the host's kernel has it with modprobe tun")
        }
        if host_error_is_permission(error) != 0 {
            return .missing(
                "the host doesn't let us have \(name): \(reason); let root make one for you (ip tuntap add dev \(example) mode \(mode) user …) and name it with ifname=\(example), or use --net user")
        }
        switch error {
        case Int32(HOST_EBUSY): return .host("\(name) is in use by another process")
        case Int32(HOST_EINVAL):
            return .host("\(name) is there already, but isn't a tap interface with \(settings.queuePairs > 1 ? "several queues" : "one queue"): make it with ip tuntap add dev \(example) mode \(mode)")
        default: return .host("the host refuses \(name): \(reason)")
        }
    }

    static func refusal(_ descriptor: Int32, _ error: Int32) -> BackendError {
        if error == Int32(HOST_EBADFD) { return .usage("descriptor \(descriptor) is not one of a tap interface opened with IFF_TAP and IFF_NO_PI") }
        return .host("descriptor \(descriptor) can't be used: \(String(cString: host_error_text(error)))")
    }

    /// Has `script` set up the interface.
    static func run(_ script: String, _ name: String) throws(BackendError) {
        let status = host_run_program(script, name)
        if status < 0 {
            throw .missing("the script \(script) can't be run: \(String(cString: host_error_text(-status)))")
        }
        if status > 0 { throw .host("the script \(script) ended with status \(status)") }
    }
}
