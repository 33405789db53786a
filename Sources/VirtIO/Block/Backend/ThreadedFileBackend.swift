import CHost

/// A raw image whose operations block in threads: what every host can do.
package final class ThreadedFileBackend: BlockBackend {
    package let image: FileImage
    private let pool: ThreadPool

    /// As many operations as are worth having under way at once on a disk.
    private static let threads = 8

    package init(_ image: FileImage) throws(ImageError) {
        self.image = image
        pool = ThreadPool(name: "rvkvm-disk", limit: Self.threads)
        try pool.prepare()
    }

    // The threads own the pool and end by themselves.
    deinit { pool.abandon() }

    package var size: UInt64 { image.size }
    package var physicalBlockSize: UInt32 { image.physicalBlockSize }
    package var isReadOnly: Bool { image.access.isReadOnly }
    package var canDiscard: Bool { !isReadOnly }

    package func submit(_ operation: BlockOperation, _ done: @escaping BlockCompletion) {
        pool.run { [image] in done(image.perform(operation)) }
    }

    package func commit() {}

    package func close() { pool.close() }
}
