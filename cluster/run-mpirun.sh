#!/bin/bash
# Starts a program on all machines of a hostfile, with the settings of openmpi-mca-params.conf.
#
#   run-mpirun.sh [-n RANKS] [-f HOSTFILE] [-i INTERFACE] [-x NAME[=VALUE]]... PROGRAM [ARGUMENTS]
#
#   -n RANKS      how many processes; default: all slots of the hostfile, or one
#   -f HOSTFILE   default: the variable FST_HOSTFILE, else `hostfile` beside this script if it exists,
#                 else this machine alone
#   -i INTERFACE  the network between the machines, as eth0 or 10.0.0.0/24 (FST_INTERFACE); needed
#                 where a machine has several, Docker's bridge among them
#   -x NAME       a variable that the program should see on all machines; may be repeated
#
# Further options for mpirun: the variable MPIRUN_ARGS. Signals go to mpirun itself, which passes USR1
# on to all ranks. The exit status is that of the job: 75 says that trying again makes sense.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)

die() {
  echo "run-mpirun.sh: $*" >&2
  exit 64
}

usage() {
  sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//'
  exit "$1"
}

ranks='' hostfile=${FST_HOSTFILE:-} interface=${FST_INTERFACE:-}
options=()
while getopts ':n:f:i:x:h' flag; do
  case $flag in
    n) ranks=$OPTARG ;;
    f) hostfile=$OPTARG ;;
    i) interface=$OPTARG ;;
    x) options+=(-x "$OPTARG") ;;
    h) usage 0 ;;
    *) usage 64 >&2 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || usage 64 >&2
[ -z "$ranks" ] || [[ $ranks =~ ^[1-9][0-9]*$ ]] || die "-n: expected a number of ranks, found '$ranks'"
command -v mpirun > /dev/null || die "there is no mpirun in PATH; install openmpi-bin"

if [ -z "$hostfile" ] && [ -e "$here/hostfile" ]; then hostfile=$here/hostfile; fi
if [ -n "$hostfile" ]; then
  [ -r "$hostfile" ] || die "cannot read the hostfile $hostfile"
  options+=(--hostfile "$hostfile")
fi
[ -z "$ranks" ] || options+=(-np "$ranks")

# Both layers of OpenMPI choose networks for themselves: the daemons (oob) and the ranks (btl).
if [ -n "$interface" ]; then
  options+=(--mca oob_tcp_if_include "$interface" --mca btl_tcp_if_include "$interface")
fi

# OpenMPI hands variables on to its daemons and to the ranks on all machines; the file itself need not
# exist there. What the caller has set stays.
while IFS=' =' read -r name value; do
  case $name in
    '' | '#'*) ;;
    *) [ -n "$(printenv "OMPI_MCA_$name")" ] || export "OMPI_MCA_$name=$value" ;;
  esac
done < "$here/openmpi-mca-params.conf"

# mpirun refuses to start as root. In a container root is the usual user and harms nobody else.
in_container() {
  [ -e /.dockerenv ] || [ -e /run/.containerenv ] || [ -n "${KUBERNETES_SERVICE_HOST:-}" ] ||
    [ -n "${container:-}" ]
}
if [ "$(id -u)" -eq 0 ] && in_container; then options+=(--allow-run-as-root); fi

# shellcheck disable=SC2086  # several options in one variable are meant
exec mpirun "${options[@]}" ${MPIRUN_ARGS:-} "$@"
