extension Double {
  /// This number as Python's `repr` writes it: `0.1`, `0.0`, `1e-05`, `nan`, `inf`.
  package var pythonRepr: String { PythonFloat.repr(self) }
}
