/// A device as a guest's loads and stores reach it: offsets, widths and values, and no address.
///
/// Several vCPU threads call a device at once, so each device locks itself. Every combination of offset,
/// width and value has an answer; none of them stops the host.
package protocol MMIODevice: AnyObject, Sendable {
    /// Answers a load of `width` bytes (1, 2, 4 or 8) at `offset` bytes from the device's start. The value is in
    /// the low bits, zero-extended.
    func read(offset: UInt64, width: Int) -> UInt64
    /// Takes a store of the low `width` bytes (1, 2, 4 or 8) of `value` at `offset` bytes from the device's start.
    func write(offset: UInt64, width: Int, value: UInt64)
}
