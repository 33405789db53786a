import ArgumentParser
import Launcher

/// `rvkvm version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: CommandText.version)

    func run() { Message.print(Version.text) }
}
