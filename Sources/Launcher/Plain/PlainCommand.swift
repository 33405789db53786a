import Machine

/// `rvkvm` without any library of Swift's: subcommands, help and errors over the same table of options.
package enum PlainCommand {
    /// Runs the command line behind the program's name and returns the exit status.
    @export(interface) package static func main(_ arguments: [String]) -> Int32 {
        do throws(MachineError) {
            return try run(arguments)
        } catch {
            Message.error(error.message)
            return error.kind.status
        }
    }

    private static func run(_ arguments: [String]) throws(MachineError) -> Int32 {
        guard let first = arguments.first else { return say(PlainHelp.command) }
        let rest = Array(arguments.dropFirst())
        switch first {
        case "run": return try runGuest(rest)
        case "host": return try inquire(rest, first, CommandText.host) { HostReport.print() }
        case "version": return try inquire(rest, first, CommandText.version) { Message.print(Version.text) }
        case "--version": return say([Version.text])
        case "--help", "-h": return say(PlainHelp.command)
        case "help": return say(rest.first == "run" ? PlainHelp.run : PlainHelp.command)
        default:
            let near = nearestName(to: first, among: ["run", "host", "version", "help"])
            throw RunArguments.mistake("there is no subcommand \(quoted(first))" + (near.map { "; did you mean \($0)?" } ?? ""))
        }
    }

    private static func runGuest(_ arguments: [String]) throws(MachineError) -> Int32 {
        switch try RunArguments.parse(arguments) {
        case .help: return say(PlainHelp.run)
        case .version: return say([Version.text])
        case .settings(let settings): return try GuestRun.run(settings, backends: nil)
        }
    }

    /// A subcommand without options.
    private static func inquire(
        _ arguments: [String], _ name: String, _ abstract: String, _ answer: () -> Void
    ) throws(MachineError) -> Int32 {
        switch arguments.first {
        case nil: answer()
        case "--help", "-h": return say(["OVERVIEW: " + abstract, "", "USAGE: rvkvm \(name)"])
        case "--version": return say([Version.text])
        case let word?: throw RunArguments.mistake("\(name) takes no \(quoted(word))")
        }
        return 0
    }

    private static func say(_ lines: [String]) -> Int32 {
        for line in lines { Message.print(line) }
        return 0
    }
}
