# Sends $REQUEST to HOST PORT once; prints how many microseconds the head took, the head, some body.
# Runs in the Nginx container: what it can reach is what the front can reach.
begun=${EPOCHREALTIME/[^0-9]/}
exec 3<>"/dev/tcp/$1/$2" || exit 1
# By way of cat, in one write: printf writes line by line, and who answers early would hang up on it.
printf '%s' "$REQUEST" | cat >&3
head='' why='closed without an answer'
for _ in {1..100}; do
  IFS= read -r -t 2 -n 8192 line <&3 && code=0 || code=$?
  [ $code -lt 128 ] || why='no answer within 2 s'
  head+=$line
  [ $code = 0 ] || break
  head+=$'\n'
  [ -n "${line%$'\r'}" ] || break
done
[ -n "$head" ] || { echo "$why"; exit 1; }
printf '%s\n%s' "$((${EPOCHREALTIME/[^0-9]/} - begun))" "$head"
if [[ $head == HTTP/1.?' 101'* ]]; then
  printf '\210\202\0\0\0\0\003\350' >&3 # goodbye: a masked close frame with code 1000
else
  IFS= read -r -t 0.3 -N 512 body <&3
  printf '%s' "$body"
fi
