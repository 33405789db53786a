/// A set of extensions, in two words.
public struct Extensions: Sendable, Hashable, ExpressibleByArrayLiteral {
    public var low: UInt64
    public var high: UInt64

    @inline(__always)
    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    @inline(__always)
    public init() { self.init(low: 0, high: 0) }

    @inline(__always)
    public init(_ one: Extension) {
        let number = UInt64(one.rawValue)
        self.init(low: number < 64 ? 1 &<< number : 0, high: number < 64 ? 0 : 1 &<< number)
    }

    // Up to three without an array: these fold into constants where the decoder asks.

    @inline(__always)
    public init(_ one: Extension, _ two: Extension) {
        self = Extensions(one).union(Extensions(two))
    }

    @inline(__always)
    public init(_ one: Extension, _ two: Extension, _ three: Extension) {
        self = Extensions(one, two).union(Extensions(three))
    }

    public init(arrayLiteral elements: Extension...) {
        self.init()
        for element in elements { insert(element) }
    }

    @inline(__always)
    public var isEmpty: Bool { low | high == 0 }

    public var count: Int { low.nonzeroBitCount + high.nonzeroBitCount }

    @inline(__always)
    public func contains(_ one: Extension) -> Bool { isSuperset(of: Extensions(one)) }

    @inline(__always)
    public func isSuperset(of other: Extensions) -> Bool {
        (other.low & ~low) | (other.high & ~high) == 0
    }

    @inline(__always)
    public mutating func insert(_ one: Extension) { formUnion(Extensions(one)) }

    @inline(__always)
    public mutating func remove(_ one: Extension) { subtract(Extensions(one)) }

    @inline(__always)
    public mutating func formUnion(_ other: Extensions) {
        low |= other.low
        high |= other.high
    }

    @inline(__always)
    public mutating func subtract(_ other: Extensions) {
        low &= ~other.low
        high &= ~other.high
    }

    @inline(__always)
    public func union(_ other: Extensions) -> Extensions {
        Extensions(low: low | other.low, high: high | other.high)
    }

    @inline(__always)
    public func subtracting(_ other: Extensions) -> Extensions {
        Extensions(low: low & ~other.low, high: high & ~other.high)
    }

    @inline(__always)
    public func intersection(_ other: Extensions) -> Extensions {
        Extensions(low: low & other.low, high: high & other.high)
    }
}
