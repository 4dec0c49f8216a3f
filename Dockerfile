# One process, not root. Everything it keeps is in /instance.
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /portal \
 && /portal/bin/pip install --no-cache-dir --compile '.[postgres]'

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /instance --shell /usr/sbin/nologin portal \
 && install -d -m 0700 -o portal -g portal /instance
COPY --from=build /portal /portal
ENV PATH=/portal/bin:$PATH \
    PORTAL_INSTANCE=/instance \
    PYTHONUNBUFFERED=1
USER portal
WORKDIR /instance
VOLUME /instance
EXPOSE 8025
# SIGTERM lets what is under way finish: give it 70 s (docker stop --time 70).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8025/healthz', timeout=4)"]
CMD ["portal", "serve", "--host", "0.0.0.0"]
