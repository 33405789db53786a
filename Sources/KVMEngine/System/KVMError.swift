import ExecutionEngine

/// Linux's numbers of the errors that KVM's interface gives a meaning.
enum KVMError {
    static let missing: Int32 = 2
    static let interrupted: Int32 = 4
    static let io: Int32 = 5
    static let noAddress: Int32 = 6
    static let tooMany: Int32 = 7
    static let noMemory: Int32 = 12
    static let fault: Int32 = 14
    static let busy: Int32 = 16
    static let exists: Int32 = 17
    static let noDevice: Int32 = 19
    static let invalid: Int32 = 22
    static let notSupported: Int32 = 95
}

extension EngineError {
    /// What a refused ioctl means, with `what` it was to do: "/dev/kvm takes no …".
    static func kvm(_ what: String, _ error: Int32) -> EngineError {
        switch error {
        case KVMError.missing: .missing(what + ": there is none here")
        case KVMError.invalid: .invalid(what + ": KVM finds the value invalid")
        case KVMError.busy: .busy(what + ": KVM takes that before the first run only")
        case KVMError.notSupported: .unsupported(what + ": this host's KVM can't")
        default: .host(what, errno: error)
        }
    }
}
