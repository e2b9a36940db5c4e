import Core
import Testing

/// What programs wrap around a state_dict.
@Suite struct StateDictWrappersTests {
  private func state(_ prefix: String = "") -> StateDict {
    StateDict([
      .init(name: "\(prefix)conv1.weight", shape: [2], values: .float32([1, 2])),
      .init(name: "\(prefix)linear.bias", shape: [], values: .float32([3])),
    ])
  }

  private func read(_ value: PickleValue) throws -> StateDict {
    try StateDict(within: value, file: "test.pt")
  }

  @Test func itIsFoundUnderTheUsualKeys() throws {
    let optimizer = PickleValue.dictionary([.init("state", .dictionary([]))])
    for key in ["state_dict", "model_state_dict", "net", "model"] {
      let value = PickleValue.dictionary([
        .init("epoch", .int(3)), .init("optimizer", optimizer), .init(key, state().archived),
      ])
      #expect(try read(value) == state())
      #expect(try read(.dictionary([.init("model", value)])) == state())
    }
    // The only one, whatever its key.
    #expect(
      try read(.dictionary([.init("epoch", .int(3)), .init("weights", state().archived)]))
        == state())
    // The first that is one.
    let both = PickleValue.dictionary([
      .init("net", .string("resnet18")), .init("model", state().archived),
    ])
    #expect(try read(both) == state())
  }

  @Test func prefixesOfAllNamesAreTakenOff() throws {
    for prefix in ["module.", "_orig_mod.", "model.", "net.", "module._orig_mod.model."] {
      #expect(try read(state(prefix).archived) == state())
    }
    var some = state()
    some.entries[0].name = "module.conv1.weight"
    #expect(try read(some.archived) == some)
  }

  @Test func whatHoldsNoneIsRefusedWithWhatWasFound() {
    let cases: [(PickleValue, String)] = [
      (.dictionary([.init("epoch", .int(3))]), "found a dict of epoch"),
      (.dictionary([]), "root: expected a state_dict"), (.int(3), "root: expected a state_dict"),
      (.dictionary([.init("net", .dictionary([.init("acc", .float(1))]))]), "net: expected"),
    ]
    for (value, said) in cases {
      do {
        _ = try read(value)
        Issue.record("read")
      } catch {
        #expect(isOneLine("\(error)") && "\(error)".contains(said), "\(error)")
      }
    }
  }
}
