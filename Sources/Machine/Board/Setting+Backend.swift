import VirtIO

extension Setting {
    /// The error for a back end that can't be had.
    func failed(_ error: BackendError) -> MachineError {
        switch error {
        case .usage(let reason): refused(reason)
        case .data(let reason): MachineError(.data, refused(reason).message)
        case .missing(let reason): MachineError(.missingFile, refused(reason).message)
        case .host(let reason): MachineError(.host, refused(reason).message)
        }
    }
}
