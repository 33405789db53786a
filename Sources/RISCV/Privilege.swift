/// Privilege modes as `mstatus.MPP` encodes them (privileged specification, "Privilege Levels").
/// Whether the mode is a virtual one is a bit of its own, V ("Privilege Modes" of the hypervisor extension).
public enum Privilege: UInt8, CaseIterable, Sendable, Comparable {
    case user = 0
    case supervisor = 1
    case machine = 3

    @inline(__always)
    public static func == (left: Privilege, right: Privilege) -> Bool { left.rawValue == right.rawValue }

    @inline(__always)
    public static func < (left: Privilege, right: Privilege) -> Bool { left.rawValue < right.rawValue }
}
