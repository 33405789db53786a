import CHost
import ExecutionEngine
import RISCV

extension KVMThread {
    /// What the guest's harts have and lack, before the first run: exactly `wanted`, or an error that names what is
    /// missing here or can't be hidden.
    ///
    /// KVM gives a vCPU all that the host has. Some of it a guest can be denied; of the rest it would only not be
    /// told, and whoever tries would find it, so that guests on two hosts would differ.
    func setISA(_ wanted: Extensions) throws(EngineError) {
        if wanted.contains(.h) {
            throw .unsupported("KVM's guests can't have guests of their own (extension h); choose --cpu rv64gc or --engine interpreter")
        }
        var missing: [String] = []
        var unhideable: [String] = []
        var given = Extensions()
        for word in 0..<ExtensionNumber.wordCount {
            let want = ExtensionNumber.word(word, of: wanted)
            let have = try setISAWord(word, to: want)
            if have != want {
                for bit in 0..<64 where (have ^ want) >> bit & 1 != 0 {
                    let number = UInt64(word * 64 + bit)
                    if have >> bit & 1 != 0 {
                        unhideable.append(ExtensionNumber.name(number))
                    } else if try isaState(number) != nil {
                        missing.append(ExtensionNumber.name(number))
                    }
                }
            }
            given.formUnion(ExtensionNumber.extensions(have & want, word: word))
        }
        for one in Extension.allCases where wanted.contains(one) && !given.contains(one) && !ExtensionNumber.isImplied(one, by: wanted) {
            if let number = ExtensionNumber.number(of: one), try isaState(number) != nil { continue }
            missing.append(one.name)
        }
        guard missing.isEmpty && unhideable.isEmpty else {
            throw .extensions(ExtensionMismatch(engine: "KVM here", missing: missing, unhideable: unhideable))
        }
    }

    /// Asks for 64 extensions to be as `want` has them, and returns which there are then.
    private func setISAWord(_ word: Int, to want: UInt64) throws(EngineError) -> UInt64 {
        let have = try isaWord(word)
        // What the kernel refuses shows in the answer to the next question.
        if want & ~have != 0 { put(RegisterID.isaExtensions(UInt64(word), on: true), want & ~have) }
        if have & ~want != 0 { put(RegisterID.isaExtensions(UInt64(word), on: false), have & ~want) }
        return have == want ? have : try isaWord(word)
    }

    /// 64 extensions at once, which saves a call for each on every vCPU.
    private func isaWord(_ word: Int) throws(EngineError) -> UInt64 {
        var value: UInt64 = 0
        let status = host_kvm_get_register(descriptor, RegisterID.isaExtensions(UInt64(word), on: true).rawValue, &value)
        // A kernel that knows no number of this word.
        if status == -KVMError.missing || status == -KVMError.invalid { return 0 }
        guard status >= 0 else { throw .kvm("the guest's extensions", -status) }
        return value
    }

    /// 0 or 1; nil when the kernel doesn't know the extension.
    private func isaState(_ number: UInt64) throws(EngineError) -> UInt64? {
        var value: UInt64 = 0
        let status = host_kvm_get_register(descriptor, RegisterID.isaExtension(number).rawValue, &value)
        // An unknown number is EINVAL or ENOENT, by the kernel's age.
        if status == -KVMError.missing || status == -KVMError.invalid { return nil }
        guard status >= 0 else { throw .kvm("the guest's extensions", -status) }
        return value
    }

    private func put(_ id: RegisterID, _ value: UInt64) {
        var value = value
        _ = host_kvm_set_register(descriptor, id.rawValue, &value)
    }
}
