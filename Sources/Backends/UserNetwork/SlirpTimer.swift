import CSlirp

/// A timer that libslirp has asked for.
final class SlirpTimer {
    let callback: SlirpTimerCb
    let argument: UnsafeMutableRawPointer?
    /// In milliseconds of the clock that libslirp is given; nil while it doesn't run.
    var deadline: Int64?

    init(_ callback: @escaping SlirpTimerCb, _ argument: UnsafeMutableRawPointer?) {
        self.callback = callback
        self.argument = argument
    }
}
