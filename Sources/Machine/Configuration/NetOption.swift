/// `--net KIND[,…]`: one network device.
package struct NetOption: Equatable, Sendable {
    /// As it was written: what errors of the network repeat.
    package var setting: Setting
    /// What stands before the first comma.
    package var kind: String

    package init(_ setting: Setting) throws(MachineError) {
        let options = try KeyedOptions(setting, .init())
        self.setting = setting
        kind = options.head
    }
}
