/// The options' own words: `rvkvm run --help` shows them, whichever build prints it.
extension SettingKey {
    package var summary: String {
        switch self {
        case .kernel: "Kernel: a riscv64 Image or ELF file, plain or compressed with gzip or zstd."
        case .firmware:
            "Firmware to start in M-mode, an ELF file or raw binary; none starts the kernel itself there."
        case .initrd: "Initial RAM disk."
        case .append: "Kernel command line."
        case .smp: "Number of harts, 1 to 64 (default: 1)."
        case .mem: "RAM, such as 512M or 4G; a bare number counts MiB (default: 1G)."
        case .hugePages: "Take RAM from the host's reserved pages of 2 MiB."
        case .dtb: "Device tree to use instead of the machine's own."
        case .dumpTree: "Write the device tree to a file and end."
        case .engine: "auto, interpreter or kvm (default: auto)."
        case .irqchip: "Interrupt controller: plic, aplic, or aia, an APLIC with IMSICs (default: plic)."
        case .cpu: "Processor model: rv64gc, or rv64gch for guests that run guests (default: rv64gc)."
        case .isa: "Extensions to add and remove, such as +zba,-zicond."
        case .name: "What messages call the guest."
        case .noReboot: "End when the guest asks for a reset."
        case .timeout: "End the guest after so many seconds, with status 124."
        case .trace: "What to trace: exits, traps, insns, and :FILE for a file instead of standard error."
        case .signature: "At the end, write the memory from begin_signature to end_signature to a file."
        case .signatureGranularity: "Bytes on a line of it (default: 16)."
        case .console:
            "serial or virtio; behind it, or alone, where it ends: stdio, pty, file:PATH or unix:PATH; repeatable (default: serial)."
        case .disk: "Disk image, and options behind commas; repeatable."
        case .net: "Network: user, tap or unix:PATH, and options behind commas; repeatable."
        case .share: "Directory to share, and options behind commas; repeatable."
        case .flash: "Content of a bank of flash memory: firmware first, its variables second."
        case .rng: "Add a source of random numbers."
        case .balloon: "Add a balloon: memory that the guest doesn't use goes back to the host."
        case .exec:
            "Have the default guest run a shell command, in the first --share if there is one; its status becomes ours."
        case .strict: "Refuse a guest that would see what this host dictates instead of what the machine version has."
        case .moveTo: "Draft: SIGUSR1 moves the running guest to this engine, interpreter or kvm, and the next one back."
        }
    }

    /// What stands for its value; nil when that is the option's own name.
    package var valueName: String? {
        switch self {
        case .dumpTree, .signature: "file"
        case .signatureGranularity: "bytes"
        case .console: "console"
        case .disk, .share, .flash: "path"
        case .net: "network"
        case .exec: "command"
        case .moveTo: "engine"
        default: nil
        }
    }

    /// Whether what follows is its value whatever it looks like: such values begin with a dash of their own.
    package var takesDashes: Bool {
        switch self {
        case .append, .isa, .exec: true
        default: false
        }
    }
}
