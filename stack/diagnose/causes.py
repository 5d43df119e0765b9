"""Every cause that the doctor can find, by code. Each family stands with its conclusions. Pure."""

from stack.diagnose.conclusions import (
    after,
    auth,
    handshake,
    hops,
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
from stack.diagnose.finding import Cause

_FAMILIES = (
    *(reach, tls, redirect, hops, path, origin, auth, handshake, after, server, vendor, page),
    *(limits, message),
)
CAUSES: tuple[Cause, ...] = tuple(
    sorted((cause for family in _FAMILIES for cause in family.CAUSES), key=lambda c: c.code)
)
