import KernelShim

/// Passes over [rows, channels] memory whose coefficients differ by channel: the inner loops of
/// BatchNorm.
///
/// They go down the rows channel group by channel group, in blocks that stay in the first-level
/// cache, with coefficients and sums in registers. Sums run in float over a block and in double
/// beyond, so their error does not grow with N.
package enum ChannelKernels {
  package typealias Floats = UnsafeMutablePointer<Float>
  package typealias Doubles = UnsafeMutablePointer<Double>

  /// Something that is added before the ReLU: itself or an affine map of it.
  package struct Residual {
    var values: Floats
    var affine: ChannelAffine?

    package init(values: Floats, affine: ChannelAffine? = nil) {
      self.values = values
      self.affine = affine
    }
  }

  /// Where a ReLU passes gradients on.
  package enum Mask {
    /// Everywhere: there was no ReLU.
    case none
    /// Where the ReLU's output, [rows, C], is positive.
    case output(Floats)
    /// Where scale x + shift, computed as in forward, is positive.
    case affine(ChannelAffine)
  }

  /// y = [max 0](scale x + shift [+ residual]); `y` may be `x`.
  package static func normalize(
    _ x: Floats, _ affine: ChannelAffine, residual: Residual?, relu: Bool, into y: Floats,
    rows: Range<Int>, channels: Int
  ) {
    func pass<V: ChannelVector>(_: V.Type, _ c: Int, _ rows: Range<Int>) {
      let (scale, shift) = (V(at: affine.scale + c), V(at: affine.shift + c))
      let residualScale = residual?.affine.map { V(at: $0.scale + c) }
      let residualShift = residual?.affine.map { V(at: $0.shift + c) }
      for row in rows {
        let place = row &* channels &+ c
        var value = shift.adding(V(at: x + place), times: scale)
        if let residual {
          let other = V(at: residual.values + place)
          if let residualScale, let residualShift {
            value = value + residualShift.adding(other, times: residualScale)
          } else {
            value = value + other
          }
        }
        (relu ? value.positivePart : value).store(at: y + place)
      }
    }
    func sixteen(_ c: Int, _ rows: Range<Int>) {
      let place = rows.lowerBound &* channels &+ c
      fst_channel_normalize(
        block(rows, channels), x + place, affine.from(c), residual.map { $0.values + place },
        residual?.affine?.from(c) ?? fst_channel_affine(), relu, y + place)
    }
    forEachBlock(
      rows, channels, sixteen, { pass(Float8.self, $0, $1) }, { pass(Float.self, $0, $1) })
  }

  /// sum += Σ (x - pivot), squareSum += Σ (x - pivot)², per channel.
  ///
  /// Each block is summed about its own first row and moved to the pivot in double: little cancels
  /// in the variance even where the pivot is far from the mean.
  static func shiftedSums(
    _ x: Floats, pivot: Floats, rows: Range<Int>, channels: Int, sum: Doubles, squareSum: Doubles
  ) {
    func pass<V: ChannelVector>(_: V.Type, _ c: Int, _ rows: Range<Int>) {
      let origin = V(at: x + (rows.lowerBound &* channels &+ c))
      var (first, second) = (V.zero, V.zero)
      for row in rows {
        let value = V(at: x + (row &* channels &+ c)) - origin
        first = first + value
        second = second.adding(value, times: value)
      }
      V.addMoments(
        first, second, about: origin, count: rows.count, movedTo: pivot + c, sum: sum + c,
        squareSum: squareSum + c)
    }
    forEachBlock(
      rows, channels, { pass(SIMD16<Float>.self, $0, $1) }, { pass(Float8.self, $0, $1) },
      { pass(Float.self, $0, $1) })
  }

  /// gradient = gradient where the ReLU passes it on, else 0; gradientSum += Σ gradient,
  /// productSum += Σ gradient (x - mean), per channel.
  package static func maskAndSum(
    _ gradient: Floats, x: Floats, mean: Floats, mask: Mask, rows: Range<Int>, channels: Int,
    gradientSum: Doubles, productSum: Doubles
  ) {
    @inline(__always)
    func pass<V: ChannelVector>(
      _: V.Type, _ c: Int, _ rows: Range<Int>, _ masked: (V, V, Int) -> V, stores: Bool
    ) {
      let mean = V(at: mean + c)
      var (first, second) = (V.zero, V.zero)
      for row in rows {
        let place = row &* channels &+ c
        let x = V(at: x + place)
        let value = masked(V(at: gradient + place), x, place)
        if stores { value.store(at: gradient + place) }
        first = first + value
        second = second.adding(value, times: x - mean)
      }
      first.add(to: gradientSum + c)
      second.add(to: productSum + c)
    }
    func choose<V: ChannelVector>(_ type: V.Type, _ c: Int, _ rows: Range<Int>) {
      switch mask {
      case .none: pass(type, c, rows, { g, _, _ in g }, stores: false)
      case .output(let output):
        pass(type, c, rows, { $0.kept(wherePositive: V(at: output + $2)) }, stores: true)
      case .affine(let affine):
        let (scale, shift) = (V(at: affine.scale + c), V(at: affine.shift + c))
        pass(
          type, c, rows, { g, x, _ in g.kept(wherePositive: shift.adding(x, times: scale)) },
          stores: true)
      }
    }
    func sixteen(_ c: Int, _ rows: Range<Int>) {
      let place = rows.lowerBound &* channels &+ c
      var (output, affine) = (Floats?.none, fst_channel_affine())
      switch mask {
      case .none: break
      case .output(let values): output = values + place
      case .affine(let map): affine = map.from(c)
      }
      fst_channel_mask_and_sum(
        block(rows, channels), gradient + place, x + place, mean + c, output, affine,
        gradientSum + c, productSum + c)
    }
    forEachBlock(
      rows, channels, sixteen, { choose(Float8.self, $0, $1) }, { choose(Float.self, $0, $1) })
  }

  /// result = a gradient + b x + d, per channel, plus the old result where `accumulate` holds.
  static func combine(
    _ gradient: ConvolutionOutputGradient, into result: Floats, rows: Range<Int>, channels: Int,
    accumulate: Bool = false
  ) {
    guard let n = gradient.normalization else { return }
    func pass<V: ChannelVector>(_: V.Type, _ c: Int, _ rows: Range<Int>) {
      let (a, b, d) = (V(at: n.a + c), V(at: n.b + c), V(at: n.d + c))
      for row in rows {
        let place = row &* channels &+ c
        let value = d.adding(b, times: V(at: n.x + place))
          .adding(a, times: V(at: gradient.values + place))
        (accumulate ? value + V(at: result + place) : value).store(at: result + place)
      }
    }
    forEachBlock(
      rows, channels, { pass(SIMD16<Float>.self, $0, $1) }, { pass(Float8.self, $0, $1) },
      { pass(Float.self, $0, $1) })
  }

  private static let rowsPerBlock = 32
  /// Blocks lie in memory one after the other, but in each of them the rows are read once for every
  /// group of channels: more than a processor follows by itself.
  private static let blocksAhead = 2

  private static func block(_ rows: Range<Int>, _ channels: Int) -> fst_channel_block {
    fst_channel_block(
      rows: rows.count, stride: channels, ahead: blocksAhead * rowsPerBlock * channels)
  }

  /// Calls one of the three for each block of rows and group of 16, 8 or 1 channels.
  @inline(__always)
  private static func forEachBlock(
    _ rows: Range<Int>, _ channels: Int, _ sixteen: (_ channel: Int, Range<Int>) -> Void,
    _ eight: (_ channel: Int, Range<Int>) -> Void, _ one: (_ channel: Int, Range<Int>) -> Void
  ) {
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsPerBlock) {
      let block = start..<min(start + rowsPerBlock, rows.upperBound)
      var c = 0
      while c < channels {
        if channels &- c >= 16 {
          sixteen(c, block)
          c = c &+ 16
        } else if channels &- c >= 8 {
          eight(c, block)
          c = c &+ 8
        } else {
          one(c, block)
          c = c &+ 1
        }
      }
    }
  }
}

extension ChannelAffine {
  /// The map of the channels from `channel` on.
  fileprivate func from(_ channel: Int) -> fst_channel_affine {
    fst_channel_affine(scale: scale + channel, shift: shift + channel)
  }
}
