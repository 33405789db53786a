import CFDT

extension DeviceTree {
    /// Says whether `bytes` is a device tree that libfdt may walk, or why not.
    package static func validate(_ bytes: PayloadBytes, source: PayloadSource) throws(BootError) {
        defer { withExtendedLifetime(bytes) {} }
        guard let base = bytes.raw.baseAddress, bytes.count >= 40 else {
            throw .badData(source, reason: "\(sizeText(UInt64(bytes.count))) is shorter than a device tree's header; the file is a truncated copy")
        }
        guard UInt32(bigEndian: bytes.load(0, as: UInt32.self).map { $0.littleEndian } ?? 0) == 0xD00D_FEED else {
            let kind = PayloadKind.of(bytes)
            let name: String = if case .other(let name) = kind { name } else { "something else" }
            throw .badData(source, reason: "is \(name) and no flattened device tree; compile a source with dtc -O dtb")
        }
        let total = UInt64(totalSize(base))
        guard total <= UInt64(bytes.count) else {
            throw .badData(source, reason: "its header announces \(total) bytes, the file has \(bytes.count); the file is a truncated copy")
        }
        let status = fdt_check_full(base, bytes.count)
        guard status == 0 else { throw corrupt(status, source) }
    }

    /// The user's tree with `/chosen` filled in as the built one's is. Properties of an earlier start
    /// (seeds, initrd) are replaced; bootargs stay when no command line is given.
    package static func patch(_ bytes: PayloadBytes, chosen: Chosen, source: PayloadSource) throws(BootError) -> [UInt8] {
        try checkCommandLine(chosen.commandLine)
        try validate(bytes, source: source)
        let out = try PayloadBytes(capacity: Int(Placement.deviceTreeLimit), for: source)
        defer { withExtendedLifetime((bytes, out)) {} }
        guard let from = bytes.raw.baseAddress, let fdt = out.storage.baseAddress else { return [] }
        try succeed(fdt_open_into(from, fdt, Int32(clamping: out.storage.count)), source)

        var node = fdt_path_offset(fdt, "/chosen")
        if node == -FDT_ERR_NOTFOUND { node = fdt_add_subnode(fdt, 0, "chosen") }
        try succeed(node, source)
        if let line = chosen.commandLine {
            try succeed(fdt_setprop(fdt, node, "bootargs", line, Int32(clamping: line.utf8.count + 1)), source)
        }
        if let initrd = chosen.initrd {
            try succeed(fdt_setprop_u64(fdt, node, "linux,initrd-start", initrd.lowerBound), source)
            try succeed(fdt_setprop_u64(fdt, node, "linux,initrd-end", initrd.upperBound), source)
        } else {
            try remove(fdt, node, "linux,initrd-start", source)
            try remove(fdt, node, "linux,initrd-end", source)
        }
        let rng = chosen.seeds.rng
        try succeed(fdt_setprop(fdt, node, "rng-seed", rng, Int32(clamping: rng.count)), source)
        try succeed(fdt_setprop_u64(fdt, node, "kaslr-seed", chosen.seeds.kaslr), source)
        try succeed(fdt_pack(fdt), source)
        out.use(Int(totalSize(fdt)))
        return out.array()
    }

    /// Reads, checks and patches the file of `--dtb`.
    package static func load(_ file: PayloadFile, chosen: Chosen) throws(BootError) -> [UInt8] {
        try patch(try file.read(limit: Placement.deviceTreeLimit), chosen: chosen, source: file.source)
    }

    private static func remove(_ fdt: UnsafeMutableRawPointer, _ node: Int32, _ name: String, _ source: PayloadSource) throws(BootError) {
        let status = fdt_delprop(fdt, node, name)
        if status != -FDT_ERR_NOTFOUND { try succeed(status, source) }
    }

    private static func succeed(_ status: Int32, _ source: PayloadSource) throws(BootError) {
        if status >= 0 { return }
        if status == -FDT_ERR_NOSPACE {
            throw .badData(source, reason: "leaves no room for /chosen within the \(sizeText(Placement.deviceTreeLimit)) that a kernel maps")
        }
        throw corrupt(status, source)
    }

    private static func corrupt(_ status: Int32, _ source: PayloadSource) -> BootError {
        var name: [UInt8] = []
        if var p = fdt_strerror(status) {
            while p.pointee != 0 {
                name.append(UInt8(bitPattern: p.pointee))
                p += 1
            }
        }
        return .badData(source, reason: "is a corrupt device tree (\(String(decoding: name, as: UTF8.self))); build it again with dtc")
    }
}
