import RISCV

/// Decodes guest code into one block.
struct BlockBuilder {
    private let base: UnsafeMutableRawPointer
    private let start: UInt64
    private let extensions: Extensions
    private let floatingPoint: Bool
    private let limit: Int
    private var slots = 0
    private var instructions = 0
    private var bytes = 0
    /// The last operation, when the next one may be fused with it: one slot, its own handler.
    private var fusible = FusionKind.none
    /// The register, and its value, that the last instruction, an auipc, loaded.
    private var constant: (register: UInt8, value: UInt64)?
    /// The halfwords that were decoded. Another hart may change the code meanwhile, and what a block is compared with
    /// after FENCE.I has to be what its operations came from.
    private var halfwords: InlineArray<128, UInt16> = .init(repeating: 0)
    /// Where each slot's instruction starts (halfwords) and its index; copied behind the operations at the end.
    private var places: InlineArray<256, UInt16> = .init(repeating: 0)

    /// - Parameters:
    ///   - space: at least `Block.largest` bytes
    ///   - floatingPoint: mstatus.FS isn't Off; otherwise F and D instructions become illegal ones
    ///   - limit: the most instructions, `Block.instructionLimit` or less
    init(_ space: UnsafeMutableRawPointer, pc: UInt64, extensions: Extensions, floatingPoint: Bool, limit: Int = Block.instructionLimit) {
        base = space
        start = pc
        self.extensions = extensions
        self.floatingPoint = floatingPoint
        self.limit = limit
    }

    private var pc: UInt64 { start &+ UInt64(truncatingIfNeeded: bytes) }

    private mutating func emit(_ handler: @escaping Handler, rd: UInt8 = OpLayout.discard, rs1: UInt8 = 0, rs2: UInt8 = 0, imm: Int32 = 0) {
        let op = base + Block.headerSize + slots &* OpLayout.size
        op.storeBytes(of: handler, as: Handler.self)
        op.storeBytes(of: rd == 0 ? OpLayout.discard : rd, toByteOffset: 8, as: UInt8.self)
        op.storeBytes(of: rs1, toByteOffset: 9, as: UInt8.self)
        op.storeBytes(of: rs2, toByteOffset: 10, as: UInt8.self)
        op.storeBytes(of: UInt8(truncatingIfNeeded: slots), toByteOffset: 11, as: UInt8.self)
        op.storeBytes(of: imm, toByteOffset: 12, as: Int32.self)
        advance()
    }

    private mutating func emit(_ first: UInt64, _ second: UInt64 = 0) {
        let op = base + Block.headerSize + slots &* OpLayout.size
        op.storeBytes(of: first, as: UInt64.self)
        op.storeBytes(of: second, toByteOffset: 8, as: UInt64.self)
        advance()
    }

    private mutating func advance() {
        places[slots & 255] = UInt16(truncatingIfNeeded: bytes &>> 1 | instructions &<< 8)
        slots &+= 1
    }

    /// A link that no `live` word matches yet, taken after the current instruction.
    private mutating func emitLink(retiring extra: Int = 1) {
        emit(0, UInt64(Live.never) | UInt64(truncatingIfNeeded: instructions &+ extra) &<< 32)
    }

    /// Decodes from `code` until a jump, the limit, or `available` bytes (the rest of the page) are used up.
    ///
    /// - Parameter rest: the first bytes of the next page, when the first instruction crosses into it
    /// - Returns: the bytes of arena used
    mutating func build(
        code: UnsafeRawPointer, available: Int, rest: UnsafeRawPointer?, generation: UInt32, variant: UInt32
    ) -> Int {
        var ended = false
        while !ended {
            let left = available &- bytes
            if left < 2 || instructions == limit { break }
            var word = UInt32(code.loadUnaligned(fromByteOffset: bytes, as: UInt16.self))
            if word & 3 == 3 {
                if left >= 4 {
                    word = code.loadUnaligned(fromByteOffset: bytes, as: UInt32.self)
                } else if bytes == 0, let rest {
                    word |= UInt32(rest.loadUnaligned(as: UInt16.self)) &<< 16
                } else {
                    break
                }
            }
            halfwords[bytes &>> 1 & 127] = UInt16(truncatingIfNeeded: word)
            halfwords[(bytes &>> 1 &+ 1) & 127] = UInt16(truncatingIfNeeded: word &>> 16)
            ended = translate(decode(word, extensions), word)
        }
        if !ended {
            // The block goes on elsewhere: nothing retires with this jump itself.
            emit(op_j)
            emitLink(retiring: 0)
        }
        return finish(code: code, rest: rest, generation: generation, variant: variant)
    }

