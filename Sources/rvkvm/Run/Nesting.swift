/// Whether a YAML text nests deeper than any guest file: the YAML library recurses and would run out of
/// stack on a hostile one.
enum Nesting {
    private static let mostBrackets = 256
    private static let mostMarksOnLine = 16

    static func isDeep(_ text: String) -> Bool {
        var brackets = 0
        var marks = 0
        var isLineStart = true
        for byte in text.utf8 {
            switch byte {
            case 0x0A, 0x0D:
                isLineStart = true
                marks = 0
            case 0x5B, 0x7B:
                brackets += 1
                isLineStart = false
            case 0x2D, 0x3F, 0x3A where isLineStart:
                // "- - - x" nests a list a mark; "? ? x" does so with keys.
                marks += 1
            case 0x20, 0x09:
                break
            default:
                isLineStart = false
            }
            if brackets > mostBrackets || marks > mostMarksOnLine { return true }
        }
        return false
    }
}
