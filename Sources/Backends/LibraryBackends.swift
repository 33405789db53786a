import VirtIO

/// The back ends that a host library makes.
package final class LibraryBackends: HostBackends {
    package init() {}

    package func makeFileBackend(_ image: FileImage) -> (any BlockBackend)? { UringBackend(image) }

    package func openNBD(_ uri: String, isReadOnly: Bool) throws(BackendError) -> any BlockBackend {
        try NBDBackend(uri, isReadOnly: isReadOnly)
    }
}
