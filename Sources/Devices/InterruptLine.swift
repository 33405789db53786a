/// The receiving end of a level-triggered interrupt wire: an interrupt controller's source seen from a device, or a
/// hart's external interrupt seen from the controller.
///
/// Any thread may call `set`, and callers hold their own lock meanwhile, so that levels arrive in the order in
/// which they were decided. Telling a line the level it already has is cheap and changes nothing.
package protocol InterruptLine: AnyObject, Sendable {
    func set(_ level: Bool)
}

/// A wire that leads nowhere, for a device whose interrupt isn't connected.
package final class UnconnectedLine: InterruptLine {
    package init() {}
    package func set(_ level: Bool) {}
}
