/// `--share PATH[,…]`: one directory of the host's.
package struct ShareOption: Equatable, Sendable {
    /// As it was written: what errors of the directory repeat.
    package var setting: Setting
    /// The directory.
    package var path: String

    package init(_ setting: Setting) throws(MachineError) {
        let options = try KeyedOptions(setting, .init())
        self.setting = setting
        path = try options.path()
    }
}
