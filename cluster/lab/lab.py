#!/usr/bin/env python3
"""A small cluster on one machine, out of network namespaces: try several hosts on a laptop.

    lab.py up 3 1gbit                three hosts, node0 to node2, on links of 1 Gbit/s
    lab.py run 3 PROGRAM ARGS...     run-mpirun.sh on node0, one rank a host in turn
    lab.py exec node1 CMD...         a command on one host
    lab.py shape 100mbit [HOST]      other links while things run; "-" takes the limit away
    lab.py cut HOST | heal HOST      pull the host's cable, put it back
    lab.py stop HOST | cont HOST     freeze and thaw all its processes
    lab.py slow HOST SHARE           freeze it for that share (0.5) of every tenth of a second,
                                     until interrupted: a host that is too slow
    lab.py kill HOST                 end all its processes at once: the host crashes
    lab.py status | down             what stands; end and remove all of it
    lab.py check                     whether this machine can

A host is a network namespace with an address, a name, /etc/hosts, /dev/shm and SysV IPC of its own,
so that only TCP joins it to the others; the rest of the file system is shared, as over NFS, until
`exec HOST mount ...` gives a host a folder of its own. The
switch is a bridge in a namespace of its own: no interface, route or firewall rule of this machine
is touched, and no host reaches beyond the switch. mpirun steps into a host with nsenter in place of
ssh. All hosts share this machine's cores.

Needs Linux, root with CAP_SYS_ADMIN and CAP_NET_ADMIN, iproute2 and util-linux 2.38; OpenMPI for
`run`. FST_LAB names the lab, FST_LAB_NET the first three bytes of its addresses: with both given,
several can stand at once. Its state is in /run/fst-lab and gone after `down`.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
NAME = os.environ.get("FST_LAB", "lab")
NET = os.environ.get("FST_LAB_NET", "10.88.7")
STATE = os.path.join("/run/fst-lab", NAME)


class Failure(Exception):
    """What cannot be done, as one line."""


def address(index):
    """The address of host `index`, and of none where there are fewer hosts."""
    return f"{NET}.{10 + index}"


def call(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def namespace(pid):
    """The identity of a process's network namespace; None where it has ended."""
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None


def load():
    """What `up` has made: {"switch": holder, "hosts": [holder, ...]}, a holder being pid and
    namespace of the process that keeps a host alive."""
    try:
        with open(os.path.join(STATE, "lab.json")) as file:
            return json.load(file)
    except OSError:
        raise Failure(f"no lab named {NAME} is up (lab.py up N)") from None


def save(lab):
    with open(os.path.join(STATE, "lab.json"), "w") as file:
        json.dump(lab, file)


def holder_of(lab, host):
    """The index and the holder of `host`, given as node1 or 1."""
    number = host.removeprefix("node")
    if not number.isdigit() or int(number) >= len(lab["hosts"]):
        raise Failure(f"no host {host}; there are node0 to node{len(lab['hosts']) - 1}")
    holder = lab["hosts"][int(number)]
    if namespace(holder["pid"]) != holder["net"]:
        raise Failure(f"node{number} is gone; lab.py down, then up")
    return int(number), holder


def inside(holder, *command, mount=True):
    """`command` as run in the namespaces of a host or, the network's alone, of the switch."""
    scope = ["-n", "-u", "-i", "-m", f"--wdns={os.getcwd()}"] if mount else ["-n"]
    return ["nsenter", "-t", str(holder["pid"]), *scope, "--", *command]


def processes(holder):
    """All processes of a host but its holder."""
    return [int(pid) for pid in os.listdir("/proc")
            if pid.isdigit() and int(pid) != holder["pid"] and namespace(pid) == holder["net"]]


def send(holder, number):
    """Signals all processes of a host; when it kills, until none is left."""
    for _ in range(50):
        found = processes(holder)
        for pid in found:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        if number != signal.SIGKILL or not found:
            return
        time.sleep(0.05)


