import Foundation

/// The shapes of the synthetic dataset, each its own mirror image.
enum SyntheticShape: String, CaseIterable, Sendable {
  case disc, square, triangle, cross, ring

  /// Signed distance from the outline in units of the radius, negative inside; close to exact.
  func distance(_ p: SIMD2<Float>) -> Float {
    let (x, y) = (abs(p.x), abs(p.y))
    switch self {
    case .disc: return length(p) - 0.95
    case .square: return max(x, y) - 0.8
    case .triangle: return max(0.866 * x - 0.5 * p.y - 0.45, p.y - 0.75)
    case .cross: return max(min(x, y) - 0.32, max(x, y) - 1)
    case .ring: return abs(length(p) - 0.72) - 0.28
    }
  }

  private func length(_ p: SIMD2<Float>) -> Float { (p.x * p.x + p.y * p.y).squareRoot() }
}

/// One synthetic image before noise: a striped shape over a shaded background with clutter.
struct SyntheticScene {
  /// Where a point lies and what colour it has.
  private struct Clutter {
    let start: SIMD2<Float>
    let direction: SIMD2<Float>
    let length: Float
    let halfWidth: Float
    let color: SIMD3<Float>
  }

  private let shape: SyntheticShape
  private let center: SIMD2<Float>
  private let radius: Float
  private let axis: SIMD2<Float>
  private let runsAcross: Bool
  private let period: Float
  private let phase: Float
  private let stripes: (SIMD3<Float>, SIMD3<Float>)
  private let corners: (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>)
  private let clutter: [Clutter]

  /// Draws the scene of class `label` from `stream`.
  init(style: SyntheticImages, label: Int, stream: inout RandomStream) {
    let shapes = SyntheticShape.allCases
    shape = shapes[label / 2 % shapes.count]
    runsAcross = label % 2 == 0
    radius = Self.uniform(style.radius, &stream)
    let room = Float(SyntheticImages.side) - 2 * radius
    center = SIMD2(
      radius + room * stream.nextFloat(), radius + room * stream.nextFloat())
    let angle = style.tilt * (2 * stream.nextFloat() - 1)
    axis = SIMD2(cos(angle), sin(angle))
    period = Self.uniform(style.stripePeriod, &stream)
    phase = stream.nextFloat()
    let colors = Self.colors(contrast: style.contrast, &stream)
    stripes = (colors.first, colors.second)
    corners = (
      colors.background + Self.offset(35, &stream), colors.background + Self.offset(35, &stream),
      Self.offset(20, &stream)
    )
    clutter = (0..<style.clutterCount).map { _ in Self.clutter(&stream) }
  }

  /// The colour at `point` (x, y in pixels), each channel about 0...255.
  func color(at point: SIMD2<Float>) -> SIMD3<Float> {
    let side = Float(SyntheticImages.side)
    var color = corners.0 + (corners.1 - corners.0) * (point.x / side)
    color += corners.2 * (2 * point.y / side - 1)
    for item in clutter {
      let offset = point - item.start
      let along = min(max((offset * item.direction).sum(), 0), item.length)
      let gap = offset - item.direction * along
      let coverage = Self.clamped(item.halfWidth + 0.5 - (gap * gap).sum().squareRoot())
      color += (item.color - color) * coverage
    }
    let offset = point - center
    let turned = SIMD2(
      (offset * axis).sum(), offset.y * axis.x - offset.x * axis.y)
    let coverage = Self.clamped(0.5 - shape.distance(turned / radius) * radius)
    let across = (runsAcross ? turned.y : turned.x) / period + phase
    // A triangle wave steep enough to be stripes with an edge of about one pixel.
    let wave = abs(across - across.rounded(.down) - 0.5) * 2 - 0.5
    let mix = Self.clamped(0.5 + wave * period / 2)
    let striped = stripes.0 + (stripes.1 - stripes.0) * mix
    return color + (striped - color) * coverage
  }

  /// A value in -1...1 with a triangular density, from 16 of the random `bits`.
  static func triangular(_ bits: UInt64, _ channel: Int) -> Float {
    let part = bits >> (UInt64(channel) * 16)
    return (Float(part & 255) + Float(part >> 8 & 255)) / 255 - 1
  }

  private static func clamped(_ value: Float) -> Float { min(max(value, 0), 1) }

  private static func uniform(_ range: ClosedRange<Float>, _ stream: inout RandomStream) -> Float {
    range.lowerBound + (range.upperBound - range.lowerBound) * stream.nextFloat()
  }

  private static func offset(_ size: Float, _ stream: inout RandomStream) -> SIMD3<Float> {
    SIMD3(
      stream.nextFloat() * 2 - 1, stream.nextFloat() * 2 - 1, stream.nextFloat() * 2 - 1) * size
  }

  private static func color(_ stream: inout RandomStream) -> SIMD3<Float> {
    SIMD3(repeating: 30)
      + SIMD3(stream.nextFloat(), stream.nextFloat(), stream.nextFloat()) * 180
  }

  /// Three colours that differ pairwise by at least `contrast` in their mean.
  private static func colors(
    contrast: Float, _ stream: inout RandomStream
  ) -> (first: SIMD3<Float>, second: SIMD3<Float>, background: SIMD3<Float>) {
    // Only a few draws in a hundred satisfy a high contrast; after many, the last one is taken.
    var drawn = (first: color(&stream), second: color(&stream), background: color(&stream))
    for _ in 0..<200 {
      let means = [drawn.first, drawn.second, drawn.background].map { $0.sum() / 3 }
      let gaps = [means[0] - means[1], means[1] - means[2], means[0] - means[2]].map { abs($0) }
      if gaps.allSatisfy({ $0 >= contrast }) { break }
      drawn = (color(&stream), color(&stream), color(&stream))
    }
    return drawn
  }

  private static func clutter(_ stream: inout RandomStream) -> Clutter {
    let angle = stream.nextFloat() * 2 * Float.pi
    let side = Float(SyntheticImages.side)
    return Clutter(
      start: SIMD2(stream.nextFloat() * side, stream.nextFloat() * side),
      direction: SIMD2(cos(angle), sin(angle)), length: stream.nextFloat() * 14,
      halfWidth: 0.5 + stream.nextFloat() * 1.5, color: color(&stream))
  }
}
