import ArgumentParser

enum Version {
    static let text = "rvkvm 0.1.0 (machine rvkvm-1.0)"
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the version.")

    func run() { Message.print(Version.text) }
}
