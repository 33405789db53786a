import CHost
import ExecutionEngine
import Machine

/// `--exec`: the default guest runs one command and powers off, with the command's status as its own.
///
/// The command travels on the kernel's command line, of which Linux itself takes the first KiB; the guest's init
/// reads the whole of it from the device tree. Images/initrd/init is the other half of this.
package enum GuestCommand {
    /// The command couldn't be run, as for env(1) and its like.
    static let notRunStatus: Int32 = 125
    private static let longest = 32 << 10

    /// Refuses what can't be combined with `--exec`.
    package static func check(_ configuration: GuestConfiguration) throws(MachineError) {
        guard let exec = configuration.exec else { return }
        func refused(_ reason: String) -> MachineError { MachineError(.usage, "\(exec.origin): \(reason)") }
        guard configuration.kernel == nil, configuration.initrd == nil, configuration.startMode == .supervisor else {
            throw refused("the command is run by the default guest's init; leave --kernel, --initrd and --firmware away")
        }
        if exec.text.isEmpty { throw refused("needs a command") }
        if exec.text.utf8.contains(0) { throw refused("a command can't contain a NUL character") }
        guard exec.text.utf8.count <= longest else {
            throw refused(
                "the command has \(exec.text.utf8.count) bytes and \(longest) are the most; put it into a script in a directory that --share names")
        }
    }

    /// Makes a shell's guest one that runs the command.
    package static func apply(to configuration: inout GuestConfiguration) {
        guard let exec = configuration.exec else { return }
        // Nothing but the command shall speak. A panic does all the same, which it wouldn't at level 0, and then
        // ends the machine.
        var words = ["loglevel=1", "panic=-1", "rvkvm.silent"]
        if !host_is_terminal(1) { words.append("rvkvm.output=plain") }
        if !host_is_terminal(0) { words.append("rvkvm.input=none") }
        if let share = configuration.shares.first { words.append("rvkvm.host=" + share.tag(at: 0)) }
        // The long word comes last: where somebody cuts the line, the others stay.
        words.append("rvkvm.exec=" + base64(Array(exec.text.utf8)))
        for word in words { configuration.append += (configuration.append.isEmpty ? "" : " ") + word }
        configuration.reboots = false
    }

    /// RFC 4648's alphabet, padded.
    static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 { text.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : 0x3D) }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
