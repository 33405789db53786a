/// Where a block device's bytes are: a file, a server, or a layer over one of them.
///
/// Any thread may call any of it. An operation succeeds as a whole or fails; one that failed may have been
/// carried out in part. Operations that overlap in time have no order among each other; a flush covers
/// every write that had completed when it was submitted.
package protocol BlockBackend: AnyObject, Sendable {
    /// Bytes, a multiple of 512.
    var size: UInt64 { get }
    /// The block that the medium handles best, in bytes; a power of two of at least 512.
    var physicalBlockSize: UInt32 { get }
    /// Writes fail.
    var isReadOnly: Bool { get }
    /// Whether a discarded range gives its room back.
    var canDiscard: Bool { get }
    /// Begins `operation`, at the latest when `commit` is called. `done` is called once, with whether it
    /// succeeded, on any thread and perhaps before `submit` returns; the memory it names has to stay until then.
    func submit(_ operation: BlockOperation, _ done: @escaping BlockCompletion)
    /// Begins what was submitted.
    func commit()
    /// Ends the back end's threads and gives up its files. To be called once nothing is under way, and for good.
    func close()
}

/// Called when an operation has ended, with whether all of it succeeded.
package typealias BlockCompletion = @Sendable (_ succeeded: Bool) -> Void

/// One operation on a back end. Offsets and counts are in bytes; all of it lies inside the size.
package enum BlockOperation: Sendable {
    case read(offset: UInt64, into: [BufferSegment])
    case write(offset: UInt64, from: [BufferSegment])
    /// What was written is on stable storage before it ends.
    case flush
    /// The range's content is not needed any more.
    case discard(offset: UInt64, count: UInt64)
    /// The range reads as zeros; it may give its room back only if `mayUnmap`.
    case writeZeroes(offset: UInt64, count: UInt64, mayUnmap: Bool)
}
