import Core
import Distributed
import Foundation
import TestSupport
import Testing

/// Networks that other programs saved under other names.
@Suite struct TensorNamesTests {
  /// Tensors of `kind` in which each value is another.
  private func state(_ kind: NetworkKind, size: NetworkSize = NetworkSize(width: 2)) -> StateDict {
    let network = Network(
      kind, size: size, classCount: 3,
      inputShape: Shape(batch: 0, height: 32, width: 32, channels: 3))
    Initializer.initialize(network, seed: 1)
    return network.store.stateDict()
  }

  private func renamed(_ state: StateDict, _ name: (String) -> String) -> StateDict {
    StateDict(
      state.entries.map { .init(name: name($0.name), shape: $0.shape, values: $0.values) })
  }

  private func recognize(
    _ state: StateDict, head: String? = nil
  ) throws -> (network: RecognizedNetwork, names: TensorNames) {
    try NetworkKind.recognize(
      Dictionary(uniqueKeysWithValues: state.entries.map { ($0.name, $0.shape) }), head: head)
  }

  private func problem(_ state: StateDict) -> String {
    do {
      let found = try recognize(state)
      return "found \(found.network.kind.name)"
    } catch {
      return "\(error)"
    }
  }

  /// `layer2.0.bn2.weight` as `conv3_x.0.residual_function.4.weight`.
  private func sequential(_ name: String) -> String {
    let parts = name.split(separator: ".").map(String.init)
    switch parts[0] {
    case "conv1": return "conv1.0.\(parts[1])"
    case "bn1": return "conv1.1.\(parts[1])"
    case "linear": return "fc.\(parts[1])"
    default: break
    }
    let stage = "conv\((Int(parts[0].dropFirst(5)) ?? 0) + 1)_x.\(parts[1])"
    guard parts[2] != "shortcut" else { return ([stage] + parts[2...]).joined(separator: ".") }
    let number = (Int(parts[2].suffix(1)) ?? 0) - 1
    let index = 3 * number + (parts[2].hasPrefix("bn") ? 1 : 0)
    return "\(stage).residual_function.\(index).\(parts[3])"
  }

  @Test(arguments: Networks.all) func ownNamesAreThemselves(kind: NetworkKind) throws {
    let state = state(kind)
    let found = try recognize(state)
    #expect(found.network.kind == kind && found.network.classCount == 3)
    #expect(found.names.headName == kind.headName)
    #expect(found.names.own(state, of: found.network) == state)
    #expect(found.names.archived(state) == state)
  }

  @Test(arguments: [NetworkKind.resnet18, .resnet34, .resnet50])
  func othersNamesAreTranslatedThereAndBack(kind: NetworkKind) throws {
    let state = state(kind)
    let torchvision = renamed(state) {
      $0.replacingOccurrences(of: "shortcut", with: "downsample")
        .replacingOccurrences(of: "linear", with: "fc")
    }
    for theirs in [torchvision, renamed(state, sequential)] {
      let found = try recognize(theirs)
      #expect(found.network.kind == kind && found.names.headName == "fc")
      #expect(found.names.own(theirs, of: found.network) == state)
      #expect(found.names.archived(state) == theirs)
    }
  }

  @Test(arguments: [NetworkKind.preactresnet18, .torchvisionResNet18])
  func theOnlyLinearLayerIsTheHeadWhateverItsName(kind: NetworkKind) throws {
    let theirs = renamed(state(kind)) {
      $0.replacingOccurrences(of: "\(kind.headName).", with: "classifier.")
    }
    let found = try recognize(theirs)
    #expect(found.network.kind == kind && found.names.headName == "classifier")
  }

  @Test func countersThatAreMissingAreZero() throws {
    var state = state(.resnet18)
    let complete = state
    state.entries.removeAll { $0.name.hasSuffix("num_batches_tracked") }
    let found = try recognize(state)
    let own = found.names.own(state, of: found.network)
    #expect(
      own.entries.sorted { $0.name < $1.name } == complete.entries.sorted { $0.name < $1.name })
  }

  @Test func countersAsFloatsAreWholeOrZero() throws {
    var state = state(.resnet18)
    for index in state.entries.indices where state.entries[index].shape.isEmpty {
      state.entries[index].values = .float32([index == 5 ? 390 : .infinity])
    }
    let found = try recognize(state)
    let own = found.names.own(state, of: found.network)
    #expect(own["bn1.num_batches_tracked"]?.values == .int64([390]))
    #expect(own["layer1.0.bn1.num_batches_tracked"]?.values == .int64([0]))
  }

  @Test func featuresBehindDataParallelAloneAreFound() throws {
    let state = state(.vgg19BN)
    let theirs = renamed(state) {
      $0.hasPrefix("features.") ? "features.module." + $0.dropFirst(9) : $0
    }
    let found = try recognize(theirs)
    #expect(found.network.kind == .vgg19BN)
    #expect(found.names.own(theirs, of: found.network) == state)
  }

  @Test func stagesOfOtherProportionsAreReadOffTheKernels() throws {
    var size = NetworkSize(width: 3)
    size.shapes = [
      "layer1.0.conv1.weight": [2, 3, 1, 1], "layer1.0.conv3.weight": [5, 2, 1, 1],
      "layer2.0.conv1.weight": [7, 5, 1, 1], "layer4.0.conv3.weight": [9, 2, 1, 1],
    ]
    for kind in [NetworkKind.resnet50, .torchvisionResNet50] {
      let state = state(kind, size: size)
      #expect(state["layer2.1.conv2.weight"]?.shape == [7, 7, 3, 3])
      #expect(state["\(kind.headName).weight"]?.shape == [3, 9])
      let found = try recognize(state).network
      #expect(found.kind == kind && found.size.width == 3)
      let slots = kind.tensors(of: found.size, classCount: 3)
      #expect(slots.map(\.shape) == state.entries.map(\.shape))
    }
  }

  @Test func hybridsAndDamagedNetworksAreRefusedByName() throws {
    var hybrid = state(.resnet18)
    hybrid.entries.removeAll { $0.name.contains(".shortcut.1.") }
    #expect(problem(hybrid).contains("layer2.0.shortcut.1.weight: expected [4], found no such"))
    var missing = state(.vgg19BN)
    missing.entries.removeAll { $0.name == "features.4.running_var" }
    #expect(problem(missing).contains("features.4.running_var: expected [2], found no such tensor"))
    var shape = state(.torchvisionResNet18)
    let index = try #require(shape.entries.firstIndex { $0.name == "layer3.0.conv1.weight" })
    shape.entries[index].shape = [4, 8, 3, 3]
    #expect(
      problem(shape).contains("layer3.0.conv1.weight: expected [8, 4, 3, 3], found [4, 8, 3, 3]"))
    let other = StateDict([.init(name: "encoder.0.weight", shape: [1], values: .float32([0]))])
    #expect(problem(other).contains("resnet18 (conv1.weight, linear.weight)"))
    #expect(problem(other).contains("found 1 tensors: encoder.0.weight"))
  }
}
