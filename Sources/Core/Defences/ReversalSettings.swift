/// How a trigger is reversed from a model: neural cleanse's settings, by BackdoorBench's keys.
package struct ReversalSettings: Equatable, Sendable {
  /// The passes over the clean images, at most, for each class.
  package var epochs = 80
  /// Adam's learning rate for mask and pattern.
  package var learningRate = 0.1
  /// What the mask's size counts in the loss at the start.
  package var firstCost = 1e-3
  /// By what that grows where triggers work; where they do not, it falls by this to the power 1.5.
  package var costFactor = 2.0
  /// The share of images, in percent, from which on a trigger works.
  package var successThreshold = 98.0
  /// The epochs in a row after which the mask's weight is changed.
  package var patience = 5
  /// Whether a search ends that has long found nothing smaller.
  package var stopsEarly = true
  /// The share of the smallest size so far that counts as no progress.
  package var stopThreshold = 0.99
  /// The epochs without progress after which it ends.
  package var stopPatience = 25
  /// What keeps mask and pattern away from 0 and 1.
  package var epsilon = 1e-7
  /// Whether patterns are scaled as the original does it, which mistakes rows for channels.
  package var scalesByRow = false
  /// Whether the median of an even number of sizes is the lower of the two in the middle.
  package var takesLowerMedian = false

  /// The originals' defaults, without their mistakes.
  package init() {}

  package static let fields: [ConfigField<Self>] =
    searchFields + stopFields + [
      .boolean("row_normalization", \.scalesByRow).help(
        """
        As the original: a pattern's first rows are scaled by the mean and deviation of a channel, \
        all others not at all (default: false, each channel by its own)
        """, in: .attack),
      .boolean("lower_median", \.takesLowerMedian).help(
        """
        As the original: of an even number of classes the median is the lower of the two sizes in \
        the middle (default: false, their mean)
        """, in: .attack),
    ]

  private static let searchFields: [ConfigField<Self>] = [
    .integer("nc_epoch", \.epochs, 1...countLimit).help(
      "Passes over the clean images to reverse a class's trigger", "n", in: .attack),
    .number("mask_lr", \.learningRate, .nonNegative).help(
      "The learning rate of mask and pattern", "rate", in: .attack),
    .number("init_cost", \.firstCost, .nonNegative).help(
      "What the mask's size counts in the loss at first", "weight", in: .attack),
    .number("cost_multiplier", \.costFactor, .atLeastOne).help(
      "By what that grows where triggers work", "factor", in: .attack),
    .number("atk_succ_threshold", \.successThreshold, .nonNegative).help(
      "A trigger works that sends so many percent of the images to its class", "percent",
      in: .attack),
    .integer("patience", \.patience, 1...countLimit).help(
      "Epochs in a row after which the mask's weight is changed", "n", in: .attack),
    .number("EPSILON", \.epsilon, .nonNegative).help(
      "What keeps mask and pattern away from 0 and 1", "value", in: .attack),
  ]

  private static let stopFields: [ConfigField<Self>] = [
    .boolean("early_stop", \.stopsEarly).help(
      "End a class's search that has long found no smaller mask (default: true)", in: .attack),
    .number("early_stop_threshold", \.stopThreshold, .nonNegative).help(
      "No progress is a mask of this share of the smallest or more", "share", in: .attack),
    .integer("early_stop_patience", \.stopPatience, 1...countLimit).help(
      "Epochs without progress after which it ends", "n", in: .attack),
  ]
}
