# The trainer, which can also serve: docker build --target trainer -t trolley-trainer .
# For reproducible builds, pin both base images by digest:
# --build-arg RUST=rust@sha256:… --build-arg DEBIAN=debian@sha256:…
ARG RUST=rust:1.95.0-bookworm
ARG DEBIAN=debian:bookworm-slim

FROM ${RUST} AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY benches benches
COPY config config
COPY migrations migrations
COPY model model
COPY tests tests
COPY training training
COPY src src
RUN cargo build --release --locked && cp target/release/trolley /trolley-trainer
# The server, without the trainer and polars.
RUN cargo build --release --locked --no-default-features && cp target/release/trolley /trolley-server

FROM ${DEBIAN} AS base
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/trolley trolley
USER trolley
WORKDIR /var/lib/trolley
ENTRYPOINT ["trolley"]

FROM base AS trainer
COPY --from=build /trolley-trainer /usr/local/bin/trolley
# The sample, for `docker run --rm --network host trolley-trainer demo`.
COPY tests/data /var/lib/trolley/tests/data
CMD ["train", "--config", "/etc/trolley/trolley.toml"]

FROM base AS server
COPY --from=build /trolley-server /usr/local/bin/trolley
EXPOSE 8080 9090
# With server.tls or another admin address, override it with --health-cmd.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5m \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9090 && printf 'GET /health/live HTTP/1.0\\r\\n\\r\\n' >&3 && head -1 <&3 | grep -q ' 200 '"]
CMD ["serve", "--config", "/etc/trolley/trolley.toml"]
