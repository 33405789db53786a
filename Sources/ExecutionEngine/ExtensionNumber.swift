import RISCV

/// Linux's numbers of extensions: enum KVM_RISCV_ISA_EXT_ID of its asm/kvm.h, where the order is ABI.
package enum ExtensionNumber {
    /// By number, with what our processor models have of it. Older kernels have fewer.
    package static let all: [(name: StaticString, extension: Extension?)] = [
        ("a", .a), ("c", .c), ("d", .d), ("f", .f), ("h", .h), ("i", .i), ("m", .m), ("svpbmt", .svpbmt), ("sstc", .sstc),
        ("svinval", .svinval), ("zihintpause", .zihintpause), ("zicbom", .zicbom), ("zicboz", .zicboz), ("zbb", .zbb),
        ("ssaia", .ssaia), ("v", .v), ("svnapot", .svnapot), ("zba", .zba), ("zbs", .zbs), ("zicntr", .zicntr), ("zicsr", .zicsr),
        ("zifencei", .zifencei), ("zihpm", .zihpm), ("smstateen", .smstateen), ("zicond", .zicond), ("zbc", .zbc), ("zbkb", nil),
        ("zbkc", nil), ("zbkx", nil), ("zknd", nil), ("zkne", nil), ("zknh", nil), ("zkr", .zkr), ("zksed", nil), ("zksh", nil),
        ("zkt", .zkt), ("zvbb", .zvbb), ("zvbc", nil), ("zvkb", nil), ("zvkg", nil), ("zvkned", nil), ("zvknha", nil),
        ("zvknhb", nil), ("zvksed", nil), ("zvksh", nil), ("zvkt", .zvkt), ("zfh", .zfh), ("zfhmin", .zfhmin),
        ("zihintntl", .zihintntl), ("zvfh", nil), ("zvfhmin", .zvfhmin), ("zfa", .zfa), ("ztso", nil), ("zacas", .zacas),
        ("sscofpmf", .sscofpmf), ("zimop", .zimop), ("zca", .zca), ("zcb", .zcb), ("zcd", .zcd), ("zcf", nil), ("zcmop", .zcmop),
        ("zawrs", .zawrs), ("smnpm", .smnpm), ("ssnpm", .ssnpm), ("svade", .svade), ("svadu", .svadu), ("svvptc", .svvptc),
        ("zabha", .zabha), ("ziccrse", .ziccrse), ("zaamo", .zaamo), ("zalrsc", .zalrsc), ("zicbop", .zicbop), ("zfbfmin", nil),
        ("zvfbfmin", nil), ("zvfbfwma", nil), ("zclsd", nil), ("zilsd", nil), ("zalasr", nil), ("zicfilp", nil), ("zicfiss", nil),
    ]

    package static var count: Int { all.count }

    /// What number `number` stands for; nil for none and for what no processor model of ours has.
    package static func known(_ number: UInt64) -> Extension? {
        number < UInt64(count) ? all[Int(number)].extension : nil
    }
}
