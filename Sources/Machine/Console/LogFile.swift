import CHost
import Devices

/// A file that takes a console's output, from its start.
final class LogFile {
    let writer: ConsoleWriter
    private let descriptor: Int32

    /// Opens `path` for what `setting` asks. When the file takes no more, `report` says so once; the guest goes on.
    init(_ setting: Setting, path: String, report: @escaping ConsoleSet.Report) throws(MachineError) {
        descriptor = host_open_output(path)
        guard descriptor >= 0 else {
            throw MachineError(.host, "\(setting.label): can't be written: \(MachineError.hostText(-descriptor))")
        }
        let label = setting.label
        do throws(MachineError) {
            writer = try ConsoleWriter(descriptor: descriptor) { error in
                report("\(label) takes no more, and its output is lost from here on: \(MachineError.hostText(error))")
            }
        } catch {
            host_close(descriptor)
            throw error
        }
    }

    /// Writes out what is there; gives up at `deadline` (monotonic ns), which leaves the file open.
    func close(deadline: UInt64) {
        _ = writer.finish(deadline: deadline)
        if writer.isIdle { host_close(descriptor) }
    }
}
