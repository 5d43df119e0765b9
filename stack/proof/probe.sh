# Asks KIND HOST PORT PATH until the answer is good; prints each answer that is not.
# Runs in the Nginx container: what it can reach is what the front can reach.
ask() {
  exec 3<>"/dev/tcp/$2/$3" || return 1
  case $1 in
    tcp) return 0 ;;
    http) printf 'GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n' "$4" "$2" "$3" >&3 ;;
    # The key and its answer are the example of RFC 6455, section 1.3.
    websocket) printf 'GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n' "$4" "$2" "$3" >&3 ;;
  esac
  IFS= read -r -t 1 line <&3 || line='no answer'
  printf '%s\n' "${line%$'\r'}"
  if [ "$1" = http ]; then
    [[ $line == HTTP/1.?' '[23]* ]]
    return
  fi
  [[ $line == HTTP/1.?' 101'* ]] || return 1
  while IFS= read -r -t 1 line <&3 && [ -n "${line%$'\r'}" ]; do
    [[ ${line,,} == sec-websocket-accept:*s3pplmbitxaq9kygzzhzrbk+xoo=* ]] && return 0
  done
  printf 'answered 101 with a wrong Sec-WebSocket-Accept\n'
  return 1
}
until answer=$(ask "$@" 2>&1); do
  printf '%s\n' "${answer##*: }"
  sleep 0.05
done
