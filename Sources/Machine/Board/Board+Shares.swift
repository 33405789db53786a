import VirtIO

extension Board {
    /// Opens the directories, and makes a 9P device of each: in the order of the options, as many as they are.
    static func makeShares(_ options: [ShareOption]) throws(MachineError) -> [any VirtIODevice] {
        if let first = options.first { throw first.setting.refused("this build shares no directories") }
        return []
    }
}
