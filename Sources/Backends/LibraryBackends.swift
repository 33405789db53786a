import VirtIO

/// The back ends that a host library makes.
package final class LibraryBackends: HostBackends {
    package init() {}
}
