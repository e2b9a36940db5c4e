/// Sums a plan's buckets over the ranks in a form of its own; all ranks end with the same bits.
protocol BucketSum: AnyObject, Sendable {
  /// Replaces the `gradients` in bucket number `bucket` by their sums over all ranks.
  func reduce(_ gradients: FloatBuffer, bucket: Int, on communicator: any Communicator) throws
  /// What bucket number `bucket` is as it travels, in bytes.
  func bytes(ofBucket bucket: Int) -> Int
}
