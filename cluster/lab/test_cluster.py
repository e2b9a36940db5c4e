#!/usr/bin/env python3
"""What clusters do to a training run, done to one on a lab: `make test-cluster`.

Each test breaks a run of three hosts (two where that is enough) and asserts that it ends within
LIMIT seconds, that it says why, naming the host, and that no process is left on any host. Without
root or namespaces everything is skipped, loudly. FST names another program than
.build/release/fst; -v and names of tests are unittest's.
"""
import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FST = os.environ.get("FST", os.path.join(ROOT, ".build", "release", "fst"))
os.environ["FST_LAB"] = f"test-{os.getpid()}"  # a lab of one's own may stand beside it
os.environ.setdefault("FST_LAB_NET", "10.88.9")
sys.path.insert(0, HERE)
import lab  # noqa: E402  (it reads the two variables)

# How long a broken run may take to end, in seconds.
LIMIT = 60
SMALL = ["--dataset", "synthetic", "--width", "8", "--batch_size", "60", "--threads", "1",
         "--random_seed", "0"]
FOLDER = os.path.join("synthetic", "badnet", "pratio_0.1-target_0-archi_resnet18")


class Run:
    """A training run on the lab's hosts, in a record folder of its own."""

    def __init__(self, ranks, *arguments, folder=None, data=SMALL):
        self.folder = folder or tempfile.mkdtemp(prefix="fst-lab-record-", dir=scratch)
        self.path = os.path.join(self.folder, f"said-{time.monotonic_ns()}")
        with open(self.path, "w") as said:
            command = [os.path.join(HERE, "lab.py"), "run", ranks, FST, "attack", "badnet", *data,
                       "--record", os.path.join(self.folder, "record"), *arguments]
            self.process = subprocess.Popen([str(word) for word in command], stdout=said,
                                            stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def said(self):
        with open(self.path, errors="replace") as file:
            return file.read()

    def rows(self, name="attack_df.csv"):
        """The finished epochs' rows."""
        try:
            with open(os.path.join(self.folder, "record", FOLDER, name)) as file:
                return list(csv.DictReader(file))
        except OSError:
            return []

    def wait_for_training(self):
        """Returns once steps are under way on all hosts: the first epoch is done."""
        deadline = time.monotonic() + 120
        while not self.rows():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"no first epoch:\n{self.said[-2000:]}")
            time.sleep(0.1)

    def end(self, limit=LIMIT):
        """Exit status and seconds until the end; fails after `limit`."""
        start = time.monotonic()
        try:
            return self.process.wait(timeout=limit), time.monotonic() - start
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {limit} s:\n{self.said[-2000:]}") from None


def on_lab(*words):
    return lab.call(os.path.join(HERE, "lab.py"), *words)


def rank_on(host):
    """The process of the rank on `host`."""
    for pid in lab.processes(lab.holder_of(lab.load(), host)[1]):
        try:
            with open(f"/proc/{pid}/comm") as file:
                if file.read().strip() == os.path.basename(FST)[:15]:
                    return pid
        except OSError:
            continue
    raise AssertionError(f"no rank on {host}")


def left_over(patience=5):
    """Processes on the hosts once `patience` seconds have passed, as (host, command)."""
    deadline = time.monotonic() + patience
    while True:
        found = []
        for index, holder in enumerate(lab.load()["hosts"]):
            for pid in lab.processes(holder):
                try:
                    with open(f"/proc/{pid}/cmdline") as file:
                        found.append((f"node{index}", file.read().replace("\0", " ")[:120]))
                except OSError:
                    continue
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


