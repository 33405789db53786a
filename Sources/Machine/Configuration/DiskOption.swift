/// `--disk PATH[,…]`: one block device.
package struct DiskOption: Equatable, Sendable {
    /// As it was written: what errors of the image repeat.
    package var setting: Setting
    /// The image.
    package var path: String

    package init(_ setting: Setting) throws(MachineError) {
        let options = try KeyedOptions(setting, .init())
        self.setting = setting
        path = try options.path()
    }
}
