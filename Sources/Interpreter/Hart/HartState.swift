import RISCV

/// What one hart is, as plain memory: handlers, and later translated code, address it through a pointer.
///
/// The order of the first fields is fixed (`HartLayout`); `HartState` is never copied.
struct HartState {
    // ---- Fixed offsets: see HartLayout.
    /// x0 to x31, and the slot that swallows writes to x0.
    var x: InlineArray<33, UInt64>
    /// Other threads set `Live.kick` in here; the rest is the hart's own. See `Live`.
    var live: UInt32
    /// Nonzero when a native floating-point operation may stand in for the exact one: NX is already set
    /// and frm is round-to-nearest-even.
    var fpFast: UInt8
    /// mstatus.FS: 0 Off, 1 Initial, 2 Clean, 3 Dirty. While V = 1 what it and vsstatus.FS come to; see
    /// `Hart+FloatStatus`.
    var fs: UInt8
    /// fcsr.frm and fcsr.fflags.
    var frm: UInt8
    var fflags: UInt8
    /// f0 to f31.
    var f: InlineArray<32, UInt64>
    /// Jump cache: where indirect jumps find their target's block. See `JumpCache`.
    var jumpCache: UnsafeMutableRawPointer
    /// mip's bits that other threads drive as well; atomic.
    var pending: UInt64

    // ---- Control
    /// Address of the next instruction; valid only outside the blocks.
    var pc: UInt64
    var retired: Int
    /// `Stop.dispatch`, in memory: were it a constant, the optimiser would know what a miss returns, and make of
    /// the tail call to it a call and a return.
    var dispatch: Int
    /// The operation whose link led out of the blocks; `Hart.run` mends it.
    var pendingLink: UnsafeRawPointer?
    var tlb: UnsafeMutableRawPointer
    var trapCause: UInt64
    var trapValue: UInt64
    var mode: Privilege
    /// V of the hypervisor extension: the mode is VS or VU.
    var virtual: Bool
    var debugOp: UnsafeRawPointer
    var debugTLB: UnsafeMutableRawPointer
    var debugRetired: Int
    /// The hart's object, for slow paths.
    var owner: Unmanaged<Hart>

    // ---- LR/SC
    /// Guest virtual address of the reservation, or all ones.
    var reservation: UInt64
    var reservedValue: UInt64
    /// Host address behind the reservation, for Zawrs.
    var reservedHost: UInt64
    /// The reservation was LR.D's.
    var reservedWide: Bool

    // ---- Interrupts
    var mie: UInt64
    var mideleg: UInt64
    var medeleg: UInt64

    // ---- M-mode and S-mode CSRs. mstatus holds all fields but FS and SD.
    var mstatus: UInt64
    var misa: UInt64
    var mtvec: UInt64
    var mscratch: UInt64
    var mepc: UInt64
    var mcause: UInt64
    var mtval: UInt64
    var mcounteren: UInt64
    var mcountinhibit: UInt64
    var menvcfg: UInt64
    var mseccfg: UInt64
    var mstateen0: UInt64
    var mstateen1: UInt64
    var mstateen2: UInt64
    var mstateen3: UInt64
    var stvec: UInt64
    var sscratch: UInt64
    var sepc: UInt64
    var scause: UInt64
    var stval: UInt64
    var scounteren: UInt64
    var senvcfg: UInt64
    var satp: UInt64
    var stimecmp: UInt64
    /// What a write to mcycle or minstret added to the running counts.
    var cycleOffset: UInt64
    var instretOffset: UInt64
    /// Counts of `pause` since the thread last gave up its core.
    var pauses: UInt32

