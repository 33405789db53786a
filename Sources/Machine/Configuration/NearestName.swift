/// The name among `names` that `text` was probably meant to be, or nil when none is near.
///
/// Near means: at most one edit in three characters (insert, drop, replace; case doesn't count).
package func nearestName(to text: String, among names: [String]) -> String? {
    let wanted = lowercasedBytes(text)
    // What nobody mistypes needs no search: the distance costs length times length.
    guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
    var best: (name: String, distance: Int)?
    for name in names {
        let d = editDistance(wanted, lowercasedBytes(name))
        guard d <= max(1, max(wanted.count, name.utf8.count) / 3) else { continue }
        if let b = best, b.distance <= d { continue }
        best = (name, d)
    }
    return best?.name
}

/// “; did you mean X?”, or nothing.
func didYouMean(_ text: String, among names: [String]) -> String {
    guard let name = nearestName(to: text, among: names) else { return "" }
    return "; did you mean \(name)?"
}

func lowercasedBytes(_ text: String) -> [UInt8] {
    text.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
}

private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var previous = [Int](0...b.count)
    for (i, x) in a.enumerated() {
        var current = [i + 1]
        for (j, y) in b.enumerated() {
            current.append(min(previous[j] + (x == y ? 0 : 1), previous[j + 1] + 1, current[j] + 1))
        }
        previous = current
    }
    return previous[b.count]
}
