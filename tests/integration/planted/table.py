"""What is planted in a real stack: secrets that may be found nowhere, and what has to be found.

Runs on this machine and, as ``python /planted/table.py``, in the container that tells all it knows.
"""

import base64
import json
import os
import shlex
import time
import urllib.parse

PEM = (
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPlanted0inTheEnv\n"
    "ir0nment0fAServ1ceThatTellsAllThatItKn0wsAndNeverSt0psAb0ut1tAAA\n"
    "-----END PRIVATE KEY-----"
)

# env: by what the name says, or by their look alone.
ENV = {
    "DB_PASSWORD": "swordfish",
    "ADMIN_PASSWORD": "correct-horse-battery",
    "STRIPE": "sk-live-51Hx0pQz",
    "APP_SECRET": "p@ss w/rd&\"q'uo\\te$x",
    "JWT_SIGNING_KEY": PEM,
    "SMTP_PASS": "abcd efgh ijkl mnop",
    "MAIN_STORE": "postgres://app:s3cr%40t%2Fpw@db.example:5432/app",
    "SENTRY_DSN": "https://9f8e7d6c5b4a39281706f5e4d3c2b1a0@o1.ingest.example/5",
    "SLACK_WEBHOOK_URL": "https://hooks.example/services/T01AB/B02CD/Zx9Yw8Vu7Ts6Rq5P",
    "API_KEYS": "k1-a8d7f6e5,k2-b9c8d7e6",
    "GOOGLE_CREDENTIALS": json.dumps({"type": "service_account", "private_key_id": "7c6b5a4f3e2d"}),
    "UNICODE_SECRET": "pässwörd-ключ-1",
    "OTP_SECRET": "849302175",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYPLANTEDKEY",
    "clientSecret": "zK8-mirror.lake~77",
    "MYSQL_PWD": "rootbeer",
    "BASIC_AUTH": "bob:builder99x",
    "SHORT_TOKEN": "q7Zx",
    "LEGACY": "Tr0ub4dor&3x",
}
# env_file, as its lines are written there.
ENV_FILE = {
    "REDIS_AUTH": "mellon-speak-friend",
    "SESSION_SALT": "5f4dcc3b5aa765d61d8327deb882cf99",
    "MAILGUN": "key-3ax6xnjp29jd6fds4gc373sgvjxteol0",
    "COOKIE_SECRET": "chocolate+chip/cookie==",
    "VENDOR_LICENSE": "aB3-xY9-zK2-qW7-Lm5",
    "ENCRYPTION_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "PASSPHRASE": "open sesame, please",
}
BUILD_ARGS = {"NPM_AUTH": "npmAuth-6h5g4f3d2s1a", "PIP_PASSWORD": "pipsqueak-was-here"}
COMMAND = ["--password", "cmdline-one-1", "--api-token=cmdline-two-2", "--verbose"]
HEALTH = ["--auth-token", "healthy-three-3"]
LABELS = {"com.example.deploy-token": "labelled-four-4", "com.example.purpose": "tests of labels"}
IMAGE_ENV = {"IMAGE_API_KEY": "baked-in-five-5"}

