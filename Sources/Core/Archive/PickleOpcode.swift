/// The pickle opcodes that data need, of the protocols 0 to 5.
///
/// Those that build arbitrary objects (INST, OBJ, EXT, persistent ids as text) are absent, so a
/// stream with one of them ends as an unknown opcode.
enum PickleOpcode: UInt8 {
  case mark = 0x28  // (
  case stop = 0x2e  // .
  case binaryFloat = 0x47  // G
  case int32 = 0x4a  // J
  case uint8 = 0x4b  // K
  case uint16 = 0x4d  // M
  case none = 0x4e  // N
  case persistentID = 0x51  // Q
  case reduce = 0x52  // R
  case string = 0x54  // T
  case shortString = 0x55  // U
  case unicode = 0x58  // X
  case bytes = 0x42  // B
  case shortBytes = 0x43  // C
  case append = 0x61  // a
  case build = 0x62  // b
  case global = 0x63  // c
  case appends = 0x65  // e
  case get = 0x68  // h
  case longGet = 0x6a  // j
  case emptyList = 0x5d  // ]
  case emptyTuple = 0x29  // )
  case emptyDictionary = 0x7d  // }
  case put = 0x71  // q
  case longPut = 0x72  // r
  case setItem = 0x73  // s
  case tuple = 0x74  // t
  case setItems = 0x75  // u
  case proto = 0x80
  case newObject = 0x81
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case newTrue = 0x88
  case newFalse = 0x89
  case long1 = 0x8a
  case long4 = 0x8b
  case shortUnicode = 0x8c
  case longUnicode = 0x8d
  case longBytes = 0x8e
  case emptySet = 0x8f
  case addItems = 0x90
  case stackGlobal = 0x93
  case memoize = 0x94
  case frame = 0x95
  case byteArray = 0x96
  // Protocol 0: arguments are lines of text.
  case intLine = 0x49  // I
  case longLine = 0x4c  // L
  case floatLine = 0x46  // F
  case stringLine = 0x53  // S
  case unicodeLine = 0x56  // V
  case getLine = 0x67  // g
  case putLine = 0x70  // p
  case list = 0x6c  // l
  case dictionary = 0x64  // d
}
