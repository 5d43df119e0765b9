"""Where clients without a WebSocket find their transports; the names that all SDKs know."""

HTTP_STREAM = "/connection/http_stream"
SSE = "/connection/sse"
EMULATION = "/emulation"
PATHS = (HTTP_STREAM, SSE, EMULATION)
