import Interpreter
import RISCV
import Testing

/// FWFT (SBI 3.0, chapter 18).
@Suite("SBI FWFT")
struct FeatureTests {
    @Test("features that exist, don't, or can't", arguments: [true, false])
    func kinds(_ svadu: Bool) throws {
        let extensions = svadu ? InterpreterEngine.extensions : InterpreterEngine.extensions.subtracting([.svadu])
        let g = try SBIGuest(extensions: extensions)
        for feature in 0...5 as ClosedRange<UInt64> {
            let exists = feature == 0 || feature == 4 && svadu
            expect(g.call(EID.fwft, 1, feature), exists ? .success : .notSupported, exists ? 0 : nil, "\(feature)")
            expect(g.call(EID.fwft, 0, feature, 1, 0), exists ? .success : .notSupported, nil, "\(feature)")
            if exists { expect(g.call(EID.fwft, 1, feature), .success, 1) }
        }
        for feature in [6, 0x3FFF_FFFF, 0x4000_0000, 0x7FFF_FFFF, 0x8000_0000, 0xC000_0000, 0xFFFF_FFFF] as [UInt64] {
            expect(g.call(EID.fwft, 0, feature, 0, 0), .denied, nil, hex(feature))
            expect(g.call(EID.fwft, 1, feature), .denied, nil, hex(feature))
        }
        expect(g.call(EID.fwft, 2), .notSupported)
    }

    @Test("values, flags and the lock")
    func lock() throws {
        let g = try SBIGuest()
        for (value, flags) in [(2, 0), (~0, 0), (0, 2), (1, 1 << 63), (2, 1)] as [(UInt64, UInt64)] {
            expect(g.call(EID.fwft, 0, 0, value, flags), .invalidParameter)
        }
        expect(g.call(EID.fwft, 0, 0, 1, 1), .success)
        for (value, flags) in [(0, 0), (1, 0), (1, 1)] as [(UInt64, UInt64)] { expect(g.call(EID.fwft, 0, 0, value, flags), .deniedLocked) }
        expect(g.call(EID.fwft, 1, 0), .success, 1)
        // Of this feature only, and of this hart.
        expect(g.call(EID.fwft, 0, 4, 1, 0), .success)
    }

    @Test("PTE_AD_HW_UPDATING has the hart set A and D")
    func updating() throws {
        let g = try SBIGuest()
        #expect(g.guest.hart[.menvcfg] & EnvironmentConfiguration.ADUE == 0)
        expect(g.call(EID.fwft, 0, 4, 1, 0), .success)
        #expect(g.guest.hart[.menvcfg] & EnvironmentConfiguration.ADUE != 0)
        expect(g.call(EID.fwft, 0, 4, 0, 0), .success)
        #expect(g.guest.hart[.menvcfg] & EnvironmentConfiguration.ADUE == 0)
    }

    @Test("a hart without Svade starts with the feature on")
    func startsUpdating() throws {
        let g = try SBIGuest(extensions: InterpreterEngine.extensions.subtracting([.svade]))
        expect(g.call(EID.fwft, 1, 4), .success, 1)
    }
}
