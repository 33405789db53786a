extension APLIC {
    /// sourcecfg.SM of a source that isn't delegated (AIA 1.0, section 4.5.2).
    enum SourceMode: UInt32 {
        case inactive = 0
        /// Heeds no wire.
        case detached = 1
        case edge1 = 4
        case edge0 = 5
        case level1 = 6
        case level0 = 7

        /// The legal value for a written one: reserved modes are inactive.
        init(written value: UInt32) { self = SourceMode(rawValue: value & 7) ?? .inactive }

        var isWired: Bool { rawValue >= 4 }
        var isLevelSensitive: Bool { rawValue >= 6 }
        /// Whether low on the wire is high as rectified.
        var isInverted: Bool { isWired && rawValue & 1 != 0 }
    }
}
