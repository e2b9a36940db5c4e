extension AttackConfiguration {
  /// What a checkpoint must have been saved with to be gone on from.
  func identity(data: AttackData, worldSize: Int) -> RunIdentity {
    var identity = identity(worldSize: worldSize)
    identity.settings.append(("data", String(data.checksum, radix: 16)))
    return identity
  }
}
