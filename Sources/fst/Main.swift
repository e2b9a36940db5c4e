import ArgumentParser
import Foundation
import KernelShim

@main struct Main {
  static func main() {
    checkProcessor()
    Descriptor.prepare()
    Limits.prepare()
    // A file over the user's limit is then an error of the write, with a message, as a full disk.
    signal(SIGXFSZ, SIG_IGN)
    do {
      let words = Array(CommandLine.arguments.dropFirst())
      CommandWords.requireCommand(words)
      var command = try FST.parseAsRoot(CommandWords.joiningValues(words))
      LauncherCheck.run(before: command)
      do {
        try command.run()
        Ending.end(0)
      } catch let error where FST.exitCode(for: error) == .success {
        throw error  // a command without its subcommand asks for help
      } catch let ending as ExitCode {
        Ending.end(ending.rawValue)  // the command has said why
      } catch {
        Ending.fail("\(error)", status: ExitStatus.of(error))
      }
    } catch {
      Ending.ofParsing(error)
    }
  }
}

extension Main {
  /// Ends with one line on a processor that would not know the engine's instructions.
  ///
  /// Nothing of Core or Distributed may run before: they are compiled for x86-64-v3, this file is
  /// not.
  private static func checkProcessor() {
    guard fst_kernel_is_supported(FST_KERNEL_BASELINE) else {
      Ending.fail(
        "this processor lacks AVX2 and FMA (x86-64-v3), which fst is compiled for; Intel Haswell, "
          + "AMD Excavator and later have them, and a virtual machine has to pass them on",
        status: ExitStatus.failure)
    }
  }
}

/// The whole program: its subcommands and what holds for all of them.
struct FST: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fst",
    abstract: "Trains backdoored image classifiers and purifies them by Feature Shift Tuning.",
    discussion: """
      The usual order is attack, tune, evaluate:

        fst attack blended --dataset synthetic --width 16 --epochs 10
        fst tune --attack blended --dataset synthetic --ft_mode fst --save
        fst evaluate record/synthetic/blended/<run>/attack_result.pt
        fst inspect record/synthetic/blended/<run>/attack_result.pt
        fst scan record/synthetic/blended/<run>/attack_result.pt
        fst tsne record/synthetic/blended/<run>/attack_result.pt --out sheet.svg
        fst report record/synthetic/blended/<run>

      A whole experiment from one file, resumable, with its tables:
        fst sweep config/experiments/demo.yaml

      Each but inspect runs alone or on many ranks, as its own help says:
        mpirun -np 4 fst attack blended ...
      `fst doctor`, alone or under mpirun, says what the machines have.
      Flags and YAML keys are those of BackdoorBench and the FST scripts.

      Results go to standard output, with --json as one JSON object in the
      last line; progress and messages go to standard error.

      Exit status:
        0    done
        1    failed: data, archive, disk, a rank; or the result could not be
             written to standard output (without a line where its reader is
             gone, as in fst inspect ... | head -1)
        64   wrong flags or configuration
        75   interrupted or stalled, try again: the same command goes on from
             its last checkpoint with --resume, or --resume auto
        130  ended at once by a second Ctrl-C (143: by SIGTERM)
      SIGUSR1 saves a checkpoint and lets the run go on. Under mpirun a
      signal to mpirun itself may make its status 1.
      """,
    version: "0.1.0",
    subcommands: [
      AttackCommand.self, TuneCommand.self, DefendCommand.self, ScanCommand.self,
      EvaluateCommand.self,
      TSNECommand.self,
      InspectCommand.self, TriggerCommand.self, SweepCommand.self, ReportCommand.self,
      BenchCommand.self,
      DoctorCommand.self,
    ])
}
