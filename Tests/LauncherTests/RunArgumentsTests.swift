import Launcher
import Machine
import Testing
import rvkvm

/// Two parsers, one table: what swift-argument-parser makes of a command line, the riscv64 build's makes of it too.
@Suite("Command lines, read by both builds")
struct RunArgumentsTests {
    @Test("the same settings", arguments: [
        "",
        "--kernel Image --initrd initrd --smp 2 --mem 512M",
        "--kernel=Image --append=console=ttyS0 --mem=1G",
        "--append --version --isa -zba,+zbb --exec --help",
        "--append=-x --isa=-zba",
        "--disk a.img,readonly --disk b.img --net user --console virtio --console pty --share src --flash f",
        "--rng --balloon --no-reboot --hugepages --rng=",
        "--smp 2 --smp 4",
        "--kernel - --dump-dtb out --signature s --signature-granularity 4 --timeout 3 --trace exits --firmware none --dtb d",
        "--engine kvm --cpu rv64gch --name web --strict --",
    ])
    func alike(line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        #expect(try RunArguments.parse(words) == .settings(Command.settings(words)))
    }

    @Test("the same refusals", arguments: [
        "kernel", "--kernel", "--kernel --smp 2", "--smp -2", "--kernal Image", "-k Image", "--rng=yes", "--disk", "-- Image", "---", "-x", "--smp=", "--append=",
    ])
    func refused(line: String) {
        let words = line.split(separator: " ").map(String.init)
        #expect(throws: (any Error).self) { try Command.settings(words) }
        #expect(throws: MachineError.self) { try RunArguments.parse(words) }
    }

    @Test("every key is an option of both")
    func everyKey() throws {
        for key in SettingKey.allCases {
            let words = key.isSwitch ? ["--\(key.name)"] : ["--\(key.name)", "x"]
            let settings = try Command.settings(words)
            #expect(settings[key] == Setting(key.isSwitch ? "true" : "x", origin: "--\(key.name)"))
            #expect(try RunArguments.parse(words) == .settings(settings))
        }
    }

    @Test("a mistyped option names the one that was meant")
    func nearest() {
        #expect(throws: MachineError(.usage, "there is no option ‘--kernal’; did you mean --kernel? (rvkvm --help lists what there is)")) {
            try RunArguments.parse(["--kernal", "x"])
        }
    }

    @Test("help and version are found wherever they stand")
    func help() throws {
        #expect(try RunArguments.parse(["--smp", "2", "--help"]) == .help)
        #expect(try RunArguments.parse(["-h"]) == .help)
        #expect(try RunArguments.parse(["--version"]) == .version)
    }
}
