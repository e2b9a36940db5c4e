import Foundation

/// How a pool's threads share work, in each thread's own processor seconds.
///
/// Such seconds do not tell whether a core was there for every thread, so that one core can say how
/// the work would spread over many: `longest` and what is done between the regions are the least
/// that it takes, whatever the number of cores.
package struct WorkProfile: Equatable, Sendable {
  /// Calls of the pool, each of which ends when all threads have.
  package var regions = 0
  /// The sum over regions and threads.
  package var total = 0.0
  /// The sum over regions of the thread that took longest.
  package var longest = 0.0
  /// The calling thread's time between the regions.
  package var serial = 0.0

  /// The time of `threads` threads that each have a core.
  package var path: Double { serial + longest }
  /// The share of `path` in which the others wait for the thread that takes longest.
  package func unevenness(threads: Int) -> Double { 1 - (serial + total / Double(threads)) / path }

  /// The processor seconds of the calling thread so far.
  package static func threadSeconds() -> Double {
    var time = timespec()
    guard clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return .nan }
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

/// Takes the time of each thread's share of each region.
///
/// `@unchecked`: while a region runs each thread writes a place of its own; the rest is the calling
/// thread's.
final class WorkMeter: @unchecked Sendable {
  private var profile = WorkProfile()
  /// The seconds of each thread's share, as far apart as cache lines are.
  private let shares: UnsafeMutableBufferPointer<Double>
  private static let distance = 16
  /// The calling thread's, when the region began and of all regions.
  private var begun = 0.0, seconds = 0.0

  init(threads: Int) {
    shares = .allocate(capacity: threads * Self.distance)
    shares.initialize(repeating: 0)
  }

  deinit { shares.deallocate() }

  /// Told by the calling thread before a region.
  func begin() { begun = WorkProfile.threadSeconds() }

  /// Told by each thread what its share has taken.
  func took(_ seconds: Double, thread: Int) { shares[thread * Self.distance] = seconds }

  /// Told by the calling thread after a region.
  func end() {
    let times = stride(from: 0, to: shares.count, by: Self.distance).map { shares[$0] }
    profile.regions += 1
    profile.total += times.reduce(0, +)
    profile.longest += times.max() ?? 0
    seconds += WorkProfile.threadSeconds() - begun
  }

  /// The profile of what took the calling thread `callerSeconds`.
  func finish(callerSeconds: Double) -> WorkProfile {
    profile.serial = callerSeconds - seconds
    return profile
  }
}
