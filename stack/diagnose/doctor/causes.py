"""Every cause that the doctor finds, by code; each family is defined with its conclusions. Pure."""

from stack.diagnose.doctor.conclusions import (
    after,
    auth,
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
from stack.finding import Cause

_FAMILIES = (
    *(reach, tls, redirect, hops, http2, path, origin, auth, handshake, after, server, vendor),
    *(page, forwarded, limits, message),
)
CAUSES: tuple[Cause, ...] = tuple(
    sorted((cause for family in _FAMILIES for cause in family.CAUSES), key=lambda c: c.code)
)