_G = "0123456789abcdefghijABCDEFGHIJ012345"
# Lines of a log. What stands in braces there is known from nowhere else.
LINES = {
    "cookie": "GET / HTTP/1.1 Cookie: sid={cookie-of-alice}; theme={dark-cookie}",
    "set-cookie": "Set-Cookie: session={s%3Aset-cookie}; Path=/; HttpOnly",
    "digest": 'Authorization: Digest username="u", response="{digest-response-9}"',
    "custom scheme": "Authorization: Hawk {hawk-credential}",
    "bare scheme": "authorization: {nothing-but-the-token}",
    "proxy": "Proxy-Authorization: Negotiate {TlRMTVNTUAABAAAA}",
    "x-api-key": "> X-Api-Key: {my-own-api-key}",
    "curl": "curl -H 'X-Auth-Token: {curl-header-value}' http://api/",
    "curl user": "+ curl -sf -u alice:{curl-user-password} https://api/",
    "tuples": "headers: [(b'host', b'x'), (b'cookie', b'sid={asgi-cookie}')]",
    "json headers": '{{"headers":{{"Authorization":"Token {json-header-value}"}}}}',
    "har": '{{"name": "Cookie", "value": "sid={har-cookie-value}"}}',
    "code": "GET /callback?code={oauth-code-value}&state={x1y2-state-value} 302",
    "sas": "https://x.blob.example/c?sv=2024&sig={sas%2Bsignature%3D}",
    "aws": "https://b.s3.example/k?X-Amz-Signature={fe5f80a3amzsig}&X-Amz-Expires=9",
    "nested": "GET /login?next=%2Fcb%3Fcode%3D{nested-code-value}%26x%3D1 302",
    "go json": '{{"url":"/cb?x=1\\u0026access_token={go-json-token}"}}',
    "pem": "key: -----BEGIN RSA PRIVATE KEY-----\\n{MIIEpAIBAAKCAQEAlogged}\\n-----END",
    "pem end": "{MIIEowIBAAKCAQEAthebeginningwasrotatedaway0123456789abcdefghijkl}\n"
    "-----END RSA PRIVATE KEY-----",
    "github": "remote: {ghp_" + _G + "} was revoked",
    "github new": "{github_pat_11ABCDEFG0" + _G + "}",
    "gitlab": "{glpat-aB3dE5fG7hJ9kL1mN3pQ}",
    "slack": "posting with {xoxb-123456789012-abcdefGHIJKL}",
    "stripe": "using {sk_live_51Hx0pQz51Hx0pQz51Hx0pQz}",
    "aws id": "{AKIAIOSFODNN7EXAMPLE} is not authorized",
    "google": "{AIzaSyA1234567890abcdefghijklmnopqrstuv}",
    "npm": "//registry.npmjs.org/:_authToken={npm_0123456789abcdefghijABCDEFGHIJ012345}",
    "sendgrid": "{SG.aB3dE5fG7hJ9kL1mN3pQ5r.aB3dE5fG7hJ9kL1mN3pQ5raB3dE5fG7hJ9kL1mN3pQ5r}",
    "twilio": "{SK0123456789abcdef0123456789abcdef}",
    "openai": "{sk-proj-aB3dE5fG7hJ9kL1mN3pQ5raB3dE5fG7hJ9}",
    "jwt": "bad {eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWFsaWNl}",
    "jwe": "bad {eyJhbGciOiJkaXIifQ..aXYtaXYtaXYtaXY.Y2lwaGVydGV4dA.dGFnLXRhZy10YWctdGFn}",
    "argument": "+ server --port 8000 --password {arg-with-space}",
    "argument =": "+ server --db-password={arg-with-equals}",
    "argument list": "exec ['server', '--token', '{arg-in-a-list}', '--port', '8000']",
    "json argv": '{{"cmd":["server","--secret","{arg-in-json}","-v"]}}',
    "sshpass": "sshpass -p {sshpass-value-1} ssh host",
    "mysql": "mysql -h db -uroot -p{mysql-joined-1} app",
    "redis-cli": "redis-cli -h redis -a {redis-cli-value-1} ping",
    "url": "amqp://guest:{amqp-p@ss-word}@mq:5672/",
    "go dsn": "root:{go-dsn-password}@tcp(db:3306)/app",
    "mssql": "Server=db;User Id=sa;Password={mssql-Passw0rd};Encrypt=yes",
    "azure": "AccountName=a;AccountKey={YXp1cmUtYWNjb3VudC1rZXk=};Suffix=core",
    "yaml": "  password: {yaml password with words}",
    "python": "{{'client_secret': '{python-dict-value}'}}",
    "escaped": 'message="{{\\"refresh_token\\": \\"{escaped-json-value}\\"}}"',
    "xml": "<password>{xml-element-value}</password>",
    "form": "body: grant_type=password&username=a&password={form-body-value}",
}
# What has to stay readable, wherever it stands.
READABLE_ENV = {
    "DEBUG": "true",
    "NODE_ENV": "production",
    "APP_MODE": "development",
    "WORKERS": "1",
    "LISTEN": "8000",
    "API_BASE": "http://leaky:8000/v1/items",
    "CACHE": "redis:6379",
    "DATA_FOLDER": "/var/lib/application/data",
    "LOG_LEVEL": "debug,info",
    "REGION": "us-east-1a",
    "TIMEZONE": "Europe/Berlin",
    "LANGUAGE": "en_US.UTF-8",
    "BASE_IMAGE": "python3.13-slim-bookworm",
    "RELEASED": "2026-11-28T12:00:00Z",
    "MAX_TOKENS": "4096",
    "TOKEN_TTL": "3600",
    "SECRET_FILE": "/run/secrets/app-secret",
    "TOKEN_URL": "https://login.example/oauth/token",
    "PASSWORD_LOGIN": "true",
    "POSTGRES_PASSWORD": "postgres",  # goes beside its name, and nowhere else
    "JAVA_OPTS": "-Xmx512m -XX:+UseG1GC -XX:G1HeapRegionSize=8m",
    "GREETING": "Hello, world, how are you?",
}
READABLE_LINES = (
    "password authentication failed for user postgres",
    "invalid token: expired",
    "GET /items?page=2&state=open&sort=name 200",
    "REDIS_URL=redis://redis:6379/0",
    "docker run -p 8080:80 -u 1000:1000 nginx",
    "mkdir -p /srv/data/cache",
    "postgresql://postgres@db:5432/shop",
    "unexpected status code: 404 from http://api:8000/v1",
    "  its production build listens on 0.0.0.0:8000",
    "git@github.com:foo/bar",
    "loaded /run/secrets/app-secret",
)