def start_holder(script, *arguments, kinds):
    """A process with namespaces of its own, once it has run `script`."""
    process = subprocess.Popen(
        ["unshare", *kinds, "sh", "-ec", script + "\necho ready; exec sleep infinity", "holder",
         *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, cwd="/", start_new_session=True)
    if process.stdout.readline() != "ready\n":
        raise Failure(f"a namespace did not come up: {process.stderr.read().strip()[-300:]}")
    return {"pid": process.pid, "net": namespace(process.pid)}


def shape(lab, rate, host=None):
    """Limits links to `rate` in both directions: uplink at the host, downlink at the switch."""
    chosen = [holder_of(lab, host)[0]] if host else range(len(lab["hosts"]))
    for index in chosen:
        ends = [(lab["hosts"][index], "eth0"), (lab["switch"], f"port{index}")]
        for holder, device in ends:
            subprocess.run(inside(holder, "tc", "qdisc", "del", "dev", device, "root", mount=False),
                           stderr=subprocess.DEVNULL)
            if rate != "-":  # the bucket holds one whole segment of 64 KiB and more
                call(*inside(holder, "tc", "qdisc", "add", "dev", device, "root", "tbf", "rate",
                             rate, "burst", "128kb", "latency", "50ms", mount=False))


HOST = """
hostname "$1"
mount -t tmpfs -o size=2g tmpfs /dev/shm
mount --bind "$2" /etc/hosts
ip link set lo up
for folder in $3; do mount -t tmpfs tmpfs "$folder"; done"""


def up(count, rate="-"):
    """Makes the hosts; a failure on the way leaves nothing."""
    if os.path.exists(STATE):
        raise Failure(f"a lab named {NAME} is up already (lab.py down)")
    os.makedirs(STATE)
    lab = {"switch": None, "hosts": []}
    try:
        with open(os.path.join(STATE, "hosts"), "w") as file:
            print("127.0.0.1 localhost", file=file)
            for index in range(count):
                print(f"{address(index)} node{index}", file=file)
        with open(os.path.join(STATE, "hostfile"), "w") as file:
            file.writelines(f"node{index} slots=1\n" for index in range(count))
        lab["switch"] = start_holder("ip link add br0 type bridge && ip link set br0 up",
                                     kinds=["--net"])
        for index in range(count):
            host = start_holder(HOST, f"node{index}", f"{STATE}/hosts",
                                kinds=["--net", "--uts", "--ipc", "--mount"])
            lab["hosts"].append(host)
            port = ["ip", "link", "add", f"port{index}", "type", "veth", "peer", "name", "eth0",
                    "netns", str(host["pid"])]
            call(*inside(lab["switch"], *port, mount=False))
            call(*inside(lab["switch"], "ip", "link", "set", f"port{index}", "master", "br0", "up",
                         mount=False))
            call(*inside(host, "ip", "addr", "add", f"{address(index)}/24", "dev", "eth0"))
            call(*inside(host, "ip", "link", "set", "eth0", "up"))
        shape(lab, rate)
        save(lab)
    except (Failure, OSError):
        remove(lab)
        raise


def remove(lab):
    """Ends every process and namespace of `lab`; the links go with their namespaces."""
    for holder in [*lab["hosts"], lab["switch"]]:
        if holder and namespace(holder["pid"]) == holder["net"]:
            send(holder, signal.SIGKILL)
            os.kill(holder["pid"], signal.SIGKILL)
    shutil.rmtree(STATE, ignore_errors=True)
    try:
        os.rmdir(os.path.dirname(STATE))
    except OSError:
        pass  # another lab stands


def settings():
    """What makes mpirun, started on node0, use the lab's hosts."""
    return {
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_plm_rsh_agent": f"{os.path.join(HERE, 'lab.py')} agent", "FST_LAB": NAME,
        "FST_INTERFACE": "eth0", "FST_HOSTFILE": os.path.join(STATE, "hostfile"),
        "OMPI_MCA_rmaps_base_mapping_policy": "node", "OMPI_MCA_rmaps_base_oversubscribe": "1"}


def run(lab, ranks, command):
    """Becomes run-mpirun.sh on node0."""
    os.environ.update(settings())
    launcher = os.path.join(HERE, "..", "run-mpirun.sh")
    command = inside(lab["hosts"][0], launcher, "-n", str(ranks), *command)
    os.execvp(command[0], command)


def agent(lab, words):
    """What mpirun calls in place of ssh: agent [-x ...] HOST COMMAND..."""
    while words and words[0].startswith("-"):
        words.pop(0)
    command = inside(holder_of(lab, words[0])[1], "sh", "-c", " ".join(words[1:]))
    status = subprocess.run(command).returncode
    if status < 0:  # like ssh, it outlives the other host and takes a moment to notice its end
        time.sleep(1)
    sys.exit(255 if status < 0 else status)


def slow(holder, share):
    """Freezes a host for `share` of every tenth of a second, until interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            send(holder, signal.SIGSTOP)
            time.sleep(0.1 * share)
            send(holder, signal.SIGCONT)
            time.sleep(0.1 * (1 - share))
    except KeyboardInterrupt:
        pass
    finally:
        send(holder, signal.SIGCONT)


def check():
    """Raises unless a lab can stand here, with the reason."""
    if os.geteuid() != 0:
        raise Failure("needs root: namespaces and links cannot be made otherwise")
    for tool in ("ip", "tc", "nsenter", "unshare"):
        if not shutil.which(tool):
            raise Failure(f"there is no {tool} in PATH: install iproute2 and util-linux")
    probe = ("ip link add v0 type veth peer name v1 && ip link add br0 type bridge && "
             "tc qdisc add dev v0 root tbf rate 1gbit burst 128kb latency 50ms")
    call("unshare", "--net", "--uts", "--ipc", "--mount", "sh", "-c", probe)


VERBS = "up down run exec agent shape cut heal stop cont slow kill status check".split()


def main():
    verb, words = (sys.argv[1] if len(sys.argv) > 1 else "help"), sys.argv[2:]
    if verb not in VERBS:
        print(__doc__)
        sys.exit(0 if verb in ("help", "-h", "--help") else 2)
    if verb == "check":
        check()
        return print("a lab can stand here")
    if verb == "up":
        if not words or not words[0].isdigit() or not 1 <= int(words[0]) <= 64:
            raise Failure("up N [RATE]: N from 1 to 64")
        check()
        return up(int(words[0]), *words[1:2])
    lab = load()
    if verb == "down":
        return remove(lab)
    if verb == "status":
        for index, host in enumerate(lab["hosts"]):
            print(f"node{index} {address(index)} {len(processes(host))} processes")
        return None
    if not words:
        raise Failure(f"{verb}: what? (lab.py --help)")
    if verb == "run":
        return run(lab, words[0], words[1:])
    if verb == "agent":
        return agent(lab, words)
    if verb == "shape":
        return shape(lab, *words[:2])
    index, holder = holder_of(lab, words[0])
    if verb in ("cut", "heal"):
        state = "down" if verb == "cut" else "up"
        link = ["ip", "link", "set", f"port{index}", state]
        return call(*inside(lab["switch"], *link, mount=False))
    if verb == "slow":
        return slow(holder, float(words[1]))
    if verb == "exec":
        command = inside(holder, *words[1:])
        os.execvp(command[0], command)
    return send(holder, {"stop": signal.SIGSTOP, "cont": signal.SIGCONT,
                         "kill": signal.SIGKILL}[verb])


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"lab.py: {failure}")
