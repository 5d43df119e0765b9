#!/bin/sh
# Starts Redis the way the official image does; any other command runs as it is.
set -eu

# `docker run redis --appendonly yes` and `docker run redis /my.conf` mean the server.
case "${1:-}" in
    -* | *.conf) set -- redis-server "$@" ;;
esac

if [ "${1:-}" = redis-server ] && [ "$(id -u)" = 0 ]; then
    # A volume may come from another image or user: only what is not redis' own is changed.
    find . \! -user redis -exec chown redis '{}' +
    exec setpriv --reuid=redis --regid=redis --clear-groups "$0" "$@"
fi

if [ "${1:-}" = redis-server ]; then
    shift
    conf=
    case "${1:-}" in
        -*) ;;
        ?*) conf=$1; shift ;;
    esac
    # The data is nobody else's to read, unless somebody chose a mask.
    [ "$(umask)" != 0022 ] || umask 0077
    # In a container every client is "remote": Debian's default would refuse them all. It stands
    # before the arguments, and gives way to a file that decides for itself, so both can override it.
    if [ -z "$conf" ] || ! grep -qi '^[[:space:]]*protected-mode' "$conf" 2>/dev/null; then
        set -- --protected-mode no "$@"
    fi
    exec redis-server ${conf:+"$conf"} "$@"
fi

exec "$@"
