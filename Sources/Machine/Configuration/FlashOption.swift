/// `--flash PATH[,readonly]`: one bank of flash memory.
package struct FlashOption: Equatable, Sendable {
    /// As it was written: what errors of the file repeat.
    package var setting: Setting
    /// The bank's content.
    package var path: String
    /// The guest can't change it. The first bank is that in any case.
    package var isReadOnly: Bool

    package init(_ setting: Setting) throws(MachineError) {
        let options = try KeyedOptions(setting, .init(flags: ["readonly"]))
        self.setting = setting
        path = try options.path()
        isReadOnly = options.has("readonly")
    }
}
