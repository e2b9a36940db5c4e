/// One event of an event file: TensorFlow's messages `Event` and `Summary`.
package struct TensorBoardEvent: Sendable {
  /// Seconds since 1970.
  package var time: Double
  /// Steps, or epochs, that are over.
  package var step: Int
  /// What it tells.
  package var content: Content

  /// What an event tells.
  package enum Content: Sendable {
    /// The first event of a file.
    case version
    /// Numbers by their tags.
    case scalars([(tag: String, value: Double)])
    /// A picture: the bytes of a PNG, three channels.
    case picture(tag: String, png: [UInt8], width: Int, height: Int)
  }

  /// An event at `time`.
  package init(time: Double, step: Int = 0, _ content: Content) {
    (self.time, self.step, self.content) = (time, step, content)
  }

  /// The event as a record: its length and its checksum, the message and its checksum.
  package var record: [UInt8] {
    let data = message.bytes
    let length = Self.littleEndian(UInt64(data.count))
    return length + Self.littleEndian(CRC32C.masked(length)) + data
      + Self.littleEndian(CRC32C.masked(data))
  }

  private var message: ProtobufMessage {
    var event = ProtobufMessage()
    event.add(1, time)
    if step != 0 { event.add(2, Int64(step)) }
    switch content {
    case .version: event.add(3, "brain.Event:2")
    case .scalars(let scalars):
      var summary = ProtobufMessage()
      for scalar in scalars {
        var value = ProtobufMessage()
        value.add(1, scalar.tag)
        value.add(2, Float(scalar.value))
        summary.add(1, value)
      }
      event.add(5, summary)
    case .picture(let tag, let png, let width, let height):
      event.add(5, Self.summary(tag, png, width: width, height: height))
    }
    return event
  }

  private static func summary(
    _ tag: String, _ png: [UInt8], width: Int, height: Int
  ) -> ProtobufMessage {
    var image = ProtobufMessage()
    image.add(1, Int64(height))
    image.add(2, Int64(width))
    image.add(3, Int64(3))  // the colour space: RGB
    image.add(4, png)
    var value = ProtobufMessage()
    value.add(1, tag)
    value.add(4, image)
    var summary = ProtobufMessage()
    summary.add(1, value)
    return summary
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
