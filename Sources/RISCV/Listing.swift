/// Collects one line of disassembly: llvm-objdump's spelling under `-M no-aliases`.
struct Listing {
    private(set) var text: String
    private var hasOperand = false

    init(_ mnemonic: StaticString) { text = string(mnemonic) }

    /// Starts an operand.
    private mutating func next() {
        text += hasOperand ? ", " : " "
        hasOperand = true
    }

    private mutating func operand(_ name: StaticString) {
        next()
        text += string(name)
    }

    mutating func x(_ number: UInt8) { operand(integerRegisterName(number)) }

    mutating func f(_ number: UInt8) { operand(floatRegisterName(number)) }

    mutating func immediate(_ value: Int32) {
        next()
        text += hexadecimal(value)
    }

    mutating func memory(_ offset: Int32, base: UInt8) {
        immediate(offset)
        text += "(" + string(integerRegisterName(base)) + ")"
    }

    mutating func base(_ number: UInt8) {
        next()
        text += "(" + string(integerRegisterName(number)) + ")"
    }

    mutating func target(_ offset: Int32, pc: UInt64) {
        next()
        text += hexadecimal(pc &+ UInt64(bitPattern: Int64(offset)))
    }

    mutating func upper(_ value: Int32) {
        next()
        text += hexadecimal(UInt64(UInt32(bitPattern: value) >> 12))
    }

    mutating func csr(_ number: Int32) {
        next()
        if let csr = CSR(rawValue: UInt16(truncatingIfNeeded: number)) {
            text += csr.name
        } else {
            text += hexadecimal(number)
        }
    }

    /// `.aq`, `.rl` or `.aqrl` behind the mnemonic.
    mutating func ordering(_ aqrl: UInt8) {
        switch aqrl {
        case 1: text += ".rl"
        case 2: text += ".aq"
        case 3: text += ".aqrl"
        default: break
        }
    }

    mutating func rounding(_ mode: UInt8) {
        switch mode {
        case 0: operand("rne")
        case 1: operand("rtz")
        case 2: operand("rdn")
        case 3: operand("rup")
        case 4: operand("rmm")
        default: operand("dyn")
        }
    }

    /// A mode that can't matter is written only when it isn't the one that assemblers put there.
    mutating func exactRounding(_ mode: UInt8) {
        if mode != 0 { rounding(mode) }
    }

    /// The low four bits: device input and output, memory reads and writes.
    mutating func fenceSet(_ bits: Int32) {
        next()
        if bits & 8 != 0 { text += "i" }
        if bits & 4 != 0 { text += "o" }
        if bits & 2 != 0 { text += "r" }
        if bits & 1 != 0 { text += "w" }
        if bits & 15 == 0 { text += "0" }
    }

    /// A value of Zfa's table (unprivileged specification, "Load-Immediate Instructions").
    mutating func constant(_ index: Int32) {
        switch index {
        case 0: operand("-1.0")
        case 1: operand("min")
        case 2: operand("1.52587890625e-05")
        case 3: operand("3.0517578125e-05")
        case 4: operand("0.00390625")
        case 5: operand("0.0078125")
        case 6: operand("0.0625")
        case 7: operand("0.125")
        case 8: operand("0.25")
        case 9: operand("0.3125")
        case 10: operand("0.375")
        case 11: operand("0.4375")
        case 12: operand("0.5")
        case 13: operand("0.625")
        case 14: operand("0.75")
        case 15: operand("0.875")
        case 16: operand("1.0")
        case 17: operand("1.25")
        case 18: operand("1.5")
        case 19: operand("1.75")
        case 20: operand("2.0")
        case 21: operand("2.5")
        case 22: operand("3.0")
        case 23: operand("4.0")
        case 24: operand("8.0")
        case 25: operand("16.0")
        case 26: operand("128.0")
        case 27: operand("256.0")
        case 28: operand("32768.0")
        case 29: operand("65536.0")
        case 30: operand("inf")
        default: operand("nan")
        }
    }

    /// An operand without effect, written when it isn't zero.
    mutating func hint(_ value: Int32) {
        if value != 0 { immediate(value) }
    }
}

/// A literal's text. `String(describing:)` would do, but not in Embedded Swift.
private func string(_ literal: StaticString) -> String {
    literal.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
}

private func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

private func hexadecimal(_ value: Int32) -> String {
    (value < 0 ? "-" : "") + hexadecimal(UInt64(value.magnitude))
}