    private func finish(code: UnsafeRawPointer, rest: UnsafeRawPointer?, generation: UInt32, variant: UInt32) -> Int {
        base.storeBytes(
            of: BlockHeader(
                pc: start, code: code, codeOnNextPage: rest, chain: nil, generation: generation, variant: variant,
                slots: Int32(truncatingIfNeeded: slots), codeBytes: Int32(truncatingIfNeeded: bytes), padding: (0, 0)),
            as: BlockHeader.self)
        let table = base + Block.headerSize + slots &* OpLayout.size
        for i in 0..<slots { table.storeBytes(of: places[i & 255], toByteOffset: i &* 2, as: UInt16.self) }
        let copy = table + slots &* 2
        for i in 0..<bytes &>> 1 { copy.storeBytes(of: halfwords[i & 127], toByteOffset: i &* 2, as: UInt16.self) }
        return Block.headerSize + slots &* (OpLayout.size + 2) + bytes
    }

    /// Decodes one instruction. True when it ends the block.
    private mutating func translate(_ d: Decoded, _ word: UInt32) -> Bool {
        let slot = slots
        let known = constant
        constant = nil
        let ended: Bool
        if !extensions.contains(.c), d.instruction.flags.contains(.isBranch), d.instruction == .jalr || d.imm & 2 != 0 {
            ended = emitChecked(d)
            fusible = .none
        } else {
            ended = emit(d, word, known)
            fuse(d, at: slot)
        }
        instructions &+= 1
        bytes &+= Int(d.length)
        return ended
    }

    /// Lets the operation before `slot` carry out the one at `slot` as well, where there is a handler for the two.
    /// Nothing moves: the second operation keeps its place and handler, for whoever comes back to it from a slow
    /// path.
    private mutating func fuse(_ d: Decoded, at slot: Int) {
        guard slots > slot else { return }
        let kind = FusionKind(d)
        let first = fusible
        fusible = slots == slot &+ 1 ? kind : .none
        guard first != .none, kind != .none, slot > 0 else { return }
        let before = base + Block.headerSize + (slot &- 1) &* OpLayout.size
        let op = UnsafeRawPointer(before)
        let other = op + OpLayout.size
        if let handler = fusedHandler(first, kind, operand1: other.rs1 == op.rd, operand2: other.rs2 == op.rd) {
            before.storeBytes(of: handler, as: Handler.self)
            fusible = .none
        }
    }

