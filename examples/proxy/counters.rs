//! Counters, and the HTTP port that has them.

use std::future::ready;
use std::io;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use prometheus::{IntCounterVec, IntGauge, Opts, Registry, TEXT_FORMAT, TextEncoder};
use tokio::net::TcpListener;

use crate::traffic::Traffic;

/// What the proxy counts. Clones count the same.
#[derive(Clone)]
pub(crate) struct Counters {
    registry: Registry,
    open: IntGauge,
    ended: IntCounterVec,
    bytes: IntCounterVec,
    reloads: IntCounterVec,
}

impl Counters {
    pub(crate) fn new() -> prometheus::Result<Self> {
        let vector = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels)
        };
        let open = IntGauge::new(
            "proxy_connections_open",
            "Connections that are relayed now.",
        )?;
        let ended = vector(
            "proxy_connections_total",
            "Connections that have ended, by their route and how they have ended.",
            &["route", "end"],
        )?;
        let bytes = vector(
            "proxy_bytes_total",
            "Bytes that were relayed, without those of the TLS that the proxy itself speaks.",
            &["direction"],
        )?;
        let reloads = vector(
            "proxy_reloads_total",
            "Times that the configuration was read again, by what came of it.",
            &["result"],
        )?;
        for result in ["done", "refused"] {
            // They are there from the start, as 0.
            reloads.with_label_values(&[result]);
        }
        let registry = Registry::new();
        registry.register(Box::new(open.clone()))?;
        for vector in [&ended, &bytes, &reloads] {
            registry.register(Box::new(vector.clone()))?;
        }
        Ok(Self {
            registry,
            open,
            ended,
            bytes,
            reloads,
        })
    }

    pub(crate) fn connection_opened(&self) {
        self.open.inc();
    }

    pub(crate) fn connection_closed(&self) {
        self.open.dec();
    }

    pub(crate) fn connection_ended(&self, route: &str, end: &str) {
        self.ended.with_label_values(&[route, end]).inc();
    }

    /// Counts the bytes of one connection.
    pub(crate) fn traffic(&self) -> Traffic {
        let total = |direction| self.bytes.with_label_values(&[direction]);
        Traffic::new(total("to_backend"), total("to_client"))
    }

    pub(crate) fn reloaded(&self, result: &str) {
        self.reloads.with_label_values(&[result]).inc();
    }

    /// Answers requests for `/metrics`, for as long as it is polled.
    pub(crate) async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let metrics = get(move || {
            let text = TextEncoder::new()
                .encode_to_string(&self.registry.gather())
                .expect("counters can be written as text");
            ready(([(CONTENT_TYPE, TEXT_FORMAT)], text))
        });
        axum::serve(listener, Router::new().route("/metrics", metrics)).await
    }
}
