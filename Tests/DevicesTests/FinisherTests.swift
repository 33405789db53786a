import Devices
import Testing

@Suite struct FinisherTests {
    final class Delegate: FinisherDelegate, @unchecked Sendable {
        var requests: [FinisherRequest] = []
        func finish(_ request: FinisherRequest) { requests.append(request) }
    }

    private func requests(_ body: (TestFinisher) -> Void) -> [FinisherRequest] {
        let delegate = Delegate()
        body(TestFinisher(delegate: delegate))
        return delegate.requests
    }

    @Test(arguments: [2, 4])
    func requestsByWidth(width: Int) {
        #expect(requests { $0.write(offset: 0, width: width, value: 0x5555) } == [.powerOff])
        #expect(requests { $0.write(offset: 0, width: width, value: 0x7777) } == [.reset])
        #expect(requests { $0.write(offset: 0, width: width, value: 0x3333) } == [.fail(code: 0)])
    }

    @Test func failureCode() {
        #expect(requests { $0.write(offset: 0, width: 4, value: 0x0001_3333) } == [.fail(code: 1)])
        #expect(requests { $0.write(offset: 0, width: 4, value: 0xFFFF_3333) } == [.fail(code: 0xFFFF)])
        #expect(requests { $0.write(offset: 0, width: 8, value: 0x1234_5678_002A_3333) } == [.fail(code: 42)])
        #expect(requests { $0.write(offset: 0, width: 4, value: 0x0007_5555) } == [.powerOff], "the code is the failure's")
        #expect(requests { $0.write(offset: 0, width: 2, value: 0xFFFF_3333) } == [.fail(code: 0)], "two bytes carry none")
    }

    @Test func ignoresTheRest() {
        let delegate = Delegate()
        let finisher = TestFinisher(delegate: delegate)
        finisher.write(offset: 0, width: 4, value: 0)
        finisher.write(offset: 0, width: 4, value: 0x5554)
        finisher.write(offset: 0, width: 4, value: 0x5555_0000)
        finisher.write(offset: 0, width: 1, value: 0x55)
        finisher.write(offset: 4, width: 4, value: 0x5555)
        finisher.write(offset: 2, width: 2, value: 0x5555)
        finisher.write(offset: ~0, width: 4, value: 0x5555)
        #expect(finisher.read(offset: 0, width: 4) == 0)
        #expect(delegate.requests == [])
    }
}
