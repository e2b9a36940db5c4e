extension DatasetKind {
  /// The German Traffic Sign Recognition Benchmark, from its official archives, BackdoorBench's
  /// folders or torchvision's.
  static let gtsrb = DatasetKind(
    name: "gtsrb",
    summary: "43 traffic signs: Final_Training/ and Final_Test/ of the official archives, or "
      + "Train/ and Test/, or Training/ and Final_Test/, with their GT-*.csv",
    side: 32, classCount: 43, classNames: GTSRBNames.all,
    normalization: Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1]),
    // A mirrored sign may be another sign.
    augmentation: Augmentation(padding: 4, flips: false),
    tuning: TuningDefaults(learningRate: 0.01, epochs: 15, alpha: 0.1, splitRatio: 0.02),
    counts: Counts(train: 39_209, test: 12_630),
    folders: ["gtsrb", "GTSRB", "gtsrb/GTSRB"],
    advice: "get GTSRB_Final_Training_Images.zip, GTSRB_Final_Test_Images.zip and "
      + "GTSRB_Final_Test_GT.zip from https://benchmark.ini.rub.de",
    layouts: [
      DatasetLayout(isIn: { GTSRBFolder($0).isPresent }) { folder, request in
        try GTSRBFolder(folder).load(request)
      }
    ])
}

/// Common English names of the signs; the archives have none.
private enum GTSRBNames {
  static let all = [
    "speed limit 20", "speed limit 30", "speed limit 50", "speed limit 60", "speed limit 70",
    "speed limit 80", "end of speed limit 80", "speed limit 100", "speed limit 120", "no passing",
    "no passing for trucks", "right of way at next junction", "priority road", "yield", "stop",
    "no vehicles", "no trucks", "no entry", "general caution", "dangerous curve left",
    "dangerous curve right", "double curve", "bumpy road", "slippery road",
    "road narrows on the right", "road work", "traffic signals", "pedestrians", "children crossing",
    "bicycles crossing", "ice or snow", "wild animals", "end of all limits", "turn right ahead",
    "turn left ahead", "ahead only", "straight or right", "straight or left", "keep right",
    "keep left", "roundabout", "end of no passing", "end of no passing for trucks",
  ]
}
