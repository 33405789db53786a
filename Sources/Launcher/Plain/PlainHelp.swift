import Machine

/// What `--help` prints, from the table of options.
enum PlainHelp {
    static let command = [
        "OVERVIEW: " + CommandText.rvkvm, "", "USAGE: rvkvm <subcommand>", "", "SUBCOMMANDS:",
        "  run      " + CommandText.run, "  host     " + CommandText.host, "  version  " + CommandText.version, "",
        "  See 'rvkvm help run' for its options.",
    ]

    static var run: [String] {
        var lines = ["OVERVIEW: " + CommandText.run, "", CommandText.runDiscussion, "", "USAGE: rvkvm run [<options>]", "", "OPTIONS:"]
        for key in SettingKey.allCases {
            let value = key.isSwitch ? "" : " <\(key.valueName ?? key.name)>"
            lines.append("  --\(key.name)\(value)")
            lines.append("        " + key.summary)
        }
        return lines
    }
}
