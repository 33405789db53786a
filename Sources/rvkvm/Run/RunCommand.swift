import ArgumentParser
import CHost
import Machine

/// `rvkvm run`: the options as text. What they mean, Machine knows, which reads the guest file's values the
/// same way.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a guest until it powers off.",
        discussion: """
            Without --kernel, boots Images/build (made by Scripts/images). Ctrl-A X ends the guest, Ctrl-A H \
            lists the other keys.
            """)

    @Option(help: "Kernel: a riscv64 Image or ELF file, plain or compressed with gzip or zstd.")
    var kernel: String?
    @Option(help: "Firmware to start in M-mode, an ELF file or raw binary; none starts the kernel itself there.")
    var firmware: String?
    @Option(help: "Initial RAM disk.")
    var initrd: String?
    @Option(parsing: .unconditional, help: "Kernel command line.")
    var append: String?
    @Option(help: "Number of harts, 1 to 64 (default: 1).")
    var smp: String?
    @Option(help: "RAM, such as 512M or 4G; a bare number counts MiB (default: 1G).")
    var mem: String?
    @Option(help: "Device tree to use instead of the machine's own.")
    var dtb: String?
    @Option(name: .customLong("dump-dtb"), help: ArgumentHelp("Write the device tree to a file and end.", valueName: "file"))
    var dumpTree: String?
    @Option(help: "auto, interpreter or kvm (default: auto).")
    var engine: String?
    @Option(
        help: "Interrupt controller: plic, aplic, or aia, an APLIC with IMSICs (default: plic).",
        completion: .list(InterruptChoice.names))
    var irqchip: String?
    @Option(help: "Processor model: rv64gc, or rv64gch for guests that run guests (default: rv64gc).")
    var cpu: String?
    @Option(parsing: .unconditional, help: "Extensions to add and remove, such as +zba,-zicond.")
    var isa: String?
    @Option(help: "What messages call the guest.")
    var name: String?
    @ArgumentParser.Flag(name: .customLong("no-reboot"), help: "End when the guest asks for a reset.")
    var noReboot = false
    @Option(help: "End the guest after so many seconds, with status 124.")
    var timeout: String?
    @Option(help: "What to trace: exits, traps, insns, and :FILE for a file instead of standard error.")
    var trace: String?
    @Option(help: ArgumentHelp("At the end, write the memory from begin_signature to end_signature to a file.", valueName: "file"))
    var signature: String?
    @Option(name: .customLong("signature-granularity"), help: ArgumentHelp("Bytes on a line of it (default: 16).", valueName: "bytes"))
    var signatureGranularity: String?
    @Option(help: ArgumentHelp(
        "serial or virtio; behind it, or alone, where it ends: stdio, pty, file:PATH or unix:PATH; repeatable (default: serial).",
        valueName: "console"))
    var console: [String] = []
    @Option(help: ArgumentHelp("Disk image, and options behind commas; repeatable.", valueName: "path"))
    var disk: [String] = []
    @Option(help: ArgumentHelp("Network: user, tap or unix:PATH, and options behind commas; repeatable.", valueName: "network"))
    var net: [String] = []
    @Option(help: ArgumentHelp("Directory to share, and options behind commas; repeatable.", valueName: "path"))
    var share: [String] = []
    @Option(help: ArgumentHelp("Content of a bank of flash memory: firmware first, its variables second.", valueName: "path"))
    var flash: [String] = []
    @ArgumentParser.Flag(help: "Add a source of random numbers.")
    var rng = false
    @ArgumentParser.Flag(help: "Add a balloon: memory that the guest doesn't use goes back to the host.")
    var balloon = false
    @Option(parsing: .unconditional, help: ArgumentHelp(
        "Have the default guest run a shell command, in the first --share if there is one; its status becomes ours.",
        valueName: "command"))
    var exec: String?
    @Option(help: "Guest file in YAML; its keys are named like these options, which win over it.")
    var config: String?

    func run() throws {
        var settings = Settings()
        if let config { settings = try GuestFile.read(config) }
        settings.override(with: options)
        var configuration = try GuestConfiguration(settings)
        try GuestCommand.check(configuration)
        try DefaultGuest.complete(&configuration, appendGiven: settings[.append] != nil)
        GuestCommand.apply(to: &configuration)
        Message.guest = configuration.name
        let status = try GuestRun(configuration).run()
        if status != 0 { throw EndOfCommand(status: status) }
    }

    private var options: Settings {
        let single: [(SettingKey, String?)] = [
            (.kernel, kernel), (.firmware, firmware), (.initrd, initrd), (.append, append), (.smp, smp), (.mem, mem), (.dtb, dtb),
            (.dumpTree, dumpTree), (.engine, engine), (.irqchip, irqchip), (.cpu, cpu), (.isa, isa), (.name, name),
            (.noReboot, noReboot ? "true" : nil), (.timeout, timeout), (.trace, trace),
            (.signature, signature), (.signatureGranularity, signatureGranularity),
            (.exec, exec), (.rng, rng ? "true" : nil), (.balloon, balloon ? "true" : nil),
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
