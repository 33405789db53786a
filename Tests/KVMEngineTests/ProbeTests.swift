import ExecutionEngine
import KVMEngine
import RISCV
import Testing

@Suite("What /dev/kvm is good for")
struct ProbeTests {
    @Test("only a riscv64 host's KVM with the interface's version will do")
    func verdicts() {
        #expect(KVMProbe.judge(version: 12, riscvHost: true) == .available)
        for (version, isRISCV, word) in [(12, false, "x86_64"), (11, true, "version 11"), (-25, true, "no KVM device")] as [(Int32, Bool, String)] {
            guard case .unavailable(let why) = KVMProbe.judge(version: version, riscvHost: isRISCV) else {
                Issue.record("version \(version) is fine?")
                continue
            }
            #expect(why.contains(word))
        }
    }

    @Test("a refused open says what to do")
    func refusals() {
        #expect(KVMProbe.refused(2) == .unavailable("there is no /dev/kvm here"))
        guard case .unavailable(let why) = KVMProbe.refused(13) else { return }
        #expect(why.contains("group kvm"))
    }
}

/// The order of Linux's enum is ABI; a few of its numbers, as asm/kvm.h of 6.12 to 6.18 has them.
@Suite("Linux's numbers of extensions")
struct ExtensionNumberTests {
    @Test(arguments: [
        (0, "a"), (4, "h"), (6, "m"), (8, "sstc"), (13, "zbb"), (15, "v"), (23, "smstateen"), (25, "zbc"), (32, "zkr"), (46, "zfh"),
        (54, "sscofpmf"), (61, "zawrs"), (64, "svade"), (65, "svadu"), (67, "zabha"), (70, "zalrsc"), (71, "zicbop"),
    ])
    func number(number: Int, name: String) { #expect("\(ExtensionNumber.all[number].name)" == name) }

    @Test("a number's name is its extension's, and what has no extension is none of ours")
    func names() {
        for (name, one) in ExtensionNumber.all { #expect(one == Extension.parse("\(name)"), "\(name)") }
    }

    @Test("every extension of the standard model has one, or comes with one")
    func model() {
        let names = Set(ExtensionNumber.all.map { "\($0.name)" })
        for name in Extensions.rv64gc.names { #expect(names.contains(name), "\(name)") }
    }
}
