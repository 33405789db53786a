/// Settings collected from the guest file and the options, by key: one value for most keys, several for those
/// that may be given more than once.
package struct Settings: ExpressibleByDictionaryLiteral, Equatable, Sendable {
    /// Never an empty list.
    private var lists: [SettingKey: [Setting]] = [:]

    package init() {}

    package init(dictionaryLiteral elements: (SettingKey, Setting)...) {
        for (key, setting) in elements { add(setting, to: key) }
    }

    /// How many keys have a value.
    package var count: Int { lists.count }
    package var isEmpty: Bool { lists.isEmpty }

    /// What was said last for `key`.
    package subscript(key: SettingKey) -> Setting? { lists[key]?.last }

    /// Everything that was said for `key`, in order.
    package func all(_ key: SettingKey) -> [Setting] { lists[key] ?? [] }

    package mutating func add(_ setting: Setting, to key: SettingKey) { lists[key, default: []].append(setting) }

    /// Lets `other` win: of a key that it has, nothing of ours stays, lists included. What could only be added to
    /// a guest file's list could never be taken away.
    package mutating func override(with other: Settings) {
        for (key, list) in other.lists { lists[key] = list }
    }
}
