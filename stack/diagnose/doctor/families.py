"""The registry of the doctor's conclusions: one line per family, in their order. Pure."""

from stack.diagnose.doctor.conclusions import (
    after,
    auth,
    event_stream,
    foreign,
    forwarded,
    handshake,
    hops,
    http2,
    limits,
    message,
    origin,
    page,
    path,
    reach,
    redirect,
    server,
    tls,
    vendor,
)

# What explains an answer more closely comes first: the first that holds is the cause.
FAMILIES = (
    http2.FAMILY,
    tls.FAMILY,
    reach.FAMILY,
    forwarded.FAMILY,
    redirect.FAMILY,
    handshake.FAMILY,
    after.FAMILY,
    origin.FAMILY,
    path.FAMILY,
    hops.FAMILY,
    auth.FAMILY,
    vendor.FAMILY,
    limits.FAMILY,
    server.FAMILY,
    message.FAMILY,
    page.FAMILY,
    foreign.FAMILY,
    event_stream.FAMILY,
)
CAUSES = tuple(
    sorted((cause for family in FAMILIES for cause in family.causes), key=lambda cause: cause.code)
)
