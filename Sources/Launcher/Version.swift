/// What `rvkvm version` prints.
package enum Version {
    package static let text = "rvkvm 0.1.0 (machine rvkvm-1.0)"
}
