"""Conclusions about TLS: certificates, and TLS on a port that does not speak it."""

from stack.diagnose.doctor import x509
from stack.diagnose.doctor.conclusions.family import Family
from stack.diagnose.doctor.evidence import Evidence, asked, found
from stack.diagnose.doctor.variation import Variation
from stack.diagnose.doctor.x509 import Signed
from stack.finding import Cause, Finding
from stack.hint import quoted
from stack.probe.exchange import Exchange

_PATH = "https://www.rfc-editor.org/rfc/rfc5280#section-6.1"
_WSS = "https://www.rfc-editor.org/rfc/rfc6455#section-3"
_NGINX = "https://nginx.org/en/docs/http/configuring_https_servers.html"

EXPIRED = Cause(
    "WS115",
    "certificate-expired",
    "error",
    "the certificate has expired",
    "Browsers refuse an expired certificate; for a WebSocket they do not ask the user and report "
    "only 1006.",
    "renew the certificate and reload the server that serves it",
    _PATH,
    bad="notAfter=Jan 1 2020",
    good="notAfter in the future",
)
NOT_YET = Cause(
    "WS116",
    "certificate-not-yet-valid",
    "error",
    "the certificate is not valid yet",
    "Its first day is in the future, so one of the two clocks is wrong.",
    "set the clock of the machine that issued it, or of this one",
    _PATH,
    bad="notBefore=Jan 1 2099",
    good="notBefore in the past",
)
SELF_SIGNED = Cause(
    "WS117",
    "certificate-self-signed",
    "error",
    "the certificate is not signed by a trusted authority",
    "A self-signed certificate, or one of a private authority, is refused until the browser "
    "trusts it. An exception that the user accepted for one port does not apply to another.",
    "trust its authority in the browser, or use a certificate of a public one",
    _PATH,
    bad="issuer=subject",
    good="issuer=an authority in the trust store",
)
OTHER_NAME = Cause(
    "WS118",
    "certificate-other-name",
    "error",
    "the certificate belongs to another name",
    "A browser compares the host of the URL with the subjectAltName of the certificate.",
    "use a host name that the certificate contains, or issue one for this name",
    "https://www.rfc-editor.org/rfc/rfc9525#section-6",
    bad="wss://app.example.com, subjectAltName=DNS:example.com",
    good="wss://app.example.com, subjectAltName=DNS:app.example.com",
)
INCOMPLETE = Cause(
    "WS119",
    "certificate-chain-incomplete",
    "error",
    "the server does not send the whole certificate chain",
    "The issuer of the certificate is neither sent nor trusted, and the certificate has the URL "
    "of its issuer (caIssuers), like those of public authorities. Browsers that know the "
    "intermediate from another site work; other browsers and all programs fail.",
    "append the intermediates to the certificate in one file (fullchain.pem)",
    f"{_NGINX}#chains",
    bad="ssl_certificate cert.pem;",
    good="ssl_certificate fullchain.pem;",
)
TLS_ON_PLAIN = Cause(
    "WS120",
    "tls-on-plain-port",
    "error",
    "the port does not speak TLS",
    "The URL begins with wss:// or https://, and the server on that port speaks plain HTTP.",
    "use ws:// there, or serve TLS on that port (listen 443 ssl)",
    _WSS,
    bad="wss://localhost:8080/ws on a port without TLS",
    good="ws://localhost:8080/ws",
)
PLAIN_ON_TLS = Cause(
    "WS121",
    "plain-on-tls-port",
    "error",
    "the port speaks TLS only",
    "The URL begins with ws:// or http://, and the server on that port expects TLS.",
    "use wss:// there",
    _WSS,
    bad="ws://localhost:8443/ws on a TLS port",
    good="wss://localhost:8443/ws",
)
NO_TLS = Cause(
    "WS122",
    "tls-failed",
    "error",
    "client and server do not agree on TLS parameters",
    "The TLS handshake ended with an alert or without an answer: no common version or cipher, no "
    "certificate for this name (SNI), or a client certificate is required.",
    "try: openssl s_client -connect HOST:PORT -servername HOST",
    "https://www.rfc-editor.org/rfc/rfc8446#section-6.2",
    bad="ClientHello -> alert handshake_failure",
    good="ClientHello -> ServerHello",
)
CAUSES = (
    *(EXPIRED, NOT_YET, SELF_SIGNED, OTHER_NAME, INCOMPLETE, TLS_ON_PLAIN, PLAIN_ON_TLS, NO_TLS),
)
# OpenSSL's X509_V_ERR_* numbers.
_BY_CODE = {
    "9": NOT_YET,
    "10": EXPIRED,
    "18": SELF_SIGNED,
    "19": SELF_SIGNED,
    "20": INCOMPLETE,
    "21": INCOMPLETE,
    "62": OTHER_NAME,
    "64": OTHER_NAME,
}


