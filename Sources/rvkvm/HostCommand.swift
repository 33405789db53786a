import ArgumentParser
import Launcher

/// `rvkvm host`.
struct HostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "host", abstract: CommandText.host)

    func run() { HostReport.print() }
}
