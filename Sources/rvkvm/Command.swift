import ArgumentParser
import Launcher
import Machine

/// `rvkvm` itself: finds the subcommand, and turns every error into one sentence and a status.
package struct Command: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rvkvm",
        abstract: CommandText.rvkvm,
        version: Version.text,
        subcommands: [RunCommand.self, HostCommand.self, VersionCommand.self])

    package init() {}

    /// Runs the command line and returns the exit status.
    package static func main(_ arguments: [String]) -> Int32 {
        do {
            var command = try parseAsRoot(arguments)
            try command.run()
            return 0
        } catch let end as EndOfCommand {
            return end.status
        } catch let error as MachineError {
            Message.error(error.message)
            return error.kind.status
        } catch {
            return report(error)
        }
    }

    /// The parser's own ends: help and version to standard output, mistakes as one sentence.
    private static func report(_ error: any Error) -> Int32 {
        if exitCode(for: error) == .success {
            Message.print(fullMessage(for: error))
            return 0
        }
        // The parser's sentence may have a second line with a list of values.
        let sentence = message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
        let text = sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
        Message.error(text + " (rvkvm --help lists what there is)")
        return MachineError.Kind.usage.status
    }
}

/// Ends the command with a status when everything has been said already.
struct EndOfCommand: Error {
    let status: Int32
}