def certificate(evidence: Evidence) -> Finding | None:
    """Find a refused certificate; OpenSSL gives the reason."""
    if evidence.base.failure != "certificate":
        return None
    code, _, says = evidence.base.detail.partition(": ")
    other = evidence.of(Variation.UNCHECKED)
    cause, message = _BY_CODE.get(code, SELF_SIGNED), says.lower() or "refused"
    if signed := _signed(other):
        cause, message = _by_signature(code, signed) or (cause, message)
    return found(evidence, cause, message, seen=asked(other))


def plain_port(evidence: Evidence) -> Finding | None:
    """Find a port where TLS fails and plain HTTP is answered."""
    other = evidence.of(Variation.WITHOUT_TLS)
    if evidence.base.failure != "tls" or other is None or not other.head:
        return None
    if _wants_tls(other.text):
        return None
    fix = f"use ws://{evidence.target.host}:{evidence.target.port}, or serve TLS on that port"
    message = f"port {evidence.target.port} speaks plain HTTP, the URL wants TLS"
    return found(evidence, TLS_ON_PLAIN, message, fix, asked(other))


def tls_port(evidence: Evidence) -> Finding | None:
    """Find a port that refuses plain text and understands TLS."""
    if evidence.target.tls or evidence.base.is_open or evidence.base.status not in {0, 400}:
        return None
    other = evidence.of(Variation.WITH_TLS)
    has_said = _wants_tls(evidence.base.text)
    is_understood = other is not None and other.head is not None
    if not has_said and not is_understood:
        return None
    fix = f"use wss://{evidence.target.host}:{evidence.target.port}"
    message = f"port {evidence.target.port} expects TLS, the URL says ws://"
    return found(evidence, PLAIN_ON_TLS, message, fix, asked(other))


def no_tls(evidence: Evidence) -> Finding | None:
    """Find a port with neither TLS nor plain HTTP."""
    if evidence.base.failure != "tls":
        return None
    host, place = evidence.target.host, f"{evidence.target.host}:{evidence.target.port}"
    fix = f"openssl s_client -connect {quoted(place)} -servername {quoted(host)}"
    return found(evidence, NO_TLS, f"tls: {evidence.base.detail}", fix)


FAMILY = Family(CAUSES, specific=(certificate, plain_port, tls_port, no_tls))


def _signed(exchange: Exchange | None) -> Signed | None:
    try:
        return x509.read(exchange.certificate) if exchange and exchange.certificate else None
    except ValueError:
        return None


def _by_signature(code: str, signed: Signed) -> tuple[Cause, str] | None:
    """Find from the certificate's issuer why OpenSSL does not trust it.

    Public authorities write the URL of their own certificate into each one; private ones seldom do.
    """
    issuer = f"{signed.issuer[:60]!r}"
    if code in {"18", "20", "21"} and signed.is_by_itself:
        return SELF_SIGNED, f"the certificate is self-signed ({issuer}), not signed by an authority"
    if code in {"20", "21"} and signed.issuers:
        message = f"its issuer {issuer} is not sent; it is at {signed.issuers[:100]}"
        return INCOMPLETE, message.replace("\n", " ")
    if code in {"19", "20", "21"}:
        return SELF_SIGNED, f"signed by {issuer}, an authority that this machine does not trust"
    return None


def _wants_tls(text: str) -> bool:
    """Whether the body of a 400 asks for TLS, as Nginx, Apache and Go do."""
    words = ("plain HTTP request was sent to HTTPS port", "speaking plain HTTP to an SSL-enabled")
    return any(word in text for word in (*words, "HTTP request to an HTTPS server"))
