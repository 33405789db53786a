import CFDT
import Foundation

/// The tree as dts text, always in the same form: dtc's differs from release to release.
func treeText(_ tree: [UInt8]) -> String {
    var out = "/dts-v1/;\n"
    tree.withUnsafeBytes { raw in
        guard let fdt = raw.baseAddress else { return }
        var depth: Int32 = 0
        var node: Int32 = 0
        var open = 0
        func indent(_ n: Int) -> String { String(repeating: "\t", count: n) }
        func close(to level: Int) {
            while open > level {
                open -= 1
                out += "\(indent(open))};\n"
            }
        }
        while node >= 0 && depth >= 0 {
            close(to: Int(depth))
            var length: Int32 = 0
            let name = fdt_get_name(fdt, node, &length).map { String(cString: $0) } ?? "?"
            out += "\n\(indent(open))\(name.isEmpty ? "/" : name) {\n"
            open += 1
            var property = fdt_first_property_offset(fdt, node)
            while property >= 0 {
                var key: UnsafePointer<CChar>?
                var size: Int32 = 0
                let value = fdt_getprop_by_offset(fdt, property, &key, &size)
                let bytes = value.map { Array(UnsafeRawBufferPointer(start: $0, count: Int(size))) } ?? []
                out += "\(indent(open))\(key.map { String(cString: $0) } ?? "?")\(render(bytes));\n"
                property = fdt_next_property_offset(fdt, property)
            }
            node = fdt_next_node(fdt, node, &depth)
        }
        close(to: 0)
    }
    return out
}

/// Text where every string of the list is printable, cells otherwise.
private func render(_ bytes: [UInt8]) -> String {
    if bytes.isEmpty { return "" }
    if bytes.last == 0, bytes.first != 0 {
        let parts = bytes.dropLast().split(separator: 0, omittingEmptySubsequences: false)
        if parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { (0x20...0x7E).contains($0) } }) {
            return " = " + parts.map { "\"\(String(decoding: $0, as: UTF8.self))\"" }.joined(separator: ", ")
        }
    }
    guard bytes.count % 4 == 0 else { return " = [" + bytes.map { String(format: "%02x", $0) }.joined(separator: " ") + "]" }
    let cells = stride(from: 0, to: bytes.count, by: 4).map { i in
        "0x" + String(bytes[i..<i + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }, radix: 16)
    }
    return " = <" + cells.joined(separator: " ") + ">"
}

/// dtc's path, or nil.
let dtc: String? = ["/usr/bin/dtc", "/usr/local/bin/dtc"].first { FileManager.default.isExecutableFile(atPath: $0) }

/// What dtc says about a tree on its error output, and its status.
func dtcComplaints(_ tree: [UInt8]) throws -> (status: Int32, text: String) {
    let scratch = try Scratch()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: dtc ?? "")
    process.arguments = ["-I", "dtb", "-O", "dts", "-o", scratch.path("out.dts"), try scratch.file("in.dtb", tree)]
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
}
