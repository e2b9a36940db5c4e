/// The mean training losses of the finished epochs, which a trainer adds to and a keeper saves.
final class EpochLosses {
  /// One an epoch; equal on all ranks.
  var values: [Double] = []
}
