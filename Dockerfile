# The trainer: everything. docker build --target trainer -t trolley-trainer .
FROM rust:1.95-bookworm AS build
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
# The server: without the trainer, and so without polars.
RUN cargo build --release --locked --no-default-features && cp target/release/trolley /trolley-server

FROM debian:bookworm-slim AS base
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/trolley trolley
USER trolley
WORKDIR /var/lib/trolley
ENTRYPOINT ["trolley"]

FROM base AS trainer
COPY --from=build /trolley-trainer /usr/local/bin/trolley
CMD ["train", "--config", "/etc/trolley/trolley.toml"]

FROM base AS server
COPY --from=build /trolley-server /usr/local/bin/trolley
EXPOSE 8080 9090
CMD ["serve", "--config", "/etc/trolley/trolley.toml"]
