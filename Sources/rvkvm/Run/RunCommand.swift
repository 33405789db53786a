import ArgumentParser
import Backends
import Launcher
import Machine

/// `rvkvm run`: the options as text. What they mean, Machine knows, which reads the guest file's values the
/// same way.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: CommandText.run,
        discussion: CommandText.runDiscussion)

    @Option(help: ArgumentHelp(.kernel))
    var kernel: String?
    @Option(help: ArgumentHelp(.firmware))
    var firmware: String?
    @Option(help: ArgumentHelp(.initrd))
    var initrd: String?
    @Option(parsing: .unconditional, help: ArgumentHelp(.append))
    var append: String?
    @Option(help: ArgumentHelp(.smp))
    var smp: String?
    @Option(help: ArgumentHelp(.mem))
    var mem: String?
    @ArgumentParser.Flag(name: .customLong("hugepages"), help: ArgumentHelp(.hugePages))
    var hugePages = false
    @Option(help: ArgumentHelp(.dtb))
    var dtb: String?
    @Option(name: .customLong("dump-dtb"), help: ArgumentHelp(.dumpTree))
    var dumpTree: String?
    @Option(help: ArgumentHelp(.engine))
    var engine: String?
    @Option(help: ArgumentHelp(.irqchip), completion: .list(InterruptChoice.names))
    var irqchip: String?
    @Option(help: ArgumentHelp(.cpu))
    var cpu: String?
    @Option(parsing: .unconditional, help: ArgumentHelp(.isa))
    var isa: String?
    @Option(help: ArgumentHelp(.name))
    var name: String?
    @ArgumentParser.Flag(name: .customLong("no-reboot"), help: ArgumentHelp(.noReboot))
    var noReboot = false
    @Option(help: ArgumentHelp(.timeout))
    var timeout: String?
    @Option(help: ArgumentHelp(.trace))
    var trace: String?
    @Option(help: ArgumentHelp(.signature))
    var signature: String?
    @Option(name: .customLong("signature-granularity"), help: ArgumentHelp(.signatureGranularity))
    var signatureGranularity: String?
    @Option(help: ArgumentHelp(.console))
    var console: [String] = []
    @Option(help: ArgumentHelp(.disk))
    var disk: [String] = []
    @Option(help: ArgumentHelp(.net))
    var net: [String] = []
    @Option(help: ArgumentHelp(.share))
    var share: [String] = []
    @Option(help: ArgumentHelp(.flash))
    var flash: [String] = []
    @ArgumentParser.Flag(help: ArgumentHelp(.rng))
    var rng = false
    @ArgumentParser.Flag(help: ArgumentHelp(.balloon))
    var balloon = false
    @Option(parsing: .unconditional, help: ArgumentHelp(.exec))
    var exec: String?
    @ArgumentParser.Flag(help: ArgumentHelp(.strict))
    var strict = false
    @Option(name: .customLong("x-move-to"), help: ArgumentHelp(.moveTo))
    var moveTo: String?
    @Option(help: "Guest file in YAML; its keys are named like these options, which win over it.")
    var config: String?

    func run() throws {
        var settings = Settings()
        if let config { settings = try GuestFile.read(config) }
        settings.override(with: options)
        let status = try GuestRun.run(settings, backends: LibraryBackends())
        if status != 0 { throw EndOfCommand(status: status) }
    }

    /// What the options say.
    var options: Settings {
        let single: [(SettingKey, String?)] = [
            (.kernel, kernel), (.firmware, firmware), (.initrd, initrd), (.append, append), (.smp, smp), (.mem, mem), (.dtb, dtb),
            (.dumpTree, dumpTree), (.engine, engine), (.irqchip, irqchip), (.cpu, cpu), (.isa, isa), (.name, name),
            (.noReboot, noReboot ? "true" : nil), (.timeout, timeout), (.trace, trace),
            (.signature, signature), (.signatureGranularity, signatureGranularity),
            (.exec, exec), (.moveTo, moveTo), (.hugePages, hugePages ? "true" : nil), (.rng, rng ? "true" : nil),
            (.balloon, balloon ? "true" : nil), (.strict, strict ? "true" : nil),
        ]
        let repeated: [(SettingKey, [String])] = [
            (.console, console), (.disk, disk), (.net, net), (.share, share), (.flash, flash),
        ]
        var settings = Settings()
        for (key, texts) in single.map({ ($0, $1.map { [$0] } ?? []) }) + repeated {
            for text in texts { settings.add(Setting(text, origin: "--\(key.name)"), to: key) }
        }
        return settings
    }
}

extension ArgumentHelp {
    /// The words of the one table of options.
    fileprivate init(_ key: SettingKey) { self.init(key.summary, valueName: key.valueName) }
}

extension Command {
    /// The settings of a `run` command line without its guest file: what the other build's parser must read as well.
    package static func settings(_ arguments: [String]) throws -> Settings {
        try RunCommand.parse(arguments).options
    }
}
