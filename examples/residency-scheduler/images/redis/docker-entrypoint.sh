#!/bin/sh
# Same interface as the registry's redis image: options alone start the server; /data belongs to the server's user.
set -eu

case ${1:-} in
    -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
    if [ "$(id -u)" = 0 ]; then
        find . \! -user redis -exec chown redis '{}' +
        exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
    fi
    umask 0077
    # Debian's build refuses every client but loopback unless told otherwise. A user's own option comes later and wins.
    shift
    case ${1:---} in
        -*) set -- redis-server --protected-mode no "$@" ;;
        *) set -- redis-server "$@" ;;
    esac
fi
exec "$@"
