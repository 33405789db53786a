/// Whether a vCPU runs when it is told to: KVM's MP_STATE.
package enum PowerState: UInt32, Equatable, Sendable {
    /// It runs, or waits in WFI (KVM_MP_STATE_RUNNABLE).
    case runnable = 0
    /// It sleeps in `run` until SBI HSM starts it (KVM_MP_STATE_STOPPED).
    case stopped = 5
}
