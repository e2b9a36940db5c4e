/// Passes on a run's progress and its warnings, but neither its messages nor its results.
struct QuietObserver: TrainingObserver {
  private let observer: any TrainingObserver

  init(_ observer: any TrainingObserver) { self.observer = observer }

  func observe(_ event: TrainingEvent) {
    switch event {
    case .warning, .step, .evaluating, .embedding, .working: observer.observe(event)
    case .message, .note, .claimed, .epoch, .measured, .picture: break
    }
  }
}
