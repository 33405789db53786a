/// Why a back end can't be had: one sentence that names the reason and the way out. Whoever named the thing
/// stands before it in the message.
package enum BackendError: Error, Equatable, Sendable {
    /// It was asked for in a way that can't be.
    case usage(String)
    /// It holds what it shouldn't.
    case data(String)
    /// It isn't there, or closed to us.
    case missing(String)
    /// The host refuses.
    case host(String)
}

/// Back ends that need a library of the host: made by the target Backends, which only the command imports, so that
/// a build without those libraries has everything else. Where there are none, devices do without or say so.
package protocol HostBackends: AnyObject, Sendable {
    /// The quickest way to the bytes of an image that is open already; nil where the host's kernel refuses it, and
    /// then threads do the same.
    func makeFileBackend(_ image: FileImage) -> (any BlockBackend)?
    /// What an NBD server exports. `uri` is one of libnbd's, or QEMU's short form `nbd:…`.
    func openNBD(_ uri: String, isReadOnly: Bool) throws(BackendError) -> any BlockBackend
    /// A network in this process, its forwarded ports bound.
    func makeUserNetwork(_ network: UserNetwork) throws(BackendError) -> any NetworkBackend
}
