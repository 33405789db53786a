/// One handler at a time over a hart's registers and nothing else: how tests reach the floating-point
/// handlers without a machine around them.
package struct FloatProbe: ~Copyable {
    package typealias Handler =
        @convention(c) (UnsafeMutableRawPointer, UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Int

    private let state: UnsafeMutableRawPointer
    private let ops: UnsafeMutableRawPointer

    package init() {
        state = .allocate(byteCount: MemoryLayout<HartState>.size, alignment: 16)
        ops = .allocate(byteCount: 2 &* OpLayout.size, alignment: 16)
        state.initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<HartState>.size)
        ops.initializeMemory(as: UInt8.self, repeating: 0, count: 2 &* OpLayout.size)
    }

    deinit {
        state.deallocate()
        ops.deallocate()
    }

    /// Runs one operation; `stop` takes the place of the one behind it. What it returns comes back, except in
    /// a debug build, where handlers don't run on.
    package func run(
        _ handler: Handler, rd: UInt8, rs1: UInt8, rs2: UInt8 = 0, rs3: UInt8 = 0, rm: UInt8 = 0, then stop: Handler
    ) -> Int {
        ops.storeBytes(of: handler, as: Handler.self)
        ops.storeBytes(of: rd, toByteOffset: 8, as: UInt8.self)
        ops.storeBytes(of: rs1, toByteOffset: 9, as: UInt8.self)
        ops.storeBytes(of: rs2, toByteOffset: 10, as: UInt8.self)
        ops.storeBytes(of: UInt32(rs3) | UInt32(rm) &<< 8, toByteOffset: 12, as: UInt32.self)
        ops.storeBytes(of: stop, toByteOffset: OpLayout.size, as: Handler.self)
        return handler(state, UnsafeRawPointer(ops), state, 0)
    }

    package func f(_ r: Int) -> UInt64 { state.f(r) }
    package func setF(_ r: Int, _ v: UInt64) { state.setF(r, v) }
    package func x(_ r: Int) -> UInt64 { state.x(r) }
    package func setX(_ r: Int, _ v: UInt64) { state.setX(r, v) }
    package var fflags: UInt8 { state.fflags }
    package var fs: UInt8 { state.load(fromByteOffset: HartLayout.fs, as: UInt8.self) }
    package var fpFast: Bool { state.fpFast }

    /// Sets fcsr as a CSR write would, and leaves the state clean.
    package func setControl(frm: UInt8, fflags: UInt8) {
        state.storeBytes(of: frm, toByteOffset: HartLayout.frm, as: UInt8.self)
        state.storeBytes(of: fflags, toByteOffset: HartLayout.fflags, as: UInt8.self)
        state.storeBytes(of: fflags & 1 != 0 && frm == 0 ? 1 : 0, toByteOffset: HartLayout.fpFast, as: UInt8.self)
        state.storeBytes(of: 2, toByteOffset: HartLayout.fs, as: UInt8.self)
    }
}
