#!/bin/sh
# dockerd.sh wait SECONDS   until the engine answers
# dockerd.sh start SECONDS  the same, but start dockerd first where none lives, for want of an init system that would,
#                           and clear away what an earlier dockerd has left
# Prints "running" or "started"; on failure the reason, with exit code 1.
set -eu

action=$1
seconds=$2
log=/var/log/dockerd.log
managed=/var/run/docker/containerd

alive() {
    [ -r "/proc/$1/status" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

# The living processes of a name. Processes of containers are in /proc too, but in another PID namespace.
pids_of() {
    own=$(readlink /proc/self/ns/pid)
    for process in /proc/[0-9]*; do
        if [ "$(cat "$process/comm" 2>/dev/null)" = "$1" ] &&
            [ "$(readlink "$process/ns/pid" 2>/dev/null)" = "$own" ] && alive "${process#/proc/}"; then
            echo "${process#/proc/}"
        fi
    done
}

# The containerd that an earlier dockerd had started for itself. Containers live on without it.
orphans() {
    for pid in $(pids_of containerd); do
        if tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qx "$managed/containerd.toml"; then
            echo "$pid"
        fi
    done
}

no_orphans() {
    [ -z "$(orphans)" ]
}

listening() {
    grep -q " $1\$" /proc/net/unix
}

answers() {
    timeout 5 docker version >/dev/null 2>&1
}

# The answer is kept in $answered: a second question could get another one.
answers_or_died() {
    if answers; then
        answered=yes
    elif alive "$daemon"; then
        return 1
    fi
}

# poll SECONDS CONDITION...
poll() {
    deadline=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

fail() {
    echo "$1"
    exit 1
}

end_orphans() {
    for signal in TERM KILL; do
        for pid in $(orphans); do
            kill -s "$signal" "$pid" 2>/dev/null || true
        done
        if poll 10 no_orphans; then
            return
        fi
    done
    fail "the containerd of an earlier dockerd does not end: process $(orphans)"
}

clear_leftovers() {
    end_orphans
    # dockerd refuses to start, or waits in vain, where these name a process that is alive but not its own.
    rm -f /var/run/docker.pid "$managed"/*.pid "$managed"/*.sock "$managed"/*.sock.ttrpc
    # A folder stands here when a container has mounted the socket while no engine ran.
    if [ -d /var/run/docker.sock ]; then
        rmdir /var/run/docker.sock
    fi
    # Where this socket exists dockerd uses it, without looking whether anybody listens.
    if [ -S /run/containerd/containerd.sock ] && ! listening /run/containerd/containerd.sock; then
        rm -f /run/containerd/containerd.sock
    fi
}

if [ "$action" = wait ]; then
    poll "$seconds" answers || fail "no answer within $seconds seconds"
    echo running
    exit
fi

outcome=running
daemon=$(pids_of dockerd | head -n 1)
if [ -z "$daemon" ]; then
    outcome=started
    clear_leftovers
    # Containers inherit the limits, which are low in a login session. Every sh that is meant here has these options.
    # shellcheck disable=SC3045
    ulimit -n "$(ulimit -H -n)"
    cd /
    (umask 077 && : >>"$log")
    # A session of its own and no terminal: it outlives the session that started it.
    setsid dockerd </dev/null >>"$log" 2>&1 &
    daemon=$!
fi
answered=no
poll "$seconds" answers_or_died || fail "dockerd runs, but there is no answer within $seconds seconds"
[ "$answered" = yes ] || fail "dockerd has ended"
echo "$outcome"