    /// Emits one instruction. True when it ends the block.
    private mutating func emit(_ d: Decoded, _ word: UInt32, _ known: (register: UInt8, value: UInt64)?) -> Bool {
        let following = pc &+ UInt64(d.length)
        switch d.instruction {
        case .illegal:
            emit(rv_illegal, imm: Int32(bitPattern: word))
            return true
        case .beq where d.rs2 == 0:
            emit(op_beqz, rs1: d.rs1, imm: d.imm)
            emitLink()
        case .bne where d.rs2 == 0:
            emit(op_bnez, rs1: d.rs1, imm: d.imm)
            emitLink()
        case .beq, .bne, .blt, .bge, .bltu, .bgeu:
            emit(handler(d), rs1: d.rs1, rs2: d.rs2, imm: d.imm)
            emitLink()
        case .jal:
            emit(d.rd == 0 ? op_j : rv_jal, rd: d.rd, imm: d.imm)
            emitLink()
            if d.rd != 0 { emit(following) }
            return true
        case .jalr where known?.register == d.rs1 && known != nil && isNear(known?.value ?? 0, d.imm):
            // auipc and jalr: a call whose target is known.
            let target = ((known?.value ?? 0) &+ UInt64(bitPattern: Int64(d.imm))) & ~1
            emit(d.rd == 0 ? op_j : rv_jal, rd: d.rd, imm: Int32(truncatingIfNeeded: target &- pc))
            emitLink()
            if d.rd != 0 { emit(following) }
            return true
        case .jalr:
            emit(d.rd == 0 ? op_jr : rv_jalr, rd: d.rd, rs1: d.rs1, imm: d.imm)
            emit(following, UInt64(truncatingIfNeeded: instructions &+ 1) &<< 32)
            return true
        case .auipc:
            if d.rd == 0 { break }
            emit(rv_auipc, rd: d.rd)
            let value = pc &+ UInt64(bitPattern: Int64(d.imm))
            emit(value)
            constant = (d.rd, value)
        case .addi where known?.register == d.rs1 && d.rs1 == d.rd && d.rd != 0:
            // auipc and addi: the constant behind the auipc becomes the sum.
            let sum = (known?.value ?? 0) &+ UInt64(bitPattern: Int64(d.imm))
            (base + Block.headerSize + (slots &- 1) &* OpLayout.size).storeBytes(of: sum, as: UInt64.self)
        case .addi:
            if d.rd == 0 { break }
            if d.rs1 == 0 {
                emit(rv_lui, rd: d.rd, imm: d.imm)
            } else if d.imm == 0 {
                emit(op_mv, rd: d.rd, rs1: d.rs1)
            } else {
                emit(rv_addi, rd: d.rd, rs1: d.rs1, imm: d.imm)
            }
        case .add where d.rs1 == 0 || d.rs2 == 0:
            if d.rd != 0 { emit(op_mv, rd: d.rd, rs1: d.rs1 | d.rs2) }
        case .ecall, .ebreak, .mret, .sret, .wfi, .fence_i, .sfence_vma, .sinval_vma, .hfence_vvma, .hfence_gvma,
            .hinval_vvma, .hinval_gvma:
            emit(handler(d), rd: d.rd, rs1: d.rs1, rs2: d.rs2, imm: Int32(bitPattern: word))
            // Each of these leaves the blocks, and comes back behind itself if it returns at all.
            return true
        default:
            if d.instruction.flags.contains(.isFP) {
                guard floatingPoint else {
                    emit(rv_illegal, imm: Int32(bitPattern: word))
                    return true
                }
                // Loads and stores have an offset, fli the number of its constant, the rest a third source and rm.
                let packed: Int32 = switch d.instruction {
                case .flh, .flw, .fld, .fsh, .fsw, .fsd, .fli_s, .fli_d: d.imm
                default: Int32(d.rs3) | Int32(d.rm) &<< 8
                }
                // The destination may be an f register, and f0 is an ordinary one.
                emitFloat(handler(d), d, packed)
                return false
            }
            emit(Self.supervisorHandler(d, extensions) ?? handler(d), rd: d.rd, rs1: d.rs1, rs2: d.rs2, imm: d.imm)
        }
        return false
    }

    /// Whether an operation's 32 bits reach `value` + `offset` from here: auipc and jalr go a little further.
    private func isNear(_ value: UInt64, _ offset: Int32) -> Bool {
        let distance = Int64(bitPattern: (value &+ UInt64(bitPattern: Int64(offset))) &- pc)
        return Int64(Int32(truncatingIfNeeded: distance)) == distance
    }

    /// Emits a jump or branch whose target may not be a multiple of 4, on a hart without C.
    private mutating func emitChecked(_ d: Decoded) -> Bool {
        if d.instruction == .jalr {
            let following = pc &+ UInt64(d.length)
            emit(op_jalr_checked, rd: d.rd, rs1: d.rs1, imm: d.imm)
            emit(following, UInt64(truncatingIfNeeded: instructions &+ 1) &<< 32)
            return true
        }
        emit(op_misaligned, rs1: d.rs1, rs2: d.rs2, imm: d.imm)
        return d.instruction == .jal
    }

    private mutating func emitFloat(_ handler: @escaping Handler, _ d: Decoded, _ imm: Int32) {
        let slot = slots
        emit(handler, rd: d.rd, rs1: d.rs1, rs2: d.rs2, imm: imm)
        if d.rd == 0, !d.instruction.writesInteger {
            (base + Block.headerSize + slot &* OpLayout.size).storeBytes(of: 0, toByteOffset: 8, as: UInt8.self)
        }
    }

    private func handler(_ d: Decoded) -> Handler {
        let i = Int(d.instruction.rawValue)
        return i < handlerTable.count ? handlerTable[i] : rv_illegal
    }
}

extension Instruction {
    /// F and D instructions whose destination is an x register.
    fileprivate var writesInteger: Bool {
        switch self {
        case .feq_s, .flt_s, .fle_s, .feq_d, .flt_d, .fle_d, .fleq_s, .fltq_s, .fleq_d, .fltq_d, .fclass_s, .fclass_d,
            .fcvt_w_s, .fcvt_wu_s, .fcvt_l_s, .fcvt_lu_s, .fcvt_w_d, .fcvt_wu_d, .fcvt_l_d, .fcvt_lu_d, .fcvtmod_w_d,
            .fmv_x_w, .fmv_x_d, .fmv_x_h:
            true
        default: false
        }
    }
}