def values() -> dict[str, str]:
    """Give every planted secret by where it is planted, the values of whole settings included."""
    found = {**ENV, **ENV_FILE, **BUILD_ARGS, **IMAGE_ENV}
    found |= {"command 1": COMMAND[1], "command 2": "cmdline-two-2", "health": HEALTH[1]}
    found |= {"label": LABELS["com.example.deploy-token"], "of a URL": "s3cr@t/pw"}
    found |= {f"API_KEYS {n}": key for n, key in enumerate(ENV["API_KEYS"].split(","))}
    found |= {"line of PEM": PEM.split("\n")[1], "password of BASIC_AUTH": "builder99x"}
    for name, line in LINES.items():
        for number, part in enumerate(braced(line)):
            found[f"log: {name} {number}"] = part
    return found


def braced(line: str) -> list[str]:
    """Give what stands in single braces."""
    parts = line.replace("{{", "").replace("}}", "").split("{")[1:]
    return [part.partition("}")[0] for part in parts]


def shown(line: str) -> str:
    """Give the line as the container writes it."""
    for part in braced(line):
        line = line.replace("{" + part + "}", part)
    return line.replace("{{", "{").replace("}}", "}")


def forms(value: str) -> dict[str, str]:
    """Give the value as programs write it, by how."""
    plain = urllib.parse.quote(value, safe="")
    form = urllib.parse.quote_plus(value)
    raw = value.encode()
    found = {
        "raw": value,
        "%20": plain,
        "lower hex": "".join(chr(b) if b < 128 and chr(b).isalnum() else f"%{b:02x}" for b in raw),
        "+": form,
        "base64": base64.b64encode(raw).decode(),
        "base64 bare": base64.b64encode(raw).decode().rstrip("="),
        "base64url": base64.urlsafe_b64encode(raw).decode(),
        "basic": base64.b64encode(b"user:" + raw).decode(),
        "basic 2": base64.b64encode(b"me:" + raw).decode(),
        "json": json.dumps(value)[1:-1],
        "json utf-8": json.dumps(value, ensure_ascii=False)[1:-1],
        "json in json": json.dumps(json.dumps(value))[3:-3],
        "shell": shlex.quote(value),
    }
    # Four characters within Base64 of something longer are no pattern of their own.
    return found if len(value) >= 7 else {how: found[how] for how in found if "basic" not in how}


def tell() -> None:
    """Write all of it to the log, then stay."""
    for name in (*ENV, *ENV_FILE):
        for how, text in forms(os.environ[name]).items():
            print(f"seen as {how}: <{text}>")  # noqa: T201
    for line in LINES.values():
        print(shown(line))  # noqa: T201
    for name, value in READABLE_ENV.items():
        print(f"of {name} it says <{value}>")  # noqa: T201
    print("\n".join(READABLE_LINES), flush=True)  # noqa: T201
    os.system("exec python -m http.server 8000 >/dev/null 2>&1")  # noqa: S605
    time.sleep(1)


if __name__ == "__main__":
    tell()
