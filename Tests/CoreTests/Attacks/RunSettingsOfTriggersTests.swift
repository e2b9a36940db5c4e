import Core
import Testing

/// A trigger that is applied anew has the settings of the run, but for those that are given.
@Suite struct RunSettingsOfTriggersTests {
  private let noted: [String: ConfigValue] = ["sig_delta": .real(55), "sig_f": .integer(9)]

  @Test func theRunsSettingsStandForTheDefaults() throws {
    let settings = AttackSettings(.sig)
    let sig = try #require(settings.completed(for: .sig, by: noted) as? Sinusoidal)
    var expected = Sinusoidal()
    (expected.delta, expected.frequency) = (55, 9)
    #expect(sig == expected)
    let plain = try #require(settings.completed(for: .sig, by: [:]) as? Sinusoidal)
    #expect(plain == Sinusoidal())
  }

  @Test func whatIsGivenGoesBeforeTheRuns() throws {
    var settings = AttackSettings(.sig)
    settings[Sinusoidal.self].delta = 20
    settings.givenKeys = ["sig_delta"]
    let sig = try #require(settings.completed(for: .sig, by: noted) as? Sinusoidal)
    #expect(sig.delta == 20 && sig.frequency == 9)
  }
}