class ClusterTests(unittest.TestCase):
    def setUp(self):
        on_lab("up", "3", "1gbit")
        self.addCleanup(on_lab, "down")

    def broken(self, what, act, *arguments, names):
        """Breaks a run of three ranks by `act`; it has to end and to say why."""
        run = Run(3, "--epochs", "500", *arguments)
        self.addCleanup(run.process.wait)
        self.addCleanup(run.process.kill)
        run.wait_for_training()
        act()
        status, seconds = run.end()
        print(f"{what}: status {status} after {seconds:.1f} s", file=sys.stderr)
        self.assertNotEqual(status, 0)
        for name in names:
            self.assertRegex(run.said[-6000:], name)
        self.assertLessEqual(len(re.findall("^fst: ", run.said, re.MULTILINE)), 1, run.said)
        self.assertEqual(left_over(), [])
        return status

    def testKilledRank(self):
        self.broken("SIGKILL of a rank", lambda: os.kill(rank_on("node2"), signal.SIGKILL),
                    names=["node2", "(?i)rank 2"])

    def testKilledHost(self):
        self.broken("SIGKILL of a host", lambda: on_lab("kill", "node1"), names=["node1"])

    def testFrozenRank(self):
        status = self.broken(
            "SIGSTOP of a rank", lambda: os.kill(rank_on("node1"), signal.SIGSTOP),
            "--stall_warn", "4", "--stall_exit", "10", names=["fst: .*node1", "rank 1"])
        self.assertEqual(status, 75)

    def testCutLink(self):
        self.broken("link cut", lambda: on_lab("cut", "node2"), names=["node2"])

    def testFrozenRankEndsWithoutAnyOption(self):
        status = self.broken(
            "SIGSTOP of a rank, defaults", lambda: os.kill(rank_on("node2"), signal.SIGSTOP),
            names=["fst: rank 2 \\(node2\\) does not answer"])
        self.assertEqual(status, 75)

    def testCutLinkUnderPlainMpirun(self):
        """Without the settings of run-mpirun.sh, mpirun would wait for eight minutes."""
        plain = {"OMPI_MCA_oob_tcp_keepalive_time": "300", "OMPI_MCA_oob_tcp_keepalive_intvl": "20",
                 "OMPI_MCA_oob_tcp_keepalive_probes": "9"}
        os.environ.update(plain)
        self.addCleanup(lambda: [os.environ.pop(name) for name in plain])
        self.broken("link cut, plain mpirun", lambda: on_lab("cut", "node2"),
                    names=["fst: rank 2 \\(node2\\) does not answer"])

    def detour(self, verb):
        """Puts hosts 1 and 2 out of each other's reach ("add"), and back into it ("del")."""
        for host, other in (("node1", lab.address(2)), ("node2", lab.address(1))):
            on_lab("exec", host, "ip", "route", verb, other, "via", lab.address(99))

    def testConnectionsThatFailAtTheStartAreTriedAgain(self):
        """Ranks 1 and 2 find no way to each other at first, as after a cable was put back."""
        self.detour("add")
        run = Run(3, "--epochs", "1")
        self.addCleanup(run.process.kill)
        deadline = time.monotonic() + LIMIT
        while "failed to TCP connect" not in run.said and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertIn("failed to TCP connect", run.said)
        self.detour("del")
        self.assertEqual(run.end()[0], 0, run.said[-2000:])

    def testRanksThatNeverAnswerAreNamed(self):
        self.detour("add")
        run = Run(3, "--epochs", "1")
        self.addCleanup(run.process.kill)
        status, seconds = run.end()
        print(f"ranks that never answer: status {status} after {seconds:.1f} s", file=sys.stderr)
        self.assertEqual(status, 75, run.said[-2000:])
        said = re.findall("^fst: .*", run.said, re.MULTILINE)
        self.assertEqual(len(said), 1, run.said)
        self.assertRegex(said[0], r"rank 1 \(node1\) has no answer from rank 2")
        self.assertEqual(left_over(), [])

    def testStragglerIsNamed(self):
        run = Run(3, "--epochs", "3")
        slow = subprocess.Popen([os.path.join(HERE, "lab.py"), "slow", "node1", "0.7"])
        self.addCleanup(slow.kill)
        self.assertEqual(run.end(limit=240)[0], 0, run.said[-2000:])
        slow.terminate()
        slow.wait()
        self.assertRegex(run.said, r"late: rank 1 \(node1\)")
        self.assertNotRegex(run.said, r"late: rank [02]")

    def testResumedRunHasTheBitsOfOneNeverStopped(self):
        whole = Run(2, "--epochs", "3")
        self.assertEqual(whole.end(limit=240)[0], 0, whole.said[-2000:])
        cut = Run(2, "--epochs", "3", "--checkpoint_steps", "20")
        cut.wait_for_training()
        time.sleep(0.5)
        on_lab("kill", "node1")
        self.assertNotEqual(cut.end()[0], 0)
        self.assertEqual(left_over(), [])
        again = Run(2, "--epochs", "3", "--checkpoint_steps", "20", "--resume", "auto",
                    folder=cut.folder)
        self.assertEqual(again.end(limit=240)[0], 0, again.said[-2000:])
        loss = "train_epoch_loss_avg_over_batch"
        self.assertEqual([row[loss] for row in again.rows()], [row[loss] for row in whole.rows()])

    def testOtherDataOnOneHostIsRefused(self):
        folders = [self.images("same"), self.images("other", changed=True)]
        on_lab("exec", "node1", "mount", "--bind", folders[1], folders[0])
        run = Run(2, "--epochs", "1", data=["--dataset", "cifar10", "--dataset_path", folders[0],
                                            "--width", "8", "--threads", "1"])
        status, _ = run.end(limit=120)
        self.assertNotEqual(status, 0)
        self.assertRegex(run.said, "fst: .*node1")
        self.assertEqual(len(re.findall("^fst: ", run.said, re.MULTILINE)), 1, run.said)
        self.assertEqual(left_over(), [])

    def images(self, name, changed=False):
        """A tiny data set in CIFAR-10's binary form: label, then 3 x 32 x 32 bytes."""
        folder = os.path.join(scratch, name)
        os.makedirs(folder, exist_ok=True)
        files = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
        for number, file in enumerate(files):
            with open(os.path.join(folder, file), "wb") as out:
                for image in range(40):
                    label = (image + number) % 10
                    pixel = (label * 20 + image + (changed and number == 3 and image == 7)) % 256
                    out.write(bytes([label]) + bytes([pixel]) * 3072)
        return folder


if __name__ == "__main__":
    try:
        lab.check()
        if not shutil.which("mpirun"):
            raise lab.Failure("there is no mpirun in PATH")
    except lab.Failure as reason:
        line = "=" * 78
        sys.exit(print(f"{line}\ntest-cluster: SKIPPED, nothing was tested: {reason}\n{line}"))
    if not os.access(FST, os.X_OK):
        sys.exit(f"test-cluster: no program at {FST}: make build")
    scratch = tempfile.mkdtemp(prefix="fst-lab-")
    try:
        unittest.main()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
