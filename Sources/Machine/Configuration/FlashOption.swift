/// `--flash PATH[,…]`: one bank of flash memory.
package struct FlashOption: Equatable, Sendable {
    /// As it was written: what errors of the file repeat.
    package var setting: Setting
    /// The bank's content.
    package var path: String

    package init(_ setting: Setting) throws(MachineError) {
        let options = try KeyedOptions(setting, .init())
        self.setting = setting
        path = try options.path()
    }
}
