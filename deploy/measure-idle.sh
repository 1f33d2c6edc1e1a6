#!/bin/sh
# What a customer's node costs while nothing happens: its resident memory, the bytes that it adds to the wire, and its
# start. A meeting point, three sellers and the customer run as real processes on a loopback of their own.
#
# usage: deploy/measure-idle.sh [PROGRAM] [SECONDS]
#
# The wire is counted twice, for SECONDS each, once the sellers have grown quiet without the customer, and with it; the
# difference is the customer's, in both directions, with all headers. Without `unshare` and `ip` the machine's loopback is used, and must be quiet.
set -eu

program=${1:-target/release/intentcast}
seconds=${2:-120}
sellers=3

if [ -z "${INTENTCAST_OWN_LOOPBACK:-}" ] && unshare -rn ip link set lo up 2>/dev/null; then
    INTENTCAST_OWN_LOOPBACK=1 exec unshare -rn sh "$0" "$program" "$seconds"
fi
[ -z "${INTENTCAST_OWN_LOOPBACK:-}" ] || ip link set lo up

dir=$(mktemp -d)
pids=
finish() {
    for pid in $pids; do kill "$pid" 2>/dev/null || :; done
    for pid in $pids; do wait "$pid" 2>/dev/null || :; done
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

# start NAME ARGS..: runs a node until the end, and returns when it says that it is ready.
start() {
    name=$1
    shift
    "$program" --home "$dir/$name" --json "$@" >"$dir/$name.out" 2>"$dir/$name.err" &
    pid=$!
    pids="$pid $pids"
    tries=0
    while [ ! -s "$dir/$name.out" ]; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ] || ! kill -0 "$pid" 2>/dev/null; then
            cat "$dir/$name.err" >&2
            echo "$name did not start" >&2
            exit 1
        fi
        sleep 0.1
    done
}

wire() { awk '$1 == "lo:" { print $10 }' /proc/self/net/dev; }

# counted SECONDS: bytes on the wire in that time.
counted() {
    before=$(wire)
    sleep "$1"
    echo $(($(wire) - before))
}

udp=/ip4/127.0.0.1/udp/0/quic-v1
start bootstrap bootstrap --listen "$udp"
meeting=$(sed -n 's/.*"addresses":\["\([^"]*\)".*/\1/p' "$dir/bootstrap.out" | head -n 1)
for seller in $(seq $sellers); do
    cat >"$dir/catalogue-$seller.jsonl" <<ITEM
{"title":"Mountain bike $seller","description":"For trails","brand":"Own","price":"450.00","currency":"GBP","category":"sports/cycling/mountain-bikes"}
ITEM
    cat >"$dir/rules-$seller.toml" <<RULES
shop = "Shop $seller"

[[delivery]]
region = "GB"
mode = "delivery"
price = "2.99 GBP"
days = 3
RULES
    start "seller-$seller" up --listen "$udp" --bootstrap "$meeting" \
        --catalog "$dir/catalogue-$seller.jsonl" --rules "$dir/rules-$seller.toml"
done

sleep 90
without=$(counted "$seconds")
start customer up --listen "$udp" --bootstrap "$meeting"
ready=$(sed -n 's/.*"ms":\([0-9]*\).*/\1/p' "$dir/customer.out" | head -n 1)
customer=$pid
sleep 60
resident=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$customer/status")
threads=$(awk '$1 == "Threads:" { print $2 }' "/proc/$customer/status")
with=$(counted "$seconds")
hourly=$(((with - without) * 3600 / seconds))

echo "idle: $((resident / 1024)) MB resident after 60 s ($resident KiB, $threads threads), $((hourly / 1024)) KiB an" \
    "hour on the wire with $((sellers + 1)) peers, ready after $ready ms"
echo "wire: $without bytes in $seconds s without the customer, $with with it"
