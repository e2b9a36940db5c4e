import Glibc

/// The processor's seconds that the calling thread spends in `body`.
///
/// Other work on the machine is not in them: a bound on them says what `body` costs, where one on
/// a clock would say how busy the machine is.
public func processorSeconds(_ body: () throws -> Void) rethrows -> Double {
  let start = threadSeconds()
  try body()
  return threadSeconds() - start
}

private func threadSeconds() -> Double {
  var time = timespec()
  guard clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return .infinity }
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
