extension TrainingConfiguration {
  /// The keys of what an attack's training and a tuning have in common.
  static var trainingFields: [ConfigField<Self>] {
    stepFields + rateFields + drawFields + machineFields
      + compressionFields + (rankFields + keepingFields).map { $0.role(.output) }
  }

  private static var stepFields: [ConfigField<Self>] {
    [
      .boolean("augment", \.augment)
        .help("Crop and flip training images at random (default: true)", in: .data)
        .opposite("no_augment", "No random crop and flip of training images."),
      .integer("epochs", \.epochs, 1...countLimit).help(
        "Passes over the training images", "n", in: .training),
      .integer("batch_size", \.batchSize, 1...countLimit).help(
        """
        Images of one step on all ranks together; an attack leaves out those at the end of an \
        epoch that fill no batch, other ones each time
        """, "images", in: .training),
      .integer("batch_size_per_rank", \.batchSizePerRank, 1...countLimit).help(
        "Images of one step on each rank, instead", "images", in: .training),
    ]
  }

  private static var rateFields: [ConfigField<Self>] {
    [
      .number("lr", \.learningRate, .nonNegative).help(
        "The learning rate at the start", "rate", in: .training),
      .choice("lr_scheduler", \.schedule).help("How it falls", in: .training),
      .integer("cosine_t_max", \.cosineEpochs, 1...countLimit).help(
        """
        Epochs until a cosine reaches zero; the original attacks take 100 whatever --epochs says \
        (default: --epochs)
        """, "epochs", in: .training),
      .integers("steplr_milestones", \.milestones, 0...countLimit).help(
        "Epochs after which MultiStepLR multiplies it by --steplr_gamma", "epochs", in: .training),
      .number("steplr_gamma", \.gamma, .nonNegative).help("That factor", "factor", in: .training),
      .number("ReduceLROnPlateau_factor", \.plateauFactor, .belowOne).help(
        """
        By what ReduceLROnPlateau multiplies it once the training loss has not fallen for eleven \
        epochs
        """, "factor", in: .training),
      .number("sgd_momentum", \.momentum, .belowOne).help(
        "Momentum, 0 to below 1", "share", in: .training),
      .number("wd", \.weightDecay, .nonNegative).help("Weight decay", "rate", in: .training),
    ]
  }

  private static var drawFields: [ConfigField<Self>] {
    [
      .seed("random_seed", \.randomSeed).named("seed").help(
        "The seed of every random draw; the synthetic dataset is the same for all", "n",
        in: .training),
      .integer("max_steps", \.maxSteps, 0...countLimit).help(
        """
        Stop after so many steps in all; a part of an epoch then counts as one (default: no limit)
        """, "n", in: .training),
    ]
  }

  private static var machineFields: [ConfigField<Self>] {
    [
      .integer("threads", \.threads, 1...1024).role(.machine).help(
        "Threads of each rank (default: its share of the cores)", "n", in: .machine),
      .choice("convolution", \.convolution).role(.arithmetic).help(
        """
        Convolution kernels: automatic, the fastest for each layer; im2col, patch matrices for \
        all, slower, as a check
        """, "kernels", in: .machine),
      .choice("precision", \.precision).role(.arithmetic).help(
        """
        What convolutions multiply: float32; int16, integers with exact sums, up to 1.4 times as \
        fast a step, which takes a processor with AVX512-VNNI; auto, int16 on such a processor, \
        else float32
        """, "numbers", in: .machine),
      .boolean("sync_bn", \.syncBatchNorm).help(
        """
        Batch normalisation over all ranks; 1, 2, 3, 4, 6, 8, 12 or 24 of them, with any number of \
        threads, then give the same bits
        """, in: .training),
      .integer("accumulation_steps", \.accumulationSteps, 1...countLimit).help(
        """
        Parts in which each rank computes its share of a step, with one sum over the ranks at the \
        end: less memory, and larger batches for slow networks. Batch normalisation takes each \
        part's statistics
        """, "n", in: .ranks),
    ]
  }

  /// The keys that mean nothing without `compress: powersgd`.
  static var powerSGDKeys: [String] { ["powersgd_rank", "powersgd_start"] }

  private static var compressionFields: [ConfigField<Self>] {
    [
      .choice("compress", \.compression).help(
        """
        How gradients travel, for slow networks: fp16 and bf16, as numbers of 16 bits, half the \
        bytes; powersgd, as products of thin matrices, a small part of them. What that loses is \
        added at the next step, and dropped on --resume. Not with --sync_bn
        """, "form", in: .ranks),
      .integer(powerSGDKeys[0], \.powerSGD.rank, 1...32).help(
        "With --compress powersgd: columns of the thin matrices", "n", in: .ranks),
      .integer(powerSGDKeys[1], \.powerSGD.start, 0...countLimit).help(
        """
        With --compress powersgd: the run's first so many steps are not compressed; a start before \
        momentum has built up costs accuracy
        """, "steps", in: .ranks),
    ]
  }

  private static var rankFields: [ConfigField<Self>] {
    [
      .number("stall_warn", \.stallWarning, .nonNegative).help(
        "Name the ranks that others wait for after so many seconds; 0 is never", "seconds",
        in: .ranks),
      .number("stall_exit", \.stallExit, .nonNegative).help(
        """
        End the run then, with exit status 75; saving and evaluating do not count. A rank whose \
        host, link or process is gone ends it after 12 s already; 0 is never
        """, "seconds", in: .ranks),
      .integer("check_replicas", \.checkReplicas, 0...countLimit).help(
        """
        Compare the parameters of all ranks every so many steps and name the rank that differs; 0 \
        is at the start and after each epoch only
        """, "steps", in: .watching),
      .text("timeline", \.timelinePath, "a file").help(
        """
        Write when each rank loaded, computed, communicated, waited and saved as a Chrome trace, \
        for chrome://tracing or ui.perfetto.dev (default: none)
        """, "file", in: .watching),
    ]
  }

  private static var keepingFields: [ConfigField<Self>] {
    [
      .resume("resume", \.resume).help(
        """
        Go on with an interrupted run in the same folder: true, or no value, stops where the \
        checkpoints that are there cannot be used; auto starts anew then; without any both start \
        anew and say so (default: false)
        """, in: .checkpoints),
      .integer("checkpoint_steps", \.checkpointSteps, 0...countLimit).help(
        "Save a checkpoint every so many steps; 0 is at the end of each epoch only", "n",
        in: .checkpoints),
      .integer("keep_checkpoints", \.keepCheckpoints, 1...countLimit).help(
        "Keep the last so many checkpoints", "n", in: .checkpoints),
      .fixed("client_optimizer", .text("sgd")).help(
        "The optimiser; sgd is the one there is", "name", in: .accepted),
      .fixed("pre", .boolean(false)).help(
        "Weights from elsewhere; there are none, so only false is accepted",
        in: .accepted),
    ]
  }
}
