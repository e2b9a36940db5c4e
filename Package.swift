// swift-tools-version: 6.1
import PackageDescription

// Baseline x86-64-v3 (AVX2 + FMA): without it SIMD8<Float> multiply-adds become calls to fmaf.
// arm64 has NEON and FMA in its baseline and needs no flag.
#if arch(x86_64)
  let engineFlags: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-march=x86-64-v3"])]
#else
  let engineFlags: [SwiftSetting] = []
#endif

func systemLibrary(_ name: String, pkgConfig: String, apt: String) -> Target {
  .systemLibrary(
    name: name, path: "Sources/SystemLibraries/\(name)", pkgConfig: pkgConfig,
    providers: [.apt([apt])])
}

let package = Package(
  name: "fst",
  products: [.executable(name: "fst", targets: ["fst"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
  ],
  targets: [
    systemLibrary("COpenMPI", pkgConfig: "ompi-c", apt: "libopenmpi-dev"),
    systemLibrary("COpenBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
    systemLibrary("CPNG", pkgConfig: "libpng", apt: "libpng-dev"),
    systemLibrary("CJPEG", pkgConfig: "libjpeg", apt: "libjpeg-dev"),
    // These two may be missing: their pictures are then refused by name.
    systemLibrary("CWebP", pkgConfig: "libwebpdemux", apt: "libwebp-dev"),
    systemLibrary("CTIFF", pkgConfig: "libtiff-4", apt: "libtiff-dev"),
    systemLibrary("CCairo", pkgConfig: "cairo", apt: "libcairo2-dev"),
    systemLibrary("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    .target(name: "MPIShim", dependencies: ["COpenMPI"]),
    .target(name: "CompressionShim"),
    .target(name: "FileShim"),
    .target(name: "ImageShim", dependencies: ["CPNG", "CJPEG", "CWebP", "CTIFF"]),
    .target(name: "KernelShim"),
    // Shadows the toolchain's module of the same name (distributed actors): it must declare no type
    // that the toolchain's module declares.
    .target(
      name: "Distributed", dependencies: ["CompressionShim", "MPIShim"], swiftSettings: engineFlags),
    .target(
      name: "Core",
      dependencies: [
        "Distributed", "CCairo", "COpenBLAS", "CZlib", "FileShim", "ImageShim", "KernelShim",
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: engineFlags),
    .executableTarget(
      name: "fst",
      dependencies: [
        "Core", "Distributed", "KernelShim",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .target(name: "TestSupport", dependencies: ["Core", "Distributed"], path: "Tests/TestSupport"),
    // What every communicator must do, in closed form: by threads in unit tests, by the probe under
    // mpirun.
    .target(
      name: "CollectiveLaws", dependencies: ["Distributed"], path: "Tests/CollectiveLaws"),
    .executableTarget(
      name: "distributed-probe", dependencies: ["CollectiveLaws", "Distributed"],
      path: "Tests/DistributedProbe"),
    .testTarget(
      name: "DistributedTests",
      dependencies: ["CollectiveLaws", "CompressionShim", "Distributed", "TestSupport"]),
    // The readers of files from elsewhere, as fuzzing and the regression test run them.
    .target(name: "FuzzTargets", dependencies: ["Core", "CZlib"], path: "Tests/FuzzTargets"),
    .testTarget(
      name: "CoreTests", dependencies: ["Core", "Distributed", "FuzzTargets", "TestSupport"]),
    .testTarget(name: "CommandTests", dependencies: ["Core", "Distributed", "TestSupport"]),
  ])

// `make fuzz` sets this: libFuzzer is linked in by a flag that no other build has.
if Context.environment["FST_FUZZ"] != nil {
  package.targets += [
    .target(name: "FuzzShim", path: "Tests/FuzzShim"),
    .executableTarget(
      name: "fuzz", dependencies: ["FuzzShim", "FuzzTargets"], path: "Tests/Fuzz"),
  ]
}
