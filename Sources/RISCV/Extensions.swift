/// A set of extensions, in two words.
package struct Extensions: Sendable, Hashable, ExpressibleByArrayLiteral {
    package var low: UInt64
    package var high: UInt64

    @inline(__always)
    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    @inline(__always)
    package init() { self.init(low: 0, high: 0) }

    @inline(__always)
    package init(_ one: Extension) {
        let number = UInt64(one.rawValue)
        self.init(low: number < 64 ? 1 &<< number : 0, high: number < 64 ? 0 : 1 &<< number)
    }

    // Up to three without an array: these fold into constants where the decoder asks.

    @inline(__always)
    package init(_ one: Extension, _ two: Extension) {
        self = Extensions(one).union(Extensions(two))
    }

    @inline(__always)
    package init(_ one: Extension, _ two: Extension, _ three: Extension) {
        self = Extensions(one, two).union(Extensions(three))
    }

    package init(arrayLiteral elements: Extension...) {
        self.init()
        for element in elements { insert(element) }
    }

    @inline(__always)
    package var isEmpty: Bool { low | high == 0 }

    package var count: Int { low.nonzeroBitCount + high.nonzeroBitCount }

    @inline(__always)
    package func contains(_ one: Extension) -> Bool { isSuperset(of: Extensions(one)) }

    @inline(__always)
    package func isSuperset(of other: Extensions) -> Bool {
        (other.low & ~low) | (other.high & ~high) == 0
    }

    @inline(__always)
    package mutating func insert(_ one: Extension) { formUnion(Extensions(one)) }

    @inline(__always)
    package mutating func remove(_ one: Extension) { subtract(Extensions(one)) }

    @inline(__always)
    package mutating func formUnion(_ other: Extensions) {
        low |= other.low
        high |= other.high
    }

    @inline(__always)
    package mutating func subtract(_ other: Extensions) {
        low &= ~other.low
        high &= ~other.high
    }

    @inline(__always)
    package func union(_ other: Extensions) -> Extensions {
        Extensions(low: low | other.low, high: high | other.high)
    }

    @inline(__always)
    package func subtracting(_ other: Extensions) -> Extensions {
        Extensions(low: low & ~other.low, high: high & ~other.high)
    }

    @inline(__always)
    package func intersection(_ other: Extensions) -> Extensions {
        Extensions(low: low & other.low, high: high & other.high)
    }
}
