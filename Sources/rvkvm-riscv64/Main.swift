import CHost
import Launcher

/// The program that Scripts/build-riscv64 links. The package doesn't list it: its own `rvkvm` is the target with
/// the libraries.
@c(main) public func main(_ count: Int32, _ words: UnsafePointer<UnsafePointer<CChar>?>) -> Int32 {
    // Before anything is opened: a file must not get the number of a standard stream that came closed.
    _ = host_standard_descriptors()
    host_signal_ignore_pipe()
    host_memory_share_heap()
    var arguments: [String] = []
    for place in 1..<max(1, Int(count)) {
        if let word = words[place] { arguments.append(String(cString: word)) }
    }
    host_exit(PlainCommand.main(arguments))
    return 0
}