    // ---- H
    /// What a trap into M-mode or HS-mode tells besides cause and value: the guest physical address >> 2, the
    /// transformed or pseudoinstruction, and whether the access that failed was a guest's.
    var trapGuestAddress: UInt64
    var trapInstruction: UInt64
    var trapOfGuestAccess: Bool
    /// mstatus.FS while V = 1, and vsstatus.FS; see `Hart+FloatStatus`.
    var outerFS: UInt8
    var guestFS: UInt8
    var hstatus: UInt64
    var hedeleg: UInt64
    var hideleg: UInt64
    var htimedelta: UInt64
    var hcounteren: UInt64
    var henvcfg: UInt64
    var hstateen0: UInt64
    var hstateen1: UInt64
    var hstateen2: UInt64
    var hstateen3: UInt64
    var htval: UInt64
    var htinst: UInt64
    var hgatp: UInt64
    /// All fields but FS and SD.
    var vsstatus: UInt64
    var vstvec: UInt64
    var vsscratch: UInt64
    var vsepc: UInt64
    var vscause: UInt64
    var vstval: UInt64
    var vsatp: UInt64
    var vstimecmp: UInt64
    var mtval2: UInt64
    var mtinst: UInt64
}

/// Offsets that handlers use directly.
enum HartLayout {
    static let x = 0
    static let live = 264
    static let fpFast = 268
    static let fs = 269
    static let frm = 270
    static let fflags = 271
    static let f = 272
    static let jumpCache = 528
    static let pending = 536
}

extension UnsafeMutableRawPointer {
    /// The hart's state by name. The exclusivity checker doesn't watch raw pointers, so this costs nothing.
    @inline(__always) var hart: UnsafeMutablePointer<HartState> { assumingMemoryBound(to: HartState.self) }

    @inline(__always) func x(_ r: Int) -> UInt64 { load(fromByteOffset: r &<< 3, as: UInt64.self) }
    @inline(__always) func setX(_ r: Int, _ v: UInt64) { storeBytes(of: v, toByteOffset: r &<< 3, as: UInt64.self) }
    /// Writes a 32-bit result, sign-extended.
    @inline(__always) func setW(_ r: Int, _ v: UInt32) {
        setX(r, UInt64(bitPattern: Int64(Int32(bitPattern: v))))
    }
    /// The low 32 bits.
    @inline(__always) func w(_ r: Int) -> UInt32 { load(fromByteOffset: r &<< 3, as: UInt32.self) }

    // Floating point
    @inline(__always) func f(_ r: Int) -> UInt64 { load(fromByteOffset: HartLayout.f &+ r &<< 3, as: UInt64.self) }
    /// Writes an f register and marks the floating-point state dirty.
    @inline(__always) func setF(_ r: Int, _ v: UInt64) {
        storeBytes(of: v, toByteOffset: HartLayout.f &+ r &<< 3, as: UInt64.self)
        markFPDirty()
    }
    @inline(__always) func markFPDirty() { storeBytes(of: 3, toByteOffset: HartLayout.fs, as: UInt8.self) }
    @inline(__always) var fpFast: Bool { load(fromByteOffset: HartLayout.fpFast, as: UInt8.self) != 0 }
    @inline(__always) var frm: UInt8 { load(fromByteOffset: HartLayout.frm, as: UInt8.self) }
    @inline(__always) var fflags: UInt8 { load(fromByteOffset: HartLayout.fflags, as: UInt8.self) }
    /// Accrues exception flags (NV 16, DZ 8, OF 4, UF 2, NX 1), marks the state dirty and keeps `fpFast` true.
    @inline(__always) func raiseFlags(_ flags: UInt8) {
        if flags == 0 { return }
        let all = fflags | flags
        storeBytes(of: all, toByteOffset: HartLayout.fflags, as: UInt8.self)
        storeBytes(of: all & 1 != 0 && frm == 0 ? 1 : 0, toByteOffset: HartLayout.fpFast, as: UInt8.self)
        markFPDirty()
    }

    /// The word that links are compared with; see `Live`.
    @inline(__always) var live: UInt32 { load(fromByteOffset: HartLayout.live, as: UInt32.self) }
    @inline(__always) var jumpCache: UnsafeMutableRawPointer {
        load(fromByteOffset: HartLayout.jumpCache, as: UnsafeMutableRawPointer.self)
    }
}
