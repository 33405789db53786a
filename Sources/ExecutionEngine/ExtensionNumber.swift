/// Linux's numbers of extensions: enum KVM_RISCV_ISA_EXT_ID of its asm/kvm.h, where the order is ABI.
package enum ExtensionNumber {
    /// By number. Older kernels have fewer.
    package static let names: [StaticString] = [
        "a", "c", "d", "f", "h", "i", "m", "svpbmt", "sstc", "svinval", "zihintpause", "zicbom", "zicboz", "zbb", "ssaia", "v",
        "svnapot", "zba", "zbs", "zicntr", "zicsr", "zifencei", "zihpm", "smstateen", "zicond", "zbc", "zbkb", "zbkc", "zbkx",
        "zknd", "zkne", "zknh", "zkr", "zksed", "zksh", "zkt", "zvbb", "zvbc", "zvkb", "zvkg", "zvkned", "zvknha", "zvknhb",
        "zvksed", "zvksh", "zvkt", "zfh", "zfhmin", "zihintntl", "zvfh", "zvfhmin", "zfa", "ztso", "zacas", "sscofpmf", "zimop",
        "zca", "zcb", "zcd", "zcf", "zcmop", "zawrs", "smnpm", "ssnpm", "svade", "svadu", "svvptc", "zabha", "ziccrse", "zaamo",
        "zalrsc", "zicbop", "zfbfmin", "zvfbfmin", "zvfbfwma", "zclsd", "zilsd", "zalasr", "zicfilp", "zicfiss",
    ]
}
