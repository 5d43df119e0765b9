#!/usr/bin/env bash
# Starts PostgreSQL the way the official image does; any other command runs as it is.
#
# The first start makes the cluster in a folder of its own inside the volume, and moves it into
# place when it is whole. So what a kill leaves behind is known to be unfinished, and the next start
# begins anew; a cluster that is in place is never touched.
set -Eeuo pipefail
shopt -s nullglob

readonly place="${PGDATA:?}"
readonly making="$place/.making"   # being made: nobody's data yet
readonly made="$place/.made"       # whole, on its way into place
readonly scripts=(/docker-entrypoint-initdb.d/*)

fail() {
    printf 'postgres: %s\n' "$@" >&2
    exit 1
}

# The value of NAME, or of the file that NAME_FILE names: a secret stays out of the environment.
file_env() {
    local name=$1 file="${1}_FILE"
    [ -z "${!name:-}" ] || [ -z "${!file:-}" ] || fail "both $name and $file are set: keep one"
    if [ -n "${!file:-}" ]; then
        export "$name=$(< "${!file}")"
    else
        export "$name=${!name:-${2:-}}"
    fi
    unset "$file"
}

read_settings() {
    file_env POSTGRES_USER postgres
    file_env POSTGRES_DB "$POSTGRES_USER"
    file_env POSTGRES_PASSWORD
    file_env POSTGRES_INITDB_ARGS
    local method="${POSTGRES_HOST_AUTH_METHOD:-}"
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$method" != trust ]; then
        fail "the database is new and has no password" \
             "set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE to one that is not empty" \
             "(POSTGRES_HOST_AUTH_METHOD=trust lets everybody in without one: not recommended)"
    fi
}

# Files that are not ours: neither mixed with a new cluster nor deleted.
refuse_foreign_files() {
    local entry
    for entry in "$place"/* "$place"/.[!.]*; do
        case "${entry##*/}" in
            .making | .made | lost+found) ;;
            *) fail "$place holds files but no complete cluster ($entry)" \
                    "nothing was changed: give the service an empty volume, or look what it holds" ;;
        esac
    done
}

# The syncs are left to one pass at the end: an unfinished cluster need not survive a power cut.
make_cluster() {
    local -a extra
    eval "extra=(${POSTGRES_INITDB_ARGS})"   # quotes in it group words, as in the official image
    local -a command=(initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --no-sync
                      ${POSTGRES_INITDB_WALDIR:+--waldir="$POSTGRES_INITDB_WALDIR"})
    if ! getent passwd "$(id -u)" > /dev/null; then
        # initdb insists on a name for its user; `docker run --user 1234` has none.
        command=(env LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_GROUP=/etc/group
                 "NSS_WRAPPER_PASSWD=$(nameless_passwd)" "${command[@]}")
    fi
    # Its errors are on stderr; its stdout tells of a folder and a sync that are not the final ones.
    "${command[@]}" ${POSTGRES_PASSWORD:+--pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD")} \
        "${extra[@]}" > /dev/null

    local method="${POSTGRES_HOST_AUTH_METHOD:-}"
    if [ -z "$method" ]; then
        method=scram-sha-256
        # Asking the server costs 40 ms, so it is asked only where the answer may differ.
        [[ $POSTGRES_INITDB_ARGS != *password_encryption* ]] \
            || method=$(postgres -C password_encryption "$@")
    fi
    printf '\nhost all all all %s\n' "$method" >> "$PGDATA/pg_hba.conf"
}

nameless_passwd() {
    local file
    file=$(mktemp)
    printf 'postgres:x:%s:%s::/var/lib/postgresql:/bin/false\n' "$(id -u)" "$(id -g)" > "$file"
    printf '%s' "$file"
}

# The official image's name for it: scripts that are sourced may call it.
docker_process_sql() {
    local -a database=()
    [ -z "${POSTGRES_DB:-}" ] || database=(--dbname "$POSTGRES_DB")
    PGHOST='' PGHOSTADDR='' PGPASSWORD="$POSTGRES_PASSWORD" psql -v ON_ERROR_STOP=1 --no-psqlrc \
        --no-password --username "$POSTGRES_USER" "${database[@]}" "$@"
}

create_database_sql() {
    printf 'CREATE DATABASE "%s";\n' "${POSTGRES_DB//\"/\"\"}"
}

# Without scripts no server has to be started and stopped first: the single-user mode is enough.
create_database() {
    [ "$POSTGRES_DB" != postgres ] || return 0
    create_database_sql \
        | postgres --single -D "$PGDATA" -c exit_on_error=on -c fsync=off -c log_checkpoints=off \
            postgres > /dev/null
}

run_script() {
    printf '%s: running %s\n' "$0" "$1"
    case "$1" in
        *.sh) if [ -x "$1" ]; then "$1"; else . "$1"; fi ;;
        *.sql) docker_process_sql --file "$1" ;;
        *.sql.gz) gunzip --stdout "$1" | docker_process_sql ;;
        *) printf '%s: ignoring %s\n' "$0" "$1" ;;
    esac
}

