import Testing
import VirtIO

@Suite("descriptor chains")
struct DescriptorChainTests {
    @Test("lengths are summed up")
    func lengths() {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 16)
        defer { memory.deallocate() }
        let chain = DescriptorChain(
            token: 3, readable: [BufferSegment(base: memory, count: 5), BufferSegment(base: memory + 8, count: 2)],
            writable: [BufferSegment(base: memory, count: 1)])
        #expect(chain.readableCount == 7)
        #expect(chain.writableCount == 1)
    }
}
