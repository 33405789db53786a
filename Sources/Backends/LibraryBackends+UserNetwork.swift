import VirtIO

extension LibraryBackends {
    package func makeUserNetwork(_ network: UserNetwork) throws(BackendError) -> any NetworkBackend {
        try SlirpNetwork(network)
    }
}
