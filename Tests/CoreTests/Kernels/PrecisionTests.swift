import Core
import Distributed
import Testing

/// What a precision comes to, and that all ranks of a run share it.
@Suite struct PrecisionTests {
  @Test func autoIsInt16WhereTheProcessorHasTheInstructions() {
    #expect(PrecisionChoice.float32.resolved == .float32)
    #expect(PrecisionChoice.int16.resolved.name == "int16")
    let expected: ProductPrecision =
      FixedPointGEMM.Variant.vnni.isSupported ? .int16(.vnni) : .float32
    #expect(PrecisionChoice.auto.resolved == expected)
  }

  @Test func ranksThatComputeDifferentlyDoNotStart() throws {
    let errors = try LocalGroup.run(worldSize: 3) { communicator -> String in
      let choice: PrecisionChoice = communicator.rank == 1 ? .float32 : .int16
      do {
        try communicator.requirePrecision(choice)
        return "none"
      } catch {
        return "\(error)"
      }
    }
    if FixedPointGEMM.Variant.vnni.isSupported {
      #expect(
        errors.allSatisfy { $0.hasPrefix("rank 1") && $0.contains("on the precision") }, "\(errors)"
      )
    } else {
      #expect(errors.allSatisfy { $0.contains("no AVX512-VNNI") }, "\(errors)")
    }
  }
}
