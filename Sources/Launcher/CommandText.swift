/// What the command says of itself, in every build.
package enum CommandText {
    package static let rvkvm = "Runs RISC-V virtual machines."
    package static let run = "Runs a guest until it powers off."
    package static let runDiscussion =
        "Without --kernel, boots Images/build (made by Scripts/images). Ctrl-A X ends the guest, Ctrl-A H lists the other keys."
    package static let host = "Tells what this machine offers: engines, cores, memory."
    package static let version = "Prints the version."
}
