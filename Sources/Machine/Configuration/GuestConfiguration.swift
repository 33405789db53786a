import Boot
import ExecutionEngine
import GuestMemory
import RISCV

/// Everything that is said about a guest before it exists, as plain values: what a machine is built from,
/// and built from again after a reset.
package struct GuestConfiguration {
    /// What messages and thread names call the guest; empty for none.
    package var name = ""
    /// nil until somebody names one; a machine needs it.
    package var kernel: PayloadSource?
    /// What stands below the kernel.
    package var firmware = FirmwareRequest.supervisor
    package var initrd: PayloadSource?
    /// The kernel's command line.
    package var append = ""
    /// A device tree to use instead of our own.
    package var dtb: PayloadSource?
    /// Where to write the device tree instead of running.
    package var dumpTree: String?
    package var cpuCount = 1
    package var memorySize: UInt64 = 1 << 30
    /// Whether RAM lies in the host's reserved pages of 2 MiB.
    package var hasHugePages = false
    package var engine = EngineChoice.auto
    /// The engine to move to when somebody asks; nil: the guest stays where it starts.
    package var moveTo: EngineChoice?
    /// What the hosts of the engines in question dictate; set once the engines are there.
    package var dictates = HostDictates()
    /// SBI calls that the guest doesn't get, since not all of the engines in question have them.
    package var withheldCalls: [SBIExtensionNumber] = []
    package var interrupts = InterruptChoice.plic
    /// Whether a guest is refused to whom the host dictates what the machine version has otherwise.
    package var isStrict = false
    package var model = CPUModel.standard
    /// What the harts implement; the model's unless `--isa` changes it.
    package var extensions = CPUModel.standard.extensions
    /// What happens on the guest's reset: start again, or end.
    package var reboots = true
    /// How long the guest may run, in nanoseconds.
    package var timeout: UInt64?
    package var trace: TraceSelection?
    /// Where to write a test's signature when it has ended.
    package var signature: String?
    /// Bytes of the signature on one line.
    package var signatureGranularity = 16
    /// Without any the UART is the terminal's.
    package var consoles: [ConsoleOption] = []
    package var disks: [DiskOption] = []
    package var nets: [NetOption] = []
    package var shares: [ShareOption] = []
    /// A shell command for the default guest to run instead of a shell.
    package var exec: Setting?
    /// At most as many as there are banks.
    package var flash: [FlashOption] = []
    /// Whether there is a source of random numbers.
    package var hasEntropy = false
    /// Whether the guest can give memory back.
    package var hasBalloon = false

    package var startMode: StartMode { firmware == .supervisor ? .supervisor : .firmware }
    /// Frequency of `time`, in Hz.
    var timebase: UInt64 { dictates.timebase ?? MemoryMap.timebase }
    /// What the harts implement without `--isa`.
    var extensionsWithoutChange: Extensions { model.extensions(startMode).union(interrupts.extensions(startMode)) }

    package init() {}

    /// Parses settings that were collected from the guest file and the options.
    @export(interface) package init(_ settings: Settings) throws(MachineError) {
        self.init()
        if let s = settings[.kernel] { kernel = try Self.payload(s) }
        if let s = settings[.firmware] { firmware = try Self.firmware(s) }
        if let s = settings[.initrd] { initrd = try Self.payload(s) }
        if let s = settings[.dtb] { dtb = try Self.payload(s) }
        if let s = settings[.dumpTree] { dumpTree = try Self.path(s) }
        if let s = settings[.append] { append = s.text }
        if let s = settings[.name] { name = try Self.name(s) }
        if let s = settings[.smp] { cpuCount = try Self.cpuCount(s) }
        if let s = settings[.mem] { memorySize = try Self.memorySize(s) }
        if let s = settings[.engine] { engine = try EngineChoice(s) }
        if let s = settings[.noReboot] { reboots = !(try Self.flag(s)) }
        if let s = settings[.timeout] { timeout = try Self.duration(s) }
        if let s = settings[.strict] { isStrict = try Self.flag(s) }
        exec = settings[.exec]
        if let s = settings[.trace] { trace = try TraceSelection(s) }
        if let s = settings[.signature] { signature = try Self.path(s) }
        if let s = settings[.signatureGranularity] { signatureGranularity = try Self.granularity(s) }
        if let s = settings[.cpu] { model = try CPUModel.named(s) }
        if let s = settings[.irqchip] { interrupts = try InterruptChoice(s) }
        extensions = extensionsWithoutChange
        if let s = settings[.isa] { extensions = try ISAChange.apply(s, to: extensions) }
        try interrupts.check(extensions, startMode)
        if let s = settings[.moveTo] { moveTo = try moveTarget(s) }
        try takeDevices(settings)
        if let s = settings[.hugePages] { try useHugePages(s) }
    }

    private mutating func useHugePages(_ s: Setting) throws(MachineError) {
        hasHugePages = try Self.flag(s)
        guard hasHugePages else { return }
        guard memorySize % GuestMemory.hugePage == 0 else {
            throw MachineError(.usage, "\(s.origin): RAM comes in pages of 2 MiB then, and \(sizeText(memorySize)) is no multiple; choose another --mem")
        }
        // What it gives back comes in pages of 4 KiB, of which there would be none.
        guard !hasBalloon else {
            throw MachineError(.usage, "\(s.origin): a balloon gives back pages of 4 KiB, which such RAM doesn't have; leave --balloon out")
        }
    }

    private mutating func takeDevices(_ settings: Settings) throws(MachineError) {
        consoles = try ConsoleOption.parse(settings.all(.console))
        for s in settings.all(.disk) { disks.append(try DiskOption(s)) }
        for s in settings.all(.net) { nets.append(try NetOption(s)) }
        for s in settings.all(.share) { shares.append(try ShareOption(s)) }
        for s in settings.all(.flash) {
            guard flash.count < MemoryMap.flashBanks.count else {
                throw s.refused("there are \(MemoryMap.flashBanks.count) banks of flash memory")
            }
            flash.append(try FlashOption(s))
        }
        if let s = settings[.rng] { hasEntropy = try Self.flag(s) }
        if let s = settings[.balloon] { hasBalloon = try Self.flag(s) }
        guard virtioDeviceCount <= MemoryMap.virtioSlots else {
            throw MachineError(
                .usage,
                "the options ask for \(virtioDeviceCount) virtio devices, and there are \(MemoryMap.virtioSlots) slots; give fewer of --disk, --net and --share")
        }
    }
}

extension GuestConfiguration {
    /// Boots `path`, as `--kernel` would.
    package mutating func useKernel(_ path: String) { kernel = .kernel(path) }
    /// Loads `path`, as `--initrd` would.
    package mutating func useInitrd(_ path: String) { initrd = .initrd(path) }
}

/// What `--engine` names.
package enum EngineChoice: Equatable, Sendable {
    /// KVM where it can run our guests, otherwise the interpreter.
    case auto, interpreter, kvm

    init(_ setting: Setting) throws(MachineError) {
        switch setting.text {
        case "auto": self = .auto
        case "interpreter": self = .interpreter
        case "kvm": self = .kvm
        default:
            throw setting.refused(
                "the engines are auto, interpreter and kvm" + didYouMean(setting.text, among: ["auto", "interpreter", "kvm"]))
        }
    }
}
