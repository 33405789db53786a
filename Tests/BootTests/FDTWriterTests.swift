import Boot
import CFDT
import Testing

/// Our writer against libfdt's: the same nodes and properties in the same order give the same bytes.
@Suite struct FDTWriterTests {
    /// Writes what `tree` holds once more, with libfdt's sequential writer.
    private func rewritten(_ tree: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 1 << 20)
        tree.withUnsafeBytes { source in
            out.withUnsafeMutableBytes { target in
                guard let from = source.baseAddress, let to = target.baseAddress else { return }
                #expect(fdt_create(to, Int32(target.count)) == 0)
                #expect(fdt_finish_reservemap(to) == 0)
                var offset: Int32 = 0
                while true {
                    var next: Int32 = 0
                    let tag = fdt_next_tag(from, offset, &next)
                    switch tag {
                    case 1: #expect(fdt_begin_node(to, fdt_get_name(from, offset, nil)) == 0)
                    case 2: #expect(fdt_end_node(to) == 0)
                    case 3:
                        var name: UnsafePointer<CChar>?
                        var length: Int32 = 0
                        let value = fdt_getprop_by_offset(from, offset, &name, &length)
                        #expect(fdt_property(to, name, value, length) == 0)
                    default:
                        #expect(tag == 9)
                        #expect(fdt_finish(to) == 0)
                        return
                    }
                    offset = next
                }
            }
        }
        let size = out[4..<8].reduce(0) { $0 << 8 | Int($1) }
        return Array(out[..<size])
    }

    @Test(arguments: [1, 2, 64]) func sameBytes(harts: Int) throws {
        let chosen = DeviceTree.Chosen(commandLine: "console=ttyS0", initrd: 0x8800_0000..<0x8900_0000, seeds: fixedSeeds)
        let tree = try DeviceTree.build(machine10(harts: harts), chosen: chosen)
        #expect(tree.withUnsafeBytes { fdt_check_full($0.baseAddress, $0.count) } == 0)
        #expect(tree == rewritten(tree))
    }
}
