import Distributed
import Testing

@Suite struct FloatBufferTests {
  @Test(arguments: [0, 1, 15, 16, 1000]) func isAlignedZeroAndAsLongAsAsked(count: Int) {
    let buffer = FloatBuffer(count: count)
    #expect(Int(bitPattern: buffer.pointer) % FloatBuffer.alignment == 0)
    #expect(buffer.floats.count == count && buffer.bytes.count == count * 4)
    #expect(buffer.array == [Float](repeating: 0, count: count))
  }

  @Test func holdsACopyUntilCleared() {
    let buffer = FloatBuffer([1, 2, 3])
    #expect(buffer.array == [1, 2, 3])
    buffer.clear()
    #expect(buffer.array == [0, 0, 0])
  }
}
