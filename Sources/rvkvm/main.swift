import CHost

// Before anything is opened: a file must not get the number of a standard stream that came closed.
_ = host_standard_descriptors()
host_signal_ignore_pipe()
host_exit(Command.main(Array(CommandLine.arguments.dropFirst())))
