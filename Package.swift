// swift-tools-version: 6.2
import PackageDescription

// Everything below the command also has to compile as Embedded Swift for riscv64, so the compiler
// reports what that dialect lacks while we still build for x86-64.
let core: [SwiftSetting] = [
    .treatWarning("EmbeddedRestrictions", as: .error),
    // An Embedded build asks for each module to be imported where something of it is used.
    .enableUpcomingFeature("MemberImportVisibility"),
]

// The interpreter's handlers call each other in tail position and live in registers:
// - merged look-alike functions lose the tail call and leak stack,
// - a specialised signature costs a jump from the table's entry to the copy,
// - a frame pointer costs a push and a pop in every handler,
// - a hart is used by one thread at a time, so its slow paths needn't prove that on every access.
let hot: [SwiftSetting] = core + [
    .unsafeFlags([
        "-Xllvm", "-swiftmergefunc-threshold=0",
        "-Xllvm", "-sil-disable-pass=function-signature-opts",
        "-enforce-exclusivity=unchecked",
    ]),
]

let package = Package(
    name: "rvkvm",
    products: [
        .executable(name: "rvkvm", targets: ["rvkvm"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    ],
    targets: [
        .systemLibrary(name: "CFDT", providers: [.apt(["libfdt-dev"])]),
        .systemLibrary(name: "CELF", pkgConfig: "libelf", providers: [.apt(["libelf-dev"])]),
        // Without pkgConfig: its file asks for glib's, which nothing here needs.
        .systemLibrary(name: "CSlirp", providers: [.apt(["libslirp-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CUring", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),
        .systemLibrary(name: "CNBD", pkgConfig: "libnbd", providers: [.apt(["libnbd-dev"])]),
        .target(name: "CHost"),
        // What these two declare is public, not package: the compiler inlines only public functions, and be they
        // constants, in another module.
        .target(name: "RISCV", exclude: ["instructions.txt"], swiftSettings: core),
        .target(name: "GuestMemory", dependencies: ["CHost"], swiftSettings: core),
        .target(name: "ExecutionEngine", dependencies: ["GuestMemory", "RISCV"], swiftSettings: core),
        .target(
            name: "Interpreter", dependencies: ["ExecutionEngine", "GuestMemory", "RISCV", "CHost"],
            exclude: ["Decode/fusions.txt"],
            swiftSettings: hot),
        .target(name: "KVMEngine", dependencies: ["ExecutionEngine", "GuestMemory", "RISCV", "CHost"], swiftSettings: core),
        .target(
            name: "Devices", dependencies: ["ExecutionEngine", "GuestMemory", "CHost"], swiftSettings: core),
        .target(
            name: "VirtIO", dependencies: ["Devices", "ExecutionEngine", "GuestMemory", "CHost"], swiftSettings: core),
        .target(
            name: "Boot", dependencies: ["GuestMemory", "RISCV", "CHost", "CFDT", "CELF", "CZlib", "CZstd"],
            swiftSettings: core),
        .target(name: "Backends", dependencies: ["VirtIO", "Devices", "CHost", "CUring", "CNBD", "CSlirp"]),
        .target(
            name: "Machine",
            dependencies: ["Boot", "VirtIO", "Devices", "Interpreter", "KVMEngine", "ExecutionEngine", "GuestMemory", "RISCV", "CHost"],
            swiftSettings: core),
        .target(name: "Launcher", dependencies: ["Machine", "VirtIO", "ExecutionEngine", "CHost"], swiftSettings: core),
        .executableTarget(
            name: "rvkvm",
            dependencies: [
                "Launcher", "Machine", "Backends", "CHost",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Yams", package: "Yams"),
            ]),
        // Plain, and within the subset: the riscv64 build makes a program of them.
        .target(name: "TestSupport", dependencies: ["RISCV"], path: "Tests/Support", swiftSettings: core),
        .target(
            name: "EngineConformance", dependencies: ["TestSupport", "ExecutionEngine", "GuestMemory", "RISCV", "CHost"],
            path: "Tests/EngineConformance", exclude: ["Program"], swiftSettings: core),
        .testTarget(
            name: "EngineConformanceTests", dependencies: ["EngineConformance", "Interpreter", "KVMEngine", "ExecutionEngine"]),
        .testTarget(name: "RISCVTests", dependencies: ["RISCV"]),
        .testTarget(name: "GuestMemoryTests", dependencies: ["GuestMemory"]),
        .testTarget(
            name: "InterpreterTests", dependencies: ["TestSupport", "Interpreter", "ExecutionEngine", "GuestMemory", "RISCV", "CHost"]),
        .testTarget(
            name: "KVMEngineTests", dependencies: ["KVMEngine", "ExecutionEngine", "GuestMemory", "RISCV", "CHost"]),
        .testTarget(name: "DevicesTests", dependencies: ["Devices", "ExecutionEngine", "GuestMemory", "CHost"]),
        .testTarget(name: "VirtIOTests", dependencies: ["VirtIO", "Backends", "Devices", "GuestMemory", "CHost"]),
        .testTarget(
            name: "BootTests", dependencies: ["Boot", "GuestMemory", "CFDT", "CZlib", "CZstd"], exclude: ["Golden"]),
        .testTarget(name: "BackendsTests", dependencies: ["Backends", "VirtIO", "CHost"]),
        .testTarget(name: "MachineTests", dependencies: ["Machine", "Devices", "GuestMemory", "CHost", "Interpreter", "ExecutionEngine"]),
        .testTarget(name: "LauncherTests", dependencies: ["Launcher", "Machine", "rvkvm"]),
        .testTarget(name: "rvkvmTests", dependencies: ["rvkvm", "Launcher", "Machine"]),
    ],
    swiftLanguageModes: [.v6]
)
