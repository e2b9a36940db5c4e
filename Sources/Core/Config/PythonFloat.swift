/// Python's `repr` of a float, as CSV files and folder names of runs carry it.
public enum PythonFloat {
  /// The shortest text that reads back as `value`: `0.1`, `1e-05`, `1e+16`, `nan`, `inf`.
  ///
  /// Python uses an exponent of at least two digits where the decimal exponent is below -4 or
  /// above 15; Swift finds the same digits but has other bounds.
  public static func repr(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    let sign = value.sign == .minus ? "-" : ""
    if value == 0 { return sign + "0.0" }
    let (digits, point) = decimal(value.magnitude)
    return sign + layOut(digits, point: point)
  }

  /// The shortest digits d1d2… of a positive finite value, which is 0.d1d2… x 10^point.
  private static func decimal(_ value: Double) -> (digits: [Character], point: Int) {
    let parts = value.description.split(separator: "e")
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    var digits = Array(mantissa[0]) + (mantissa.count > 1 ? Array(mantissa[1]) : [])
    var point = mantissa[0].count + exponent
    while digits.count > 1, digits.last == "0" { digits.removeLast() }
    while digits.count > 1, digits.first == "0" {
      digits.removeFirst()
      point -= 1
    }
    return (digits, point)
  }

  private static func layOut(_ digits: [Character], point: Int) -> String {
    if point < -3 || point > 16 {
      let fraction = digits.count > 1 ? "." + String(digits[1...]) : ""
      let exponent = point - 1
      let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
      return String(digits[0]) + fraction + "e" + (exponent < 0 ? "-" : "+") + size
    }
    if point <= 0 { return "0." + String(repeating: "0", count: -point) + String(digits) }
    if digits.count <= point {
      return String(digits) + String(repeating: "0", count: point - digits.count) + ".0"
    }
    return String(digits[..<point]) + "." + String(digits[point...])
  }
}

extension Double {
  /// This number as Python's `repr` writes it: `0.1`, `0.0`, `1e-05`, `nan`, `inf`.
  package var pythonRepr: String { PythonFloat.repr(self) }
}
