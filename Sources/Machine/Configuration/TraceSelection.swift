/// What `--trace exits,traps,insns[:FILE]` asks for.
package struct TraceSelection: Equatable, Sendable {
    package var exits = false
    package var traps = false
    package var instructions = false
    /// nil: standard error.
    package var file: String?

    package init() {}

    init(_ setting: Setting) throws(MachineError) {
        let text = Array(setting.text.utf8)
        var kinds = text[...]
        if let colon = text.firstIndex(of: 0x3A) {
            kinds = text[..<colon]
            file = try GuestConfiguration.path(
                Setting(String(decoding: text[(colon + 1)...], as: UTF8.self), origin: setting.origin))
        }
        for part in kinds.split(separator: 0x2C, omittingEmptySubsequences: false) {
            let kind = String(decoding: part, as: UTF8.self)
            switch kind {
            case "exits": exits = true
            case "traps": traps = true
            case "insns": instructions = true
            default:
                throw setting.refused(
                    "what can be traced is exits, traps and insns, with :FILE after them"
                        + didYouMean(kind, among: ["exits", "traps", "insns"]))
            }
        }
    }
}