# No TCP: what waits for port 5432 must not take the temporary server for the real one.
run_scripts() {
    local script
    pg_ctl --pgdata="$PGDATA" --wait start -o "$(printf '%q ' "${@:2}" -c listen_addresses= -c fsync=off)"
    [ "$POSTGRES_DB" = postgres ] || create_database_sql | docker_process_sql --dbname postgres
    for script in "${scripts[@]}"; do run_script "$script"; done
    pg_ctl --pgdata="$PGDATA" --wait --mode=fast stop
}

initialise() {
    read_settings
    refuse_foreign_files
    rm -rf "$making"
    printf 'postgres: making a new cluster in %s\n' "$place"
    export PGDATA="$making"   # scripts may append to "$PGDATA/pg_hba.conf"
    make_cluster "$@"
    if [ "${#scripts[@]}" -gt 0 ]; then run_scripts "$@"; else create_database; fi
    [[ " $POSTGRES_INITDB_ARGS " == *\ --no-sync\ * || " $POSTGRES_INITDB_ARGS " == *\ -N\ * ]] \
        || initdb --sync-only --pgdata="$PGDATA" > /dev/null
    mv "$making" "$made"
}

# PG_VERSION goes last: it is what says that a cluster is here. A kill in between is continued.
put_in_place() {
    local entry
    for entry in "$made"/* "$made"/.[!.]*; do
        [ "$entry" = "$made/PG_VERSION" ] || mv "$entry" "$place/"
    done
    mv "$made/PG_VERSION" "$place/"
}

ensure_cluster() {
    # Held until the cluster is whole: a second container on this volume waits for the first.
    exec {lock}< "$place"
    flock "$lock"
    if [ ! -s "$place/PG_VERSION" ]; then
        if [ ! -d "$made" ]; then
            # In the background, so that a stop is heard at once and not after the last script.
            trap 'exit 143' TERM INT
            initialise "$@" &
            wait "$!"
            trap - TERM INT
        fi
        put_in_place
    fi
    rm -rf "$making"
    [ ! -d "$made" ] || rmdir "$made"
    exec {lock}<&-
}

case "${1:-}" in -*) set -- postgres "$@" ;; esac
case " $* " in
    *" --help "* | *" -? "* | *" --version "* | *" -V "* | *" -C "* | *" --describe-config "*) exec "$@" ;;
esac
[ "${1:-}" = postgres ] || exec "$@"

mkdir -p "$place"
if [ "$(id -u)" = 0 ]; then
    # A volume may come from another image or user: only what is not postgres' own is changed.
    find "$place" /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
    chmod 3775 /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
chmod 0700 "$place" 2> /dev/null || :   # PostgreSQL itself says what is wrong with it, if it is
ensure_cluster "$@"
exec "$@"
