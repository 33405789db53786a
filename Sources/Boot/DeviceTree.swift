import CFDT
import CHost

/// Flattened device trees (devicetree specification 0.4): built for a machine, or taken from a file.
package enum DeviceTree {
    /// Numbers that differ from start to start, so that a golden tree can fix them.
    package struct Seeds: Equatable, Sendable {
        /// `rng-seed`: 32 bytes. Without it every syscall of a Linux guest takes the slow path of the
        /// kernel's random generator.
        package var rng: [UInt8]
        /// `kaslr-seed`.
        package var kaslr: UInt64

        package init(rng: [UInt8], kaslr: UInt64) {
            self.rng = rng
            self.kaslr = kaslr
        }

        /// Fresh ones from the host's random generator.
        package static func fresh() throws(BootError) -> Seeds {
            var bytes = [UInt8](repeating: 0, count: 40)
            let status = bytes.withUnsafeMutableBytes { buffer -> Int32 in
                guard let base = buffer.baseAddress else { return 0 }
                return host_random(base, buffer.count)
            }
            guard status == 0 else { throw .host(.deviceTree("(built in)"), reason: "no random seed from the host: \(hostText(-status))") }
            var kaslr: UInt64 = 0
            for byte in bytes[32...] { kaslr = kaslr << 8 | UInt64(byte) }
            return Seeds(rng: Array(bytes[..<32]), kaslr: kaslr)
        }
    }

    /// What `/chosen` says about this one start.
    package struct Chosen: Sendable {
        /// `bootargs`; nil for none.
        package var commandLine: String?
        /// `linux,initrd-start` and `-end`.
        package var initrd: Range<UInt64>?
        package var seeds: Seeds

        package init(commandLine: String?, initrd: Range<UInt64>?, seeds: Seeds) {
            self.commandLine = commandLine
            self.initrd = initrd
            self.seeds = seeds
        }
    }

    /// A command line is a C string for the guest.
    static func checkCommandLine(_ line: String?) throws(BootError) {
        guard let line else { return }
        if hasNUL(line) { throw .usage(.commandLine, reason: "a kernel command line can't contain a NUL character") }
        let length = UInt64(line.utf8.count)
        // Linux takes 1 KiB; other guests may take more.
        if length > 64 << 10 { throw .usage(.commandLine, reason: "is \(length) bytes long; 64 KiB are the most") }
    }

    /// totalsize of a header that libfdt wrote or accepted.
    static func totalSize(_ fdt: UnsafeRawPointer) -> UInt32 {
        UInt32(bigEndian: fdt.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    }
}
