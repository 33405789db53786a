import RISCV

/// What FWFT keeps for a hart.
struct FirmwareFeatures {
    /// By feature: its value.
    var values: InlineArray<5, UInt64> = .init(repeating: 0)
    /// Bit n: feature n can't be changed any more.
    var locked: UInt64 = 0
}

extension Hart {
    private enum Feature {
        static let misalignedDelegation: UInt64 = 0
        static let updating: UInt64 = 4
    }

    /// FWFT (SBI 3.0, chapter 18). The features belong to the calling hart and outlive its stop.
    func configureFeature(_ function: UInt64) -> SBI.Result {
        let feature = a(0) & 0xFFFF_FFFF
        switch function {
        case 0: return setFeature(feature, a(1), flags: a(2))
        case 1:
            guard let refusal = refusal(of: feature) else { return .value(firmwareFeatures.values[Int(feature)]) }
            return refusal
        default: return .notSupported
        }
    }

    /// Nil for a feature that this hart has.
    private func refusal(of feature: UInt64) -> SBI.Result? {
        switch feature {
        // Misaligned accesses to RAM don't trap, and those that do are the guest's to handle either way.
        case Feature.misalignedDelegation: return nil
        case Feature.updating: return extensions.contains(.svadu) ? nil : .notSupported
        // Landing pads, shadow stacks, double traps and pointer masking: none of those extensions is implemented.
        case 1, 2, 3, 5: return .notSupported
        // Reserved, or a platform's own: "feature is reserved or is platform-specific and unimplemented".
        default: return .denied
        }
    }

    private func setFeature(_ feature: UInt64, _ value: UInt64, flags: UInt64) -> SBI.Result {
        if let refusal = refusal(of: feature) { return refusal }
        let lock: UInt64 = 1
        guard value <= 1, flags & ~lock == 0 else { return .invalidParameter }
        let bit: UInt64 = 1 &<< feature
        guard firmwareFeatures.locked & bit == 0 else { return .deniedLocked }
        firmwareFeatures.values[Int(feature)] = value
        if flags & lock != 0 { firmwareFeatures.locked |= bit }
        if feature == Feature.updating { _ = writeCSR(.menvcfg, state.pointee.menvcfg & ~EnvironmentConfiguration.ADUE | (value == 0 ? 0 : EnvironmentConfiguration.ADUE)) }
        return .success
    }

    /// What the machine's start leaves in the features.
    func resetFeatures() {
        firmwareFeatures = FirmwareFeatures()
        if state.pointee.menvcfg & EnvironmentConfiguration.ADUE != 0 { firmwareFeatures.values[Int(Feature.updating)] = 1 }
    }
}
