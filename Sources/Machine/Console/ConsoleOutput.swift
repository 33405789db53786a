import Devices

/// Where a console's output goes. Any thread may call it.
package protocol ConsoleOutput: ByteSink {
    /// Says whether `write` may wait for a slow reader.
    func setPatient(_ patient: Bool)
    /// Takes as many of `bytes` as there is room for and returns how many, without waiting; all of them when
    /// nobody listens. When it isn't all, the eventfd of `attach` is signalled once there is room.
    func offer(_ bytes: UnsafeRawBufferPointer) -> Int
    /// Whether somebody reads. The eventfd is signalled when that changes.
    var isConnected: Bool { get }
    /// `wake` is an eventfd, or negative for nobody.
    func attach(wake: Int32)
}
